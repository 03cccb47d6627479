def wrong(lock, valid, pfn, khva, page):
    return lock > 0 and valid and khva != page
