CHANGELOG = """\
KVM: Take mmu_lock less often

Take mmu_lock in kvm_handle_hva_range() after the look-up of the memslots and
not before it. The lock is heavily used, and taking it for write makes page
faults of the guest wait for the writer. With this the lock is taken less
often, and page faults wait less, which makes the guest run smoothly.
"""
