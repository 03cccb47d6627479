# The single source of exercise 2.1, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 2.1: the loop of a user
#
# 12 points, about 16 minutes, goes with the chapter *A cache with a landlord*.
#
# Write what every user of a cache does: take the read lock – check – use, or else drop and refresh – release. Three stages give
# more or less help, and the points are the same. Work in one of them, and name it in the last but one cell.
#
# | what is judged | points |
# |---|--:|
# | what is written was checked | 5 |
# | checks again after a refresh | 3 |
# | gives up when refresh fails | 2 |
# | holds no lock across refresh | 2 |
#
# Nothing counts until a user who finds the cache valid writes to the guest's page: one who never writes would be safe, too.

# %%
from pfncache_edu import check, kernel, read_lock_irq, read_unlock_irq
from pfncache_edu.kvm.host_mm import write_guest
from pfncache_edu.kvm.pfncache import kvm_gpc_check, kvm_gpc_refresh

# %% [markdown]
# `kvm_gpc_check(gpc, 8)` answers True or False, `kvm_gpc_refresh(gpc, 8)` answers 0 or an error; both are called with `yield from`.
# `yield write_guest(gpc.kvm.mm, khva)` writes. `khva` is a field: `(yield gpc.khva)` reads it.
#
# **Stage 1, worked.** All of it is here, and two lines must go. Which ones?

# %%
@kernel
def worked(gpc):
    while True:
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            break
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return
        yield read_lock_irq(gpc.lock)
        break
    yield write_guest(gpc.kvm.mm, (yield gpc.khva))
    yield read_unlock_irq(gpc.lock)

# %% [markdown]
# **Stage 2, completion.** The loop is here; three lines are missing where the comments stand.

# %%
@kernel
def completion(gpc):
    while True:
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            break
        # release the lock
        failed = yield from kvm_gpc_refresh(gpc, 8)
        # and if it failed?
    # use the page
    yield read_unlock_irq(gpc.lock)

# %% [markdown]
# **Stage 3, blank.**

# %% answer
@kernel
def blank(gpc):
    ### BEGIN STARTER
    yield read_lock_irq(gpc.lock)
    yield read_unlock_irq(gpc.lock)
    ### END STARTER
    ### BEGIN SOLUTION
    while True:
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            break
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return
    yield write_guest(gpc.kvm.mm, (yield gpc.khva))
    yield read_unlock_irq(gpc.lock)
    ### END SOLUTION

# %%
use_guest_page = blank          # or worked, or completion

# %% [markdown]
# Run this as often as you like. It searches every schedule, and draws the shortest one that fails. `check("2.1", hint=1)` only names what is
# violated, `hint=2` draws the schedule without its last step, `hint=3` draws all of it, and `hint=4` is a worked solution, if your instructor leaves it open.

# %% tags=nbval-ignore-output
check("2.1")
