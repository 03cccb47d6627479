parts = [
    "take refresh_lock, then the cache's lock for write",
    "withdraw: store False in valid",
    "snapshot: remember mmu_invalidate_seq",
    "drop the lock",
    "look up and map: ask the host for the page, and get a kernel address for it",
    "retake the lock",
    "retry or publish: go back to the snapshot if an event is under way or has ended since, else store page, address and True in valid",
    "drop the lock and refresh_lock",
]
