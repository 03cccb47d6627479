CHANGELOG = """\
KVM: x86: Take mmu_lock only for ranges with memslots

Taking mmu_lock for write disturbs page faults of the guest. So take it in
kvm_handle_hva_range() only if the range overlaps a memslot; events that
overlap none no longer take it. For all others the lock is taken as before,
and nothing else is different.
"""
