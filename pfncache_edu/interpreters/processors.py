"""Threads that share CPUs: what a thread does besides its own steps when there are fewer CPUs than threads.

    steps = sharing_cpus(iter(function(...)))      takes a CPU, gives it up to sleep, gives way when its turn is over

The model is that of a kernel that is preempted everywhere but where it spins or may not sleep: a thread that holds a
spinlock or rwlock, or spins for one, keeps its CPU. Else it gives way between two steps, to a thread that has just woken up,
or, after SLICE, to one that waits for its turn. Who wakes up, or starts, goes first; the others are taken in turn. A thread
that waits for a mutex, or sleeps, needs no CPU. Threads in interrupt context are not scheduled: each has a CPU besides.

Left out: priorities, which CPU would suit a thread, and that a mutex is spun for while its owner runs.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Protocol

from ..locks import MUTEX_LOCK, MUTEX_TRYLOCK
from ..steps import WAIT_UNTIL, Cell, Step, Verb

SLICE = 3_000_000.0          # ns. Assumed: Linux's schedulers take some milliseconds.
PIECE = 2_000.0              # ns of work outside of locks after which somebody else may be let in

TAKE_CPU = Verb("take_cpu", "waits for a CPU", lambda _: (None,))
GIVE_CPU = Verb("give_cpu", "leaves its CPU", lambda _: (None,))
GIVE_WAY = Verb("give_way", "lets another thread run", lambda _: (None,))
SPEND = Verb("spend", "works for {argument} ns", lambda _: (None,))
SLEEP = Verb("sleep", "sleeps for {argument} ns", lambda _: (None,))
SPINNING = ("rwlock", "spinlock")


def sharing_cpus(steps: Generator) -> Generator:
    """The steps of a thread with those that it takes to share CPUs with others."""
    answer, locks = None, 0              # locks that it holds, and may not sleep with
    yield Step(TAKE_CPU, ())
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            yield Step(GIVE_CPU, ())
            return
        verb = step.verb if type(step) is Step else None
        if verb is SLEEP or verb is WAIT_UNTIL:
            answer = yield from _without_a_cpu(step)
        elif verb is MUTEX_LOCK:
            answer = None if (yield Step(MUTEX_TRYLOCK, step.cells)) else (yield from _without_a_cpu(step))
        elif verb is SPEND and not locks:
            answer = yield from _in_pieces(step.argument)
        else:
            answer = yield step
            if verb and step.cells and step.cells[0].kind in SPINNING:
                locks += 1 if verb.takes and (answer or not verb.tries) else -1 if verb.releases else 0
        if not locks:
            yield Step(GIVE_WAY, ())


def _without_a_cpu(step: Step | Cell) -> Generator:
    yield Step(GIVE_CPU, ())
    answer = yield step
    yield Step(TAKE_CPU, ())
    return answer


def _in_pieces(ns: float) -> Generator:
    while ns > PIECE:
        yield Step(SPEND, (), PIECE)
        yield Step(GIVE_WAY, ())
        ns -= PIECE
    yield Step(SPEND, (), ns)


class Runs(Protocol):
    """A thread as the scheduler sees it: `bit` stands for the CPU that it is on, `turn` is when it got there."""
    bit: int
    turn: float


class Processors:
    """The CPUs: which are idle, and who waits for one."""

    def __init__(self, many: int):
        self.idle = [1 << n for n in reversed(range(many))]
        self.woken: deque[Runs] = deque()
        self.displaced: deque[Runs] = deque()

    def take(self, thread: Runs, time: float) -> bool:
        """Whether the thread has a CPU now; else it waits for one."""
        if self.idle:
            thread.bit, thread.turn = self.idle.pop(), time
            return True
        self.woken.append(thread)
        return False

    def give(self, thread: Runs, time: float) -> Runs | None:
        """Who has the thread's CPU now; None if it is idle."""
        waiting = self.woken or self.displaced
        if not waiting:
            self.idle.append(thread.bit)
            return None
        following = waiting.popleft()
        following.bit, following.turn = thread.bit, time
        return following

    def give_way(self, thread: Runs, time: float) -> Runs | None:
        """Who has the thread's CPU now; None if the thread keeps it."""
        if not self.woken and not (self.displaced and time - thread.turn >= SLICE):
            return None
        following = self.give(thread, time)
        self.displaced.append(thread)
        return following
