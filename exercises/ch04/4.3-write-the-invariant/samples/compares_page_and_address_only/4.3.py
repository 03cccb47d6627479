def wrong(lock, valid, pfn, khva, page):
    return lock != -1 and valid and pfn != khva
