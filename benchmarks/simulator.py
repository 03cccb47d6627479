"""How fast the simulator is, as a ratio to SimPy on an equal model: python benchmarks/simulator.py

Both run the same workload of contention.py on the same kernel functions, with the same costs, cache lines, fair lock and
random numbers; in SimPy each step is a timeout. First both have to note the same reads and hooks at the same times; then
they take turns, and what is printed is the median of the ratios of CPU times, with the range. Most of the difference is
that a step which no other CPU could have disturbed needs no event here. It needs SimPy (pip install simpy).

Exit code: 0 if the median is at least 3, 1 if it is less, 2 if there is nothing to compare.
"""
from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from pfncache_edu.contention import BEFORE, Workload, program_of  # noqa: E402
from pfncache_edu.interpreters.simulator import CLOCK, FAR, NOTE, SLEEP, SPEND, Simulator  # noqa: E402
from pfncache_edu.steps import COND_RESCHED, LOAD, STORE, WAIT_UNTIL, as_step, livepatched, unguarded  # noqa: E402

LEAST = 3.0


def ours(workload: Workload, until: float) -> list[tuple[float, str, str, float]]:
    """(time, thread, what, number) of everything that was noted, in ns."""
    machine = Simulator(program_of(workload, BEFORE)[0], costs=FAR)
    machine.run(until)
    return machine.notes


class Lock:
    """A fair lock for SimPy: who is inside, and who waits, each as (mode, event)."""

    def __init__(self):
        self.readers, self.writer, self.queue = 0, False, deque()

    def is_open(self, mode: str) -> bool:
        """Whether the first in the queue could enter now."""
        return not self.writer and (mode == "read" or not self.readers)

    def enter(self, mode: str) -> None:
        if mode == "read":
            self.readers += 1
        else:
            self.writer = True

    def may_enter(self, mode: str) -> bool:
        """Whether a newcomer may enter: a reader unless a writer is first in the queue, a writer if the queue is empty."""
        return self.is_open(mode) and not (self.queue and (mode == "write" or self.queue[0][0] == "write"))

    def leave(self, mode: str) -> None:
        """Leave, and let in who can enter: each a hand-off after the one before."""
        if mode == "read":
            self.readers -= 1
        else:
            self.writer = False
        noticed = 0.0
        while self.queue and self.is_open(self.queue[0][0]):
            noticed += FAR.hand_off
            mode, event = self.queue.popleft()
            self.enter(mode)
            event.succeed(noticed)


class Line:
    """A cache line: who has a copy, and until when it is on its way."""

    def __init__(self):
        self.copies, self.busy_until = 0, 0.0

    def ready(self, now: float, bit: int, writes: bool, local: float) -> float:
        """How long until the CPU has it."""
        if self.copies == bit or not self.copies or (not writes and self.copies & bit):
            self.copies |= bit
            return local
        self.copies = bit if writes else self.copies | bit
        self.busy_until = max(now, self.busy_until) + (FAR.remote if writes else FAR.miss)
        return self.busy_until - now


def theirs(workload: Workload, until: float) -> list[tuple[float, str, str, float]]:
    """The same in SimPy."""
    import simpy

    program = program_of(workload, BEFORE)[0]
    environment, notes, values, lines, locks = simpy.Environment(), [], {}, {}, {}

    def line_of(cell):
        if cell not in lines:
            name = cell.name if cell.kind != "data" else cell.name.rpartition(".")[0]
            lines[cell] = lines.setdefault(name, Line())
        return lines[cell]

    def cpu(thread, bit):
        send, answer = iter(thread.function(*thread.args)).send, None
        while True:
            step = as_step(send(answer))
            verb, answer = step.verb, None
            if verb is CLOCK:
                answer = environment.now
            elif verb is NOTE:
                notes.append((environment.now, thread.name, *step.argument))
            elif verb is SPEND or verb is SLEEP:
                yield environment.timeout(step.argument)
            elif not step.cells:
                yield environment.timeout(FAR.resched if verb is COND_RESCHED else FAR.barrier)
            elif verb is LOAD and step.cells[0] in program.still:
                yield environment.timeout(FAR.load)
                answer = step.cells[0].initial
            else:
                cell = step.cells[0]
                writes = verb is not LOAD and verb is not WAIT_UNTIL
                local = FAR.rmw if writes and verb is not STORE else FAR.load
                yield environment.timeout(line_of(cell).ready(environment.now, bit, writes, local))
                if verb.takes:
                    lock = locks.get(cell) or locks.setdefault(cell, Lock())
                    if lock.may_enter(verb.takes):
                        lock.enter(verb.takes)
                    else:
                        event = environment.event()
                        lock.queue.append((verb.takes, event))
                        noticed = yield event
                        line_of(cell).copies = bit
                        yield environment.timeout(noticed)
                elif verb.releases:
                    locks[cell].leave(verb.releases)
                else:
                    answer, values[cell] = step.effect(values.get(cell, cell.initial))

    with livepatched(program.livepatch), unguarded():
        for n, thread in enumerate(program.threads):
            environment.process(cpu(thread, 1 << n))
        environment.run(until)
    return notes


def cpu_seconds(run, *args) -> float:
    began = time.process_time()
    run(*args)
    return time.process_time() - began


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--readers", type=int, default=8)
    asked.add_argument("--rate", type=float, default=100_000)
    asked.add_argument("--related", type=float, default=0)
    asked.add_argument("--rounds", type=int, default=9)
    asked.add_argument("--microseconds", type=float, default=5_000, help="of virtual time (default: %(default)s)")
    asked = asked.parse_args()
    workload, until = Workload(readers=asked.readers, rate=asked.rate, related=asked.related), asked.microseconds * 1e3
    try:
        other = theirs(workload, until)
    except ImportError:
        print("SimPy is not installed: pip install simpy", file=sys.stderr)
        return 2
    mine = ours(workload, until)
    if len(mine) != len(other) or any(one[1:3] != two[1:3] or abs(one[0] - two[0]) > 1e-3 for one, two in zip(mine, other)):
        print(f"the two do not note the same ({len(mine)} and {len(other)} notes): no comparison", file=sys.stderr)
        return 2
    pairs = [(cpu_seconds(ours, workload, until), cpu_seconds(theirs, workload, until)) for _ in range(asked.rounds)]
    ratios = [their / our for our, their in pairs]
    reads, median = sum(n[2] == "read" for n in mine), statistics.median(ratios)
    print(f"{asked.readers} readers, {asked.rate:,g} invalidations/s: {reads:,} reads and {len(mine) - reads:,} hooks, the same in both; "
          f"{asked.rounds} pairs")
    for name, seconds in (("ours", [p[0] for p in pairs]), ("SimPy", [p[1] for p in pairs])):
        print(f"{name:<6} {reads / statistics.median(seconds):>10,.0f} reads per CPU second")
    print(f"ratio  {median:.2f} [{min(ratios):.2f}, {max(ratios):.2f}]")
    return 0 if median >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
