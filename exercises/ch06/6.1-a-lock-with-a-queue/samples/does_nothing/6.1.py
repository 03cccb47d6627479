from pfncache_edu import kernel, spin_lock, spin_unlock
from pfncache_edu.lock_words import LOCKED, READER, WAITING, cmpxchg


@kernel
def lock_for_read(lock, in_interrupt):
    if False:
        yield


@kernel
def unlock_for_read(lock):
    if False:
        yield


@kernel
def lock_for_write(lock):
    if False:
        yield


@kernel
def unlock_for_write(lock):
    if False:
        yield
