def wrong(lock, valid, pfn, khva, page):
    return True
