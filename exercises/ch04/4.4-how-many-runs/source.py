# The single source of exercise 4.4, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 4.4: how many runs?
#
# 4 points, about 6 minutes, goes with the chapter *You are the scheduler*.
#
# A failure comes up in 0.27 % of random runs. How many runs must a test make, so that with 95 % confidence at least one of them fails? Compute it, here or on
# paper; 5 % more or less are granted.
#
# | what is judged | points |
# |---|--:|
# | number of runs | 4 |

# %%
from math import log

from pfncache_edu import check

# %% answer
### BEGIN STARTER
runs = None
### END STARTER
### BEGIN SOLUTION
runs = log(0.05) / log(1 - 0.0027)         # (1 - p) ** runs = 0.05
### END SOLUTION

# %% tags=nbval-ignore-output
check("4.4")
