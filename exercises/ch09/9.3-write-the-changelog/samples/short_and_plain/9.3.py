CHANGELOG = """\
KVM: Don't take mmu_lock for invalidations that touch no memslot

Take mmu_lock in kvm_handle_hva_range() only if the range overlaps a
memslot. Other events, such as a heap free in the VMM, then no longer block
page faults of the guest; each took the lock twice for nothing. For a range
that overlaps a memslot, all stays the same. The price: such events are no
longer counted in mmu_invalidate_seq.
"""
