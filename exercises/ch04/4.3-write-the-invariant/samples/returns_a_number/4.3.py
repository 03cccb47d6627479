def wrong(lock, valid, pfn, khva, page):
    return int(lock != -1 and valid and khva != page)
