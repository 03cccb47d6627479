# The single source of exercise 2.2, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 2.2: five callers, one bug each
#
# 10 points, about 14 minutes, goes with the chapter *A cache with a landlord*.
#
# Each of these five callers breaks one rule, in one line. Find the line that does something at a time when it may not, or fails to look at
# what it should look at, and say which rule it breaks. Where two lines stand in the wrong order, either will do.
#
# | what is judged | points |
# |---|--:|
# | the wrong line of each | 5 |
# | the rule that it breaks | 5 |

# %%
from pfncache_edu import check
from pfncache_edu.render.five_callers import five_callers, rules, shortest_schedule

five_callers()

# %%
rules()

# %% [markdown]
# If you are stuck: this draws what the explorer finds wrong with one of them. Read first, then look.

# %% tags=nbval-ignore-output
shortest_schedule("A")

# %% answer
### BEGIN STARTER
lines = {"A": None, "B": None, "C": None, "D": None, "E": None}          # the number of a line
rules_broken = {"A": None, "B": None, "C": None, "D": None, "E": None}   # the name of a rule
### END STARTER
### BEGIN SOLUTION
lines = {"A": 10, "B": 4, "C": 3, "D": 7, "E": 9}
rules_broken = {"A": "use_under_the_lock", "B": "drop_before_refresh", "C": "lock_before_check",
                "D": "give_up", "E": "check_after_refresh"}
### END SOLUTION

# %% tags=nbval-ignore-output
check("2.2")
