LINES = [
    "drop the lock", "drop the lock and refresh_lock",
    "look up and map: ask the host for the page, and get a kernel address for it", "retake the lock",
    "retry or publish: go back to the snapshot if an event is under way or has ended since, else store page, address and True in valid",
    "snapshot: remember mmu_invalidate_seq", "store True in valid, so that other users need not refresh as well",
    "take gpc_lock, so that no event can start until the page is published",
    "take refresh_lock, then the cache's lock for write", "withdraw: store False in valid",
]

parts = [LINES[number] for number in [8, 9, 6, 5, 0, 7, 2, 3, 4, 1]]
