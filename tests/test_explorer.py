"""The explorer: its proofs, its shortest schedules and its counts, against a search that shares no code with it."""
import random
from itertools import groupby

import pytest

from pfncache_edu import (Invariant, Program, Stepper, Thread, Watch, explore, kernel, read_lock, read_unlock, run, write_lock,
                          write_unlock)
from pfncache_edu.interpreters.canaries import CANARIES, looks, sick_canaries
from pfncache_edu.interpreters.threads import freeze
from pfncache_edu.locks import rwlock_t
from pfncache_edu.steps import Struct, Violation, field
from pfncache_edu.verdict import format_schedule, parse_schedule


class shared(Struct):
    lock = rwlock_t()
    x = field(0)
    y = field(0)


# --- a second opinion: small programs as lists of instructions, searched state by state ----------------------------

def random_instructions(rng) -> list[tuple]:
    """A thread as instructions on x, y and one register; `loop` jumps back to the start while x is 0."""
    kinds = ["load x", "load y", "store x", "store y", "add x", "read", "write", "test"]
    program, held = [], None
    for kind in rng.choices(kinds, k=rng.randint(2, 6)):
        if kind in ("read", "write"):
            if held:
                program.append((f"{held} unlock",))
                held = None
            else:
                program.append((f"{kind} lock",))
                held = kind
        elif kind == "test":
            program += [("stop unless r",)] * (not held)
        else:
            program.append((*kind.split(), rng.choice([0, 1, 2, 2, 2])))
    if held:
        program.append((f"{held} unlock",))
    if rng.random() < 0.3 and not any(i[0] == "stop unless r" for i in program):
        program += [("load", "x", 0), ("loop while 0",)]
    return program


@kernel
def interpret(cells, instructions):
    """The instructions as kernel code. `r` is a local variable: it belongs to where the thread is."""
    r, at = 0, 0
    while at < len(instructions):
        name, *operands = instructions[at]
        at += 1
        if name == "load":
            r = yield getattr(cells, operands[0])
        elif name == "store":
            yield getattr(cells, operands[0]).set(operands[1])
        elif name == "add":
            r = yield cells.x.add(0 if r else 1)
        elif name == "read lock":
            yield read_lock(cells.lock)
        elif name == "write lock":
            yield write_lock(cells.lock)
        elif name == "read unlock":
            yield read_unlock(cells.lock)
        elif name == "write unlock":
            yield write_unlock(cells.lock)
        elif name == "stop unless r" and not r:
            break
        elif name == "loop while 0" and r == 0:
            at = 0


LOCAL = ("stop unless r", "loop while 0")


def settle(instructions, at, r):
    """Run local instructions: they are no steps."""
    while at < len(instructions) and instructions[at][0] in LOCAL:
        name = instructions[at][0]
        if name == "stop unless r" and not r:
            return len(instructions), r
        at = 0 if name == "loop while 0" and r == 0 else at + 1
    return at, r if at < len(instructions) else 0       # a thread that is done has no register any more


def moves(state, programs):
    """Every state that one instruction of one thread leads to."""
    threads, x, y, lock = state
    for n, (at, r) in enumerate(threads):
        if at == len(programs[n]):
            continue
        name, *operands = programs[n][at]
        nx, ny, nr, nlock = x, y, r, lock
        if name == "load":
            nr = x if operands[0] == "x" else y
        elif name == "store":
            nx, ny = (operands[1], y) if operands[0] == "x" else (x, operands[1])
        elif name == "add":
            nx = nr = x + (0 if r else 1)
        elif name == "read lock":
            if lock < 0:
                continue
            nlock += 1
        elif name == "write lock":
            if lock:
                continue
            nlock = -1
        elif name == "read unlock":
            nlock -= 1
        elif name == "write unlock":
            nlock = 0
        after = list(threads)
        after[n] = settle(programs[n], at + 1, nr)
        yield n, (tuple(after), nx, ny, nlock)


def search(programs):
    """(all states, the fewest steps to a state with x == y == 2, the fewest context switches of such a schedule)."""
    start = tuple(settle(p, 0, 0) for p in programs), 0, 0, 0
    seen, level, depth = {start}, {start}, 0
    ways = {(start, None): 0}
    bad = switches = None
    while level:
        if bad is None and any(s[1] == 2 and s[2] == 2 for s in level):
            bad = depth
            switches = min(n for (s, _), n in ways.items() if s[1] == 2 and s[2] == 2)
        new, new_ways = set(), {}
        for s in level:
            for n, after in moves(s, programs):
                if after not in seen:
                    new.add(after)
                    for (at, last), count in ways.items():
                        if at == s:
                            key = after, n
                            new_ways[key] = min(new_ways.get(key, 99), count + (last not in (None, n)))
        seen |= new
        level, ways, depth = new, new_ways, depth + 1
    return len(seen), bad, switches


def fewest_steps_to_an_endless_loop(programs):
    """How soon a state can be reached from which not everybody can finish any more; None if there is none."""
    start = tuple(settle(p, 0, 0) for p in programs), 0, 0, 0
    depth, level, after = {start: 0}, [start], {}
    while level:
        new = []
        for s in level:
            after[s] = [to for _, to in moves(s, programs)]
            for to in after[s]:
                if to not in depth:
                    depth[to] = depth[s] + 1
                    new.append(to)
        level = new
    ends = [len(p) for p in programs]
    good = {s for s in depth if [at for at, _ in s[0]] == ends}
    while True:
        more = {s for s in depth if s not in good and not good.isdisjoint(after[s])}
        if not more:
            break
        good |= more
    return min((n for s, n in depth.items() if s not in good), default=None) if good else None


def as_program(instruction_lists, properties=()):
    cells = shared("s")
    checks = tuple(make(cells) for make in properties)
    return Program("random", tuple(Thread("abc"[n], interpret, (cells, tuple(i))) for n, i in enumerate(instruction_lists)), checks)


def never_both_two(cells):
    return Invariant("never_both_two", (cells.x, cells.y), lambda x, y: "both are 2" if x == y == 2 else None)


@pytest.mark.parametrize("seed", range(150))
def test_states_and_shortest_schedules_equal_those_of_an_independent_search(seed):
    rng = random.Random(seed)
    programs = [random_instructions(rng) for _ in range(rng.choice([2, 2, 3]))]
    states, bad, switches = search(programs)
    everything = explore(as_program(programs), spinning=False)
    if everything.outcome == "holds":
        assert everything.states == states
    verdict = explore(as_program(programs, [never_both_two]), spinning=False)
    if verdict.outcome != "deadlock":
        assert (verdict.outcome == "violated") == (bad is not None)
    if verdict.outcome == "violated":
        assert len(verdict.threads) == bad
        assert verdict.switches == max(switches, 0)


def test_endless_loops_equal_those_of_an_independent_search():
    found = 0
    for seed in range(400):
        rng = random.Random(seed)
        programs = [random_instructions(rng) for _ in range(2)]
        verdict, soonest = explore(as_program(programs)), fewest_steps_to_an_endless_loop(programs)
        if verdict.broken == "no_endless_loop":
            assert soonest == len(verdict.threads)
            found += 1
        elif verdict.holds:
            assert soonest is None
    assert found >= 5


def test_the_random_programs_are_not_all_alike():
    """Otherwise the comparison above would prove nothing."""
    outcomes = {"holds": 0, "violated": 0}
    for seed in range(150):
        rng = random.Random(seed)
        programs = [random_instructions(rng) for _ in range(rng.choice([2, 2, 3]))]
        outcomes[explore(as_program(programs, [never_both_two]), spinning=False).outcome] += 1
    assert min(outcomes["holds"], outcomes["violated"]) >= 30, outcomes


# --- verdicts --------------------------------------------------------------------------------------------------------

@kernel
def spins_until_x(cells):
    while True:
        if (yield cells.x):
            break


@kernel
def sets_x(cells):
    yield cells.x.set(1)


def test_an_unbounded_loop_ends_in_a_proof():
    cells = shared("s")
    verdict = explore(Program("loop", (Thread("waiter", spins_until_x, (cells,)), Thread("setter", sets_x, (cells,)))))
    assert str(verdict) == "holds: 3 states, all of them"


def test_a_thread_that_spins_for_ever_is_a_deadlock():
    cells = shared("s")
    verdict = explore(Program("loop", (Thread("waiter", spins_until_x, (cells,)),)))
    assert verdict.outcome == "deadlock" and "waiter spins for ever" in verdict.sentence


@kernel
def takes_and_leaves(cells):
    yield write_lock(cells.lock)


def test_a_lock_that_is_never_dropped_is_a_violation():
    cells = shared("s")
    verdict = explore(Program("leaves", (Thread("a", takes_and_leaves, (cells,)),)))
    assert (verdict.broken, verdict.sentence) == ("locks_are_released", "a is done and still holds s.lock for write")


@kernel
def drops_what_it_does_not_hold(cells):
    yield read_unlock(cells.lock)


def test_a_lock_that_somebody_else_holds_cannot_be_dropped():
    cells = shared("s")
    assert explore(Program("drops", (Thread("a", drops_what_it_does_not_hold, (cells,)),))).broken == "only_the_holder_unlocks"


class two_locks(Struct):
    first = rwlock_t()
    second = rwlock_t()
    x = field(0)


@kernel
def forward(s):
    yield write_lock(s.first)
    yield write_lock(s.second)
    yield write_unlock(s.second)
    yield write_unlock(s.first)


@kernel
def backward(s):
    yield write_lock(s.second)
    yield write_lock(s.first)
    yield write_unlock(s.first)
    yield write_unlock(s.second)


@kernel
def for_ever(s):
    while True:
        yield s.x.set(0)
        yield s.x.set(1)


def test_two_locks_in_two_orders_are_a_deadlock_with_the_shortest_schedule():
    s = two_locks("s")
    verdict = explore(Program("ab-ba", (Thread("a", forward, (s,)), Thread("b", backward, (s,)))))
    assert verdict.outcome == "deadlock" and len(verdict.threads) == 2
    assert verdict.sentence == "a waits for s.second, which b holds for write; b waits for s.first, which a holds for write"


def test_a_deadlock_is_seen_while_a_third_thread_goes_on_for_ever():
    s = two_locks("s")
    verdict = explore(Program("ab-ba", (Thread("a", forward, (s,)), Thread("b", backward, (s,)), Thread("c", for_ever, (s,)))))
    assert verdict.outcome == "deadlock" and len(verdict.threads) == 2


@kernel
def takes_two(s, first, second):
    yield write_lock(getattr(s, first))
    yield s.x.set(1)
    yield read_lock(getattr(s, second))
    yield s.x.set(0)
    yield read_unlock(getattr(s, second))
    yield write_unlock(getattr(s, first))


def test_states_are_looked_at_for_rings_of_locks_only_where_the_order_of_locks_allows_one(monkeypatch):
    from pfncache_edu.interpreters.explorer import Search
    looked = []
    real = Search.standstill_of_locks
    monkeypatch.setattr(Search, "standstill_of_locks", lambda self, part: looked.append(part) or real(self, part))
    outcomes = {}
    for orders in (("first", "second"), ("first", "second")), (("first", "second"), ("second", "first")), (("first", "first"),) * 2:
        s, before = two_locks("s"), len(looked)
        threads = *(Thread("ab"[n], takes_two, (s, *order)) for n, order in enumerate(orders)), Thread("c", for_ever, (s,))
        outcomes[orders] = explore(Program("locks", threads)).outcome, len(looked) > before
    assert list(outcomes.values()) == [("holds", False), ("deadlock", True), ("deadlock", True)]


@kernel
def counts(cells):
    tries = 0
    while not (yield cells.x):
        tries += 1


def test_an_endless_search_is_incomplete_and_names_the_local_that_grew():
    cells = shared("s")
    verdict = explore(Program("counts", (Thread("a", counts, (cells,)),)), max_states=500)
    assert verdict.outcome == "incomplete" and not verdict.holds
    assert "`counts.tries` of a took" in verdict.sentence


def test_the_deadlock_is_told_before_a_longer_violation():
    s = two_locks("s")
    late = Invariant("late", (s.x,), lambda x: "late" if x == 3 else None)

    @kernel
    def slowly(s):
        for n in (1, 2, 3):
            yield s.x.set(n)
    threads = Thread("a", forward, (s,)), Thread("b", backward, (s,)), Thread("c", slowly, (s,))
    assert explore(Program("both", threads, (late,))).outcome == "deadlock"


def test_a_watch_remembers_a_threads_own_steps():
    def at_most_two(count, thread, step, old, result):
        if count == 2:
            raise Violation("at_most_two", f"{thread} takes a third step")
        return count + 1
    cells = shared("s")
    verdict = explore(Program("watch", (Thread("a", counts, (cells,)),), (Watch("at_most_two", at_most_two, start=0),)))
    assert verdict.sentence == "a takes a third step" and len(verdict.threads) == 3


def test_true_and_one_are_different_values():
    """Python calls them equal; a kernel function need not treat them alike."""
    assert freeze(True, {}) != freeze(1, {}) != freeze(1.0, {})


@kernel
def uses_what_it_read(cells):
    yield cells.y.set((yield cells.x))


def test_what_a_thread_has_just_yielded_belongs_to_where_it_is():
    """It is on no stack any more. The search once confused two stores of different values here."""
    cells = shared("s")
    wrong = Invariant("y_is_0", (cells.y,), lambda y: "y is 1" if y == 1 else None)
    verdict = explore(Program("yielded", (Thread("a", uses_what_it_read, (cells,)), Thread("b", sets_x, (cells,))), (wrong,)))
    assert verdict.schedule == "b1 a2"


def test_the_canaries_are_well_here():
    assert sick_canaries() == []


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.__name__)
def test_a_canary_that_is_seen_without_its_value_stack_would_be_sick(canary):
    """Where a generator is, without what is on its stack, does not tell loops apart: that is why there are canaries."""
    lasti = []
    generator = canary()
    for _ in generator:
        lasti.append(generator.gi_frame.f_lasti)
    told_apart_by_position_alone = len(set(lasti)) == len(lasti)
    assert len(set(looks(canary()))) == len(lasti)
    if canary.__name__.startswith("_for"):
        assert not told_apart_by_position_alone


def test_schedules_round_trip():
    program = as_program([[("load", "x", 0)], [("load", "y", 0)]])
    names = parse_schedule(program, "a1 b1")
    assert names == ["a", "b"] and format_schedule(program, names) == "a1 b1"
    assert [k for k, _ in groupby(e.thread for e in run(program, "b a"))] == ["b", "a"]


def test_a_run_stops_where_it_breaks():
    cells = shared("s")
    wrong = Invariant("x_is_0", (cells.x,), lambda x: "x is 1" if x else None)
    machine = Stepper(Program("breaks", (Thread("a", sets_x, (cells,)), Thread("b", sets_x, (cells,))), (wrong,)))
    machine.step("a")
    with pytest.raises(ValueError, match="undo, or start again"):
        machine.step("b")


# --- symmetry ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(60))
def test_a_search_that_does_not_tell_twins_apart_finds_and_counts_the_same(seed):
    rng = random.Random(1000 + seed)
    twin = tuple(random_instructions(rng))
    programs = [twin] * rng.choice([2, 3]) + [tuple(random_instructions(rng))] * rng.choice([0, 1])
    cells = shared("s")
    threads = tuple(Thread("abcd"[n], interpret, (cells, p)) for n, p in enumerate(programs))
    for properties in ((), (never_both_two(cells),)):
        program = Program("twins", threads, properties)
        assert program.twins
        full, symmetric = explore(program, symmetry=False), explore(program)
        assert (full.outcome, full.states, full.schedule) == (symmetric.outcome, symmetric.states, symmetric.schedule)
        if full.holds:
            assert symmetric.searched <= full.searched == full.states


def test_a_thread_that_a_property_singles_out_is_nobodys_twin():
    cells = shared("s")
    threads = Thread("a", sets_x, (cells,)), Thread("b", sets_x, (cells,))
    assert Program("p", threads).twins == [[0, 1]]
    singled_out = Watch("w", lambda memory, *_: memory, about=("a",))
    assert Program("p", threads, (singled_out,)).twins == []


# --- loops that may never end -------------------------------------------------------------------------------------------

@kernel
def polls_x(cells):
    while True:
        yield write_lock(cells.lock)
        x = yield cells.x
        yield write_unlock(cells.lock)
        if x:
            break


@kernel
def sets_x_only_if_y(cells):
    if (yield cells.y):
        yield cells.x.set(1)


@kernel
def sets_y(cells):
    yield cells.y.set(1)


def maybe_too_late(*waiters):
    cells = shared("s")
    threads = [Thread(name, polls_x, (cells,)) for name in waiters]
    return Program("too late", (*threads, Thread("setter", sets_x_only_if_y, (cells,)), Thread("y", sets_y, (cells,))))


def test_a_loop_that_can_spin_for_ever_is_told_with_the_shortest_schedule_that_leads_there():
    verdict = explore(maybe_too_late("waiter"))
    assert (verdict.outcome, verdict.broken, verdict.schedule) == ("deadlock", "no_endless_loop", "s1")
    assert verdict.sentence == "waiter can never finish from here, whatever runs next: a loop spins for ever"


def test_a_loop_that_somebody_always_can_end_does_not_spin():
    cells = shared("s")
    assert explore(Program("loop", (Thread("waiter", polls_x, (cells,)), Thread("setter", sets_x, (cells,))))).holds


def test_a_thread_that_is_meant_to_run_for_ever_does_not_count_as_spinning():
    cells, s = shared("s"), two_locks("s")
    assert explore(Program("p", (Thread("f", for_ever, (s,)), Thread("setter", sets_x, (cells,))))).holds


def test_the_question_can_be_left_out():
    assert explore(maybe_too_late("waiter"), spinning=False).holds


def test_twins_that_spin_are_told_apart_in_the_schedule():
    verdict = explore(maybe_too_late("v", "w"))
    assert verdict.schedule == "s1" and verdict.sentence.startswith("v and w can never finish")
