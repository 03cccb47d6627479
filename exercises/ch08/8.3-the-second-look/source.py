# The single source of exercise 8.3, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 8.3: what is the second look good for?
#
# 8 points, about 10 minutes, goes with the chapter *Look before you lock*.
#
# The hook looks under the read lock, and on a hit once more under the write lock. Call each of the three claims `True` or `False`. Then argue, in a
# paragraph or two: is the second look needed, for what, and would you keep it? A person marks the argument by the anchors below.
#
# | what is judged | points |
# |---|--:|
# | the three claims | 3 |
# | the argument names what it is about | 1 |
# | it argues from the event count (a person marks this) | 2 |
# | it weighs what the second look is good for (a person marks this) | 2 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_8_3 import CLAIMS, EXERCISE

for key, claim in CLAIMS.items():
    print(f"{key}. {claim}")
for wanted in EXERCISE.properties[2:]:
    print(f"\n{wanted.title}:", *(f"  {points}: {anchor}" for points, anchor in wanted.anchors.items()), sep="\n")

# %% answer
### BEGIN STARTER
CLAIMS = {"a": None, "b": None, "c": None}
ARGUMENT = """\
"""
### END STARTER
### BEGIN SOLUTION
CLAIMS = {"a": False, "b": False, "c": True}
ARGUMENT = """\
The second look under the write lock is not needed for safety. Between the two looks nobody holds the lock, so a refresh may begin; but the
event count is up until the event ends, and a refresh that sees it tries again. So the cache can only become invalid meanwhile, and storing
False once more harms nobody. I would keep it all the same: the function is then correct by itself, also if one day the count no longer
stops a refresh, or if withdrawing gets a side effect. It costs a few loads under a lock that is held anyway."""
### END SOLUTION

# %% tags=nbval-ignore-output
check("8.3")
