# The single source of exercise 0.2, in cells. See exercises/README.md.

# %% [markdown]
# # Exercise 0.2: is everything in place?
#
# 1 point, about 3 minutes, goes with the chapter *A page that moved under your feet*.
#
# `doctor()` looks what this machine has, and searches every order of a small program, to see whether the explorer counts here as it does
# elsewhere. Keep what it returns under the name `found`.
#
# | what is judged | points |
# |---|--:|
# | the doctor is content | 1 |

# %%
from pfncache_edu import check
from pfncache_edu.doctor import doctor

# %% tags=nbval-ignore-output
### BEGIN STARTER
found = None                 # write doctor() in place of None
### END STARTER
### BEGIN SOLUTION
found = doctor()
### END SOLUTION

# %% tags=nbval-ignore-output
check("0.2")
