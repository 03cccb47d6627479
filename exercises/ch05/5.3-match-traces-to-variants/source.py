# The single source of exercise 5.3, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 5.3: match traces to variants
#
# 8 points, about 10 minutes, goes with the chapter *When refresh meets invalidate*.
#
# Four schedules that end with a stale page, and four variants of a refresh. Each schedule is the shortest one of one variant. Which? A right match is worth 2 points.
#
# | what is judged | points |
# |---|--:|
# | four matches | 8 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_5_3 import traces, variants

variants()

# %%
traces()

# %% answer
### BEGIN STARTER
matches = {"W": None, "X": None, "Y": None, "Z": None}          # names of variants
### END STARTER
### BEGIN SOLUTION
matches = {"W": "decides_before_it_retakes_the_lock", "X": "forgets_the_count", "Y": "snapshots_after_the_lookup", "Z": "forgets_the_sequence"}
### END SOLUTION

# %% tags=nbval-ignore-output
check("5.3")
