"""The explorer's search with its inner loops compiled: `explore(program, backend="numba")`.

The only module of the engine that needs more than the standard library, so nothing imports it until it is asked for.
What a thread does is still learned from its generator, in Python, once per node and value; here the learned rows stand
in hash tables of 64-bit numbers, where compiled code looks them up for whole levels. A level that may hold a failure is
handed back to the search in Python, which alone says what is wrong and finds the schedule.

`order` lists the states as they were met, a level after the other; `seen` is the hash table of the same states. A table
is open-addressed: a key is at the first place from its hash on that holds it, or else at the first one that is EMPTY.
"""
from __future__ import annotations

from itertools import islice

import numpy as np
from numba import njit

from .explorer import Role, Search

EMPTY = -1                       # no state is negative
UNKNOWN = -(1 << 63)             # the value of a key that was asked for and has not been learned
WIDEST = 62                      # bits of a state that fit in a number here
AT_ONCE = 1 << 10                # how many keys a compiled loop may ask for before they are learned


# --- compiled -----------------------------------------------------------------------------------------------------------

@njit(cache=True, inline="always")
def place_of(keys, key):
    mixed = key * -7046029254386353131
    at = (mixed ^ (mixed >> 32)) & (len(keys) - 1)
    while keys[at] != key and keys[at] != EMPTY:
        at = (at + 1) & (len(keys) - 1)
    return at


@njit(cache=True)
def put_again(old_keys, old_values, keys, values):
    """Fill a larger table with what is in `old_keys`."""
    for n in range(len(old_keys)):
        if old_keys[n] != EMPTY:
            at = place_of(keys, old_keys[n])
            keys[at], values[at] = old_keys[n], old_values[n]


@njit(cache=True)
def add_states(states, seen):
    for s in states:
        seen[place_of(seen, s)] = s


@njit(cache=True)
def move(level, positions, role_mask, nodes, rows, masks, keys, values, twin_masks, twin_keys, twin_values, used, twin_used,
         moved, order, count, seen, ask, again):
    """Take one role's step in the states of `level` at `positions`, and add every new state to `order` and `seen`.

    Answers how many states there are then, how many positions were put in `ask` because their move, or how twins stand
    after it, must be learned, and how many were put in `again`, to be tried again then.
    """
    asked = waiting = 0
    for n in positions:
        s = level[n]
        row = rows[place_of(nodes, s & role_mask)]
        key = s & (role_mask | masks[row])
        at = place_of(keys, key)
        if keys[at] == EMPTY and asked < AT_ONCE:
            keys[at], values[at] = key, UNKNOWN
            used[0] += 1
            ask[asked] = n
            asked += 1
        if keys[at] == EMPTY or values[at] == UNKNOWN:
            again[waiting] = n
            waiting += 1
            continue
        if values[at] == 0:
            continue
        moved[n] = True
        to, known = s + values[at], True
        for g in range(len(twin_masks)):
            part = to & twin_masks[g]
            at = place_of(twin_keys[g], part)
            if twin_keys[g, at] == EMPTY and asked < AT_ONCE:
                twin_keys[g, at], twin_values[g, at] = part, UNKNOWN
                twin_used[g] += 1
                ask[asked] = n
                asked += 1
            if twin_keys[g, at] == EMPTY or twin_values[g, at] == UNKNOWN:
                known = False
                break
            to += twin_values[g, at]
        if not known:
            again[waiting] = n
            waiting += 1
            continue
        at = place_of(seen, to)
        if seen[at] == EMPTY:
            seen[at] = order[count] = to
            count += 1
    return count, asked, waiting


@njit(cache=True)
def new_parts(states, start, mask, keys, used, found):
    """Put the parts `s & mask` that the table does not have, from `start` on, in it and in `found`.

    Answers how many they are, and where to go on when `found` is full.
    """
    count = 0
    for n in range(start, len(states)):
        part = states[n] & mask
        at = place_of(keys, part)
        if keys[at] == EMPTY:
            if count == len(found):
                return count, n
            keys[at] = found[count] = part
            used[0] += 1
            count += 1
    return count, len(states)


@njit(cache=True)
def total_of_products(states, masks, keys, values):
    total = 0
    for s in states:
        ways = 1
        for g in range(len(masks)):
            ways *= values[g, place_of(keys[g], s & masks[g])]
        total += ways
    return total


@njit(cache=True)
def all_done(states, role_masks, can_finish, nodes, rows, done, seen, good):
    """Mark the states in which every thread that has an end is there."""
    for s in states:
        finished = True
        for r in range(len(role_masks)):
            if can_finish[r] and not done[r, rows[r, place_of(nodes[r], s & role_masks[r])]]:
                finished = False
                break
        good[place_of(seen, s)] = finished


@njit(cache=True)
def spread_backwards(states, role_masks, nodes, rows, masks, keys, values, twin_masks, twin_keys, twin_values, seen, good):
    """Mark the states with a move to a marked one, from the last to the first; answer how many were new."""
    count = 0
    for n in range(len(states) - 1, -1, -1):
        s = states[n]
        here = place_of(seen, s)
        if good[here]:
            continue
        for r in range(len(role_masks)):
            row = rows[r, place_of(nodes[r], s & role_masks[r])]
            difference = values[r, place_of(keys[r], s & (role_masks[r] | masks[r, row]))]
            if difference == 0:
                continue
            to = s + difference
            for g in range(len(twin_masks)):
                to += twin_values[g, place_of(twin_keys[g], to & twin_masks[g])]
            if good[place_of(seen, to)]:
                good[here] = True
                count += 1
                break
    return count


# --- tables ---------------------------------------------------------------------------------------------------------------

class Tables:
    """Several hash tables, of one size, from parts of a state to numbers. None is ever more than half full."""

    def __init__(self, many: int, size: int = 4 * AT_ONCE):
        self.used = np.zeros(many, np.int64)
        self._allot(many, size)

    def _allot(self, many: int, size: int) -> None:
        self.keys, self.values = np.full((many, size), EMPTY, np.int64), np.zeros((many, size), np.int64)

    def put(self, n: int, key: int, value: int) -> None:
        at = place_of(self.keys[n], key)
        self.used[n] += self.keys[n, at] == EMPTY
        self.keys[n, at], self.values[n, at] = key, value

    def make_room(self) -> None:
        """Let AT_ONCE more keys come into any of the tables."""
        many, size = self.keys.shape
        if 2 * (self.used.max(initial=0) + AT_ONCE) > size:
            keys, values = self.keys, self.values
            self._allot(many, 2 * size)
            for n in range(many):
                put_again(keys[n], values[n], self.keys[n], self.values[n])

    def put_parts(self, n: int, states, mask: int, value) -> list:
        """Put `value(part)` for each new part `s & mask` of `states` into table n; answer these values."""
        start, values, found = 0, [], np.empty(AT_ONCE, np.int64)
        while start < len(states):
            self.make_room()
            count, start = new_parts(states, start, mask, self.keys[n], self.used[n:n + 1], found)
            for part in found[:count].tolist():
                values.append(value(part))
                self.put(n, part, values[-1])
        return values


# --- the search -------------------------------------------------------------------------------------------------------------

class AcceleratedSearch(Search):
    """The same search; a level is a range of positions in `order`, until a failure has to be told."""

    def levels_from_start(self):
        self.learned, self.width_learned = [0] * len(self.roles), -1
        self.nodes_at, self.moves_at = Tables(len(self.roles)), Tables(len(self.roles))
        self.masks = np.zeros((len(self.roles), 1), np.int64)
        self.done = np.zeros((len(self.roles), 1), np.bool_)
        self.twins_at = Tables(len(self.twins))
        self.questions = Tables(len(self.invariants) + 1)
        self.order, self.table = np.zeros(1 << 12, np.int64), np.full(1 << 13, EMPTY, np.int64)
        add_states(self.order[:1], self.table)
        self.levels = []
        self.catch_up()
        start, self.count_of_states = 0, 1
        while start < self.count_of_states:
            end = self.count_of_states
            self.levels.append(range(start, end))
            count = self.move_all(start, end)
            yield self.order[start:end]
            start, self.count_of_states = end, count

    @property
    def met(self) -> int:
        return self.count_of_states

    @property
    def states(self):
        return self.order[:self.count_of_states]

    def move_all(self, start: int, end: int) -> int:
        """Take every role's step in a level; the number of states then."""
        size = end - start
        self.make_room(end + size * len(self.roles))
        level, count = self.order[start:end], end
        self.moved = np.zeros(size, np.bool_)
        for r, role in enumerate(self.roles):
            positions, again, ask = np.arange(size), np.empty(size, np.int64), np.empty(2 * AT_ONCE + 8, np.int64)
            while len(positions):
                count, asked, waiting = move(
                    level, positions, role.slot.mask, self.nodes_at.keys[r], self.nodes_at.values[r], self.masks[r],
                    self.moves_at.keys[r], self.moves_at.values[r], self.twin_masks, self.twins_at.keys, self.twins_at.values,
                    self.moves_at.used[r:r + 1], self.twins_at.used, self.moved, self.order, count, self.table, ask, again)
                for s in level[ask[:asked]].tolist():
                    self.learn(r, role, s)
                if asked:
                    self.catch_up()
                positions = again[:waiting].copy()
        return count

    def make_room(self, states: int) -> None:
        """Let there be as many states as this."""
        if states > len(self.order):
            self.order = np.concatenate([self.order, np.empty(max(states, 2 * len(self.order)) - len(self.order), np.int64)])
        if 2 * states > len(self.table):
            self.table = np.full(1 << (2 * states).bit_length(), EMPTY, np.int64)
            add_states(self.states, self.table)

    def learn(self, r: int, role: Role, s: int) -> None:
        """Learn the role's move in a state, and how twins stand after it, and put them into the tables."""
        row = role.rows[s & role.slot.mask]
        key = s & row.mask
        difference = row[key]
        self.moves_at.put(r, row.code | key, difference)
        to = s + difference
        for g, twins in enumerate(self.twins if difference else ()):
            part = to & twins.mask
            self.twins_at.put(g, part, twins[part])
            to += twins[part]

    def catch_up(self) -> None:
        """Put new nodes, and masks that have grown, where compiled code finds them."""
        if self.width > WIDEST:
            raise OverflowError("a state does not fit in 64 bits")
        for tables in (self.nodes_at, self.moves_at, self.twins_at):
            tables.make_room()
        longest = max(len(role.rows) for role in self.roles)
        if longest > self.masks.shape[1]:
            wider = ((0, 0), (0, 2 * longest - self.masks.shape[1]))
            self.masks, self.done = np.pad(self.masks, wider), np.pad(self.done, wider)
        for r, role in enumerate(self.roles):
            for n, row in enumerate(islice(role.rows.values(), self.learned[r], None), self.learned[r]):
                self.nodes_at.put(r, row.code, n)
                self.masks[r, n], self.done[r, n] = row.mask, row.node.step is None
                self.nodes_at.make_room()
            self.learned[r] = len(role.rows)
        if self.width != self.width_learned:
            self.width_learned = self.width
            self.twin_masks = np.array([twins.mask for twins in self.twins], np.int64)
            self.role_masks = np.array([role.slot.mask for role in self.roles], np.int64)
            for r, role in enumerate(self.roles):
                self.masks[r, :len(role.rows)] = [row.mask for row in role.rows.values()]

    # --- what is wrong in a level ---------------------------------------------------------------------------------

    def failure_in(self, level):
        if not self.may_be_wrong(level):
            return None
        self.thaw()
        return super().failure_in(self.levels[-1])

    def may_be_wrong(self, level) -> bool:
        """Whether a level has to be looked at in Python."""
        if self.suspects or any(self.standstill(s) for s in level[~self.moved].tolist()):
            return True
        for n, (invariant, slots, _) in enumerate(self.invariants):
            def broken(part):
                return invariant.wrong(*(slot.values[part & slot.mask] for slot in slots)) is not None
            if any(self.questions.put_parts(n, level, sum(slot.mask for slot in set(slots)), broken)):
                return True
        return self.locks_can_close_a_ring() and any(self.questions.put_parts(
            len(self.invariants), level, int(self.role_masks.sum()), lambda part: self.standstill_of_locks(part) is not None))

    def thaw(self) -> None:
        """Make every level a list of Python's ints again."""
        self.levels = [self.order[level.start:level.stop].tolist() for level in self.levels]

    def count(self) -> int:
        ways = Tables(len(self.twins))
        for g, twins in enumerate(self.twins):
            ways.put_parts(g, self.states, twins.mask, twins.ways_to_tell_apart)
        return int(total_of_products(self.states, self.twin_masks, ways.keys, ways.values))

    def endless(self) -> set[int]:
        if not any(role.automaton.has_a_loop() for role in self.roles):
            return set()
        good = np.zeros(len(self.table), np.bool_)
        can_finish = np.array([role.can_finish for role in self.roles])
        nodes = self.nodes_at.keys, self.nodes_at.values
        all_done(self.states, self.role_masks, can_finish, *nodes, self.done, self.table, good)
        while spread_backwards(self.states, self.role_masks, *nodes, self.masks, self.moves_at.keys, self.moves_at.values,
                               self.twin_masks, self.twins_at.keys, self.twins_at.values, self.table, good):
            pass
        endless = set(self.table[~good].tolist()) - {EMPTY}
        if endless:
            self.thaw()
        return endless
