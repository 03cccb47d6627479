# The single source of exercise 6.1. `python -m pfncache_edu.grading.release` makes starter.ipynb and
# samples/{starter,reference}/6.1.ipynb of it.

# %% [markdown]
# # Exercise 6.1: a lock with a queue
#
# 16 points, about 20 minutes, goes with the chapter *What a reader–writer lock promises*.
#
# Below is the lock of the chapter, made of one word. Readers come first in it: as long as they overlap, no writer gets in.
# Write the four functions so that
#
# - a writer that **waits** holds back readers who come later;
# - readers still share;
# - a reader in interrupt context (`in_interrupt`) does not stand in line: it waits only while a writer is **inside**, because the
#   thread that it interrupted may be the one for whom the line waits.
#
# | what is judged | points |
# |---|--:|
# | exclusion: a writer is alone inside | 5 |
# | readers share | 3 |
# | a writer that waits is not passed, and gets in | 4 |
# | readers in interrupt context never wait for the one they interrupted | 2 |
# | no hand-over is lost: whoever waits gets in | 2 |
#
# Nothing counts before a writer that waits is no longer passed: the lock as it stands shares, excludes and loses nobody, and the one thing
# that is asked for is missing.

# %%
from pfncache_edu import check, kernel, spin_lock, spin_unlock
from pfncache_edu.lock_words import LOCKED, READER, WAITING, cmpxchg

# %% [markdown]
# What you have: `lock.word`, a number in which every reader inside counts `READER` and a writer inside is the bit `LOCKED`; the bit
# `WAITING` is free for you. `lock.queue` is a spinlock: whoever holds it is the head of the line.
#
# `yield lock.word.add(n)` adds and answers the sum, in one step. `yield cmpxchg(lock.word, old, new)` stores `new` if the word is `old`, and
# answers whether it was. `while (yield lock.word) & LOCKED: pass` looks again and again.

# %% answer
@kernel
def lock_for_read(lock, in_interrupt):
    ### BEGIN STARTER
    while (yield lock.word.add(READER)) & LOCKED:
        yield lock.word.add(-READER)
    ### END STARTER
    ### BEGIN SOLUTION
    if not (yield lock.word.add(READER)) & (LOCKED | WAITING):
        return
    if not in_interrupt:
        yield lock.word.add(-READER)            # not inside: stand in line
        yield spin_lock(lock.queue)
        yield lock.word.add(READER)             # the head of the line
    while (yield lock.word) & LOCKED:
        pass
    if not in_interrupt:
        yield spin_unlock(lock.queue)
    ### END SOLUTION


@kernel
def unlock_for_read(lock):
    yield lock.word.add(-READER)


@kernel
def lock_for_write(lock):
    ### BEGIN STARTER
    while not (yield cmpxchg(lock.word, 0, LOCKED)):
        pass
    ### END STARTER
    ### BEGIN SOLUTION
    yield spin_lock(lock.queue)
    yield lock.word.add(WAITING)
    while not (yield cmpxchg(lock.word, WAITING, LOCKED)):
        pass                                    # readers are still inside
    yield spin_unlock(lock.queue)
    ### END SOLUTION


@kernel
def unlock_for_write(lock):
    yield lock.word.add(-LOCKED)

# %% [markdown]
# Run this as often as you like. Each property that fails is answered with a schedule. `check("6.1", hint=1)` only names what is violated, `hint=2` draws
# the schedule without its last step, `hint=3` draws all of it, and `hint=4` is a worked solution, if your instructor leaves it open.

# %% tags=nbval-ignore-output
check("6.1")
