from pfncache_edu import kernel, spin_lock, spin_unlock
from pfncache_edu.lock_words import LOCKED, READER, WAITING, cmpxchg


@kernel
def lock_for_read(lock, in_interrupt):
    if not (yield lock.word.add(READER)) & (LOCKED | WAITING):
        return
    if not in_interrupt:
        yield lock.word.add(-READER)
        yield spin_lock(lock.queue)
        yield lock.word.add(READER)
    while (yield lock.word) & LOCKED:
        pass
    if not in_interrupt:
        yield spin_unlock(lock.queue)


@kernel
def unlock_for_read(lock):
    yield lock.word.add(-READER)


@kernel
def lock_for_write(lock):
    yield spin_lock(lock.queue)
    yield lock.word.add(WAITING)
    while (yield lock.word.add(LOCKED - WAITING)) != LOCKED:
        yield lock.word.add(WAITING - LOCKED)   # somebody is inside: only wait again
    yield spin_unlock(lock.queue)


@kernel
def unlock_for_write(lock):
    yield lock.word.add(-LOCKED)
