def wrong(lock, valid, pfn, khva, page):
    return valid and khva != page
