# The single source of exercise 6.2. `python -m pfncache_edu.grading.release` makes starter.ipynb and
# samples/{starter,reference}/6.2.ipynb of it.

# %% [markdown]
# # Exercise 6.2: is a read lock enough?
#
# 6 points, about 8 minutes, goes with the chapter *What a reader–writer lock promises*.
#
# "The owner changes one bool and nothing else, so it may do that under the read lock." Refute this: find an order of steps in which `vcpu0` uses the
# page after the owner has freed it, and say why it is possible.
#
# | what is judged | points |
# |---|--:|
# | a schedule in which vcpu0 uses the freed page (half of the points if both are in the lock at the same time) | 4 |
# | the reason | 2 |
#
# `SEED` chooses how much work of their own the two have. Your instructor may give you another number.

# %%
from pfncache_edu import check
from pfncache_edu.grading import pose

SEED = 0
pose("6.2")

# %% [markdown]
# A schedule is a text such as `"v3 o5 v1"`: three steps of vcpu0, five of the owner, one of vcpu0. Every line above is one step.

# %% answer
### BEGIN STARTER
schedule = None
reason = None           # a letter
### END STARTER
### BEGIN SOLUTION
schedule = "v4 o8 v1"
reason = "b"
### END SOLUTION

# %% [markdown]
# `check("6.2", hint=1)` says where to look, `hint=2` asks a question, `hint=3` tells what happened, `hint=4` is a worked solution for
# `SEED = 0`, if your instructor leaves it open.

# %% tags=nbval-ignore-output
check("6.2")
