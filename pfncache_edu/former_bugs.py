"""Bugs that the kernel once had, as variants of today's functions, and the situations that show them.

    bug = FORMER_BUGS["publishes_before_it_looks"]
    explore(bug.situation(bug.livepatch))

Each names the commit that fixed it. They are written against the 6.12 shape: what is wrong is the bug's own step or
its absence; what else has changed since is as it is today.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import scenarios
from .kvm.pfncache import (gpc_map, hva_to_pfn, hva_to_pfn_retry, kvm_gpc_deactivate, mmu_notifier_retry_cache, out,
                           refresh_locked)
from .kvm.structs import (EFAULT, KVM_PFN_ERR_FAULT, gfn_to_pfn_cache, is_error_noslot_pfn, khva_at, kvm,
                          offset_in_page)
from .locks import spin_lock, spin_unlock, write_lock_irq, write_unlock_irq
from .mutants import Mutant
from .program import Program
from .steps import KernelFunction, Steps, kernel


@dataclass(frozen=True)
class FormerBug(Mutant):
    """A variant that was in the kernel: the commit that fixed it, and the situation in which it goes wrong."""
    fixed_by: str
    situation: Callable[..., Program]


FORMER_BUGS: dict[str, FormerBug] = {}


def was_fixed_by(commit: str, replaced: KernelFunction, situation: Callable[..., Program], difference: str):
    """Registers a kernel function as the bug that `commit` fixed."""
    def register(function: KernelFunction) -> KernelFunction:
        name = function.__name__
        FORMER_BUGS[name] = FormerBug(name, replaced, function, difference, commit, situation)
        return function
    return register


@was_fixed_by("58cd407ca4c6 (v5.19)", mmu_notifier_retry_cache, scenarios.page_moves_during_refresh,
              "Asks mmu_invalidate_in_progress, which goes up only after the caches were visited")
@kernel
def asks_the_count_of_the_page_faults(kvm: kvm, mmu_seq: int) -> Steps[bool]:
    if (yield kvm.mmu_invalidate_in_progress):
        return True
    return (yield kvm.mmu_invalidate_seq) != mmu_seq


@was_fixed_by("58cd407ca4c6 (v5.19)", hva_to_pfn_retry, scenarios.page_moves_under_two_users,
              "Sets `valid` before it drops the lock to look the page up: another user's check passes meanwhile")
@kernel
def publishes_before_it_looks(gpc: gfn_to_pfn_cache) -> Steps[int]:
    yield gpc.valid.set(True)
    while True:
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        yield write_unlock_irq(gpc.lock)
        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        yield write_lock_irq(gpc.lock)
        if is_error_noslot_pfn(new_pfn):
            return -EFAULT
        if not (yield from mmu_notifier_retry_cache(gpc.kvm, mmu_seq)):
            break
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(khva_at((yield from gpc_map(gpc, new_pfn)), offset_in_page((yield gpc.uhva))))
    return 0


@was_fixed_by("ecbcf030b456 (v6.1-rc4, CVE-2022-49882)", refresh_locked, scenarios.cache_goes_away_during_refresh,
              "Does not ask whether the cache is active")
@kernel
def refreshes_an_inactive_cache(gpc: gfn_to_pfn_cache, gpa: int, uhva: int) -> Steps[tuple]:
    if (yield gpc.valid):
        return 0, None
    return (yield from out(gpc, (yield from hva_to_pfn_retry(gpc)), None, None))


@was_fixed_by("6addfcf27139 (v6.9)", kvm_gpc_deactivate, scenarios.cache_goes_away_during_refresh,
              "Does not take refresh_lock: a refresh that has dropped gpc.lock goes on in the middle of it")
@kernel
def deactivates_beside_a_refresh(gpc: gfn_to_pfn_cache) -> Steps[None]:
    yield write_lock_irq(gpc.lock)
    yield gpc.active.set(False)
    yield gpc.valid.set(False)
    yield gpc.khva.set(None)
    yield gpc.pfn.set(KVM_PFN_ERR_FAULT)
    yield write_unlock_irq(gpc.lock)

    yield spin_lock(gpc.kvm.gpc_lock)
    yield gpc.kvm.gpc_list.set(tuple(other for other in (yield gpc.kvm.gpc_list) if other is not gpc))
    yield spin_unlock(gpc.kvm.gpc_lock)
