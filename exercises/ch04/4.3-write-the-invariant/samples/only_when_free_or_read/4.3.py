def wrong(lock, valid, pfn, khva, page):
    if lock >= 0:
        return valid and (pfn != page or khva != page)
    return False
