"""Memslots: which user address backs a guest frame, and how that changes (virt/kvm/kvm_main.c of Linux 6.12).

C keeps two sets of memslots, changes the one that nobody reads and swaps the pointers. Here a set is an immutable value in
one cell, and `inactive` is the set that will be published next; so a reader's set stays what it was, as under SRCU.

The generation says which set it is. While an update waits for the readers of the old set, the new one carries
KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS: what was looked up then will not match the final generation.
"""
from __future__ import annotations

from ..locks import mutex_lock, mutex_unlock, spin_lock, spin_unlock
from ..steps import Steps, kernel, wait_until
from .structs import (ASLEEP, AWAKE, EEXIST, EINVAL, KVM_HVA_ERR_BAD, KVM_HVA_ERR_RO_BAD, KVM_MEM_READONLY,
                      KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS, KVM_MEMSLOT_INVALID, PAGE_SIZE, kvm, kvm_memory_slot, kvm_memslots)

Slots = tuple[kvm_memory_slot, ...]


# --- looking up -----------------------------------------------------------------------------------------------------

def __gfn_to_memslot(slots: kvm_memslots, gfn: int) -> kvm_memory_slot | None:
    """The memslot that has a guest frame."""
    for slot in slots.slots:
        if slot.base_gfn <= gfn < slot.base_gfn + slot.npages:
            return slot
    return None


def gfn_to_hva_memslot(slot: kvm_memory_slot | None, gfn: int) -> int:
    """The user address of a guest frame that will be written to, or one of the error addresses."""
    if slot is None or slot.flags & KVM_MEMSLOT_INVALID:
        return KVM_HVA_ERR_BAD
    if slot.flags & KVM_MEM_READONLY:
        return KVM_HVA_ERR_RO_BAD
    return slot.userspace_addr + (gfn - slot.base_gfn) * PAGE_SIZE


# --- waiting for the readers and for open invalidations ---------------------------------------------------------------

@kernel
def rcuwait_wake_up(kvm: kvm) -> Steps[None]:
    """Wake the memslot update that waits until no invalidation is open, if there is one."""
    if (yield kvm.mn_memslots_update_rcuwait) == ASLEEP:
        yield kvm.mn_memslots_update_rcuwait.set(AWAKE)


@kernel
def synchronize_srcu(kvm: kvm) -> Steps[None]:
    """Wait until nobody reads the old memslots. (The real one does not wait for readers that came after it.)"""
    yield wait_until(kvm.srcu, 0)


@kernel
def srcu_read_lock(kvm: kvm) -> Steps[None]:
    """From here to srcu_read_unlock() the memslots that one has read stay as they are."""
    yield kvm.srcu.add(1)


@kernel
def srcu_read_unlock(kvm: kvm) -> Steps[None]:
    """The memslots that one has read may go."""
    yield kvm.srcu.add(-1)


# --- changing ---------------------------------------------------------------------------------------------------------

def kvm_replace_memslot(slots: Slots, old: kvm_memory_slot | None, new: kvm_memory_slot | None) -> Slots:
    """The set with `new` instead of the slot that has the number of `old`; None for none."""
    kept = tuple(slot for slot in slots if old is None or slot.id != old.id)
    return tuple(sorted((*kept, new), key=lambda slot: slot.id)) if new else kept


@kernel
def kvm_swap_active_memslots(kvm: kvm, inactive: Slots) -> Steps[None]:
    """Publish a set of memslots, wait until nobody uses the old one, then give it its final generation."""
    gen = (yield kvm.memslots).generation

    # Between its start and its end an invalidation must find the same memslots, or its counts would not balance.
    yield spin_lock(kvm.mn_invalidate_lock)
    yield kvm.mn_memslots_update_rcuwait.set(AWAKE)
    while True:
        if not (yield kvm.mn_active_invalidate_count):
            break
        yield kvm.mn_memslots_update_rcuwait.set(ASLEEP)
        yield spin_unlock(kvm.mn_invalidate_lock)
        yield wait_until(kvm.mn_memslots_update_rcuwait, AWAKE)
        yield spin_lock(kvm.mn_invalidate_lock)
    yield kvm.mn_memslots_update_rcuwait.set(None)
    yield kvm.memslots.set(kvm_memslots(gen | KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS, inactive))
    yield spin_unlock(kvm.mn_invalidate_lock)

    yield mutex_unlock(kvm.slots_arch_lock)          # kvm_set_memslot() took it
    yield from synchronize_srcu(kvm)

    yield kvm.memslots.set(kvm_memslots(gen + 1, inactive))


@kernel
def kvm_arch_flush_shadow_memslot(kvm: kvm, slot: kvm_memory_slot) -> Steps[None]:
    """Here the guest's own mappings of the memslot go. Caches are not visited: their generation no longer matches."""
    return
    yield


@kernel
def kvm_invalidate_memslot(kvm: kvm, inactive: Slots, old: kvm_memory_slot) -> Steps[None]:
    """Publish the set with `old` marked as invalid, so that nobody finds a page in it any more."""
    invalid_slot = old._replace(flags=old.flags | KVM_MEMSLOT_INVALID)
    yield from kvm_swap_active_memslots(kvm, kvm_replace_memslot(inactive, old, invalid_slot))
    yield from kvm_arch_flush_shadow_memslot(kvm, old)
    yield mutex_lock(kvm.slots_arch_lock)            # kvm_swap_active_memslots() dropped it


@kernel
def kvm_set_memslot(kvm: kvm, old: kvm_memory_slot | None, new: kvm_memory_slot | None) -> Steps[int]:
    """Create (no `old`), delete (no `new`), move or change a memslot. A delete or a move takes two updates."""
    yield mutex_lock(kvm.slots_arch_lock)
    inactive = (yield kvm.memslots).slots
    if old and (not new or new.base_gfn != old.base_gfn):
        yield from kvm_invalidate_memslot(kvm, inactive, old)
    yield from kvm_swap_active_memslots(kvm, kvm_replace_memslot(inactive, old, new))
    return 0


def kvm_check_memslot_overlap(slots: Slots, new: kvm_memory_slot) -> bool:
    """Whether another memslot has one of the guest frames already."""
    return any(slot.id != new.id and slot.base_gfn < new.base_gfn + new.npages and new.base_gfn < slot.base_gfn + slot.npages
               for slot in slots)


@kernel
def __kvm_set_memory_region(kvm: kvm, new: kvm_memory_slot) -> Steps[int]:
    """Make the memslots have `new`, or nothing under its number if it has no pages. 0, -EINVAL or -EEXIST."""
    slots = (yield kvm.memslots).slots
    old = next((slot for slot in slots if slot.id == new.id), None)

    if not new.npages:
        return (yield from kvm_set_memslot(kvm, old, None)) if old else -EINVAL

    if old:
        if (new.userspace_addr != old.userspace_addr or new.npages != old.npages
                or (new.flags ^ old.flags) & KVM_MEM_READONLY):
            return -EINVAL
        if new == old:
            return 0

    if (not old or new.base_gfn != old.base_gfn) and kvm_check_memslot_overlap(slots, new):
        return -EEXIST
    return (yield from kvm_set_memslot(kvm, old, new))


@kernel
def kvm_set_memory_region(kvm: kvm, new: kvm_memory_slot) -> Steps[int]:
    """__kvm_set_memory_region(), one at a time."""
    yield mutex_lock(kvm.slots_lock)
    ret = yield from __kvm_set_memory_region(kvm, new)
    yield mutex_unlock(kvm.slots_lock)
    return ret
