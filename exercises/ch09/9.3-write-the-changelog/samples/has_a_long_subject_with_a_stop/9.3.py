CHANGELOG = """\
kvm: take the mmu_lock in kvm_handle_hva_range only if there is an overlap with at least one memslot.

Take mmu_lock in kvm_handle_hva_range only if the range overlaps a memslot.
Events that overlap none no longer block the page faults of the guest, and
events that do overlap one are handled as before, with the lock held for
write while begin or end and the handlers run.
"""
