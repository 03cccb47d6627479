PAGE = 0x1000
inside = [(3, 0), (5, 0x40)]
outside = [(2, 0), (6, 0)]
tests = [(3 * PAGE, 6 * PAGE, page * PAGE + offset, True, hit) for hit, caches in ((True, inside), (False, outside)) for page, offset in caches]
tests += [(3 * PAGE, 6 * PAGE, 4 * PAGE, False, False), (3 * PAGE, 6 * PAGE, (1 << 32) + 4 * PAGE, True, False)]
