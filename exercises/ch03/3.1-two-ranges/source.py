# The single source of exercise 3.1, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 3.1: two ranges
#
# 10 points, about 10 minutes, goes with the chapter *Ranges: what a notifier tells you*.
#
# Write `overlaps(start, end, first, length)`: whether the range [start, end) has an address in common with the bytes
# [first, first + length). `start` is never greater than `end`, and `length` is at least 1.
#
# | what is judged | points |
# |---|--:|
# | inside or far apart | 3 |
# | at the left edge | 2 |
# | at the right edge | 2 |
# | an empty range | 1 |
# | all of the address space | 2 |
#
# Nothing counts until the plain cases are right, so that always saying no earns nothing.

# %%
from pfncache_edu import check

# %% answer
def overlaps(start, end, first, length):
    ### BEGIN STARTER
    return False
    ### END STARTER
    ### BEGIN SOLUTION
    return max(start, first) < min(end, first + length)
    ### END SOLUTION

# %% tags=nbval-ignore-output
check("3.1")
