# The single source of exercise 4.1, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 4.1: break four caches
#
# 12 points, about 15 minutes, goes with the chapter *You are the scheduler*.
#
# Four variants, each wrong in one place. For each, write a schedule that breaks it: 2 points, and 1 more if it has at most two steps more
# than the shortest.
#
# | what is judged | points |
# |---|--:|
# | breaks A | 3 |
# | breaks B | 3 |
# | breaks C | 3 |
# | breaks D | 3 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_4_1 import caches, play

caches()

# %% [markdown]
# `play(letter, schedule)` says what a schedule does, step by step, and who can run then. `v3 n2` means: vcpu0 takes three steps, then the notifier two.
# Or play with the mouse: the chapter's scheduler knows some of these variants, and `Scheduler` of `pfncache_edu.widgets` knows them all.

# %%
print(play("A", "v2 n3"))

# %% answer
### BEGIN STARTER
schedules = {"A": None, "B": None, "C": None, "D": None}        # texts such as "v2 n14 v2"
### END STARTER
### BEGIN SOLUTION
schedules = {"A": "n13", "B": "v16 n10 v6", "C": "n6 v22 n6", "D": "o15 v21"}
### END SOLUTION

# %% tags=nbval-ignore-output
check("4.1")
