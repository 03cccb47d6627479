# The single source of exercise 0.3, in cells. See exercises/README.md.

# %% [markdown]
# # Exercise 0.3: predict, then run
#
# 3 points, about 7 minutes, goes with the chapter *A page that moved under your feet*.
#
# This user looks twice, and writes only if both looks found the same page:
#
#     note = yield mm.pte[FIRST_PAGE]
#     if (yield mm.pte[FIRST_PAGE]) == note:
#         yield write_guest(mm, khva_t(note))
#
# The host moves the page in one step and tells nobody. For each of three schedules, predict what becomes of the guest's write:
# `"kept"`, `"lost"`, or `"never made"`. Only then run it, in the cell below.
#
# | what is judged | points |
# |---|--:|
# | outcomes of three schedules | 3 |

# %%
from pfncache_edu import check, run, story
from pfncache_edu.scenarios import user_looks_twice

# %% answer
outcomes = {
    ### BEGIN STARTER
    "h1 v3": None,
    "v1 h1 v1": None,
    "v2 h1 v1": None,
    ### END STARTER
    ### BEGIN SOLUTION
    "h1 v3": "kept",
    "v1 h1 v1": "never made",
    "v2 h1 v1": "lost",
    ### END SOLUTION
}

# %% [markdown]
# Now run them, one after the other.

# %% tags=nbval-ignore-output
print(story(run(user_looks_twice(), "h1 v3")))

# %% tags=nbval-ignore-output
check("0.3")
