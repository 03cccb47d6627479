def wrong(lock, valid, pfn, khva, page):
    while valid:
        pass
    return False
