# The single source of exercise 9.2, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 9.2: put it in order
#
# 6 points, about 5 minutes, goes with the chapter *Written once, read a thousand times*.
#
# These are the parts of a patch mail to KVM. Put them in the order that serves its readers, and git.
#
# | what is judged | points |
# |---|--:|
# | the mail begins with the shortlog | 1 |
# | the change comes before the reasons | 1 |
# | the number comes after what it is a number of | 1 |
# | the cost comes after the gain | 1 |
# | the tag ends the changelog | 1 |
# | the notes stand below the line | 1 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_9_2 import PARTS

for letter, part in PARTS.items():
    print(letter, part)

# %% answer
### BEGIN STARTER
ORDER = []
### END STARTER
### BEGIN SOLUTION
ORDER = ["C", "E", "B", "H", "D", "A", "F", "G"]
### END SOLUTION

# %% tags=nbval-ignore-output
check("9.2")
