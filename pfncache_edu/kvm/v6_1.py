"""What was different in Linux 6.1, before the patch "KVM: pfncache: check the need for invalidation under read lock first".

virt/kvm/pfncache.c of 6.1, where it is not as in 6.12 (pfncache.py); what is the same is used from there.

- An invalidation takes every cache's lock for write, whether the cache is hit or not.
- check and refresh are told the guest address each time; 6.12 keeps the one of the activation, and has activate_hva.
- refresh_lock serialises refresh and unmap only; who activates or deactivates must see to it that nobody else does.
- A cache says who uses its page: the kernel, a vCPU that runs guest code, or both. Such a vCPU is kicked out of the guest
  when the page is withdrawn. No caller ever asked for that, and 6.9 removed it.
- `uhva` is the address of the page; 6.12 keeps the byte's.
"""
from __future__ import annotations

from ..locks import (mutex_lock, mutex_unlock, spin_lock, spin_unlock, write_lock, write_lock_irq, write_unlock,
                     write_unlock_irq)
from ..steps import Step, Steps, Struct, Verb, cond_resched, field, kernel, smp_rmb
from . import structs
from .bug import WARN_ON_ONCE
from .host_pages import hva_to_pfn, kvm_release_pfn_clean
from .memslots import __gfn_to_memslot, gfn_to_hva_memslot
from .mmu_notifier import kvm_mmu_invalidate_end
from .pfncache import gpc_map, gpc_unmap, mmu_notifier_retry_cache
from .structs import (EFAULT, EINVAL, KVM_HVA_ERR_BAD, KVM_PFN_ERR_FAULT, PAGE_SIZE, ULONG_MAX, is_error_noslot_pfn,
                      khva_at, khva_page, khva_t, kvm, kvm_is_error_hva, offset_in_page)

KVM_GUEST_USES_PFN, KVM_HOST_USES_PFN = 1, 2
KVM_GUEST_AND_HOST_USE_PFN = KVM_GUEST_USES_PFN | KVM_HOST_USES_PFN


class kvm_vcpu(Struct):
    """A virtual CPU: here only whether it runs guest code now."""
    in_guest = field(False)


class gfn_to_pfn_cache(structs.gfn_to_pfn_cache):
    """The cache of 6.1: it also says who uses the page, and more is touched without its lock."""
    CALLER = "the caller serialises activate and deactivate, and nobody else looks at an inactive cache"
    ALONE = structs.gfn_to_pfn_cache.ALONE
    lock = structs.gfn_to_pfn_cache.lock
    gpa = field(0, under=lock)
    uhva = field(0, under=lock, unguarded={"kvm_gpc_activate": CALLER, "hva_to_pfn_retry": ALONE})
    khva = field(None, under=lock, unguarded={"kvm_gpc_activate": CALLER})
    pfn = field(0, under=lock, unguarded={"kvm_gpc_activate": CALLER, "hva_to_pfn_retry": ALONE})
    active = field(False, under=lock, unguarded={"kvm_gpc_activate": CALLER, "kvm_gpc_deactivate": CALLER})
    valid = field(False, under=lock, unguarded={"kvm_gpc_activate": CALLER})
    usage = field(0, under=lock, unguarded={
        "kvm_gpc_activate": CALLER, "hva_to_pfn_retry": "it changes only while the cache is inactive"})
    vcpu = field(None, under=lock, unguarded={"kvm_gpc_activate": CALLER})


# --- the hook ---------------------------------------------------------------------------------------------------------

@kernel
def gfn_to_pfn_cache_invalidate_start(kvm: kvm, start: int, end: int, may_block: bool = True) -> Steps[None]:
    """Withdraw every cache whose page lies in [start, end), and hold every other one for write on the way."""
    evict_vcpus = ()
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield write_lock_irq(gpc.lock)

        # A cache never crosses a page, so its first byte decides.
        if ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))
                and start <= (yield gpc.uhva) < end):
            yield gpc.valid.set(False)

            # A vCPU that uses the page by its physical address has to leave the guest.
            if (yield from usage_of(gpc)) & KVM_GUEST_USES_PFN:
                evict_vcpus = (*evict_vcpus, (yield gpc.vcpu))

        yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)

    if evict_vcpus:
        called = yield from kvm_make_vcpus_request_mask(evict_vcpus, may_block)
        yield from WARN_ON_ONCE(called and not may_block, "called && !may_block")


@kernel
def usage_of(gpc: structs.gfn_to_pfn_cache) -> Steps[int]:
    """Who uses the page. Caches of later kernels do not say: it is always the kernel."""
    return (yield gpc.usage) if isinstance(gpc, gfn_to_pfn_cache) else KVM_HOST_USES_PFN


KICK = Verb("kick", "asks whether {cells}, and makes it leave the guest -> {result}",
            lambda wait, *in_guest: (any(in_guest), *in_guest))


@kernel
def kvm_make_vcpus_request_mask(vcpus: tuple[kvm_vcpu, ...], wait: bool) -> Steps[bool]:
    """Make vCPUs leave the guest, and wait for it if asked to; answers whether one of them was in the guest.

    They enter again at once, so this changes nothing here.
    """
    return (yield Step(KICK, tuple(dict.fromkeys(vcpu.in_guest for vcpu in vcpus)), wait))


@kernel
def kvm_mmu_invalidate_begin(kvm: kvm, start: int, end: int) -> Steps[None]:
    """As in 6.12, but the range is one of user addresses, and all of the event's."""
    now = yield kvm.mmu_invalidate_in_progress.add(1)
    if now == 1:
        yield kvm.mmu_invalidate_range_start.set(start)
        yield kvm.mmu_invalidate_range_end.set(end)
    else:
        yield kvm.mmu_invalidate_range_start.set(min((yield kvm.mmu_invalidate_range_start), start))
        yield kvm.mmu_invalidate_range_end.set(max((yield kvm.mmu_invalidate_range_end), end))


@kernel
def kvm_handle_hva_range(kvm: kvm, start: int, end: int, on_lock) -> Steps[bool]:
    """As in 6.12, but `on_lock` gets the range of the event."""
    memslots = yield kvm.memslots
    if not any(slot.userspace_addr < end and start < slot.userspace_end for slot in memslots.slots):
        return False
    yield write_lock(kvm.mmu_lock)
    yield from on_lock(kvm, start, end)
    yield write_unlock(kvm.mmu_lock)
    return True


@kernel
def kvm_mmu_notifier_invalidate_range_start(kvm: kvm, start: int, end: int, may_block: bool = True) -> Steps[int]:
    """As in 6.12, but it says whether the caches may wait for vCPUs: the out-of-memory reaper may not."""
    yield spin_lock(kvm.mn_invalidate_lock)
    yield kvm.mn_active_invalidate_count.add(1)
    yield spin_unlock(kvm.mn_invalidate_lock)
    yield from gfn_to_pfn_cache_invalidate_start(kvm, start, end, may_block)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin)
    return 0


@kernel
def kvm_zap_gfn_range(kvm: kvm) -> Steps[None]:
    """As in 6.12, but whatever is zapped, the range is all of the address space."""
    yield write_lock(kvm.mmu_lock)
    yield from kvm_mmu_invalidate_begin(kvm, 0, ULONG_MAX)
    yield from kvm_mmu_invalidate_end(kvm)
    yield write_unlock(kvm.mmu_lock)


# --- check and refresh ------------------------------------------------------------------------------------------------

@kernel
def kvm_gfn_to_pfn_cache_check(kvm: kvm, gpc: gfn_to_pfn_cache, gpa: int, length: int) -> Steps[bool]:
    """May `gpc.khva` be used for this guest address? The caller holds `gpc.lock`, and may use it until it drops it."""
    slots = yield kvm.memslots

    if not (yield gpc.active):
        return False

    if (offset_in_page(gpa) + length) & ULONG_MAX > PAGE_SIZE:
        return False

    if ((yield gpc.gpa) != gpa or (yield gpc.generation) != slots.generation
            or kvm_is_error_hva((yield gpc.uhva))):
        return False

    return (yield gpc.valid)


@kernel
def hva_to_pfn_retry(kvm: kvm, gpc: gfn_to_pfn_cache) -> Steps[int]:
    """As in 6.12, but a page that only a vCPU uses gets no kernel address."""
    old_khva = khva_page((yield gpc.khva))
    new_pfn, new_khva = KVM_PFN_ERR_FAULT, None

    # The address in the cache may be new already while the page is old: nobody may use it.
    yield gpc.valid.set(False)

    while True:
        mmu_seq = yield kvm.mmu_invalidate_seq
        yield smp_rmb()          # the sequence is read before the page table

        yield write_unlock_irq(gpc.lock)

        # Here the last attempt came to nothing. Giving back may sleep, so it happens without the lock.
        if new_pfn != KVM_PFN_ERR_FAULT:
            if new_khva != old_khva:
                yield from gpc_unmap(gpc, new_pfn, new_khva)
            yield from kvm_release_pfn_clean(kvm.mm, new_pfn)
            yield cond_resched()

        new_pfn = yield from hva_to_pfn(kvm, (yield gpc.uhva))
        if is_error_noslot_pfn(new_pfn):
            yield write_lock_irq(gpc.lock)
            return -EFAULT

        if (yield gpc.usage) & KVM_HOST_USES_PFN:
            if new_pfn == (yield gpc.pfn):
                new_khva = old_khva
            else:
                new_khva = yield from gpc_map(gpc, new_pfn)
            if not new_khva:
                yield from kvm_release_pfn_clean(kvm.mm, new_pfn)
                yield write_lock_irq(gpc.lock)
                return -EFAULT

        yield write_lock_irq(gpc.lock)

        # Refreshes wait for each other, so nobody else can have made it valid.
        yield from WARN_ON_ONCE((yield gpc.valid), "gpc->valid")
        if not (yield from mmu_notifier_retry_cache(kvm, mmu_seq)):
            break

    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(khva_at(new_khva, offset_in_page((yield gpc.gpa))))

    # From here on the notifier looks after the page, so it may move: nobody holds it in its place.
    yield from kvm_release_pfn_clean(kvm.mm, new_pfn)
    return 0


@kernel
def kvm_gfn_to_pfn_cache_refresh(kvm: kvm, gpc: gfn_to_pfn_cache, gpa: int, length: int) -> Steps[int]:
    """Make the cache valid for this guest address: 0, -EINVAL or -EFAULT. Success permits nothing yet: check again."""
    slots = yield kvm.memslots       # before it waits for anything, so they may be old when they are used

    if (offset_in_page(gpa) + length) & ULONG_MAX > PAGE_SIZE:
        return -EINVAL

    yield mutex_lock(gpc.refresh_lock)
    yield write_lock_irq(gpc.lock)
    ret, to_unmap = yield from refresh_locked(kvm, gpc, gpa, slots)
    yield write_unlock_irq(gpc.lock)
    yield mutex_unlock(gpc.refresh_lock)

    if to_unmap:
        yield from gpc_unmap(gpc, *to_unmap)
    return ret


@kernel
def refresh_locked(kvm: kvm, gpc: gfn_to_pfn_cache, gpa: int, slots: structs.kvm_memslots) -> Steps[tuple]:
    """The part of kvm_gfn_to_pfn_cache_refresh() under gpc.lock: C's `ret`, and (old_pfn, old_khva) to unmap."""
    if not (yield gpc.active):
        return -EINVAL, None

    old_pfn = yield gpc.pfn
    old_khva = khva_page((yield gpc.khva))
    old_uhva = yield gpc.uhva

    if ((yield gpc.gpa) != gpa or (yield gpc.generation) != slots.generation
            or kvm_is_error_hva((yield gpc.uhva))):
        gfn = gpa // PAGE_SIZE
        yield gpc.gpa.set(gpa)
        yield gpc.generation.set(slots.generation)
        yield gpc.memslot.set(__gfn_to_memslot(slots, gfn))
        yield gpc.uhva.set(gfn_to_hva_memslot((yield gpc.memslot), gfn))
        if kvm_is_error_hva((yield gpc.uhva)):
            return (yield from out(gpc, -EFAULT, old_pfn, old_khva))

    if not (yield gpc.valid) or old_uhva != (yield gpc.uhva):
        ret = yield from hva_to_pfn_retry(kvm, gpc)
    else:
        # The page stays, its offset may be another one: there is nothing to unmap.
        yield gpc.khva.set(khva_at(old_khva, offset_in_page(gpa)))
        old_pfn, old_khva, ret = KVM_PFN_ERR_FAULT, None, 0

    return (yield from out(gpc, ret, old_pfn, old_khva))


@kernel
def out(gpc: gfn_to_pfn_cache, ret: int, old_pfn: object, old_khva: khva_t | None) -> Steps[tuple]:
    """What kvm_gfn_to_pfn_cache_refresh() does at `out:`. After a failure the cache stays active, without a page."""
    if ret:
        yield gpc.valid.set(False)
        yield gpc.pfn.set(KVM_PFN_ERR_FAULT)
        yield gpc.khva.set(None)
    return ret, (old_pfn, old_khva) if old_pfn != (yield gpc.pfn) else None


@kernel
def kvm_gfn_to_pfn_cache_unmap(kvm: kvm, gpc: gfn_to_pfn_cache) -> Steps[None]:
    """Forget the page, and keep the address: the next refresh looks the page up again."""
    yield mutex_lock(gpc.refresh_lock)
    yield write_lock_irq(gpc.lock)
    yield gpc.valid.set(False)
    old_khva = khva_page((yield gpc.khva))
    old_pfn = yield gpc.pfn
    yield gpc.khva.set(None)
    yield gpc.pfn.set(KVM_PFN_ERR_FAULT)
    yield write_unlock_irq(gpc.lock)
    yield mutex_unlock(gpc.refresh_lock)

    yield from gpc_unmap(gpc, old_pfn, old_khva)


# --- joining and leaving the list ---------------------------------------------------------------------------------------

@kernel
def kvm_gpc_init(gpc: gfn_to_pfn_cache) -> Steps[None]:
    """Only the locks, and they are as the struct declares them: the first activation sets the rest."""
    return
    yield


@kernel
def kvm_gpc_activate(kvm: kvm, gpc: gfn_to_pfn_cache, vcpu: kvm_vcpu | None, usage: int, gpa: int,
                     length: int) -> Steps[int]:
    """Cache the page at a guest address. 0, -EINVAL or -EFAULT: after either, the cache is active all the same."""
    yield from WARN_ON_ONCE(not usage or (usage & KVM_GUEST_AND_HOST_USE_PFN) != usage,
                            "!usage || (usage & KVM_GUEST_AND_HOST_USE_PFN) != usage")

    if not (yield gpc.active):
        yield gpc.khva.set(None)
        yield gpc.pfn.set(KVM_PFN_ERR_FAULT)
        yield gpc.uhva.set(KVM_HVA_ERR_BAD)
        yield gpc.vcpu.set(vcpu)
        yield gpc.usage.set(usage)
        yield gpc.valid.set(False)

        yield spin_lock(kvm.gpc_lock)
        yield kvm.gpc_list.set((gpc, *(yield kvm.gpc_list)))
        yield spin_unlock(kvm.gpc_lock)

        # Only now: nobody may map a page before invalidations can reach the cache.
        yield write_lock_irq(gpc.lock)
        yield gpc.active.set(True)
        yield write_unlock_irq(gpc.lock)

    return (yield from kvm_gfn_to_pfn_cache_refresh(kvm, gpc, gpa, length))


@kernel
def kvm_gpc_deactivate(kvm: kvm, gpc: gfn_to_pfn_cache) -> Steps[None]:
    """Leave the list and forget the page. A refresh that is under way may still make the inactive cache valid a while."""
    if (yield gpc.active):
        # First inactive, then off the list: invalidations wait for the users until no refresh can succeed.
        yield write_lock_irq(gpc.lock)
        yield gpc.active.set(False)
        yield write_unlock_irq(gpc.lock)

        yield spin_lock(kvm.gpc_lock)
        yield kvm.gpc_list.set(tuple(other for other in (yield kvm.gpc_list) if other is not gpc))
        yield spin_unlock(kvm.gpc_lock)

        yield from kvm_gfn_to_pfn_cache_unmap(kvm, gpc)
