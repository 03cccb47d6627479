"""Four places in start at which an event could be announced: PLACES["A"] to PLACES["D"]; and the situation that tells them apart."""
from __future__ import annotations

from . import scenarios
from .kvm.mmu_notifier import (kvm_handle_hva_range, kvm_mmu_invalidate_begin, kvm_mmu_notifier_invalidate_range_start,
                               kvm_mmu_unmap_gfn_range)
from .kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from .kvm.structs import kvm
from .locks import read_lock_irq, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq, write_unlock_irq
from .program import Program
from .steps import KernelFunction, Steps, kernel


@kernel
def announce(kvm: kvm) -> Steps[None]:
    """The event count goes up."""
    yield spin_lock(kvm.mn_invalidate_lock)
    yield kvm.mn_active_invalidate_count.add(1)
    yield spin_unlock(kvm.mn_invalidate_lock)


@kernel
def start_with_announce_at_a(kvm: kvm, start: int, end: int) -> Steps[int]:
    """Place A: at the very end."""
    yield from gfn_to_pfn_cache_invalidate_start(kvm, start, end)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    yield from announce(kvm)
    return 0


@kernel
def start_with_announce_at_b(kvm: kvm, start: int, end: int) -> Steps[int]:
    """Place B: with gpc_lock held, before the first cache is visited."""
    yield spin_lock(kvm.gpc_lock)
    yield from announce(kvm)
    yield from visits_the_caches(kvm, start, end)
    yield spin_unlock(kvm.gpc_lock)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    return 0


@kernel
def start_with_announce_at_c(kvm: kvm, start: int, end: int) -> Steps[int]:
    """Place C: before anything else, as in Linux 6.12."""
    yield from announce(kvm)
    yield from gfn_to_pfn_cache_invalidate_start(kvm, start, end)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    return 0


@kernel
def start_with_announce_at_d(kvm: kvm, start: int, end: int) -> Steps[int]:
    """Place D: with gpc_lock held, after the last cache was visited."""
    yield spin_lock(kvm.gpc_lock)
    yield from visits_the_caches(kvm, start, end)
    yield from announce(kvm)
    yield spin_unlock(kvm.gpc_lock)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    return 0


@kernel
def visits_the_caches(kvm: kvm, start: int, end: int) -> Steps[None]:
    """What the hook does while it holds gpc_lock."""
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        hit = (yield gpc.valid) and start <= (yield gpc.uhva) < end
        yield read_unlock_irq(gpc.lock)
        if hit:
            yield write_lock_irq(gpc.lock)
            yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)


PLACES: dict[str, KernelFunction] = {
    "A": start_with_announce_at_a, "B": start_with_announce_at_b, "C": start_with_announce_at_c, "D": start_with_announce_at_d}


def situation(place: str) -> Program:
    """A page moves while vcpu0 looks it up, and the event is announced at this place."""
    if place not in PLACES:
        raise ValueError(f"there is no place {place!r}: there are {', '.join(PLACES)}")
    return scenarios.page_moves_during_refresh({kvm_mmu_notifier_invalidate_range_start: PLACES[place]})
