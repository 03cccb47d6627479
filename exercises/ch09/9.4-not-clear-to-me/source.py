# The single source of exercise 9.4, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 9.4: not clear to me
#
# 6 points, about 10 minutes, goes with the chapter *Written once, read a thousand times*.
#
# You sent a patch. It makes a function return early when the list of active caches is empty, which it learns without the lock that guards the list. A
# reviewer does not understand your sentence. Write your reply. Do not defend the sentence: that somebody did not understand it is a fact about the sentence.
# A program looks for a new wording and for excuses; the rest a person marks by the anchors below.
#
# | what is judged | points |
# |---|--:|
# | the reply has the new wording in it | 1 |
# | it does not defend the old one | 1 |
# | it takes the doubt as a fact (a person marks this) | 2 |
# | the new wording is clear (a person marks this) | 2 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_9_4 import EXERCISE, REVIEW

print(REVIEW)
for wanted in EXERCISE.properties[2:]:
    print(f"\n{wanted.title}:", *(f"  {points}: {anchor}" for points, anchor in wanted.anchors.items()), sep="\n")

# %% answer
### BEGIN STARTER
REPLY = """\
> Not clear to me. Nothing for whom? And is it not taken to find out?

"""
### END STARTER
### BEGIN SOLUTION
REPLY = """\
> Not clear to me. Nothing for whom? And is it not taken to find out?

Thanks, both are missing. For the event: with no cache on the list it has nothing to withdraw. And no, the lock is not taken to
find out; an empty list can be seen without it. How about this for v2:

  Return early if no cache is active, before taking gpc_lock. An
  invalidation event of such a VM has no cache to withdraw, and
  list_empty() needs no lock to see that there is none.
"""
### END SOLUTION

# %% tags=nbval-ignore-output
check("9.4")
