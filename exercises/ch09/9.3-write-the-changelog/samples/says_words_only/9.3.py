CHANGELOG = """\
KVM: Take mmu_lock

""" + "Take mmu_lock unrelated as before overlap() still. " * 8
