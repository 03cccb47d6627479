# The single source of exercise 3.2, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 3.2: eight tests that find ten bugs
#
# 10 points, about 15 minutes, goes with the chapter *Ranges: what a notifier tells you*.
#
# Ten hooks judge ranges wrongly, each in its own way; three more are right, but written in another way than the kernel's. You do not see
# them. Write tests that tell them apart: a range, a cache, and what a right hook does.
#
# | what is judged | points |
# |---|--:|
# | bugs that the tests find | 10 |
#
# A test is `(start, end, uhva, valid, withdrawn)`: addresses, whether the cache is valid before, and whether a right hook withdraws it. Ranges
# consist of whole pages (0x1000 bytes), and are not empty. You may write eight tests at most. If one of them refuses a right hook, none counts.

# %%
from pfncache_edu import check
from pfncache_edu.kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from pfncache_edu.ranges import caches_at, visited, withdrawn

def real_hook(start, end, uhva, valid):
    """Whether the kernel's own hook withdraws the cache."""
    gpc, = caches = caches_at([uhva], valid)
    return withdrawn(visited(caches, start, end), gpc)

real_hook(0x5000, 0x8000, 0x6040, True)

# %% answer
tests = [
    ### BEGIN STARTER
    # (start, end, uhva, valid, withdrawn), such as (0x5000, 0x8000, 0x6040, True, True)
    ### END STARTER
    ### BEGIN SOLUTION
    (0x5000, 0x8000, 0x5000, True, True),               # begins with the page
    (0x5000, 0x8000, 0x8000, True, False),              # ends where the page begins
    (0x5000, 0x8000, 0x4000, True, False),              # the page before
    (0x5000, 0x8000, 0x7040, True, True),               # the last page, and not its first byte
    (0x5000, 0x8000, 0x6000, False, False),             # not valid
    (0x5000, 0x8000, 0x1_0000_6000, True, False),       # far above, with the same lower half
    ### END SOLUTION
]

# %% tags=nbval-ignore-output
check("3.2")
