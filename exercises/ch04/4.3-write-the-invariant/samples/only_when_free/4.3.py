def wrong(lock, valid, pfn, khva, page):
    return lock == 0 and bool(valid) and {pfn, khva, page} != {page}
