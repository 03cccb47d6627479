# The single source of exercise 6.3. `python -m pfncache_edu.grading.release` makes starter.ipynb and
# samples/{starter,reference}/6.3.ipynb of it.

# %% [markdown]
# # Exercise 6.3: from read to write
#
# 8 points, about 12 minutes, goes with the chapter *What a reader–writer lock promises*.
#
# A note is filled by whoever first needs it. The function has worked for years: as a rule the note is filled when a program starts. Last
# week a machine stood still. Find the step, name the fault, repair the function.
#
# | what is judged | points |
# |---|--:|
# | the step that waits for ever | 1 |
# | the name of the fault | 1 |
# | the function still fills the note | 1 |
# | nobody waits for ever | 2 |
# | nobody fills a note that somebody else has filled in the meantime | 2 |
# | with a note that is filled, nobody asks for the write lock | 1 |
#
# The lines of the function, as steps:
#
# 1. take the lock for read
# 2. load `valid`; if it is True, go on with 6
# 3. take the lock for write
# 4. store True in `valid`
# 5. drop the lock (write)
# 6. drop the lock (read)
#
# What is the fault called?
#
# - `a` starvation: readers who overlap keep the writer out
# - `b` a lock upgrade: the writer waits until all readers are out, and is one of them
# - `c` a lost hand-over: nobody tells the writer that the lock is free
# - `d` a lock order that is the other way round in another function

# %%
from pfncache_edu import check, kernel, read_lock, read_unlock, write_lock, write_unlock

# %% which step, which fault
### BEGIN STARTER
step = None             # a number from 1 to 6
fault = None            # a letter
### END STARTER
### BEGIN SOLUTION
step = 3
fault = "b"
### END SOLUTION

# %% repair
@kernel
def fill_if_empty(gpc):
    yield read_lock(gpc.lock)
    ### BEGIN STARTER
    if not (yield gpc.valid):
        yield write_lock(gpc.lock)
        yield gpc.valid.set(True)
        yield write_unlock(gpc.lock)
    yield read_unlock(gpc.lock)
    ### END STARTER
    ### BEGIN SOLUTION
    empty = not (yield gpc.valid)
    yield read_unlock(gpc.lock)                 # there is no way from read to write but out and in again
    if empty:
        yield write_lock(gpc.lock)
        if not (yield gpc.valid):               # somebody may have been faster
            yield gpc.valid.set(True)
        yield write_unlock(gpc.lock)
    ### END SOLUTION

# %% [markdown]
# `check("6.3", hint=1)` only names what is violated, `hint=2` draws the schedule without its last step, `hint=3` draws all of it, and `hint=4` is a
# worked solution, if your instructor leaves it open.

# %% tags=nbval-ignore-output
check("6.3")
