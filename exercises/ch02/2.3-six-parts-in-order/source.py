# The single source of exercise 2.3, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 2.3: six parts in order
#
# 8 points, about 10 minutes, goes with the chapter *A cache with a landlord*.
#
# Put the parts of a refresh, and what stands before and after them, in their order. There are ten lines; two do not belong.
#
# | what is judged | points |
# |---|--:|
# | the parts of a refresh in their order | 8 |
#
# You get a point for each line of the longest part that is in the right order, and lose one for a line that does not belong.

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_2_3 import LINES

for number, line in enumerate(LINES):
    print(number, line)

# %% [markdown]
# Write the numbers of the lines in their order.

# %% answer
### BEGIN STARTER
numbers = []
### END STARTER
### BEGIN SOLUTION
numbers = [8, 9, 5, 0, 2, 3, 4, 1]
### END SOLUTION
parts = [LINES[number] for number in numbers]

# %% tags=nbval-ignore-output
check("2.3")
