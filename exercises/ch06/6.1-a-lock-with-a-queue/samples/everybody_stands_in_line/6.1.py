from pfncache_edu import kernel, spin_lock, spin_unlock
from pfncache_edu.lock_words import LOCKED, READER, WAITING, cmpxchg


@kernel
def lock_for_read(lock, in_interrupt):
    if in_interrupt:
        while (yield lock.word.add(READER)) & LOCKED:
            yield lock.word.add(-READER)
        return
    yield spin_lock(lock.queue)                 # a writer that waits has it
    while (yield lock.word.add(READER)) & LOCKED:
        yield lock.word.add(-READER)
    yield spin_unlock(lock.queue)


@kernel
def unlock_for_read(lock):
    yield lock.word.add(-READER)


@kernel
def lock_for_write(lock):
    yield spin_lock(lock.queue)
    while not (yield cmpxchg(lock.word, 0, LOCKED)):
        pass
    yield spin_unlock(lock.queue)


@kernel
def unlock_for_write(lock):
    yield lock.word.add(-LOCKED)
