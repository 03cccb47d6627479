"""The explorer: every schedule of a program, or the shortest one that breaks a property.

How it gets from generators, which cannot be copied, to hundreds of thousands of states a second:

- Each thread is learned as a small automaton. A *node* is a place where its generator can be suspended, with what it
  remembers (threads.py says when two places are one). A node is re-entered by replaying the values that led to it,
  so replay is paid once per node and value, never per state.
- A *state* of the whole program is one int: each cell's value and each thread's node has its own bits (a *slot*). The
  initial state is 0. A step adds a constant that depends only on the node and on the cells that the step touches, so
  a move is a dict look-up and an addition.
- A step that touches only what nobody else ever touches can change places with all that others do. On wide levels the
  others do not move right after such a *quiet* step: no state is missed, and none is met later (`tell_quiet_steps`).
- The search is breadth-first over sets of ints, a level per step: the first failure is a shortest one.

s is a state, d the difference that a move adds to it; a *row* is what one node has learned: `s & mask -> d`. A *team* has the
rows of one or more threads in one dict, by the bits that any of their steps touches.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial, reduce
from graphlib import CycleError, TopologicalSorter
from itertools import chain, compress
from math import factorial, prod
from operator import mul

from ..locks import READ_LOCK, conflicts
from ..program import Program, Thread
from ..steps import Cell, Mistake, Step, Violation, livepatched, without_collecting
from ..verdict import ARRIVES, QUEUES, Verdict
from .canaries import refuse_unsound_interpreters
from .sequential import replay
from .taking import cells_of, leave_interrupt, take
from .threads import Memory, Place, Suspended, check_end, freeze, memory_after, memory_at_start

MAX_STATES = 2_000_000
MAX_NODES = 20_000
WIDE = 1_000                 # states of a level from which on it pays to tell quiet steps from loud ones
WAITING = "write, waiting"


def explore(program: Program, *, max_states: int = MAX_STATES, symmetry: bool = True, spinning: bool = True,
            progress: Callable[[int, int], None] | None = None, backend: str = "python") -> Verdict:
    """Search every schedule of `program`.

    Returns a Verdict: "holds" (every state was seen), "violated" or "deadlock" with the shortest schedule, among the
    shortest one with the fewest context switches, or "incomplete" when more than `max_states` states were met.
    With `symmetry`, states that differ only in which of several threads of the same function and arguments is where
    are searched once, and still counted as they are. With `spinning`, a program that is safe is also asked whether some
    thread can get to where it loops for ever, whatever the others do: that counts as a deadlock. `progress(depth,
    states)` is called for each level. `backend="numba"` compiles the search (`pip install pfncache-edu[fast]`): the same
    verdict, sooner from some hundred thousand states on; "auto" does so where numba is installed.
    Mistake if the program itself is at fault.
    """
    if compiled := compiled_search(backend):
        with suppress(OverflowError):      # more bits than a machine's number has: Python's have no end
            return compiled(program, max_states, symmetry).run(progress, spinning)
    return Search(program, max_states, symmetry).run(progress, spinning)


def compiled_search(backend: str) -> type[Search] | None:
    """The Search of a back end; None for the one in this module. ImportError says what to install."""
    if backend not in ("python", "numba", "auto"):
        raise ValueError(f"backend={backend!r}: write \"python\", \"numba\", or \"auto\" for numba where it is installed")
    if backend == "python":
        return None
    try:
        from .accelerated import AcceleratedSearch
    except ImportError as error:
        if backend == "auto":
            return None
        raise ImportError(f"backend numba needs numba, which is not installed: pip install pfncache-edu[fast] ({error})") from error
    return AcceleratedSearch


class Slot:
    """The bits of a state that hold one variable, and the value that each pattern of these bits stands for."""

    def __init__(self, search: Search, name: str, initial, frozen: Hashable):
        self.search, self.name = search, name
        self.mask = 0
        self.bits: list[int] = []
        self.codes: dict[Hashable, int] = {frozen: 0}
        self.values: dict[int, object] = {0: initial}
        self.lookers: list[Row | Team] = []

    def looked_at_by(self, looker: Row | Team) -> None:
        """Keep this slot's bits in the mask of who looks at it, also those that it takes later."""
        self.lookers.append(looker)
        looker.mask |= self.mask

    def code(self, frozen: Hashable, value) -> int:
        """The bits for a value; a new value may take a new bit at the top, so that no known state has to change."""
        if frozen in self.codes:
            return self.codes[frozen]
        n = len(self.codes)
        if n >> len(self.bits):
            self.bits.append(self.search.width)
            self.mask |= 1 << self.search.width
            self.search.width += 1
            for looker in self.lookers:
                looker.mask |= self.mask
        code = sum(1 << bit for i, bit in enumerate(self.bits) if n >> i & 1)
        self.codes[frozen], self.values[code] = code, value
        return code


@dataclass
class Node:
    """A place where a thread can be suspended: the answers that lead there, the step it takes next, what it remembers."""
    number: int
    answers: tuple
    step: Step | None
    memory: Memory
    stack: tuple[Place, ...]
    locals: dict[str, object]


class Row(dict):
    """What a thread has learned at one node: from the bits that its step touches to the difference that the step adds.

    0 stands for "no move": the step waits, or it is wrong (then `wrong` says how), or the thread is done.
    """

    __slots__ = "role", "node", "code", "slots", "mask", "wrong", "waits", "results"

    def __init__(self, role: Role, node: Node, code: int, slots: list[Slot]):
        self.role, self.node, self.code, self.slots = role, node, code, slots
        self.mask = 0
        self.wrong: dict[int, Violation] = {}
        self.waits: set[int] = set()
        self.results: dict[int, object] = {}
        for slot in slots:
            slot.looked_at_by(self)

    def __missing__(self, key: int) -> int:
        old = tuple(slot.values[key & slot.mask] for slot in self.slots)
        role, node = self.role, self.node
        program = role.search.program
        taken = take(program, role.thread, node.memory, node.step, old)
        if taken is None:
            self.waits.add(key)
            self[key] = 0
            return 0
        self.results[key] = taken.result
        try:
            after = role.automaton.node_after(node, role.thread.name, old, taken.result)
            new = leave_interrupt(program, role.thread, after.step is None, taken.new)
            delta = role.code(after) - self.code
            for slot, was, now in zip(self.slots, old, new):
                if was is not now:
                    delta += slot.code(freeze(now, {}), now) - (key & slot.mask)
        except Violation as violation:
            self.wrong[key] = violation
            role.search.suspects.add(role)
            delta = 0
        self[key] = delta
        return delta


class Automaton:
    """A kernel function with its arguments, learned on demand. Threads that run the same share it."""

    def __init__(self, search: Search, thread: Thread):
        self.search, self.thread = search, thread
        self.nodes: list[Node] = []
        self.by_key: dict[Hashable, Node] = {}
        self.edges: dict[tuple, Node] = {}
        self.roles: list[Role] = []
        memory = memory_at_start(search.program.watches)
        start = Suspended(thread, search.program.still)
        self.enter(start, memory, (start.key(), freeze(memory, {})), ())

    def enter(self, suspended: Suspended, memory: Memory, key: Hashable, answers: tuple) -> Node:
        """The node of a suspended generator; a new one if no known node has the same future."""
        if key not in self.by_key:
            node = Node(len(self.nodes), answers, suspended.step, memory, suspended.stack, suspended.locals())
            self.nodes.append(node)
            self.by_key[key] = node
            self.search.nodes += 1
            for role in self.roles:
                role.see(node)
        suspended.close()
        return self.by_key[key]

    def node_after(self, node: Node, name: str, old: tuple, result) -> Node:
        """Where the thread `name` is after `node`'s step found the values `old` and answered `result`."""
        watches = self.search.program.watches
        memory = memory_after(node.memory, watches, name, node.step, old, result)
        edge = node.number, freeze(result, {}), freeze(memory, {})
        if edge not in self.edges:
            suspended, answers = self.replayed(node), node.answers
            if result not in (QUEUES, ARRIVES):
                suspended.send(result)
                answers = *answers, result
            self.edges[edge] = self.enter(suspended, memory, (suspended.key(), edge[2]), answers)
        after = self.edges[edge]
        if after.step is None:
            check_end(memory, watches, name)
        return after

    def has_a_loop(self) -> bool:
        """Whether a thread can come back to a place where it was."""
        after: dict[int, set[int]] = {}
        for (number, *_), node in self.edges.items():
            after.setdefault(number, set()).add(node.number)
        return has_a_cycle(after)

    def replayed(self, node: Node) -> Suspended:
        """A fresh generator at `node`. Mistake if the function does not do the same thing twice."""
        suspended = Suspended(self.thread, self.search.program.still)
        suspended.send(*node.answers)
        if suspended.step is None or not suspended.step.same_as(node.step):
            raise Mistake(f"{self.thread.name}: the same answers led to {node.step!r} once and to {suspended.step!r} "
                          "later: a kernel function may depend only on its arguments and on what its steps answer, "
                          "not on time, chance or variables outside of it")
        return suspended


class Role:
    """A thread of the program: the slot that says at which node of its automaton it is, and a row for each node."""

    def __init__(self, search: Search, thread: Thread, automaton: Automaton):
        self.search, self.thread, self.automaton = search, thread, automaton
        self.slot = Slot(search, thread.name, automaton.nodes[0], 0)
        self.rows: dict[int, Row] = {}
        self.teams: list[Team] = []
        automaton.roles.append(self)
        for node in automaton.nodes:
            self.see(node)

    def see(self, node: Node) -> None:
        """Give a node of the automaton its code and its row."""
        cells = cells_of(self.search.program, self.thread, node.step)
        row = Row(self, node, self.code(node), [self.search.slot_of(cell) for cell in cells])
        self.rows[row.code] = row
        for team in self.teams:
            team.look_at(*row.slots)
        if node.step is None:
            row[0] = 0

    @property
    def can_finish(self) -> bool:
        return any(node.step is None for node in self.automaton.nodes)

    def code(self, node: Node) -> int:
        return self.slot.code(node.number, node)


class Twins(dict):
    """Roles that share an automaton: states that differ only in which of them is where are one state.

    `s + self[s & mask]` is the one of these states in which the roles stand in the order of their nodes.
    """

    def __init__(self, roles: list[Role]):
        self.roles, self.ways, self.mask = roles, Ways(self), 0
        for role in roles:
            role.slot.looked_at_by(self)

    def in_order(self, states: Iterable[int]) -> list[int]:
        mask = self.mask
        return [s + self[s & mask] for s in states]

    def numbers(self, part: int) -> list[int]:
        return [role.slot.values[part & role.slot.mask].number for role in self.roles]

    def __missing__(self, part: int) -> int:
        self[part] = sum(role.slot.codes[n] for role, n in zip(self.roles, sorted(self.numbers(part)))) - part
        return self[part]

    def ways_to_tell_apart(self, part: int) -> int:
        """How many states of the full search one state in order stands for."""
        numbers = self.numbers(part)
        return factorial(len(numbers)) // prod(factorial(numbers.count(n)) for n in set(numbers))


class Ways(dict):
    """How many states of the full search a part of a state stands for, in which twins are in order."""

    def __init__(self, twins: Twins):
        self.twins = twins

    def __missing__(self, part: int) -> int:
        self[part] = self.twins.ways_to_tell_apart(part)
        return self[part]


class Team(dict):
    """What some roles can do, in one table: `s & mask -> (d, …)`, a difference for each move of any of them.

    The mask has the bits that any of their steps touches. So it holds a row's entry once for each value of what only other
    rows look at: some thousands of times, for one look-up less in millions. It stays right when the mask grows: whatever
    has a new bit set has another key. Only rows that are `wanted` count. Moves of `twins` have to be put in order.
    """

    def __init__(self, roles: list[Role], twins: Twins | None, wanted: Callable[[Row], bool] = lambda row: True):
        self.roles, self.twins, self.wanted = roles, twins, wanted
        self.mask, self.slots = 0, set()
        for role in roles:
            role.teams.append(self)
            self.look_at(role.slot, *chain.from_iterable(row.slots for row in role.rows.values()))

    def look_at(self, *slots: Slot) -> None:
        for slot in {*slots} - self.slots:
            self.slots.add(slot)
            slot.looked_at_by(self)

    def __missing__(self, part: int) -> tuple[int, ...]:
        rows = [role.rows[part & role.slot.mask] for role in self.roles]
        self[part] = moves = tuple([d for row in rows if (d := row[part & row.mask]) and self.wanted(row)])
        return moves

    def after(self, states: Iterable[int]) -> list[int]:
        """Where the moves from the states lead, twins in order."""
        mask = self.mask
        after = [s + d for s in states for d in self[s & mask]]
        return after if self.twins is None else self.twins.in_order(after)

    def idle_in(self, states: Iterable[int]) -> list[int]:
        """Those of the states in which none of them can move."""
        mask = self.mask
        return [s for s in states if not self[s & mask]]

    def before(self, states: Iterable[int]) -> list[int]:
        """The state that each of the moves in `after` starts from."""
        mask = self.mask
        return [s for s in states for _ in self[s & mask]]


def together(teams: list[Team]) -> list[tuple[list[Role], Twins | None]]:
    """The roles of teams of one automaton: as one team if they are at few places in all, otherwise as they are."""
    roles = [role for team in teams for role in team.roles]
    if len(roles[0].automaton.nodes) ** len(roles) < WIDE:
        return [(roles, teams[0].twins)]
    return [(team.roles, team.twins) for team in teams]


def has_a_cycle(neighbours: dict[Hashable, set]) -> bool:
    """Whether some way along the neighbours comes back to where it was."""
    try:
        TopologicalSorter(neighbours).prepare()
    except CycleError:
        return True
    return False


class Search:
    """A breadth-first search, and what it has learned."""

    def __init__(self, program: Program, max_states: int = MAX_STATES, symmetry: bool = False):
        refuse_unsound_interpreters()
        self.program, self.max_states = program, max_states
        self.width = self.nodes = 0
        self.slots: dict[Cell, Slot] = {}
        self.levels: list[list[int]] = []
        self.seen: set[int] = set()
        self.suspects: set[Role] = set()                       # who is known to take a wrong step somewhere
        automata: dict[int, Automaton] = {}
        with livepatched(program.livepatch):
            for group in [*program.twins, *([n] for n in range(len(program.threads)))]:
                automaton = automata.get(group[0]) or Automaton(self, program.threads[group[0]])
                automata.update({n: automaton for n in group if n not in automata})
            self.roles = [Role(self, thread, automata[n]) for n, thread in enumerate(program.threads)]
        self.twins = [Twins([self.roles[n] for n in group]) for group in program.twins] if symmetry else []
        self.quiet: list[Team] | None = None                   # None: nobody has looked for quiet steps yet
        self.loud: list[Team] = []
        self.foreign: set[Slot] = set()
        twins_of = {role: twins for twins in self.twins for role in twins.roles}
        self.others = [Team([role], twins_of.get(role)) for role in self.roles]
        self.invariants = [(p, [self.slot_of(cell) for cell in p.cells], {}) for p in program.invariants]
        self.standstills: dict[int, str | None] = {}
        self.rings, self.nodes_in_order = any(thread.interrupts for thread in program.threads), 0

    @property
    def met(self) -> int:
        """How many states were met."""
        return len(self.seen)

    def slot_of(self, cell: Cell) -> Slot:
        if cell not in self.slots:
            self.slots[cell] = Slot(self, cell.name, cell.initial, freeze(cell.initial, {}))
        return self.slots[cell]

    def run(self, progress=None, spinning: bool = True) -> Verdict:
        with self.searching():
            try:
                return self.verdict(progress, spinning)
            finally:
                self.forget()

    def verdict(self, progress, spinning: bool) -> Verdict:
        for depth, level in enumerate(self.levels_from_start()):
            if progress:
                progress(depth, self.met)
            failure = self.failure_in(level)
            if failure:
                return self.verdict_on(*failure)
            if self.met > self.max_states or self.nodes > MAX_NODES:
                return Verdict(self.program, "incomplete", self.met, depth, sentence=self.why_incomplete())
        endless = self.endless() if spinning else None
        if endless:
            return self.verdict_on_endless_loop(endless)
        return Verdict(self.program, "holds", self.count(), len(self.levels) - 1, searched=self.met)

    def forget(self) -> None:
        """Give the memory of all states back now: a search is full of cycles, so it would stay until they are looked for."""
        self.levels, self.seen, self.quiet, self.loud, self.others = [], set(), [], [], []

    def count(self) -> int:
        """The number of states of the full search, also when twins were told apart by nothing."""
        if not self.twins:
            return self.met
        return sum(chain.from_iterable(map(self.ways_to_tell_apart, self.levels)))

    def ways_to_tell_apart(self, level: list[int]) -> Iterable[int]:
        """How many states of the full search each state of the level stands for."""
        return reduce(partial(map, mul), [map(twins.ways.__getitem__, map(twins.mask.__and__, level)) for twins in self.twins])

    def learn_everything(self) -> Search:
        """Search on past every failure, so that all of every thread's automaton is known."""
        with self.searching():
            for level in self.levels_from_start():
                self.broken_invariant(level)
                if self.met > self.max_states or self.nodes > MAX_NODES:
                    raise Mistake(f"{self.program.name}: {self.why_incomplete()}")
        return self

    @contextmanager
    def searching(self):
        with livepatched(self.program.livepatch), without_collecting():
            yield

    def levels_from_start(self):
        """The states by the number of steps that they need. What a level's moves did wrong is known when the next is asked for."""
        level, awake, self.levels, self.seen = [0], [0], [], {0}
        while level:
            self.levels.append(level)
            if len(level) > WIDE:
                self.tell_quiet_steps()
            quiet = self.after((level, self.quiet or ()))
            loud = self.after((level, self.loud), (awake, self.others))
            quiet, loud = quiet - self.seen, loud - quiet - self.seen      # not `loud -= seen`: that would walk over all of `seen`
            yield level
            self.seen |= quiet
            self.seen |= loud
            awake = list(loud)
            level = awake + list(quiet)

    @property
    def teams(self) -> list[Team]:
        """Tables that together have every move of every thread; those with most moves first."""
        return [*(self.quiet or ()), *self.loud, *self.others]

    @staticmethod
    def after(*pairs: tuple[Iterable[int], Iterable[Team]]) -> set[int]:
        """The states that moves of the teams lead to, each from its states."""
        after: set[int] = set()
        for states, teams in pairs:
            for team in teams:
                after.update(team.after(states))
        return after

    # --- quiet steps --------------------------------------------------------------------------------------------------

    def tell_quiet_steps(self) -> None:
        """Tell the quiet steps of one automaton from its loud ones. A quiet step touches no cell that another automaton touches.

        So it can change places with whatever the others do. Right after it they need not move: where they lead then is
        met after them, by the same quiet step, and just as soon. That leaves a third of the moves out, and no state.
        """
        if self.quiet is None:
            self.quiet = []
            mine, others = max(self.sides(), key=lambda sides: self.quiet_share(*sides))
            if self.quiet_share(mine, others):
                self.others = others
                self.quiet = [Team(roles, twins, self.is_quiet) for roles, twins in together(mine)]
                self.loud = [Team(roles, twins, lambda row: not self.is_quiet(row)) for roles, twins in together(mine)]
        foreign = self.slots_of(self.others)
        if foreign - self.foreign:
            self.foreign |= foreign
            for team in (*self.quiet, *self.loud):
                team.clear()

    def is_quiet(self, row: Row) -> bool:
        return self.foreign.isdisjoint(row.slots)

    def sides(self) -> Iterable[tuple[list[Team], list[Team]]]:
        """For each automaton, the teams that run it and the others."""
        for automaton in dict.fromkeys(role.automaton for role in self.roles):
            yield ([team for team in self.others if team.roles[0].automaton is automaton],
                   [team for team in self.others if team.roles[0].automaton is not automaton])

    def quiet_share(self, mine: list[Team], others: list[Team]) -> float:
        """The part of an automaton's steps that is quiet; 0 if there is nobody else to save moves of."""
        foreign, rows = self.slots_of(others), mine[0].roles[0].rows.values()
        return sum(foreign.isdisjoint(row.slots) for row in rows) / len(rows) if others else 0

    @staticmethod
    def slots_of(teams: list[Team]) -> set[Slot]:
        return set().union(*(team.slots for team in teams))

    def moves_of(self, role: Role, level: list[int]) -> list[int]:
        rows, mask = role.rows, role.slot.mask
        return [(row := rows[s & mask])[s & row.mask] for s in level]

    # --- what is wrong in a level ---------------------------------------------------------------------------------

    def failure_in(self, level: list[int]):
        """(property, sentence, [(state, thread or None)]) for the first thing wrong at this level, or None.

        In this order, which is the order of length: a state that breaks an invariant; a state from which somebody
        can never move again; a step that is wrong.
        """
        return self.broken_invariant(level) or self.deadlock(level) or self.wrong_step(level)

    def broken_invariant(self, level):
        for invariant, slots, known in self.invariants:
            mask = 0
            for slot in slots:
                mask |= slot.mask
            for part in {s & mask for s in level} - known.keys():
                known[part] = invariant.wrong(*(slot.values[part & slot.mask] for slot in slots))
            broken = [(s, None) for s in level if known[s & mask]]
            if broken:
                return invariant.name, lambda s, _: known[s & mask], broken
        return None

    def deadlock(self, level):
        dead = list(filter(self.standstill, self.stuck(level)))
        if self.locks_can_close_a_ring():
            mask = sum(role.slot.mask for role in self.roles)
            for part in {s & mask for s in level} - self.standstills.keys():
                self.standstills[part] = self.standstill_of_locks(part)
            dead += [s for s in level if self.standstills[s & mask]]
            return dead and ("no_deadlock", lambda s, _: self.standstills[s & mask] or self.standstill(s), [(s, None) for s in dead])
        return dead and ("no_deadlock", lambda s, _: self.standstill(s), [(s, None) for s in dead])

    def stuck(self, states: list[int]) -> list[int]:
        """Those of the states that nobody can leave."""
        for team in self.teams:
            states = team.idle_in(states)
        return states

    def locks_can_close_a_ring(self) -> bool:
        """Whether threads could ever wait for each other in a ring, going by the order in which they take locks.

        The question of lockdep: does anybody want a lock with another one in hand, and so on, back to the first? If
        not, no state needs to be looked at. What an interrupt handler holds up is its whole CPU, so then always yes.
        """
        if self.nodes != self.nodes_in_order:
            self.nodes_in_order = self.nodes
            before: dict[Cell, set[Cell]] = {}
            for node in chain.from_iterable(role.automaton.nodes for role in self.roles):
                if node.step is not None and node.step.verb.takes and not node.step.verb.tries:
                    before.setdefault(node.step.cells[0], set()).update(lock for lock, _ in node.memory.held)
            self.rings = self.rings or has_a_cycle(before)
        return self.rings

    def wrong_step(self, level):
        found = []
        for role in filter(self.suspects.__contains__, self.roles):
            for s in level:
                row = role.rows[s & role.slot.mask]
                if s & row.mask in row.wrong:
                    found.append((s, role))
        if not found:
            return None

        def violation(s, role):
            row = role.rows[s & role.slot.mask]
            return row.wrong[s & row.mask]
        order = [p.name for p in self.program.properties]
        first = min((violation(*at).property for at in found),
                    key=lambda name: order.index(name) if name in order else -1)
        return first, lambda s, role: violation(s, role).sentence, [at for at in found if violation(*at).property == first]

    def standstill_of_locks(self, state: int) -> str | None:
        """Who waits for whom in a ring (or for a thread that is done), as a sentence; None if everybody may yet move.

        It looks only at where the threads are: what they hold and what they want follows from that.
        """
        nodes = {role: role.slot.values[state & role.slot.mask] for role in self.roles}
        waits = {}
        for role, node in nodes.items():
            if node.step is not None and node.step.verb.takes and not node.step.verb.tries:
                lock = node.step.cells[0]
                holders = [(other, mode) for other, at in nodes.items() for held, mode in at.memory.held
                           if held is lock and conflicts(node.step.verb.takes, mode)]
                if node.step.verb is READ_LOCK and not role.thread.interrupts:
                    holders += [(other, WAITING) for other, at in nodes.items()
                                if at.memory.queued and at.step.cells[0] is lock]
                if holders:
                    waits[role] = lock, holders
        for role, node in nodes.items():
            if role.thread.interrupts and node.memory.arrived and node.step is not None:
                for other in nodes:
                    if other.thread.name == role.thread.interrupts:
                        waits[other] = self.program.cpu_of(other.thread), [(role, "")]
        stuck = dict(waits)
        while True:
            free = [role for role, (_, holders) in stuck.items()
                    if not any(other in stuck or nodes[other].step is None for other, _ in holders)]
            if not free:
                break
            for role in free:
                del stuck[role]
        if not stuck:
            return None
        return "; ".join(self.waiting(role, lock, *next(at for at in holders if at[0] in stuck or nodes[at[0]].step is None))
                         for role, (lock, holders) in stuck.items())

    @staticmethod
    def waiting(role: Role, lock: Cell, other: Role, mode: str) -> str:
        who, whom = role.thread.name, other.thread.name
        if not mode:
            return f"{who} was interrupted by {whom}"
        if mode == WAITING:
            return f"{who} wants {lock.name} for read, behind {whom}, which waits for it for write"
        how = f" for {mode}" if lock.kind == "rwlock" else ""
        return f"{who} waits for {lock.name}, which {'it holds itself' if other is role else whom + ' holds'}{how}"

    def standstill(self, state: int) -> str | None:
        """Why no thread can leave this state; None if all are done or a step was wrong."""
        reasons = []
        for role in self.roles:
            row = role.rows[state & role.slot.mask]
            if state & row.mask in row.wrong:
                return None
            if row.node.step is None:
                continue
            if state & row.mask in row.waits:
                reasons.append(f"{role.thread.name} waits for {', '.join(c.name for c in row.node.step.cells)}")
            else:
                reasons.append(f"{role.thread.name} spins for ever at {row.node.step!r}")
        return "nobody can go on: " + "; ".join(reasons) if reasons else None

    def why_incomplete(self) -> str:
        """What was cut, and the local variable that took the most values."""
        role = max(self.roles, key=lambda role: len(role.automaton.nodes))
        values: dict[str, set] = {}
        for node in role.automaton.nodes[-5000:]:
            for name, value in node.locals.items():
                values.setdefault(name, set()).add(repr(value))
        name, most = max(((n, len(v)) for n, v in values.items()), key=lambda pair: pair[1], default=("", 0))
        grew = f"; `{name}` of {role.thread.name} took {most:,} different values" if most > 50 else ""
        return f"stopped after {self.met:,} states{grew}"

    # --- loops that may never end -------------------------------------------------------------------------------------

    def verdict_on_endless_loop(self, endless: set[int]) -> Verdict:
        if self.twins:                     # as in verdict_on()
            return type(self)(self.program, self.max_states).run()
        first = next(n for n, level in enumerate(self.levels) if not endless.isdisjoint(level))
        self.levels = self.levels[:first + 1]

        def sentence(state, _):
            unfinished = [role.thread.name for role in self.never_finishing(state)]
            return f"{' and '.join(unfinished)} can never finish from here, whatever runs next: a loop spins for ever"
        return self.verdict_on("no_endless_loop", sentence, [(s, None) for s in self.levels[-1] if s in endless])

    def never_finishing(self, state: int) -> list[Role]:
        """The threads that have an end but do not reach it on any way from here."""
        seen, level = {state}, [state]
        while level:
            new = self.after((level, self.teams)) - seen
            seen |= new
            level = list(new)
        return [role for role in self.roles if role.can_finish
                and all(role.rows[s & role.slot.mask].node.step is not None for s in seen)]

    def endless(self) -> set[int]:
        """The states from which the threads that have an end can no longer all get there."""
        if not any(role.automaton.has_a_loop() for role in self.roles):
            return set()
        ends = [(role.rows, role.slot.mask) for role in self.roles if role.can_finish]
        good = {s for s in self.seen if all(rows[s & mask].node.step is None for rows, mask in ends)}
        before = -1
        while before < len(good) < self.met:
            before = len(good)
            for level in reversed(self.levels):
                rest = [s for s in level if s not in good]
                for team in self.teams:
                    good.update(compress(team.before(rest), map(good.__contains__, team.after(rest))))
        return self.seen - good

    # --- the shortest schedule --------------------------------------------------------------------------------------

    def verdict_on(self, name: str, sentence, found: list) -> Verdict:
        if self.twins:                     # the twins of a schedule must be told apart: search again, only this deep
            return type(self)(self.program, self.max_states).run()
        threads, state, role = self.shortest(found)
        verdict = Verdict(self.program, "deadlock" if name in ("no_deadlock", "no_endless_loop") else "violated", self.met,
                          len(self.levels) - 1, name, sentence(state, role), threads, searched=self.met)
        return replay(verdict)

    def shortest(self, found: list) -> tuple[tuple[str, ...], int, Role | None]:
        """Of all schedules that lead to one of `found`, one with the fewest context switches (ties: first by name).

        Walks back from the found states over everything that lies on a shortest way to them, then forward again
        with the number of switches.
        """
        wanted = {s for s, _ in found}
        ways: list[dict[int, list]] = []
        for level in reversed(self.levels[:-1]):
            here: dict[int, list] = {}
            for role in self.roles:
                for s, d in zip(level, self.moves_of(role, level)):
                    if d and s + d in wanted:
                        here.setdefault(s, []).append((role.thread.name, s + d))
            ways.append(here)
            wanted = set(here)
        best = {(0, ""): (0, ())}
        for here in reversed(ways):
            after: dict = {}
            for (s, last), (switches, path) in best.items():
                for name, to in here.get(s, ()):
                    candidate = switches + (name != last), (*path, name)
                    if (to, name) not in after or candidate < after[to, name]:
                        after[to, name] = candidate
            best = after
        ends = []
        for s, role in found:
            for (at, last), (switches, path) in best.items():
                if at == s:
                    name = role.thread.name if role else last
                    ends.append((switches + (name != last), (*path, name) if role else path, s, role))
        _, path, state, role = min(ends, key=lambda end: end[:2])
        return path, state, role
