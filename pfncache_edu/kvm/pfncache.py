"""gfn_to_pfn_cache: virt/kvm/pfncache.c of Linux 6.12, function for function.

A gfn_to_pfn_cache keeps a guest page mapped so that KVM can touch it where it may neither fault nor sleep. Users hold
`gpc.lock` for read while they do; whoever withdraws the page holds it for write, so it waits until they are out.
"""
from __future__ import annotations

from ..locks import (mutex_lock, mutex_unlock, read_lock_irq, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq,
                     write_unlock_irq)
from ..steps import Steps, cond_resched, kernel, smp_rmb
from .structs import (EFAULT, EINVAL, INVALID_GPA, KVM_HVA_ERR_BAD, KVM_PFN_ERR_FAULT, PAGE_ALIGN_DOWN, PAGE_SIZE,
                      gfn_to_pfn_cache, is_error_noslot_pfn, khva_page, khva_t, kvm, kvm_is_error_gpa, kvm_is_error_hva,
                      kvm_memslots, offset_in_page)


@kernel
def gfn_to_pfn_cache_invalidate_start(kvm: kvm, start: int, end: int) -> Steps[None]:
    """Withdraw every cache whose page lies in [start, end): when this returns, nobody uses one of these pages."""
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)

        # A cache never crosses a page, so its first byte decides.
        if ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))
                and start <= (yield gpc.uhva) < end):
            yield read_unlock_irq(gpc.lock)

            # Nobody holds the lock here, so the cache may change: look again before withdrawing it.
            yield write_lock_irq(gpc.lock)
            if ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))
                    and start <= (yield gpc.uhva) < end):
                yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
            continue

        yield read_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


def kvm_gpc_is_valid_len(gpa: int, uhva: int, length: int) -> bool:
    """Whether `length` bytes from the address stay in one page: all that a cache can cover."""
    offset = offset_in_page(uhva) if kvm_is_error_gpa(gpa) else offset_in_page(gpa)
    return offset + length <= PAGE_SIZE


@kernel
def kvm_gpc_check(gpc: gfn_to_pfn_cache, length: int) -> Steps[bool]:
    """May `gpc.khva` be used? The caller holds `gpc.lock`, and may use it until it drops the lock."""
    slots = yield gpc.kvm.memslots

    if not (yield gpc.active):
        return False

    # A page that came from a memslot is good only while the memslots are the same.
    if not kvm_is_error_gpa((yield gpc.gpa)) and (yield gpc.generation) != slots.generation:
        return False

    if kvm_is_error_hva((yield gpc.uhva)):
        return False

    if not kvm_gpc_is_valid_len((yield gpc.gpa), (yield gpc.uhva), length):
        return False

    return (yield gpc.valid)


def gpc_map(pfn: object) -> khva_t | None:
    """A kernel address for the page: kmap() for RAM, memremap() for the rest; None if there is none."""
    return khva_t(pfn)


@kernel
def mmu_notifier_retry_cache(kvm: kvm, mmu_seq: int) -> Steps[bool]:
    """Did an invalidation start or finish since `mmu_seq` was read?"""
    if (yield kvm.mn_active_invalidate_count):
        return True
    yield smp_rmb()          # the count is read before the sequence
    return (yield kvm.mmu_invalidate_seq) != mmu_seq


@kernel
def hva_to_pfn(kvm: kvm, uhva: int) -> Steps[object]:
    """The page that is mapped at a user address, or an error value. It may sleep, so no spinning lock may be held."""
    page = PAGE_ALIGN_DOWN(uhva)
    return (yield kvm.mm.pte[page]) if page in kvm.mm.pte else KVM_PFN_ERR_FAULT


@kernel
def hva_to_pfn_retry(gpc: gfn_to_pfn_cache) -> Steps[int]:
    """Look the page up until no invalidation came in between, then publish it. 0, or -EFAULT if there is no page.

    `gpc.lock` is held for write when it starts and when it returns, not while it looks.
    """
    old_khva = khva_page((yield gpc.khva))
    new_pfn, new_khva = KVM_PFN_ERR_FAULT, None

    # The address in the cache may be new already while the page is old: nobody may use it.
    yield gpc.valid.set(False)

    while True:
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        yield smp_rmb()          # the sequence is read before the page table

        yield write_unlock_irq(gpc.lock)

        if new_pfn != KVM_PFN_ERR_FAULT:
            yield cond_resched()

        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        if is_error_noslot_pfn(new_pfn):
            yield write_lock_irq(gpc.lock)
            return -EFAULT

        new_khva = old_khva if new_pfn == (yield gpc.pfn) else gpc_map(new_pfn)

        yield write_lock_irq(gpc.lock)
        if not (yield from mmu_notifier_retry_cache(gpc.kvm, mmu_seq)):
            break

    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(new_khva._replace(offset=offset_in_page((yield gpc.uhva))))
    return 0


@kernel
def __kvm_gpc_refresh(gpc: gfn_to_pfn_cache, gpa: int, uhva: int) -> Steps[int]:
    """Translate again: `gpa` through the memslots, or `uhva` as it is. One of the two must be an error value."""
    if kvm_is_error_gpa(gpa) == kvm_is_error_hva(uhva):
        return -EINVAL

    yield write_lock_irq(gpc.lock)
    error = yield from refresh_locked(gpc, gpa, uhva)
    yield write_unlock_irq(gpc.lock)
    return error


@kernel
def refresh_locked(gpc: gfn_to_pfn_cache, gpa: int, uhva: int) -> Steps[int]:
    """The part of __kvm_gpc_refresh() under gpc.lock: C leaves it with `goto out` and `goto out_unlock`."""
    if not (yield gpc.active):
        return -EINVAL

    old_khva = khva_page((yield gpc.khva))
    old_uhva = PAGE_ALIGN_DOWN((yield gpc.uhva))
    hva_change = False

    if kvm_is_error_gpa(gpa):
        page_offset = offset_in_page(uhva)
        yield gpc.gpa.set(INVALID_GPA)
        new_uhva = PAGE_ALIGN_DOWN(uhva)
        hva_change = new_uhva != old_uhva
    else:
        slots = yield gpc.kvm.memslots
        page_offset = offset_in_page(gpa)
        new_uhva = old_uhva
        if ((yield gpc.gpa) != gpa or (yield gpc.generation) != slots.generation
                or kvm_is_error_hva((yield gpc.uhva))):
            yield gpc.gpa.set(gpa)
            yield gpc.generation.set(slots.generation)
            new_uhva = gfn_to_hva(slots, gpa // PAGE_SIZE)
            if kvm_is_error_hva(new_uhva):
                yield gpc.uhva.set(new_uhva)
                return (yield from purge(gpc, -EFAULT))
            hva_change = new_uhva != old_uhva

    # The offset must be right before hva_to_pfn_retry().
    yield gpc.uhva.set(new_uhva + page_offset)

    if (yield gpc.valid) and not hva_change:
        yield gpc.khva.set(old_khva._replace(offset=page_offset))
        return 0

    error = yield from hva_to_pfn_retry(gpc)
    return (yield from purge(gpc, error)) if error else 0


@kernel
def purge(gpc: gfn_to_pfn_cache, error: int) -> Steps[int]:
    """What __kvm_gpc_refresh() does at `out:` after a failure: the cache stays active, without a page."""
    yield gpc.valid.set(False)
    yield gpc.pfn.set(KVM_PFN_ERR_FAULT)
    yield gpc.khva.set(None)
    return error


def gfn_to_hva(slots: kvm_memslots, gfn: int) -> int:
    """The user address of a guest frame, KVM_HVA_ERR_BAD if no memslot has it."""
    for slot in slots.slots:
        if slot.base_gfn <= gfn < slot.base_gfn + slot.npages:
            return slot.userspace_addr + (gfn - slot.base_gfn) * PAGE_SIZE
    return KVM_HVA_ERR_BAD


@kernel
def kvm_gpc_refresh(gpc: gfn_to_pfn_cache, length: int) -> Steps[int]:
    """Make the cache valid again: 0, -EINVAL or -EFAULT. It may sleep. Success permits nothing yet: check again."""
    yield mutex_lock(gpc.refresh_lock)
    error = -EINVAL
    gpa = yield gpc.gpa
    uhva = yield gpc.uhva
    if kvm_gpc_is_valid_len(gpa, uhva, length):
        error = yield from __kvm_gpc_refresh(gpc, gpa, uhva if kvm_is_error_gpa(gpa) else KVM_HVA_ERR_BAD)
    yield mutex_unlock(gpc.refresh_lock)
    return error
