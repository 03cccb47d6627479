"""gfn_to_pfn_cache: virt/kvm/pfncache.c of Linux 6.12, function for function.

A gfn_to_pfn_cache keeps a guest page mapped so that KVM can touch it where it may neither fault nor sleep. Users hold
`gpc.lock` for read while they do; whoever withdraws the page holds it for write, so it waits until they are out.
"""
from __future__ import annotations

from ..locks import (mutex_lock, mutex_unlock, read_lock_irq, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq,
                     write_unlock_irq)
from ..steps import Steps, cond_resched, kernel, smp_rmb
from .bug import KVM_BUG_ON, WARN_ON_ONCE
from .host_pages import hva_to_pfn, kmap, kunmap, kvm_release_pfn_clean, memremap, memunmap, pfn_valid
from .memslots import __gfn_to_memslot, gfn_to_hva_memslot
from .structs import (EFAULT, EINVAL, EIO, INVALID_GPA, KVM_HVA_ERR_BAD, KVM_PFN_ERR_FAULT, PAGE_ALIGN_DOWN, PAGE_SIZE,
                      TASK_SIZE_MAX, ULONG_MAX, gfn_to_pfn_cache, is_error_noslot_pfn, khva_at, khva_page, khva_t, kvm,
                      kvm_is_error_gpa, kvm_is_error_hva, offset_in_page)


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
    return (offset + length) & ULONG_MAX <= PAGE_SIZE


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


@kernel
def gpc_map(gpc: gfn_to_pfn_cache, pfn: object) -> Steps[khva_t | None]:
    """A kernel address for the page: kmap() for RAM, memremap() for the rest; None if there is none."""
    if pfn_valid(pfn):
        return (yield from kmap(gpc.kvm.mm, pfn, gpc.name))
    return (yield from memremap(gpc.kvm.mm, pfn, gpc.name))


@kernel
def gpc_unmap(gpc: gfn_to_pfn_cache, pfn: object, khva: khva_t | None) -> Steps[None]:
    """Give the kernel address of a page back, if there is one. It may sleep."""
    if is_error_noslot_pfn(pfn) or not khva:
        return
    if pfn_valid(pfn):
        yield from kunmap(gpc.kvm.mm, pfn, gpc.name)
        return
    yield from memunmap(gpc.kvm.mm, khva, gpc.name)


@kernel
def mmu_notifier_retry_cache(kvm: kvm, mmu_seq: int) -> Steps[bool]:
    """Did an invalidation start or finish since `mmu_seq` was read?"""
    if (yield kvm.mn_active_invalidate_count):
        return True
    yield smp_rmb()          # the count is read before the sequence
    return (yield kvm.mmu_invalidate_seq) != mmu_seq


@kernel
def hva_to_pfn_retry(gpc: gfn_to_pfn_cache) -> Steps[int]:
    """Look the page up until no invalidation came in between, then publish it. 0, or -EFAULT if there is no page.

    `gpc.lock` is held for write when it starts and when it returns, not while it looks.
    """
    mm = gpc.kvm.mm
    old_khva = khva_page((yield gpc.khva))
    new_pfn, new_khva = KVM_PFN_ERR_FAULT, None

    # The address in the cache may be new already while the page is old: nobody may use it.
    yield gpc.valid.set(False)

    while True:
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        yield smp_rmb()          # the sequence is read before the page table

        yield write_unlock_irq(gpc.lock)

        # Here the last attempt came to nothing. Giving back may sleep, so it happens without the lock.
        if new_pfn != KVM_PFN_ERR_FAULT:
            if new_khva != old_khva:
                yield from gpc_unmap(gpc, new_pfn, new_khva)
            yield from kvm_release_pfn_clean(mm, new_pfn)
            yield cond_resched()

        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        if is_error_noslot_pfn(new_pfn):
            yield write_lock_irq(gpc.lock)
            return -EFAULT

        if new_pfn == (yield gpc.pfn):
            new_khva = old_khva
        else:
            new_khva = yield from gpc_map(gpc, new_pfn)
        if not new_khva:
            yield from kvm_release_pfn_clean(mm, new_pfn)
            yield write_lock_irq(gpc.lock)
            return -EFAULT

        yield write_lock_irq(gpc.lock)

        # Refreshes wait for each other, so nobody else can have made it valid.
        if mm.keeps_books:
            yield from WARN_ON_ONCE((yield gpc.valid), "gpc->valid")
        if not (yield from mmu_notifier_retry_cache(gpc.kvm, mmu_seq)):
            break

    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(khva_at(new_khva, offset_in_page((yield gpc.uhva))))

    # From here on the notifier looks after the page, so it may move: nobody holds it in its place.
    yield from kvm_release_pfn_clean(mm, new_pfn)
    return 0


@kernel
def __kvm_gpc_refresh(gpc: gfn_to_pfn_cache, gpa: int, uhva: int) -> Steps[int]:
    """Translate again: `gpa` through the memslots, or `uhva` as it is. One of the two must be an error value."""
    if (yield from WARN_ON_ONCE(kvm_is_error_gpa(gpa) == kvm_is_error_hva(uhva),
                                "kvm_is_error_gpa(gpa) == kvm_is_error_hva(uhva)")):
        return -EINVAL

    yield write_lock_irq(gpc.lock)
    ret, to_unmap = yield from refresh_locked(gpc, gpa, uhva)
    yield write_unlock_irq(gpc.lock)

    if to_unmap:
        yield from gpc_unmap(gpc, *to_unmap)
    return ret


@kernel
def refresh_locked(gpc: gfn_to_pfn_cache, gpa: int, uhva: int) -> Steps[tuple]:
    """The part of __kvm_gpc_refresh() under gpc.lock, which C leaves with `goto out` and `goto out_unlock`.

    Answers C's `ret`, and (old_pfn, old_khva) if C would set `unmap_old`.
    """
    if not (yield gpc.active):
        return -EINVAL, None

    old_pfn = (yield gpc.pfn) if gpc.kvm.mm.keeps_books else None      # only for gpc_unmap()
    old_khva = khva_page((yield gpc.khva))
    old_uhva = PAGE_ALIGN_DOWN((yield gpc.uhva))
    hva_change = False

    if kvm_is_error_gpa(gpa):
        page_offset = offset_in_page(uhva)
        yield gpc.gpa.set(INVALID_GPA)
        yield gpc.memslot.set(None)
        yield gpc.uhva.set(PAGE_ALIGN_DOWN(uhva))
        if (yield gpc.uhva) != old_uhva:
            hva_change = True
    else:
        slots = yield gpc.kvm.memslots
        page_offset = offset_in_page(gpa)
        if ((yield gpc.gpa) != gpa or (yield gpc.generation) != slots.generation
                or kvm_is_error_hva((yield gpc.uhva))):
            gfn = gpa // PAGE_SIZE
            yield gpc.gpa.set(gpa)
            yield gpc.generation.set(slots.generation)
            yield gpc.memslot.set(__gfn_to_memslot(slots, gfn))
            yield gpc.uhva.set(gfn_to_hva_memslot((yield gpc.memslot), gfn))
            if kvm_is_error_hva((yield gpc.uhva)):
                return (yield from out(gpc, -EFAULT, old_pfn, old_khva))

            # Another guest address, or other memslots, may still lead to the same user address.
            if (yield gpc.uhva) != old_uhva:
                hva_change = True
        else:
            yield gpc.uhva.set(old_uhva)

    # The offset must be right before hva_to_pfn_retry().
    yield gpc.uhva.set((yield gpc.uhva) + page_offset)

    if not (yield gpc.valid) or hva_change:
        ret = yield from hva_to_pfn_retry(gpc)
    else:
        yield gpc.khva.set(khva_at(old_khva, page_offset))
        return 0, None

    return (yield from out(gpc, ret, old_pfn, old_khva))


@kernel
def out(gpc: gfn_to_pfn_cache, ret: int, old_pfn: object, old_khva: khva_t | None) -> Steps[tuple]:
    """What __kvm_gpc_refresh() does at `out:`. After a failure the cache stays active, without a page."""
    if ret:
        yield gpc.valid.set(False)
        yield gpc.pfn.set(KVM_PFN_ERR_FAULT)
        yield gpc.khva.set(None)

    # The page may change as soon as the lock is dropped, so compare it now.
    unmap_old = gpc.kvm.mm.keeps_books and old_pfn != (yield gpc.pfn)
    return ret, (old_pfn, old_khva) if unmap_old else None


@kernel
def kvm_gpc_refresh(gpc: gfn_to_pfn_cache, length: int) -> Steps[int]:
    """Make the cache valid again: 0, -EINVAL or -EFAULT. It may sleep. Success permits nothing yet: check again."""
    yield mutex_lock(gpc.refresh_lock)
    ret = -EINVAL
    if kvm_gpc_is_valid_len((yield gpc.gpa), (yield gpc.uhva), length):
        # A cache is based on a guest address or on a user address. With the former, the latter is computed.
        uhva = (yield gpc.uhva) if kvm_is_error_gpa((yield gpc.gpa)) else KVM_HVA_ERR_BAD
        ret = yield from __kvm_gpc_refresh(gpc, (yield gpc.gpa), uhva)
    yield mutex_unlock(gpc.refresh_lock)
    return ret


@kernel
def kvm_gpc_init(gpc: gfn_to_pfn_cache, kvm: kvm) -> Steps[None]:
    """A cache of nothing yet. What C clears the struct to, and its locks, are as the struct declares them."""
    yield gpc.pfn.set(KVM_PFN_ERR_FAULT)
    yield gpc.gpa.set(INVALID_GPA)
    yield gpc.uhva.set(KVM_HVA_ERR_BAD)
    yield gpc.valid.set(False)
    yield gpc.active.set(False)


@kernel
def __kvm_gpc_activate(gpc: gfn_to_pfn_cache, gpa: int, uhva: int, length: int) -> Steps[int]:
    """Put the cache on the list of those that invalidations visit, if it is not there yet, and translate."""
    if not kvm_gpc_is_valid_len(gpa, uhva, length):
        return -EINVAL

    yield mutex_lock(gpc.refresh_lock)
    ret = yield from activate_alone(gpc, gpa, uhva)
    yield mutex_unlock(gpc.refresh_lock)
    return ret


@kernel
def activate_alone(gpc: gfn_to_pfn_cache, gpa: int, uhva: int) -> Steps[int]:
    """The part of __kvm_gpc_activate() under refresh_lock, which C drops wherever it returns."""
    kvm = gpc.kvm
    if not (yield gpc.active):
        if (yield from KVM_BUG_ON((yield gpc.valid), "gpc->valid")):
            return -EIO

        yield spin_lock(kvm.gpc_lock)
        yield kvm.gpc_list.set((gpc, *(yield kvm.gpc_list)))
        yield spin_unlock(kvm.gpc_lock)

        # Only now: nobody may map a page before invalidations can reach the cache.
        yield write_lock_irq(gpc.lock)
        yield gpc.active.set(True)
        yield write_unlock_irq(gpc.lock)

    return (yield from __kvm_gpc_refresh(gpc, gpa, uhva))


@kernel
def kvm_gpc_activate(gpc: gfn_to_pfn_cache, gpa: int, length: int) -> Steps[int]:
    """Cache the page at a guest address. 0, -EINVAL, or -EFAULT: then the cache is active all the same."""
    # All ones is what tells a cache of a user address from one of a guest address.
    if (yield from WARN_ON_ONCE(kvm_is_error_gpa(gpa), "kvm_is_error_gpa(gpa)")):
        return -EINVAL
    return (yield from __kvm_gpc_activate(gpc, gpa, KVM_HVA_ERR_BAD, length))


@kernel
def kvm_gpc_activate_hva(gpc: gfn_to_pfn_cache, uhva: int, length: int) -> Steps[int]:
    """Cache the page at a user address, whatever guest address it has, if any."""
    if not access_ok(uhva, length):
        return -EINVAL
    return (yield from __kvm_gpc_activate(gpc, INVALID_GPA, uhva, length))


def access_ok(uhva: int, length: int) -> bool:
    """Whether these are user addresses: the test of arch/x86 for a length that it does not know beforehand."""
    return uhva <= (uhva + length) & ULONG_MAX <= TASK_SIZE_MAX


@kernel
def kvm_gpc_deactivate(gpc: gfn_to_pfn_cache) -> Steps[None]:
    """Forget the page and leave the list. When it returns, no invalidation and no user reaches the cache."""
    kvm = gpc.kvm
    yield mutex_lock(gpc.refresh_lock)
    if (yield gpc.active):
        # First inactive, then off the list: invalidations wait for the users until no refresh can succeed.
        yield write_lock_irq(gpc.lock)
        yield gpc.active.set(False)
        yield gpc.valid.set(False)

        # The user address may stay, its generation tells whether it is good. The page may not: off the list, nobody
        # hears that it moves.
        old_khva = khva_page((yield gpc.khva))
        yield gpc.khva.set(None)
        old_pfn = yield gpc.pfn
        yield gpc.pfn.set(KVM_PFN_ERR_FAULT)
        yield write_unlock_irq(gpc.lock)

        yield spin_lock(kvm.gpc_lock)
        yield kvm.gpc_list.set(tuple(other for other in (yield kvm.gpc_list) if other is not gpc))
        yield spin_unlock(kvm.gpc_lock)

        yield from gpc_unmap(gpc, old_pfn, old_khva)
    yield mutex_unlock(gpc.refresh_lock)
