def wrong(lock, valid, pfn, khva, page):
    return lock != -1 and not valid and khva is not None
