CHANGELOG = """\
Take mmu_lock only if the range overlaps a memslot. Everything else is as it
was before, and those who touch no memslot no longer wait.
"""
