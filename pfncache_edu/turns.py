"""Turns at one lock: when each of those who ask for it gets in, and for whom it waits until then.

    take_turns([Request("vcpu0", "read", 0, 6), Request("notifier", "write", 1, 2)], "queued")

The lock is the simulator's, which follows the kernel's queued rwlock (interpreters/simulator.py); nothing else costs time.
A rule says whom the queue holds back:

    readers first                      no reader stands in line: a reader waits only while a writer is inside
    queued                             everybody stands in line, so a writer that waits holds back the readers after it
    queued, interrupts pass            as queued, but readers in interrupt context do not stand in line: Linux's rule
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .interpreters.simulator import FREE, Simulator, spend
from .locks import read_lock, read_unlock, rwlock_t, write_lock, write_unlock
from .program import Program, Thread
from .steps import Cell, Steps, Struct, kernel

READERS_FIRST, QUEUED, INTERRUPTS_PASS = RULES = "readers first", "queued", "queued, interrupts pass"


@dataclass(frozen=True)
class Request:
    """Who asks for the lock, in which mode, at which time, and for how long it stays inside."""
    who: str
    mode: str
    asks: float
    stays: float
    in_interrupt: bool = False

    def __post_init__(self):
        if self.mode not in ("read", "write"):
            raise ValueError(f"{self.who} asks for the lock to {self.mode!r}: it is \"read\" or \"write\"")
        if not (self.asks >= 0 and self.stays > 0):
            raise ValueError(f"{self.who} asks at {self.asks} and stays {self.stays}: a time is 0 or more, and a stay longer than 0")
        if self.in_interrupt and self.mode == "write":
            raise ValueError(f"{self.who} writes in interrupt context: only readers do that here")


@dataclass(frozen=True)
class Turn:
    """When a request got in and out. `behind` is whom it met when it had to wait, "" if it did not have to.

    `waiting` says whether the one it met was itself still waiting.
    """
    request: Request
    enters: float
    leaves: float
    behind: str = ""
    waiting: bool = False

    @property
    def waits(self) -> float:
        return self.enters - self.request.asks


class _shared(Struct):
    lock = rwlock_t()


def take_turns(requests: Iterable[Request], rule: str = INTERRUPTS_PASS) -> list[Turn]:
    """The turn of each request, in the order of the requests. Of those who ask at the same time, the first in the list is first."""
    requests = list(requests)
    if rule not in RULES:
        raise ValueError(f"there is no rule {rule!r}: there are {', '.join(map(repr, RULES))}")
    if len({request.who for request in requests}) < len(requests):
        raise ValueError("each name asks once: give every request a name of its own")
    lock = _shared("gpc").lock
    machine = Simulator(Program("turns", tuple(Thread(r.who, asks_once, (lock, r)) for r in requests)), costs=FREE,
                        in_interrupt={r.who for r in requests if passes_the_queue(r, rule)}, record_holds=True)
    machine.run(max((r.asks for r in requests), default=0) + sum(r.stays for r in requests))
    waits = {wait.thread: wait for wait in machine.waits}
    holds = {hold.thread: hold for hold in machine.holds}
    return [Turn(r, holds[r.who].entered, holds[r.who].left,
                 *((waits[r.who].behind, waits[r.who].waiting) if r.who in waits else ())) for r in requests]


def passes_the_queue(request: Request, rule: str) -> bool:
    """Whether this request does not stand in line under the rule."""
    return request.mode == "read" and (rule == READERS_FIRST or rule == INTERRUPTS_PASS and request.in_interrupt)


@kernel
def asks_once(lock: Cell, request: Request) -> Steps[None]:
    """Wait for one's time, take the lock, stay, and drop it."""
    take, drop = (read_lock, read_unlock) if request.mode == "read" else (write_lock, write_unlock)
    yield spend(request.asks)
    yield take(lock)
    yield spend(request.stays)
    yield drop(lock)


def told(turn: Turn) -> str:
    """A turn in a sentence."""
    asked = f"{turn.request.who} asks at {turn.request.asks:g} to {turn.request.mode}"
    if not turn.behind:
        return f"{asked} and enters at once"
    behind = f"{turn.behind}, which {'waits itself' if turn.waiting else 'is inside'}"
    return f"{asked}, meets {behind}, and enters at {turn.enters:g}"
