CHANGELOG = """\
KVM: Take mmu_lock later

This patch changes kvm_handle_hva_range() so that we take mmu_lock only if a
memslot overlaps the range. Events that touch no memslot no longer take the
lock, and for others nothing changes, so everything is the same as before for
them, which is what we want.
"""
