# The single source of exercise 2.3, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 2.3: six parts in order
#
# 8 points, about 10 minutes, goes with the chapter *A cache with a landlord*.
#
# Put the parts of a refresh, and what stands before and after them, in their order. There are ten lines; two do not belong.
#
# | what is judged | points |
# |---|--:|
# | the parts of a refresh in their order | 8 |
#
# You get a point for each line of the longest part that is in the right order, and lose one for a line that does not belong.

# %%
from pfncache_edu import check

LINES = [
    "drop the lock",
    "drop the lock and refresh_lock",
    "look up and map: ask the host for the page, and get a kernel address for it",
    "retake the lock",
    "retry or publish: go back to the snapshot if an event is under way or has ended since, else store page, address and True in valid",
    "snapshot: remember mmu_invalidate_seq",
    "store True in valid, so that other users need not refresh as well",
    "take gpc_lock, so that no event can start until the page is published",
    "take refresh_lock, then the cache's lock for write",
    "withdraw: store False in valid",
]
for number, line in enumerate(LINES):
    print(number, line)

# %% [markdown]
# Write the numbers of the lines in their order.

# %% answer
### BEGIN STARTER
numbers = []
### END STARTER
### BEGIN SOLUTION
numbers = [8, 9, 5, 0, 2, 3, 4, 1]
### END SOLUTION
parts = [LINES[number] for number in numbers]

# %% tags=nbval-ignore-output
check("2.3")
