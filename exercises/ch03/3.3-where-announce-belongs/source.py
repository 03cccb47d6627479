# The single source of exercise 3.3, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 3.3: where does announce belong?
#
# 6 points, about 10 minutes, goes with the chapter *Ranges: what a notifier tells you*.
#
# There are four places in start at which the event count could go up.
#
# | what is judged | points |
# |---|--:|
# | a prediction for each place | 1 |
# | where it is safe | 4 |
# | a schedule that breaks place A | 1 |

# %%
from pfncache_edu import check, explore
from pfncache_edu.announce import PLACES, situation
from pfncache_edu.render.page import listing

listing(*PLACES.values())

# %% [markdown]
# First say what you expect of each: "safe" or "unsafe". A wrong prediction costs nothing.

# %% prediction
### BEGIN STARTER
predictions = {"A": None, "B": None, "C": None, "D": None}
### END STARTER
### BEGIN SOLUTION
predictions = {"A": "unsafe", "B": "unsafe", "C": "safe", "D": "safe"}
### END SOLUTION

# %% [markdown]
# Now ask the explorer, for example `explore(situation("A"))`, and answer. A wrong answer costs a point. Then give a schedule that breaks place A,
# such as "v12 n8" (vcpu0 takes twelve steps, then the notifier eight); at most two steps longer than the shortest one.

# %% answer
### BEGIN STARTER
answers = {"A": None, "B": None, "C": None, "D": None}
schedule = ""
### END STARTER
### BEGIN SOLUTION
answers = {"A": "unsafe", "B": "safe", "C": "safe", "D": "unsafe"}
schedule = "n9 v22 n3"
### END SOLUTION

# %% tags=nbval-ignore-output
check("3.3")
