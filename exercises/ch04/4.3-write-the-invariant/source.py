# The single source of exercise 4.3, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 4.3: write the invariant
#
# 10 points, about 16 minutes, goes with the chapter *You are the scheduler*.
#
# The fear: "somebody could be handed a cache that leads to the wrong page." Make a sentence of it that can be checked in every state. Your function gets the values
# of five variables, and says whether a state with these values is wrong:
#
# - `lock`: the lock of the cache, -1 if it is held for write, n if n hold it for read, 0 if it is free;
# - `valid`: what the cache says of itself;
# - `pfn`: the page that the cache names, `None` if none; `khva`: the page that its kernel address leads to, `None` if there is no address;
# - `page`: the page that is behind its user address now.
#
# It is asked about every state of three right programs, where it must always say no, and of seven wrong ones, where it should say yes at least once.
#
# | what is judged | points |
# |---|--:|
# | silent about right programs | 3 |
# | catches wrong programs | 7 |
#
# Accusations count only if it is silent about all three right programs, and silence only if it accuses somebody.

# %%
from pfncache_edu import check

# %% answer
def wrong(lock, valid, pfn, khva, page):
    """Whether a state with these values must never be reached."""
    ### BEGIN STARTER
    return False
    ### END STARTER
    ### BEGIN SOLUTION
    return lock != -1 and valid and not pfn == khva == page
    ### END SOLUTION

# %% tags=nbval-ignore-output
check("4.3")
