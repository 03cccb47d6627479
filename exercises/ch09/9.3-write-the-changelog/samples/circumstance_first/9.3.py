CHANGELOG = """\
KVM: Skip mmu_lock for unrelated invalidation events

When an invalidation event has no page of the guest in its range, skip
mmu_lock and the callback under it. Without a memslot in the range there is
nothing to protect: kvm_mmu_invalidate_begin() and kvm_mmu_invalidate_end()
only matter to page faults of guest memory, and those no longer queue behind
events of the VMM's own memory.

Events that do touch a memslot still take mmu_lock for write, as before.
"""
