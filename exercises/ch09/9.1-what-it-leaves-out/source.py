# The single source of exercise 9.1, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 9.1: what does it leave out?
#
# 8 points, about 8 minutes, goes with the chapter *Written once, read a thousand times*.
#
# Below stand a terse changelog and six questions that its readers have. For each question, copy the words of the text that answer it, or
# write `"nothing"`.
#
# | what is judged | points |
# |---|--:|
# | what is missing | 4 |
# | what is there, in the words of the text | 4 |

# %%
from textwrap import fill
from pfncache_edu import check
from pfncache_edu.grading.exercise_9_1 import QUESTIONS, TEXT

print(fill(TEXT, 75), *(f"{key}. {question}" for key, question in QUESTIONS.items()), sep="\n\n")

# %% answer
### BEGIN STARTER
ANSWERS = {"a": None, "b": None, "c": None, "d": None, "e": None, "f": None}
### END STARTER
### BEGIN SOLUTION
ANSWERS = {
    "a": "Set khva to the new offset",
    "b": "nothing",                              # which write went where: the reader has to think it up
    "c": "the guest address of a valid cache moves within its page",
    "d": "nothing",                              # no Fixes: tag, no version
    "e": "the refresh finds the page unchanged and returns early",
    "f": "nothing"}                              # no test, no reproducer
### END SOLUTION

# %% tags=nbval-ignore-output
check("9.1")
