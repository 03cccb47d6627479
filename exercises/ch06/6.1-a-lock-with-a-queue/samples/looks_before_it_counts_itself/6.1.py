from pfncache_edu import kernel, spin_lock, spin_unlock
from pfncache_edu.lock_words import LOCKED, READER, WAITING, cmpxchg


@kernel
def lock_for_read(lock, in_interrupt):
    if not in_interrupt and (yield lock.word) & (LOCKED | WAITING):
        yield spin_lock(lock.queue)
        while (yield lock.word.add(READER)) & LOCKED:
            yield lock.word.add(-READER)
        yield spin_unlock(lock.queue)
        return
    mask = LOCKED if in_interrupt else LOCKED | WAITING
    while (yield lock.word.add(READER)) & mask:
        yield lock.word.add(-READER)


@kernel
def unlock_for_read(lock):
    yield lock.word.add(-READER)


@kernel
def lock_for_write(lock):
    yield spin_lock(lock.queue)
    yield lock.word.add(WAITING)
    while not (yield cmpxchg(lock.word, WAITING, LOCKED)):
        pass
    yield spin_unlock(lock.queue)


@kernel
def unlock_for_write(lock):
    yield lock.word.add(-LOCKED)
