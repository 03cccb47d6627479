# The single source of exercise 7.1. `python -m pfncache_edu.grading.release` makes starter.ipynb and
# samples/{starter,reference}/7.1.ipynb of it.

# %% [markdown]
# # Exercise 7.1: count from a log
#
# 6 points, about 10 minutes, goes with the chapter *The price of unrelated invalidations*.
#
# A log says which caches there are, which invalidation events come, and when a user refreshes a cache. Count the locks that
# `gfn_to_pfn_cache_invalidate_start()` takes of these caches, in all events together. What users take for a refresh does not count.
#
# | what is judged | points |
# |---|--:|
# | write locks that Linux 6.1 takes | 1 |
# | those of them under which nothing is stored | 2 |
# | read locks that Linux 6.12 takes | 1 |
# | write locks that Linux 6.12 takes | 2 |
#
# `SEED` chooses the log. Your instructor may give you another number.

# %%
from pfncache_edu import check
from pfncache_edu.grading import pose

SEED = 0
pose("7.1")

# %% answer
### BEGIN STARTER
counts = {
    "write_61": None,       # write locks that Linux 6.1 takes
    "nothing_61": None,     # of them: those under which nothing is stored
    "read_612": None,       # read locks that Linux 6.12 takes
    "write_612": None,      # write locks that Linux 6.12 takes
}
### END STARTER
### BEGIN SOLUTION
counts = {'write_61': 24, 'nothing_61': 21, 'read_612': 24, 'write_612': 3}
### END SOLUTION

# %% [markdown]
# `check("7.1", hint=1)` says where to look, `hint=2` how to go about it, `hint=3` what is wrong, `hint=4` is a worked solution for `SEED =
# 0`, if your instructor leaves it open.

# %% tags=nbval-ignore-output
check("7.1")
