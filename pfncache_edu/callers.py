"""Callers of a cache, each with one bug: what a user of a gfn_to_pfn_cache can get wrong, and where that shows.

    bug = CALLERS["trusts_refresh"]
    explore(bug.situation(bug.livepatch))

They stand in the place of scenarios.use_guest_page(), the right one. Each breaks one of the RULES.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from . import scenarios
from .kvm.host_mm import write_guest
from .kvm.pfncache import kvm_gpc_check, kvm_gpc_refresh
from .kvm.structs import KVM_PFN_ERR_FAULT, gfn_to_pfn_cache
from .locks import read_lock_irq, read_unlock_irq
from .mutants import Mutant
from .program import Program, Thread, Watch
from .scenarios import FIRST_PAGE, Livepatch, World, use_guest_page
from .steps import KernelFunction, Step, Steps, Violation, kernel

RULES = {
    "lock_before_check": "What is read before the lock is taken may have changed when it is used",
    "use_under_the_lock": "Use the address only until the lock is dropped",
    "check_after_refresh": "A refresh that succeeded permits nothing: take the lock and check again",
    "drop_before_refresh": "Drop the lock before refresh: it may sleep, and it takes the lock for write",
    "give_up": "Give up when refresh fails",
}


def refreshes_once(gpc: gfn_to_pfn_cache) -> Watch:
    """Nobody calls refresh a second time: for situations in which the first one has failed for good."""
    def after(count: int, thread: str, step: Step, old: tuple, result) -> int:
        if not (step.verb.takes and step.cells[0] is gpc.refresh_lock):
            return count
        if count:
            raise Violation("gives_up_when_refresh_fails", f"{thread} calls refresh again, although it failed, and so it will for ever")
        return 1
    return Watch("gives_up_when_refresh_fails", after, start=0, meaning="whoever gets an error from refresh gives up")


def refresh_finds_no_page(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 finds the cache empty, and there is no page behind its user address: refresh answers -EFAULT."""
    world = World(valid=False)
    world.mm.pte[FIRST_PAGE].initial = KVM_PFN_ERR_FAULT
    properties = (*world.properties()[:1], refreshes_once(world.caches[0]))
    return Program("refresh_finds_no_page", (Thread("vcpu0", use_guest_page, (world.caches[0],)),), properties, livepatch or {},
                   world.still, "Nothing is mapped where the cache's page was")


@dataclass(frozen=True)
class Caller(Mutant):
    """A wrong caller, and a situation that shows what is wrong with it."""
    situation: Callable[..., Program]

    @property
    def lines(self) -> list[str]:
        """Its source, from `def` on."""
        lines = inspect.getsource(self.function.function).splitlines()
        return lines[next(n for n, line in enumerate(lines) if line.startswith("def ")):]


CALLERS: dict[str, Caller] = {}


def goes_wrong_in(situation: Callable[..., Program], difference: str):
    """Registers a wrong caller."""
    def register(function: KernelFunction) -> KernelFunction:
        name = function.__name__
        CALLERS[name] = Caller(name, use_guest_page, function, difference, situation)
        return function
    return register


@goes_wrong_in(scenarios.page_moves_under_two_users, "Reads the address before it takes the lock: another user's refresh puts a new one there")
@kernel
def reads_the_address_first(gpc: gfn_to_pfn_cache) -> Steps[None]:
    while True:
        khva = yield gpc.khva
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            yield write_guest(gpc.kvm.mm, khva)
            yield read_unlock_irq(gpc.lock)
            return
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return


@goes_wrong_in(scenarios.page_moves_during_use, "Drops the lock, and writes then")
@kernel
def writes_too_late(gpc: gfn_to_pfn_cache) -> Steps[None]:
    yield read_lock_irq(gpc.lock)
    while not (yield from kvm_gpc_check(gpc, 8)):
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return
        yield read_lock_irq(gpc.lock)
    khva = yield gpc.khva
    yield read_unlock_irq(gpc.lock)                                 # too early
    yield write_guest(gpc.kvm.mm, khva)


@goes_wrong_in(scenarios.page_moves_during_refresh, "Takes the lock again after a refresh, but does not check again")
@kernel
def trusts_refresh(gpc: gfn_to_pfn_cache) -> Steps[None]:
    yield read_lock_irq(gpc.lock)
    may_use = yield from kvm_gpc_check(gpc, 8)
    while not may_use:
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return
        yield read_lock_irq(gpc.lock)
        may_use = True
    yield write_guest(gpc.kvm.mm, (yield gpc.khva))
    yield read_unlock_irq(gpc.lock)


@goes_wrong_in(scenarios.page_moves_during_refresh, "Calls refresh while it holds the lock")
@kernel
def refreshes_under_the_lock(gpc: gfn_to_pfn_cache) -> Steps[None]:
    yield read_lock_irq(gpc.lock)
    while not (yield from kvm_gpc_check(gpc, 8)):
        if (yield from kvm_gpc_refresh(gpc, 8)):
            yield read_unlock_irq(gpc.lock)
            return
        yield read_unlock_irq(gpc.lock)
        yield read_lock_irq(gpc.lock)
    yield write_guest(gpc.kvm.mm, (yield gpc.khva))
    yield read_unlock_irq(gpc.lock)


@goes_wrong_in(refresh_finds_no_page, "Does not look at what refresh answers, and tries for ever")
@kernel
def never_gives_up(gpc: gfn_to_pfn_cache) -> Steps[None]:
    while True:
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            break
        yield read_unlock_irq(gpc.lock)
        yield from kvm_gpc_refresh(gpc, 8)
    yield write_guest(gpc.kvm.mm, (yield gpc.khva))
    yield read_unlock_irq(gpc.lock)
