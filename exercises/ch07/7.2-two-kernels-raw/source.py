# The single source of exercise 7.2. `python -m pfncache_edu.grading.release` makes starter.ipynb and
# samples/{starter,reference}/7.2.ipynb of it. RAW is what pfncache_edu.grading.exercise_7_2.raw() makes of the recordings.

# %% [markdown]
# # Exercise 7.2: two kernels, raw
#
# 14 points, about 20 minutes, goes with the chapter *The price of unrelated invalidations*.
#
# These are the recorded runs of Linux 6.1 (before the patch) and 6.12 (after it), a line each. In a run one CPU caused invalidation events, while
# on the other one a reader used caches: `clock` updates the guest's clock, `event-channel` delivers Xen events. `waits` is how often somebody began to wait for the lock of a
# cache. Both kernels ran in an emulator.
#
# | what is judged | points |
# |---|--:|
# | units | 3 |
# | counts | 4 |
# | interval | 4 |
# | wording | 3 |

# %%
from statistics import fmean, stdev

from pfncache_edu import check

RAW = """\
kernel,boot,reader,range,run,events,waits
6.1,1,clock,unrelated,1,20000,412
6.1,1,clock,related,1,5000,170
6.1,1,clock,unrelated,2,20000,350
6.1,1,clock,related,2,39129,1076
6.1,1,clock,unrelated,3,20000,236
6.1,1,clock,related,3,5000,174
6.1,1,clock,unrelated,4,20000,245
6.1,1,clock,related,4,5000,287
6.1,1,clock,unrelated,5,20000,437
6.1,1,clock,related,5,45478,413
6.1,2,clock,unrelated,1,20000,324
6.1,2,clock,related,1,5000,134
6.1,2,clock,unrelated,2,32949,127
6.1,2,clock,related,2,5285,63
6.1,2,clock,unrelated,3,20000,246
6.1,2,clock,related,3,35944,360
6.1,2,clock,unrelated,4,20000,247
6.1,2,clock,related,4,34794,209
6.1,2,clock,unrelated,5,20000,108
6.1,2,clock,related,5,24719,134
6.1,3,clock,unrelated,1,23580,53
6.1,3,clock,related,1,9247,49
6.1,3,clock,unrelated,2,20000,132
6.1,3,clock,related,2,5000,42
6.1,3,clock,unrelated,3,34249,22
6.1,3,clock,related,3,5000,94
6.1,3,clock,unrelated,4,71189,135
6.1,3,clock,related,4,33719,116
6.1,3,clock,unrelated,5,20000,274
6.1,3,clock,related,5,5000,106
6.1,4,clock,unrelated,1,40529,171
6.1,4,clock,related,1,29312,238
6.1,4,clock,unrelated,2,55771,156
6.1,4,clock,related,2,17303,136
6.1,4,clock,unrelated,3,20000,176
6.1,4,clock,related,3,5000,148
6.1,4,clock,unrelated,4,39587,155
6.1,4,clock,related,4,16816,94
6.1,4,clock,unrelated,5,57927,212
6.1,4,clock,related,5,52425,366
6.1,5,clock,unrelated,1,20000,352
6.1,5,clock,related,1,5000,195
6.1,5,clock,unrelated,2,20000,415
6.1,5,clock,related,2,18783,230
6.1,5,clock,unrelated,3,67119,317
6.1,5,clock,related,3,45382,423
6.1,5,clock,unrelated,4,65509,261
6.1,5,clock,related,4,35002,268
6.1,5,clock,unrelated,5,71398,245
6.1,5,clock,related,5,16562,122
6.12,1,clock,unrelated,1,26518,0
6.12,1,clock,related,1,66996,423
6.12,1,clock,unrelated,2,37273,0
6.12,1,clock,related,2,42864,118
6.12,1,clock,unrelated,3,20000,0
6.12,1,clock,related,3,5000,16
6.12,1,clock,unrelated,4,84197,0
6.12,1,clock,related,4,36220,259
6.12,1,clock,unrelated,5,25738,0
6.12,1,clock,related,5,5000,52
6.12,1,event-channel,unrelated,1,20000,0
6.12,1,event-channel,related,1,5000,200
6.12,1,event-channel,unrelated,2,20000,0
6.12,1,event-channel,related,2,5000,112
6.12,1,event-channel,unrelated,3,20000,0
6.12,1,event-channel,related,3,5000,440
6.12,1,event-channel,unrelated,4,20000,0
6.12,1,event-channel,related,4,5000,135
6.12,1,event-channel,unrelated,5,20000,0
6.12,1,event-channel,related,5,5402,85
6.12,2,clock,unrelated,1,71919,0
6.12,2,clock,related,1,7207,28
6.12,2,clock,unrelated,2,20000,0
6.12,2,clock,related,2,5000,219
6.12,2,clock,unrelated,3,20000,0
6.12,2,clock,related,3,5000,83
6.12,2,clock,unrelated,4,81016,0
6.12,2,clock,related,4,19540,83
6.12,2,clock,unrelated,5,20000,0
6.12,2,clock,related,5,5000,77
6.12,2,event-channel,unrelated,1,20000,0
6.12,2,event-channel,related,1,5000,42
6.12,2,event-channel,unrelated,2,20000,0
6.12,2,event-channel,related,2,5000,57
6.12,2,event-channel,unrelated,3,20000,0
6.12,2,event-channel,related,3,5000,27
6.12,2,event-channel,unrelated,4,20000,0
6.12,2,event-channel,related,4,11647,22
6.12,2,event-channel,unrelated,5,20000,0
6.12,2,event-channel,related,5,5000,192
6.12,3,clock,unrelated,1,25113,0
6.12,3,clock,related,1,9756,78
6.12,3,clock,unrelated,2,20000,0
6.12,3,clock,related,2,20918,79
6.12,3,clock,unrelated,3,70805,0
6.12,3,clock,related,3,65805,530
6.12,3,clock,unrelated,4,20000,0
6.12,3,clock,related,4,38538,211
6.12,3,clock,unrelated,5,20000,0
6.12,3,clock,related,5,5000,83
6.12,3,event-channel,unrelated,1,20000,0
6.12,3,event-channel,related,1,6160,122
6.12,3,event-channel,unrelated,2,20000,0
6.12,3,event-channel,related,2,7572,106
6.12,3,event-channel,unrelated,3,20000,0
6.12,3,event-channel,related,3,16947,248
6.12,3,event-channel,unrelated,4,20000,0
6.12,3,event-channel,related,4,12236,112
6.12,3,event-channel,unrelated,5,20000,0
6.12,3,event-channel,related,5,10445,205
6.12,4,clock,unrelated,1,22215,0
6.12,4,clock,related,1,17490,469
6.12,4,clock,unrelated,2,36715,0
6.12,4,clock,related,2,9065,214
6.12,4,clock,unrelated,3,63450,0
6.12,4,clock,related,3,11355,117
6.12,4,clock,unrelated,4,21791,0
6.12,4,clock,related,4,5000,71
6.12,4,clock,unrelated,5,20000,0
6.12,4,clock,related,5,5000,95
6.12,4,event-channel,unrelated,1,20000,0
6.12,4,event-channel,related,1,5000,373
6.12,4,event-channel,unrelated,2,20000,0
6.12,4,event-channel,related,2,5603,59
6.12,4,event-channel,unrelated,3,20000,0
6.12,4,event-channel,related,3,5000,705
6.12,4,event-channel,unrelated,4,20000,0
6.12,4,event-channel,related,4,5000,21
6.12,4,event-channel,unrelated,5,20000,0
6.12,4,event-channel,related,5,5000,213
6.12,5,clock,unrelated,1,20000,0
6.12,5,clock,related,1,161119,846
6.12,5,clock,unrelated,2,20000,0
6.12,5,clock,related,2,66703,351
6.12,5,clock,unrelated,3,20000,0
6.12,5,clock,related,3,5000,171
6.12,5,clock,unrelated,4,20000,0
6.12,5,clock,related,4,5000,62
6.12,5,clock,unrelated,5,20000,0
6.12,5,clock,related,5,5000,36
6.12,5,event-channel,unrelated,1,20000,0
6.12,5,event-channel,related,1,5000,6
6.12,5,event-channel,unrelated,2,20000,0
6.12,5,event-channel,related,2,5000,25
6.12,5,event-channel,unrelated,3,20000,0
6.12,5,event-channel,related,3,5000,43
6.12,5,event-channel,unrelated,4,20000,0
6.12,5,event-channel,related,4,5000,27
6.12,5,event-channel,unrelated,5,20000,0
6.12,5,event-channel,related,5,5000,14
"""
HEAD, *LINES = [line.split(",") for line in RAW.splitlines()]
runs = [dict(zip(HEAD, line)) | {"events": int(line[5]), "waits": int(line[6])} for line in LINES]
print(len(runs), "runs; the first one:", runs[0])

# %% [markdown]
# **Units.** What is each of these? A letter for each key.
#
# - `a` times in one run
# - `b` nanoseconds
# - `c` times a second
# - `d` times per thousand events
# - `e` percent of the reads

# %% units
### BEGIN STARTER
units = {"events": None, "waits": None, "1000 * waits / events": None}
### END STARTER
### BEGIN SOLUTION
units = {"events": "a", "waits": "a", "1000 * waits / events": "d"}
### END SOLUTION

# %% [markdown]
# **Counts.**
#
# - `runs_61`: the number of runs of Linux 6.1 with the reader `clock` and unrelated events
# - `waits_61`: how often somebody waited in all of these runs together
# - `runs_with_waits_612`: the number of runs of Linux 6.12, same reader, unrelated events, in which anybody waited
# - `control_612`: how often somebody waited in the runs of Linux 6.12, same reader, with related events

# %% counts
def waits_of(kernel, range):
    ### BEGIN STARTER
    return []                   # the waits of the runs of the reader "clock"
    ### END STARTER
    ### BEGIN SOLUTION
    return [run["waits"] for run in runs if (run["kernel"], run["reader"], run["range"]) == (kernel, "clock", range)]
    ### END SOLUTION

### BEGIN STARTER
counts = {"runs_61": None, "waits_61": None, "runs_with_waits_612": None, "control_612": None}
### END STARTER
### BEGIN SOLUTION
counts = {
    "runs_61": len(waits_of("6.1", "unrelated")),
    "waits_61": sum(waits_of("6.1", "unrelated")),
    "runs_with_waits_612": sum(waits > 0 for waits in waits_of("6.12", "unrelated")),
    "control_612": sum(waits_of("6.12", "related")),
}
### END SOLUTION

# %% [markdown]
# **Interval.** Write a function that returns the bounds of the 95 % interval of the mean of some counts: *t · s / √n* to each side, with the sample's standard
# deviation *s* (from n - 1) and Student's *t* for n - 1 degrees of freedom.

# %% interval
T95 = {4: 2.776, 9: 2.262, 24: 2.064}           # degrees of freedom -> t

### BEGIN STARTER
def interval(values):
    ...
### END STARTER
### BEGIN SOLUTION
def interval(values):
    half = T95[len(values) - 1] * stdev(values) / len(values) ** 0.5
    return fmean(values) - half, fmean(values) + half
### END SOLUTION

# %% [markdown]
# **Wording.** Which is the *strongest* sentence that the data support?
#
# - `a` The patch makes Linux faster.
# - `b` In these runs, unrelated events made somebody wait for a cache's lock in every run of Linux 6.1 and in no run of Linux 6.12, where the same method does see waits for related events.
# - `c` In these runs, somebody waited for a cache's lock less often in Linux 6.12 than in Linux 6.1.
# - `d` With the patch, no unrelated event ever makes anybody wait for a cache's lock, on any machine.
# - `e` In Linux 6.12 nobody waits for a cache's lock.
# - `f` The patch saves 100 % of the time that readers wait.

# %% sentence
### BEGIN STARTER
sentence = None
### END STARTER
### BEGIN SOLUTION
sentence = "b"
### END SOLUTION

# %% [markdown]
# `check("7.2", hint=1)` says where to look, `hint=2` asks a question, `hint=3` says what is wrong, `hint=4` is a worked solution, if your
# instructor leaves it open.

# %% tags=nbval-ignore-output
check("7.2")
