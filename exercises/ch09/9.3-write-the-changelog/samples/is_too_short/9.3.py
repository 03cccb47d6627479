CHANGELOG = """\
KVM: Take mmu_lock later

Take mmu_lock only on overlap.
"""
