# The single source of exercise 8.1, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 8.1: predict nine ablations
#
# 9 points, about 8 minutes, goes with the chapter *Look before you lock*.
#
# Nine ideas make the patch safe and useful. Say for each what becomes of the patch without it: `"holds"` (nothing breaks, and no write lock
# is taken for nothing), `"wasteful"` (nothing breaks, but an unrelated event takes a write lock), `"violated"` (some order of steps breaks
# it) or `"deadlock"` (somebody waits for ever). Predict first; the chapter's switches show you afterwards.
#
# | what is judged | points |
# |---|--:|
# | nine predictions | 9 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_8_1 import ideas

for switch, idea in ideas():
    print(f"{switch:9} {idea}")

# %% answer
### BEGIN STARTER
EXPECTED = {"first": None, "read": None, "left": None, "right": None, "drop": None,
            "write": None, "again": None, "announce": None, "count": None}
### END STARTER
### BEGIN SOLUTION
EXPECTED = {
    "first": "wasteful",        # Linux 6.1: safe, and each event stops the users of every cache
    "read": "violated",         # a look that falls into the middle of a refresh misses what is about to be published
    "left": "violated",         # the event of just this page does not hit it
    "right": "wasteful",        # an event that ends where the page begins hits it: one withdrawal too many
    "drop": "deadlock",         # the writer waits for a reader: for itself
    "write": "violated",        # nobody waits until those are out who have checked
    "again": "holds",           # while the count is up no refresh completes: the second look is precision
    "announce": "violated",     # a whole refresh fits between the visit and the count
    "count": "violated"}        # an event that is under way has left no sequence number yet
### END SOLUTION

# %% tags=nbval-ignore-output
check("8.1")
