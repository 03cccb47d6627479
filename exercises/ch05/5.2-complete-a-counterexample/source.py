# The single source of exercise 5.2, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 5.2: complete a counterexample
#
# 10 points, about 10 minutes, goes with the chapter *When refresh meets invalidate*.
#
# A refresh that asks only whether an event is under way, not whether one has ended. The schedule below ends with a stale page that is valid. Five of its steps are blanked out; each
# is worth 2 points. Fill them in from the list of choices.
#
# | what is judged | points |
# |---|--:|
# | five blanks | 10 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_5_2 import choices, counterexample

counterexample()

# %%
choices()

# %% answer
### BEGIN STARTER
blanks = {"1": None, "2": None, "3": None, "4": None, "5": None}
### END STARTER
### BEGIN SOLUTION
blanks = {"1": "reads mm.pte[0x7000] -> A", "2": "reads gpc.valid -> False", "3": "stores B in mm.pte[0x7000]",
          "4": "reads kvm.mn_active_invalidate_count -> 0", "5": "stores A in gpc.pfn"}
### END SOLUTION

# %% tags=nbval-ignore-output
check("5.2")
