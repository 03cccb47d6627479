def wrong(lock, valid, pfn, khva, page):
    if lock != -1 and valid and khva != page:
        return f"valid, and its address leads to {khva}, but the page is {page}"
