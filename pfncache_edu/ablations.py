"""Ablations: the patched hook with one or more of its ideas switched off, and what that costs.

    livepatch_without({"write"})                the hook that stores under the read lock
    outcome_without({"again", "announce"})      verdict, shortest schedule, useless write locks, chance of random testing

Each switch is one idea of the patch, or of what the patch leans on. With all of them on, the functions do what those in kvm/
do, step for step; with one off, one of them does something else, which `instead` says.
"""
from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

from . import scenarios
from .interpreters.chances import Chance, chance
from .interpreters.explorer import explore
from .interpreters.stepper import Stepper
from .kvm.mmu_notifier import kvm_mmu_notifier_invalidate_range_start
from .kvm.pfncache import gfn_to_pfn_cache_invalidate_start, mmu_notifier_retry_cache
from .kvm.structs import PAGE_SIZE, gfn_to_pfn_cache, kvm
from .locks import read_lock_irq, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq, write_unlock_irq
from .mutants import MUTANTS, overlaps
from .scenarios import ELSEWHERE, FIRST_PAGE, Livepatch, unrelated_range
from .steps import KernelFunction, Steps, kernel
from .verdict import Verdict


@dataclass(frozen=True)
class Switch:
    """An idea that can be switched off: in which function it is, what it does, and what happens instead.

    `needs` names other ideas: with one of them off, this one makes no difference.
    """
    name: str
    function: KernelFunction
    idea: str
    instead: str
    needs: tuple[str, ...] = ()


HOOK = gfn_to_pfn_cache_invalidate_start
SWITCHES = (
    Switch("first", HOOK, "Look before the write lock is taken", "takes the write lock at once, and looks then: before the patch"),
    Switch("read", HOOK, "Hold the read lock for the first look", "looks without a lock", ("first",)),
    Switch("left", HOOK, "A range may begin with the page", "tests start < uhva"),
    Switch("right", HOOK, "A range may end where the page begins", "tests uhva <= end"),
    Switch("drop", HOOK, "Drop the read lock on a hit", "keeps it, and asks for the write lock", ("first", "read")),
    Switch("write", HOOK, "Take the write lock for the store", "takes the read lock for it"),
    Switch("again", HOOK, "Look again under the write lock", "stores False without looking again"),
    Switch("announce", kvm_mmu_notifier_invalidate_range_start, "Raise the event count before the caches are visited", "raises it after they were visited"),
    Switch("count", mmu_notifier_retry_cache, "A refresh asks whether an event is under way", "asks only whether one has ended"),
)
NAMES = tuple(switch.name for switch in SWITCHES)
SITUATIONS = (scenarios.page_moves_during_use, scenarios.page_moves_during_refresh)
UNRELATED = {"far away": ELSEWHERE, "just below the page": FIRST_PAGE - PAGE_SIZE, "just above the page": FIRST_PAGE + PAGE_SIZE}


def hook_without(off: Collection[str]) -> KernelFunction:
    """gfn_to_pfn_cache_invalidate_start() without these ideas."""
    on = set(NAMES) - set(off)
    reads = "first" in on and "read" in on
    drops = reads and "drop" in on
    for_store = (write_lock_irq, write_unlock_irq) if "write" in on else (read_lock_irq, read_unlock_irq)

    @kernel
    def hits(gpc: gfn_to_pfn_cache, start: int, end: int) -> Steps[bool]:
        """The test of the range, with bounds that may be off by one."""
        return (yield from overlaps(gpc, start + ("left" not in on), end + ("right" not in on)))

    @kernel
    def gfn_to_pfn_cache_invalidate_start(kvm: kvm, start: int, end: int) -> Steps[None]:
        yield spin_lock(kvm.gpc_lock)
        for gpc in (yield kvm.gpc_list):
            if reads:
                yield read_lock_irq(gpc.lock)
            if "first" in on and not (yield from hits(gpc, start, end)):
                if reads:
                    yield read_unlock_irq(gpc.lock)
                continue
            if drops:
                yield read_unlock_irq(gpc.lock)
            yield for_store[0](gpc.lock)
            if "again" not in on or (yield from hits(gpc, start, end)):
                yield gpc.valid.set(False)
            yield for_store[1](gpc.lock)
            if reads and not drops:
                yield read_unlock_irq(gpc.lock)
        yield spin_unlock(kvm.gpc_lock)

    return gfn_to_pfn_cache_invalidate_start


def livepatch_without(off: Collection[str]) -> Livepatch:
    """What replaces the kernel's functions when these switches are off. ValueError names the switches that there are."""
    unknown = set(off) - set(NAMES)
    if unknown:
        raise ValueError(f"there is no switch {min(unknown)!r}: there are {', '.join(NAMES)}")
    livepatch = {HOOK: hook_without(off)}
    for name, mutant in (("announce", "announces_after_the_walk"), ("count", "forgets_the_count")):
        if name in off:
            livepatch |= MUTANTS[mutant].livepatch
    return livepatch


@dataclass(frozen=True)
class Outcome:
    """What becomes of the functions without some of their ideas.

    verdict    the shortest failure over both situations; if there is none, the verdict on the last one
    states     how many were searched in both, if all hold
    useless    how many write locks one unrelated event takes, at worst
    chances    for each situation, how likely a random run is to fail; None where none can
    """
    off: tuple[str, ...]
    verdict: Verdict
    states: int
    useless: int
    chances: tuple[Chance | None, ...]

    @property
    def kind(self) -> str:
        """"violated", "deadlock", "wasteful" or "holds"."""
        return self.verdict.outcome if not self.verdict.holds else "wasteful" if self.useless else "holds"

    @property
    def where(self) -> int:
        """The number of the situation that the verdict is on."""
        return next(n for n, situation in enumerate(SITUATIONS) if situation.__name__ == self.verdict.program.name)


@cache
def outcome_without(*off: str) -> Outcome:
    """The judgement on the functions without these ideas."""
    livepatch = livepatch_without(off)
    programs = [situation(livepatch) for situation in SITUATIONS]
    verdicts = [explore(program) for program in programs]
    broken = [verdict for verdict in verdicts if not verdict.holds]
    return Outcome(off, min(broken, key=lambda verdict: len(verdict.threads)) if broken else verdicts[-1],
                   sum(verdict.states for verdict in verdicts), useless_write_locks(livepatch),
                   tuple(None if verdict.holds else chance(program) for program, verdict in zip(programs, verdicts)))


def useless_write_locks(livepatch: Livepatch) -> int:
    """How many write locks of a cache one event takes at worst that has nothing to do with it; a hook that gets stuck takes one."""
    return max(write_locks_of_an_event(livepatch, start) for start in UNRELATED.values())


def write_locks_of_an_event(livepatch: Livepatch, start: int) -> int:
    """How often the hook asks for a cache's lock for write, with nobody else about, when the page at `start` is invalidated."""
    whole = unrelated_range(livepatch, start=start, end=start + PAGE_SIZE)
    machine = Stepper(replace(whole, threads=whole.threads[1:], properties=()))
    asked = 0
    while (step := machine.next_step("notifier")) is not None:
        asked += step.verb.takes == "write" and step.cells[0].name == "gpc.lock"
        if machine.waits("notifier"):
            break
        machine.step("notifier")
    return asked


def ablations(most: int = 2) -> list[Outcome]:
    """Every choice of at most so many switches that are off, in the order of the switches."""
    return [outcome_without(*off) for n in range(most + 1) for off in combinations(NAMES, n)]
