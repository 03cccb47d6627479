"""Mutants: the kernel functions with one thing left out or moved, each named by what it omits.

    explore(page_moves_during_use(MUTANTS["clears_under_the_read_lock"].livepatch))

Not every one is wrong: a variant that holds teaches as much as one that breaks.
"""
from __future__ import annotations

from dataclasses import dataclass

from .kvm import before_the_patch
from .kvm.host_mm import write_guest
from .kvm.mmu_notifier import (kvm_handle_hva_range, kvm_mmu_invalidate_begin, kvm_mmu_invalidate_end,
                               kvm_mmu_notifier_invalidate_range_end, kvm_mmu_notifier_invalidate_range_start)
from .kvm.pfncache import (gfn_to_pfn_cache_invalidate_start, hva_to_pfn, hva_to_pfn_retry, kvm_gpc_check,
                           kvm_gpc_refresh, mmu_notifier_retry_cache)
from .kvm.structs import EFAULT, gfn_to_pfn_cache, is_error_noslot_pfn, khva_t, kvm, offset_in_page
from .locks import (read_lock_irq, read_trylock, read_unlock, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq,
                    write_unlock_irq)
from .scenarios import use_guest_page
from .steps import KernelFunction, Steps, kernel


@dataclass(frozen=True)
class Mutant:
    """A variant of a kernel function: which one it replaces, and what is different about it, in a sentence."""
    name: str
    replaces: KernelFunction
    function: KernelFunction
    difference: str

    @property
    def livepatch(self) -> dict[KernelFunction, KernelFunction]:
        return {self.replaces: self.function}


MUTANTS: dict[str, Mutant] = {}


def variant_of(replaced: KernelFunction, difference: str):
    """Registers a kernel function as a variant of `replaced`."""
    def register(function: KernelFunction) -> KernelFunction:
        MUTANTS[function.__name__] = Mutant(function.__name__, replaced, function, difference)
        return function
    return register


@kernel
def overlaps(gpc: gfn_to_pfn_cache, start: int, end: int) -> Steps[bool]:
    """The test of gfn_to_pfn_cache_invalidate_start(): does the cache hold a page in [start, end)?"""
    return ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))
            and start <= (yield gpc.uhva) < end)


# --- the hook: gfn_to_pfn_cache_invalidate_start() ----------------------------------------------------------------

@variant_of(gfn_to_pfn_cache_invalidate_start, "Takes the lock for write at once, as before the patch")
@kernel
def locks_for_write_at_once(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield from before_the_patch.gfn_to_pfn_cache_invalidate_start(kvm, start, end)


@variant_of(gfn_to_pfn_cache_invalidate_start, "Does not look again under the write lock")
@kernel
def forgets_the_second_check(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        hit = yield from overlaps(gpc, start, end)
        yield read_unlock_irq(gpc.lock)
        if hit:
            yield write_lock_irq(gpc.lock)
            yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


@variant_of(gfn_to_pfn_cache_invalidate_start, "Clears `valid` under the read lock: it never waits for the users")
@kernel
def clears_under_the_read_lock(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        if (yield from overlaps(gpc, start, end)):
            yield gpc.valid.set(False)
        yield read_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


@variant_of(gfn_to_pfn_cache_invalidate_start, "Looks at the cache without any lock, and locks it only on a hit")
@kernel
def looks_without_a_lock(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        if (yield from overlaps(gpc, start, end)):
            yield write_lock_irq(gpc.lock)
            yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


@variant_of(gfn_to_pfn_cache_invalidate_start, "Takes the write lock while it still holds the read lock")
@kernel
def upgrades_the_read_lock(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        if (yield from overlaps(gpc, start, end)):
            yield write_lock_irq(gpc.lock)
            yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
        yield read_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


@variant_of(gfn_to_pfn_cache_invalidate_start, "Tests start < uhva: a range that begins with the page does not hit it")
@kernel
def misses_the_first_page(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield from gfn_to_pfn_cache_invalidate_start.function(kvm, start + 1, end)


@variant_of(gfn_to_pfn_cache_invalidate_start, "Tests uhva <= end: a range that ends where the page begins hits it")
@kernel
def takes_the_end_for_the_last_byte(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield from gfn_to_pfn_cache_invalidate_start.function(kvm, start, end + 1)


@variant_of(gfn_to_pfn_cache_invalidate_start, "Skips a cache whose lock it does not get at once")
@kernel
def skips_a_busy_cache(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        if not (yield read_trylock(gpc.lock)):
            continue
        hit = yield from overlaps(gpc, start, end)
        yield read_unlock(gpc.lock)
        if hit:
            yield write_lock_irq(gpc.lock)
            yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


# --- the notifier and the retry test ------------------------------------------------------------------------------

@variant_of(kvm_mmu_notifier_invalidate_range_start, "Raises mn_active_invalidate_count only after it visited the caches")
@kernel
def announces_after_the_walk(kvm: kvm, start: int, end: int) -> Steps[int]:
    yield from gfn_to_pfn_cache_invalidate_start(kvm, start, end)
    yield spin_lock(kvm.mn_invalidate_lock)
    yield kvm.mn_active_invalidate_count.add(1)
    yield spin_unlock(kvm.mn_invalidate_lock)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin)
    return 0


@variant_of(kvm_mmu_notifier_invalidate_range_end, "Lowers the count before it raises the sequence number")
@kernel
def retires_before_it_leaves_a_trace(kvm: kvm, start: int, end: int) -> Steps[None]:
    yield spin_lock(kvm.mn_invalidate_lock)
    yield kvm.mn_active_invalidate_count.add(-1)
    yield spin_unlock(kvm.mn_invalidate_lock)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_end)


@variant_of(hva_to_pfn_retry, "Reads the sequence number after it looked the page up, not before")
@kernel
def snapshots_after_the_lookup(gpc: gfn_to_pfn_cache) -> Steps[int]:
    yield gpc.valid.set(False)
    while True:
        yield write_unlock_irq(gpc.lock)
        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        yield write_lock_irq(gpc.lock)
        if is_error_noslot_pfn(new_pfn):
            return -EFAULT
        if not (yield from mmu_notifier_retry_cache(gpc.kvm, mmu_seq)):
            break
    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(khva_t(new_pfn, offset_in_page((yield gpc.uhva))))
    return 0


@variant_of(hva_to_pfn_retry, "Asks whether to retry before it retakes the lock, not under it")
@kernel
def decides_before_it_retakes_the_lock(gpc: gfn_to_pfn_cache) -> Steps[int]:
    yield gpc.valid.set(False)
    while True:
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        yield write_unlock_irq(gpc.lock)
        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        retry = yield from mmu_notifier_retry_cache(gpc.kvm, mmu_seq)
        yield write_lock_irq(gpc.lock)
        if is_error_noslot_pfn(new_pfn):
            return -EFAULT
        if not retry:
            break
    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(khva_t(new_pfn, offset_in_page((yield gpc.uhva))))
    return 0


@variant_of(use_guest_page, "Drops the read lock first and writes through khva then")
@kernel
def writes_after_dropping_the_lock(gpc: gfn_to_pfn_cache) -> Steps[None]:
    while True:
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            break
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return
    khva = yield gpc.khva
    yield read_unlock_irq(gpc.lock)
    yield write_guest(gpc.kvm.mm, khva)


@variant_of(mmu_notifier_retry_cache, "Asks whether an invalidation ended, not whether one is under way")
@kernel
def forgets_the_count(kvm: kvm, mmu_seq: int) -> Steps[bool]:
    return (yield kvm.mmu_invalidate_seq) != mmu_seq


@variant_of(mmu_notifier_retry_cache, "Asks whether an invalidation is under way, not whether one ended")
@kernel
def forgets_the_sequence(kvm: kvm, mmu_seq: int) -> Steps[bool]:
    return (yield kvm.mn_active_invalidate_count) != 0


@variant_of(mmu_notifier_retry_cache, "Asks the sequence number first, and the count after it")
@kernel
def asks_the_sequence_first(kvm: kvm, mmu_seq: int) -> Steps[bool]:
    if (yield kvm.mmu_invalidate_seq) != mmu_seq:
        return True
    return (yield kvm.mn_active_invalidate_count) != 0
