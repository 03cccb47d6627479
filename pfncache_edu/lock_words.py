"""A reader-writer lock made by hand, out of one word: what chapter 6 looks into, and what its first exercise writes anew.

The word counts READER for every reader inside, and has a bit for a writer inside. Taking and dropping it are steps on the
word, and whoever cannot enter looks again and again. Here readers come first, and nothing stops them from coming for ever.
"""
from __future__ import annotations

from .locks import spinlock_t
from .steps import Steps, Struct, cmpxchg, field, kernel

LOCKED, WAITING, READER = 1, 2, 4
"""A writer is inside; a writer waits (not used here); one reader, times as many as there are."""


class word_lock(Struct):
    """The lock's word, and a spinlock for those who want to stand in line."""
    word = field(0)
    queue = spinlock_t()


@kernel
def lock_for_read(lock: word_lock, in_interrupt: bool) -> Steps[None]:
    """Count oneself in; while a writer is inside, count oneself out again and look once more."""
    while (yield lock.word.add(READER)) & LOCKED:
        yield lock.word.add(-READER)


@kernel
def unlock_for_read(lock: word_lock) -> Steps[None]:
    """Count oneself out."""
    yield lock.word.add(-READER)


@kernel
def lock_for_write(lock: word_lock) -> Steps[None]:
    """Look until nobody at all is inside, and be it in the same step."""
    while not (yield cmpxchg(lock.word, 0, LOCKED)):
        pass


@kernel
def unlock_for_write(lock: word_lock) -> Steps[None]:
    """Take the writer's bit back."""
    yield lock.word.add(-LOCKED)
