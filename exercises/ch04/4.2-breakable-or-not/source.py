# The single source of exercise 4.2, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 4.2: breakable or not?
#
# 8 points, about 8 minutes, goes with the chapter *You are the scheduler*.
#
# Four variants of the kernel's functions. Some of them some order of steps breaks: a guest write lands in a page that was freed, a valid cache maps a page
# that is no longer there, or somebody waits for ever. Others no order breaks. A right answer earns 2 points, a wrong one costs 1, no answer costs
# nothing; the sum is never below 0.
#
# | what is judged | points |
# |---|--:|
# | breakable or not | 8 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_4_2 import machine_of, variants

variants()

# %% [markdown]
# Step through one if you like. (The explorer would tell you at once. Predict first: what you learn here is to see it.)

# %%
machine = machine_of("A", "v2 n4")
machine.choices()

# %% answer
### BEGIN STARTER
breakable = {"A": None, "B": None, "C": None, "D": None}       # "breakable" or "not breakable"
### END STARTER
### BEGIN SOLUTION
breakable = {"A": "not breakable", "B": "breakable", "C": "not breakable", "D": "breakable"}
### END SOLUTION

# %% tags=nbval-ignore-output
check("4.2")
