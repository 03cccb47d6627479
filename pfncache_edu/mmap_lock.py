"""Why refresh drops gpc.lock before it looks a page up: a look-up may have to wait for mmap_lock.

Whoever changes the address space holds mmap_lock while the invalidation hooks run, and they take gpc.lock. So whoever waits for
mmap_lock must not hold gpc.lock. Here mmap_lock is a mutex; the real one may also be held by several readers.
"""
from __future__ import annotations

from .kvm.host_mm import move_page
from .kvm.pfncache import hva_to_pfn, hva_to_pfn_retry, mmu_notifier_retry_cache
from .kvm.structs import EFAULT, gfn_to_pfn_cache, is_error_noslot_pfn, khva_t, kvm, offset_in_page
from .locks import FREE, mutex_lock, mutex_unlock
from .program import Program, Thread
from .scenarios import FIRST_PAGE, Livepatch, World, use_guest_page
from .steps import Cell, Steps, kernel

MMAP_LOCK = Cell("mm.mmap_lock", FREE, kind="mutex")


@kernel
def faults_the_page_in(kvm: kvm, uhva: int) -> Steps[object]:
    """hva_to_pfn() when the page is not there at once: the look-up takes mmap_lock."""
    yield mutex_lock(MMAP_LOCK)
    page = yield from hva_to_pfn.function(kvm, uhva)
    yield mutex_unlock(MMAP_LOCK)
    return page


@kernel
def moves_under_mmap_lock(kvm: kvm, uhva: int, new_page: object) -> Steps[None]:
    """A change of the address space: mmap_lock is held from before the start of the event until after its end."""
    yield mutex_lock(MMAP_LOCK)
    yield from move_page(kvm, uhva, new_page)
    yield mutex_unlock(MMAP_LOCK)


def look_up_waits_for_mmap_lock(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 refreshes an empty cache, and its look-up waits for somebody who is changing the address space."""
    world = World(valid=False)
    return Program("look_up_waits_for_mmap_lock", (
        Thread("vcpu0", use_guest_page, (world.caches[0],)),
        Thread("notifier", moves_under_mmap_lock, (world.kvm, FIRST_PAGE, "B"))), world.properties(),
        {hva_to_pfn: faults_the_page_in} | (livepatch or {}), world.still, "A look-up that has to wait for mmap_lock")


@kernel
def looks_up_under_the_lock(gpc: gfn_to_pfn_cache) -> Steps[int]:
    """hva_to_pfn_retry(), but gpc.lock stays held while the page is looked up."""
    yield gpc.valid.set(False)
    while True:
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        if is_error_noslot_pfn(new_pfn):
            return -EFAULT
        if not (yield from mmu_notifier_retry_cache(gpc.kvm, mmu_seq)):
            break
    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(khva_t(new_pfn, offset_in_page((yield gpc.uhva))))
    return 0


LOOKS_UP_UNDER_THE_LOCK: Livepatch = {hva_to_pfn_retry: looks_up_under_the_lock}
