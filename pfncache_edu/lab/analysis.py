"""Counts from traces: which locks the hook took, and who waited for a cache's lock.

Nothing here is a time: how long something takes in an emulated machine says nothing about a real one.
"""
from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median_low

from .recordings import Boot
from .traces import Damaged, Event, Phase, events, phases

HOOK = "gfn_to_pfn_cache_invalidate_start"
BODIES = (HOOK, "before_the_patch", "after_the_patch")      # the last two: what the module puts in its place
READ, WRITE = "_raw_read_lock_irq", "_raw_write_lock_irq"
CALL = re.compile(r"(\w+) <-(\w+)")
WAIT = re.compile(r"contention_begin: (?:0x)?([0-9a-f]+) \(flags=([A-Z|0-9a-fx]*)\)")
CACHES = {                                                  # in the order in which a VM with one vCPU initialises them
    "6.1": ("kvm-clock",),
    "6.12": ("shared_info", "kvm-clock", "runstate", "runstate2", "vcpu_info", "vcpu_time_info")}
VARIANTS = ("6.1", "6.12", "6.12 stock", "6.12 before", "6.12 after")


@dataclass(frozen=True)
class LockCalls:
    """How often the hook took a cache's lock while the test program made one kind of system call."""
    variant: str
    cause: str               # the system call: madvise, munmap, mprotect, mremap
    related: bool            # whether the range was the page of one of the caches
    caches: int
    calls: int               # system calls
    invalidations: int       # calls of the hook that came of them
    read: int
    write: int


@dataclass(frozen=True)
class Run:
    """One run with a reader on the other CPU: how often somebody waited for the lock of a cache."""
    variant: str
    reader: str              # "clock" (KVM_RUN that updates kvm-clock) or "event-channel" (Xen)
    related: bool
    number: int
    invalidations: int       # at least
    reads: int               # uses of the cache by the reader meanwhile
    write_waits: int         # a writer waited; in an unrelated run only the notifier locks for write
    read_waits: int          # a reader waited; in an unrelated run before the patch only the reader locks for read
    others: int              # waits on locks that belong to no cache
    by_cache: tuple[tuple[str, int], ...]

    @property
    def waits(self) -> int:
        return self.write_waits + self.read_waits


def variant_of(boot: Boot, hook: str) -> str:
    """What was measured: the stock kernel, or one body of the hook in a kernel whose hook is swapped."""
    return f"{boot.kernel} {hook}" if boot.swapped else boot.kernel


# --- lock calls -------------------------------------------------------------------------------------------------------

def lock_calls(boot: Boot) -> list[LockCalls]:
    """The lock calls of the hook in one boot, a row for each variant, system call, and kind of range."""
    parts = [name for name in boot.traces if name.startswith("lock-calls-")] or ["lock-calls"]
    return [_lock_calls(boot, phase) for part in parts for phase in _phases(boot, part) if phase.kind == "count"]


def _lock_calls(boot: Boot, phase: Phase) -> LockCalls:
    seen = [CALL.match(event.text) for event in phase.events if event.pid == phase.pid]
    if None in seen:
        raise Damaged(f"{boot.name}: among the function calls of {phase.facts} is something else")
    in_hook = [call[1] for call in seen if call[2] in BODIES]
    return LockCalls(variant_of(boot, _fact(phase, "hook")), _fact(phase, "cause"), phase.number("related") == 1,
                     phase.number("caches"), phase.number("calls"), sum(call[1] == HOOK for call in seen),
                     in_hook.count(READ), in_hook.count(WRITE))


def locks_per_read(boot: Boot) -> dict[str, float]:
    """How often each reader takes the lock of a cache for read, each time it uses one."""
    found = {}
    for phase in _phases(boot, "lock-calls"):
        if phase.kind == "reads":
            taken = sum(event.text.startswith("_raw_read_lock_irqsave") for event in phase.events if event.pid == phase.pid)
            found[_fact(phase, "reader")] = taken / phase.number("calls")
    return found


# --- waits --------------------------------------------------------------------------------------------------------------

def runs(boot: Boot) -> list[Run]:
    """Every run with two CPUs in one boot."""
    return [_run(boot, phase) for phase in _phases(boot, "waits") if phase.kind == "wait"]


def _run(boot: Boot, phase: Phase) -> Run:
    if not phase.locks:
        raise Damaged(f"{boot.name}: no cache was initialised before {phase.facts}, so nobody knows their locks")
    found = [wait for event in phase.events if (wait := _wait(boot, event))]
    ours = [(lock, flags) for lock, flags in found if lock in phase.locks]
    names = dict(zip(phase.locks, CACHES.get(boot.kernel, ())))
    waited_for = [names.get(lock, lock) for lock, _ in ours]
    return Run(variant_of(boot, _fact(phase, "hook")), _fact(phase, "reader"), phase.number("related") == 1,
               phase.number("run"), phase.number("done"), phase.number("reads"),
               sum("WRITE" in flags for _, flags in ours), sum("READ" in flags for _, flags in ours), len(found) - len(ours),
               tuple((name, waited_for.count(name)) for name in sorted(set(waited_for))))


def _wait(boot: Boot, event: Event) -> tuple[str, list[str]] | None:
    """The lock's address and the flags of a wait that begins, None of any other event."""
    if not event.text.startswith("contention_begin"):
        return None
    found = WAIT.match(event.text)
    if not found:
        raise Damaged(f"{boot.name}, waits, line {event.line}: cannot be read: {event.text!r}")
    return found[1], found[2].split("|")


# --- all boots together ---------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Spread:
    """Counts of several runs: how many there were, and how far apart they are."""
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def median(self) -> int:
        """The one in the middle: half of the runs had no more. (Of an even number of runs: the lower of the two.)"""
        return median_low(self.counts)


def all_lock_calls(boots: Iterable[Boot]) -> dict[str, list[list[LockCalls]]]:
    """variant -> the rows of each boot: equal boots show that the counts repeat."""
    found: dict[str, list[list[LockCalls]]] = {}
    for boot in boots:
        rows = lock_calls(boot)
        for variant in dict.fromkeys(row.variant for row in rows):
            found.setdefault(variant, []).append([row for row in rows if row.variant == variant])
    return _in_order(found)


def all_runs(boots: Iterable[Boot]) -> dict[tuple[str, str, bool], list[Run]]:
    """(variant, reader, related) -> its runs in all boots."""
    found: dict[tuple[str, str, bool], list[Run]] = {}
    for boot in boots:
        for run in runs(boot):
            found.setdefault((run.variant, run.reader, run.related), []).append(run)
    return _in_order(found)


def _in_order(found: dict) -> dict:
    """Kernels first, then what the module made of one of them; readers in the order they ran."""
    def place(key):
        variant = key if isinstance(key, str) else key[0]
        return VARIANTS.index(variant) if variant in VARIANTS else len(VARIANTS)
    return dict(sorted(found.items(), key=lambda item: place(item[0])))


# --- reading ------------------------------------------------------------------------------------------------------------

def _fact(phase: Phase, name: str) -> str:
    try:
        return phase.facts[name]
    except KeyError:
        raise Damaged(f"a phase {phase.kind!r} should say its {name}: it says {phase.facts}") from None


def _phases(boot: Boot, part: str) -> list[Phase]:
    where = f"{boot.name or boot.kernel}, {part}"
    if part not in boot.traces:
        raise Damaged(f"{where}: is missing")
    return _read_phases(boot.traces[part], where)


@functools.lru_cache(maxsize=64)         # a table and the sentences below it read the same traces
def _read_phases(text: str, where: str) -> list[Phase]:
    return phases(events(text, where), where)
