"""What stands behind a verdict: how much was seen, what was put to the test, and what random runs would have found.

    print(evidence(program))                       counts, five sample runs, how often each property could have failed
    print(random_runs(program, 1_000, seed=0))     how many of 1,000 random schedules fail

A proof can be empty: "whoever writes writes to the right page" holds where nobody writes. So each property is asked how
often it was near to failing.

- A *state* puts an invariant to the test if the invariant is wrong there, or would be if one of its cells, alone, held
  another value that this cell holds in some state.
- A *step* puts a watch to the test if the watch remembers something else after it than before, or finds it wrong, or
  would find it wrong if one of the step's cells, alone, had held another value that it holds in some state, or if the
  watch had remembered another thing that it remembers somewhere. The end of a thread counts in the same way.

A property that only forbids a step ("never takes the lock for write") is put to the test by nothing when it holds: that
the step never comes is its proof. The number of steps that it was asked about says whether it had anything to look at.
"""
from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ..program import Invariant, Program, Watch
from ..steps import Violation
from ..verdict import ARRIVES, QUEUES, Verdict, format_schedule
from .explorer import MAX_NODES, MAX_STATES, Node, Role, Row, Search, explore
from .taking import take

MAX_STEPS = 2_000
"""A random run that is longer is called unfinished."""


@dataclass(frozen=True)
class Asked:
    """How often a property was evaluated, and in how many of these cases it could have failed (see above)."""
    property: str
    meaning: str
    times: int
    put_to_the_test: int
    unit: str

    @property
    def empty(self) -> bool:
        """Whether nothing ever put it to the test: then its proof says little, unless it only forbids a step."""
        return not self.put_to_the_test

    def __str__(self):
        if self.empty:
            return f"{self.property}: never put to the test in {self.times:,} {self.unit}"
        return f"{self.property}: put to the test by {self.put_to_the_test:,} of {self.times:,} {self.unit}"


@dataclass(frozen=True)
class Evidence:
    """A verdict, and what was seen on the way to it.

    states, depth  how many states were counted here and how many steps deep: all that can be reached without a wrong
                   step, also where the verdict needed only a few of them to find a failure
    complete       whether that was everything; if not, all the counts are of a part
    places         for each thread, at how many places (with what it remembers there) it can be suspended
    asked          for each property, how often it was put to the test
    runs           schedules of random runs, as strings that replay anywhere
    """
    verdict: Verdict
    states: int
    depth: int
    complete: bool
    places: dict[str, int]
    asked: tuple[Asked, ...]
    runs: tuple[str, ...]
    seed: int

    @property
    def empty(self) -> tuple[str, ...]:
        """The names of the properties that nothing put to the test."""
        return tuple(asked.property for asked in self.asked if asked.empty)

    def __str__(self):
        part = "" if self.complete else ", and more that were not seen"
        return "\n".join([str(self.verdict), f"{self.states:,} states, {self.depth:,} steps deep{part}",
                          "places to be suspended at: " + ", ".join(f"{name} {n:,}" for name, n in self.places.items()),
                          *map(str, self.asked), f"random runs, seed {self.seed}:", *(f"  {run}" for run in self.runs)])


def evidence(program: Program, runs: int = 5, seed: int = 0, *, max_states: int = MAX_STATES) -> Evidence:
    """The verdict on a program together with what was seen on the way: counts, sample runs, what was put to the test."""
    verdict = explore(program, max_states=max_states)
    search = Search(program, max_states)
    complete = True
    with search.searching():
        for depth, level in enumerate(search.levels_from_start()):
            if len(search.seen) > max_states or search.nodes > MAX_NODES:
                complete = False
                break
        asked = *(_invariant_asked(search, *entry) for entry in search.invariants), *_watches_asked(search)
    order = list(program.properties)
    asked = tuple(a for _, a in sorted(asked, key=lambda pair: order.index(pair[0])))
    samples = tuple(format_schedule(program, threads) for threads, _ in islice(_walks(program, seed), runs))
    return Evidence(verdict, len(search.seen), depth, complete, {r.thread.name: len(r.automaton.nodes) for r in search.roles},
                    asked, samples, seed)


# --- what puts a property to the test -------------------------------------------------------------------------------

def _one_changed(values: tuple, possible: list[Iterable]) -> Iterator[tuple]:
    """The values with one of them replaced by another that is possible."""
    for n, others in enumerate(possible):
        for other in others:
            if other is not values[n]:
                yield *values[:n], other, *values[n + 1:]


def _invariant_asked(search: Search, invariant: Invariant, slots: list, _) -> tuple[Invariant, Asked]:
    mask = 0
    for slot in slots:
        mask |= slot.mask
    possible = [slot.values.values() for slot in slots]

    def near_to_failing(values: tuple) -> bool:
        return bool(invariant.wrong(*values)) or any(_wrong(invariant.wrong, *other) for other in _one_changed(values, possible))
    near = sum(n for part, n in Counter(s & mask for s in search.seen).items()
               if near_to_failing(tuple(slot.values[part & slot.mask] for slot in slots)))
    return invariant, Asked(invariant.name, invariant.meaning, len(search.seen), near, "states")


def _wrong(question: Callable, *arguments) -> bool:
    """Whether a property finds a situation wrong that need not exist. One that it cannot judge is not wrong."""
    try:
        return bool(question(*arguments))
    except Violation:
        return True
    except Exception:
        return False


def _watches_asked(search: Search) -> Iterator[tuple[Watch, Asked]]:
    taken = [(role, row, key, n) for role in search.roles for (row, key), n in _steps_of(search, role)]
    for number, watch in enumerate(search.program.watches):
        remembered = {node.memory.watched[number] for role in search.roles for node in role.automaton.nodes}
        times = near = 0
        for role, row, key, n in taken:
            if watch.about and role.thread.name not in watch.about:
                continue
            times += n
            near += n * _puts_to_the_test(search, watch, number, role, row, key, remembered)
        yield watch, Asked(watch.name, watch.meaning, times, near, "steps")


def _steps_of(search: Search, role: Role) -> Iterator[tuple[tuple[Row, int], int]]:
    """Each step that the thread takes, as a row and the values that it finds, and from how many states it takes it."""
    nodes = Counter()
    for s in search.seen:
        row = role.rows[s & role.slot.mask]
        nodes[row.code, s & row.mask] += 1
    for (code, key), n in nodes.items():
        row = role.rows[code]
        if row.results.get(key, QUEUES) not in (QUEUES, ARRIVES):
            yield (row, key), n


def _puts_to_the_test(search: Search, watch: Watch, number: int, role: Role, row: Row, key: int, remembered: set) -> bool:
    node, name = row.node, role.thread.name
    before, size = node.memory.watched[number], len(node.step.cells)
    old = tuple(slot.values[key & slot.mask] for slot in row.slots)
    result = row.results[key]
    if key in row.wrong and row.wrong[key].property == watch.name:
        return True
    try:
        after = watch.after(before, name, node.step, old[:size], result)
        if after != before:
            return True
    except Violation:
        return True
    if watch.at_end and key not in row.wrong and _node_after(role, row, key).step is None:
        if any(_wrong(watch.at_end, other, name) for other in remembered):
            return True
    if any(_raises(watch, other, name, node, old[:size], result) for other in remembered):
        return True
    for values in _one_changed(old, [slot.values.values() for slot in row.slots[:size]]):
        taken = take(search.program, role.thread, node.memory, node.step, values)
        if taken and taken.result not in (QUEUES, ARRIVES) and _raises(watch, before, name, node, values[:size], taken.result):
            return True
    return False


def _raises(watch: Watch, memory, name: str, node: Node, old: tuple, result) -> bool:
    def after():
        watch.after(memory, name, node.step, old, result)
    return _wrong(after)


def _node_after(role: Role, row: Row, key: int) -> Node:
    return role.slot.values[(row.code + key + row[key]) & role.slot.mask]


# --- random runs ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class RandomRuns:
    """What random testing finds: how many runs fail, in which way, and the schedule of the first that does.

    failures    how many runs break each property; a deadlock counts as "no_deadlock"
    unfinished  how many runs were given up because they were still going after 2,000 steps
    """
    runs: int
    seed: int
    failures: dict[str, int]
    unfinished: int
    first: str

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    @property
    def deadlocks(self) -> int:
        return self.failures.get("no_deadlock", 0)

    @property
    def violations(self) -> int:
        return self.failed - self.deadlocks

    @property
    def share(self) -> float:
        """The part of the runs that fails, from 0 to 1."""
        return self.failed / self.runs if self.runs else 0.0

    def __str__(self):
        how = "".join(f"; {name} {n:,}" for name, n in self.failures.items())
        unfinished = f"; unfinished {self.unfinished:,}" if self.unfinished else ""
        return f"{self.failed:,} of {self.runs:,} random runs fail ({self.share:.2%}){how}{unfinished}"


def random_runs(program: Program, runs: int, seed: int = 0, progress: Callable[[int, int], None] | None = None) -> RandomRuns:
    """How many of `runs` random schedules fail: before each step, each thread that can run is equally likely to be chosen.

    The same seed gives the same runs. `progress(runs done, runs that failed)` is called after each one.
    """
    failures: Counter = Counter()
    unfinished, first = 0, ""
    for n, (threads, ending) in enumerate(islice(_walks(program, seed), runs), 1):
        if ending == "unfinished":
            unfinished += 1
        elif ending:
            failures[ending] += 1
            first = first or format_schedule(program, threads)
        if progress:
            progress(n, failures.total())
    return RandomRuns(runs, seed, dict(sorted(failures.items())), unfinished, first)


def _walks(program: Program, seed: int) -> Iterator[tuple[list[str], str]]:
    """Random runs without end: the thread of each step, and what went wrong ("" nothing, "unfinished" too long)."""
    search = Search(program)
    n = 0
    while True:
        with search.searching():
            walk = _walk(search, random.Random(f"{seed}, run {n}"))
        yield walk
        n += 1


def _walk(search: Search, rng: random.Random) -> tuple[list[str], str]:
    state, threads = 0, []
    while len(threads) < MAX_STEPS:
        broken = broken_invariant(search, state)
        if broken:
            return threads, broken
        rows = [(role, role.rows[state & role.slot.mask]) for role in search.roles]
        can = [(role, row) for role, row in rows if row[state & row.mask] or state & row.mask in row.wrong]
        if not can:
            return threads, "no_deadlock" if any(row.node.step is not None for _, row in rows) else ""
        role, row = rng.choice(can)
        threads.append(role.thread.name)
        wrong = row.wrong.get(state & row.mask)
        if wrong:
            return threads, wrong.property
        state += row[state & row.mask]
    return threads, "unfinished"


def broken_invariant(search: Search, state: int) -> str | None:
    """The name of the first invariant that is wrong in a state."""
    for invariant, slots, known in search.invariants:
        part = 0
        for slot in slots:
            part |= state & slot.mask
        if part not in known:
            known[part] = invariant.wrong(*(slot.values[part & slot.mask] for slot in slots))
        if known[part]:
            return invariant.name
    return None
