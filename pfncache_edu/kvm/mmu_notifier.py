"""The mmu_notifier hooks of KVM: virt/kvm/kvm_main.c of Linux 6.12, lines 691-868.

The contract: between start and end nobody may make a new mapping of the range, and by the time end is called its pages
may already be free. `announce - find overlap - withdraw and drain - (MM zaps) - retire` is start, then end.
"""
from __future__ import annotations

from ..locks import spin_lock, spin_unlock, write_lock, write_unlock
from ..steps import Steps, kernel, smp_wmb
from .bug import KVM_BUG_ON, WARN_ON_ONCE
from .memslots import rcuwait_wake_up
from .pfncache import gfn_to_pfn_cache_invalidate_start
from .structs import INVALID_GPA, PAGE_SIZE, kvm


@kernel
def kvm_mmu_invalidate_begin(kvm: kvm) -> Steps[None]:
    """Page faults of the guest must retry from here on. Caches do not look at this count: they were visited before."""
    now = yield kvm.mmu_invalidate_in_progress.add(1)
    if kvm.mm.keeps_books and now == 1:
        yield kvm.mmu_invalidate_range_start.set(INVALID_GPA)
        yield kvm.mmu_invalidate_range_end.set(INVALID_GPA)


@kernel
def kvm_mmu_invalidate_range_add(kvm: kvm, start: int, end: int) -> Steps[None]:
    """These guest frames are under invalidation, too: what is kept is one range around all of them."""
    if not kvm.mm.keeps_books:             # only the guest's page faults would read it
        return
    if (yield kvm.mmu_invalidate_range_start) == INVALID_GPA:
        yield kvm.mmu_invalidate_range_start.set(start)
        yield kvm.mmu_invalidate_range_end.set(end)
    else:
        yield kvm.mmu_invalidate_range_start.set(min((yield kvm.mmu_invalidate_range_start), start))
        yield kvm.mmu_invalidate_range_end.set(max((yield kvm.mmu_invalidate_range_end), end))


@kernel
def kvm_mmu_unmap_gfn_range(kvm: kvm, start: int, end: int) -> Steps[None]:
    """Take these frames from the guest. What that does to the guest's own page tables is left out."""
    yield from kvm_mmu_invalidate_range_add(kvm, start, end)


@kernel
def kvm_mmu_invalidate_end(kvm: kvm) -> Steps[None]:
    """One more invalidation is over: whoever looked a page up before it has to look again."""
    yield kvm.mmu_invalidate_seq.add(1)
    yield smp_wmb()          # the sequence is seen before either count goes down
    yield from KVM_BUG_ON((yield kvm.mmu_invalidate_in_progress.add(-1)) < 0, "kvm->mmu_invalidate_in_progress < 0")
    if kvm.mm.keeps_books:
        yield from WARN_ON_ONCE((yield kvm.mmu_invalidate_range_start) == INVALID_GPA,
                                "kvm->mmu_invalidate_range_start == INVALID_GPA")


@kernel
def kvm_handle_hva_range(kvm: kvm, start: int, end: int, on_lock, handler=None) -> Steps[bool]:
    """Run `on_lock` under mmu_lock, but only if the range touches a memslot; answer whether it did.

    `__kvm_handle_hva_range()` in C. `handler` gets the guest frames of each memslot that lie in the range.
    """
    memslots = yield kvm.memslots
    touched = tuple(slot for slot in memslots.slots if slot.userspace_addr < end and start < slot.userspace_end)
    if not touched:
        return False
    yield write_lock(kvm.mmu_lock)
    yield from on_lock(kvm)
    for slot in touched if handler else ():
        first = (max(start, slot.userspace_addr) - slot.userspace_addr) // PAGE_SIZE
        last = (min(end, slot.userspace_end) - slot.userspace_addr + PAGE_SIZE - 1) // PAGE_SIZE
        yield from handler(kvm, slot.base_gfn + first, slot.base_gfn + last)
    yield write_unlock(kvm.mmu_lock)
    return True


@kernel
def kvm_mmu_notifier_invalidate_range_start(kvm: kvm, start: int, end: int) -> Steps[int]:
    """User addresses [start, end) are about to change: nobody may use what was looked up there. Always 0."""
    yield spin_lock(kvm.mn_invalidate_lock)
    yield kvm.mn_active_invalidate_count.add(1)
    yield spin_unlock(kvm.mn_invalidate_lock)

    # The caches come before mmu_lock, so they must not rely on mmu_invalidate_in_progress.
    yield from gfn_to_pfn_cache_invalidate_start(kvm, start, end)

    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    return 0


@kernel
def kvm_mmu_notifier_invalidate_range_end(kvm: kvm, start: int, end: int) -> Steps[None]:
    """The change of [start, end) is done: it may be looked up again."""
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_end)

    yield spin_lock(kvm.mn_invalidate_lock)
    left = yield kvm.mn_active_invalidate_count.add(-1)
    if (yield from WARN_ON_ONCE(left < 0, "!kvm->mn_active_invalidate_count")):
        left = yield kvm.mn_active_invalidate_count.add(1)
    yield spin_unlock(kvm.mn_invalidate_lock)

    # A memslot update waits until no invalidation is open.
    if left == 0:
        yield from rcuwait_wake_up(kvm)


@kernel
def kvm_zap_gfn_range(kvm: kvm, start: int, end: int) -> Steps[None]:
    """What arch/x86/kvm/mmu/mmu.c does to the counters when it zaps guest frames on its own: no notifier, no cache."""
    yield write_lock(kvm.mmu_lock)
    yield from kvm_mmu_invalidate_begin(kvm)
    yield from kvm_mmu_invalidate_range_add(kvm, start, end)
    yield from kvm_mmu_invalidate_end(kvm)
    yield write_unlock(kvm.mmu_lock)
