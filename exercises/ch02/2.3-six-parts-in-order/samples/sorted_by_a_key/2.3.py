LINES = [
    "drop the lock", "drop the lock and refresh_lock",
    "look up and map: ask the host for the page, and get a kernel address for it", "retake the lock",
    "retry or publish: go back to the snapshot if an event is under way or has ended since, else store page, address and True in valid",
    "snapshot: remember mmu_invalidate_seq", "store True in valid, so that other users need not refresh as well",
    "take gpc_lock, so that no event can start until the page is published",
    "take refresh_lock, then the cache's lock for write", "withdraw: store False in valid",
]

PLACES = {"take refresh_lock": 0, "withdraw": 1, "snapshot": 2, "drop the lock and": 7, "drop the lock": 3, "look up": 4, "retake": 5, "retry": 6}
known = {line: next((place for start, place in PLACES.items() if line.startswith(start)), None) for line in LINES}
parts = tuple(sorted((line for line in LINES if known[line] is not None), key=known.get))
