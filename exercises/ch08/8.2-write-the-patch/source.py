# The single source of exercise 8.2, in cells. `python -m pfncache_edu.grading.release` makes starter.ipynb and
# samples/{starter,reference}/8.2.ipynb of it: what stands between BEGIN SOLUTION and END SOLUTION is in the reference
# only, what stands between BEGIN STARTER and END STARTER only in the starter.

# %% [markdown]
# # Exercise 8.2: write the patch
#
# 25 points, about 30 minutes, goes with the chapter *Look before you lock*.
#
# Below is the hook as it was before the patch. For every invalidation event it takes the write lock of **every** cache,
# and each user of each of these caches has to wait for it, most of them for nothing: the event is about some other page.
#
# Change it so that it looks first. It holds `gpc.lock` **for read** while it decides whether the cache has a page in
# `[start, end)`, and takes it **for write** only to withdraw a cache that has.
#
# | what is judged | points |
# |---|--:|
# | safe with three threads | 7 |
# | safe with two users and two caches | 4 |
# | free of deadlock | 3 |
# | an event far away takes no write lock | 4 |
# | an event right beside the page takes none either | 2 |
# | an event that hits takes it once | 3 |
# | the write lock is held for no more steps than before | 2 |
#
# Nothing counts until an event that hits the page still withdraws it *and* an event far away takes no write lock:
# a hook that does nothing would be safe, too.

# %%
from pfncache_edu import (check, kernel, read_lock_irq, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq,
                          write_unlock_irq)
from pfncache_edu.kvm.structs import is_error_noslot_pfn

# %% [markdown]
# Your function. Every access to shared state is a `yield`; between two of them no other CPU runs. Two things to keep in
# mind: a read lock cannot be upgraded, and nobody holds what you have dropped.

# %% answer
@kernel
def gfn_to_pfn_cache_invalidate_start(kvm, start, end):
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        ### BEGIN STARTER
        yield write_lock_irq(gpc.lock)

        if ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))
                and start <= (yield gpc.uhva) < end):
            yield gpc.valid.set(False)

        yield write_unlock_irq(gpc.lock)
        ### END STARTER
        ### BEGIN SOLUTION
        yield read_lock_irq(gpc.lock)
        if ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))
                and start <= (yield gpc.uhva) < end):
            yield read_unlock_irq(gpc.lock)

            yield write_lock_irq(gpc.lock)
            if ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))
                    and start <= (yield gpc.uhva) < end):
                yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
        else:
            yield read_unlock_irq(gpc.lock)
        ### END SOLUTION
    yield spin_unlock(kvm.gpc_lock)

# %% [markdown]
# Run this as often as you like. It searches every schedule, says what each property is worth and why, and draws the
# shortest schedule that fails. If you would rather find it yourself, ask for less: `check("8.2", hint=1)` only names
# what is violated, `hint=2` draws the schedule without its last step, `hint=3` draws all of it, and `hint=4` is a worked
# solution, if your instructor leaves it open. Hints cost nothing; how often you opened one is noted in a file beside this notebook, and nowhere else.

# %% tags=nbval-ignore-output
check("8.2")
