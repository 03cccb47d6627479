# The single source of exercise 7.3. `python -m pfncache_edu.grading.release` makes starter.ipynb and
# samples/{starter,reference}/7.3.ipynb of it.

# %% [markdown]
# # Exercise 7.3: what could be wrong with it?
#
# 8 points, about 10 minutes, goes with the chapter *The price of unrelated invalidations*.
#
# Somebody shows you the recordings of the chapter, the waits for the locks of caches in Linux 6.1 and 6.12, and concludes: "On any machine with such a
# guest, the patch is what keeps readers from waiting for unrelated events, and by as much as these numbers say." Ten doubts are raised. **Four** of them apply. A right letter gives two points, a wrong
# one takes one away.
#
# - `a` Each virtual CPU of the emulator is a thread that the host may stop at any time: how many waits there are depends on the host.
# - `b` Perhaps the tracer was off in the runs without a wait.
# - `c` Linux 6.1 and 6.12 differ in much more than this patch.
# - `d` A reader in interrupt context waits without passing the tracepoint.
# - `e` The number of lock calls changes from boot to boot.
# - `f` The program only invalidates and reads, as fast as it can: how often a real guest's readers would wait does not follow.
# - `g` An emulator is slow, so it takes fewer locks for an event than a real machine.
# - `h` Linux 6.12 takes write locks in the runs with related events, so the patch does not do what it says.
# - `i` Waits for other locks, such as the one of the task list, were counted, too.
# - `j` The clock in the traces is too coarse for the waits.
#
# | what is judged | points |
# |---|--:|
# | the doubts that apply | 8 |

# %%
from pfncache_edu import check

# %% answer
### BEGIN STARTER
apply = []
### END STARTER
### BEGIN SOLUTION
apply = ["a", "c", "d", "f"]
### END SOLUTION

# %% [markdown]
# `check("7.3", hint=1)` says what is asked, `hint=2` how to go about it, `hint=3` what is wrong, `hint=4` is a worked solution, if your
# instructor leaves it open.

# %% tags=nbval-ignore-output
check("7.3")
