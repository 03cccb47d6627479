# The single source of exercise 0.1, in cells. See exercises/README.md.

# %% [markdown]
# # Exercise 0.1: where do you begin?
#
# 1 point, about 5 minutes, goes with the chapter *A page that moved under your feet*.
#
# Ten questions about what you know already. Answer each with a letter, or with `"?"` if you do not know: a guess would only send you the wrong
# way. The point is for answering all of them. What you get for it is a path through the book.
#
# | what is judged | points |
# |---|--:|
# | all ten questions are answered | 1 |

# %%
from pfncache_edu import check
from pfncache_edu.diagnostic import path_for

# %% [markdown]
# **threads-1.** `x` is 0. Two threads each do `x = x + 1` once, without a lock. Afterwards `x` can be: **a** only 2. **b** 1 or 2. **c** 0, 1 or 2.
#
# **threads-2.** A program has run a million times without a failure. An order of its threads' steps that breaks it: **a** is ruled out. **b** may exist.
#
# **memory-1.** Two processes use the same virtual address. What is behind it is: **a** the same memory. **b** in general different memory.
#
# **memory-2.** A page that a process has not touched for a long time: **a** may be on disk only. **b** is in memory until the process ends.
#
# **locks-1.** While somebody holds a reader–writer lock for read, another can take it: **a** for read. **b** for write. **c** either way.
#
# **locks-2.** Whoever holds a spinlock of the kernel must not: **a** sleep. **b** write to memory.
#
# **kvm-1.** A memory slot of KVM leads: **a** from the guest's physical pages to user addresses. **b** from the guest's virtual addresses to its physical ones.
#
# **kvm-2.** An MMU notifier's *start* is called: **a** before the page table changes. **b** after it has changed.
#
# **tree-1.** The line `Fixes:` in a commit of the kernel names: **a** the commit that brought the bug. **b** the report of the bug.
#
# **tree-2.** `git log -S text` finds: **a** commits that add or remove the text. **b** files that hold it now.

# %% answer
answers = {
    ### BEGIN STARTER
    "threads-1": None,
    "threads-2": None,
    "memory-1": None,
    "memory-2": None,
    "locks-1": None,
    "locks-2": None,
    "kvm-1": None,
    "kvm-2": None,
    "tree-1": None,
    "tree-2": None,
    ### END STARTER
    ### BEGIN SOLUTION
    "threads-1": "b",
    "threads-2": "b",
    "memory-1": "b",
    "memory-2": "a",
    "locks-1": "a",
    "locks-2": "a",
    "kvm-1": "?",
    "kvm-2": "?",
    "tree-1": "?",
    "tree-2": "?",
    ### END SOLUTION
}

# %% tags=nbval-ignore-output
print(path_for(answers))

# %% tags=nbval-ignore-output
check("0.1")
