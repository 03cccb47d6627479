# The single source of exercise 9.3, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 9.3: write the changelog
#
# 20 points, about 22 minutes, goes with the chapter *Written once, read a thousand times*.
#
# Below is a patch of our model. Each invalidation event calls the function twice: *start* with `kvm_mmu_invalidate_begin()`, *end* with
# `kvm_mmu_invalidate_end()`, which makes `mmu_invalidate_seq` grow. `mmu_lock` is a reader–writer lock that the guest's page faults need.
#
# Write what should go into git: a subject, an empty line, the text. The first eight parts are checked by a program. It sees words, so it is
# easily deceived, and what it finds is necessary and no more. A person marks the last three by the anchors below.
#
# | what is judged | points |
# |---|--:|
# | the subject has the prefix and a capital | 1 |
# | the subject is short and has no full stop | 1 |
# | the first sentence orders the change | 2 |
# | imperative; no pronouns | 2 |
# | it says which events the change is for | 2 |
# | it says what stays for the others | 2 |
# | a function is named, as `name()` | 1 |
# | a benefit that one can count or see, no number from nowhere | 1 |
# | why it adds value (a person marks this) | 3 |
# | a non-expert can read it (a person marks this) | 3 |
# | nothing is false (a person marks this) | 2 |

# %%
from pfncache_edu import check
from pfncache_edu.grading.exercise_9_3 import EXERCISE, patch

patch()

# %%
for wanted in EXERCISE.properties[8:]:
    print(f"\n{wanted.title}:", *(f"  {points}: {anchor}" for points, anchor in wanted.anchors.items()), sep="\n")

# %% answer
### BEGIN STARTER
CHANGELOG = """\
"""
### END STARTER
### BEGIN SOLUTION
CHANGELOG = """\
KVM: Take mmu_lock for an invalidation only if it touches guest memory

Find the memslots that the range of an invalidation event overlaps before
taking mmu_lock in kvm_handle_hva_range(), and take it only if there is one.
Many events are about the rest of the VMM, its heap for instance. They
overlap no memslot and have nothing to do under the lock, and yet took it for
write twice, at start and at end, so that the guest's page faults waited for
them. Now they take it zero times (read off the code; no time was measured).

Handle an event that does touch guest memory as before: mmu_lock is held for
write while begin or end run, and then for each memslot.

In return, mmu_invalidate_seq no longer grows for events outside of all
memslots. Whoever compares it for an address there must not rely on it.
"""
### END SOLUTION

# %% tags=nbval-ignore-output
check("9.3")
