# The single source of exercise 1.2, in cells. See exercises/README.md.

# %% [markdown]
# # Exercise 1.2: write the first arrow
#
# 15 points, about 15 minutes, goes with the chapter *Four names for one byte*.
#
# Write `gfn_to_hva(slots, gpa, length)`. It gets a list of memory slots, each a dict with `base_gfn`, `npages` and `userspace_addr`, a guest physical address, and a number of bytes.
# It returns the user address of the first byte. Where there is none, or where the bytes reach into the next page, it returns `KVM_HVA_ERR_BAD`.
#
# It is compared with the kernel's function, on two hundred sets of slots for each row. The slots come in any order and do not overlap.
#
# | what is judged | points |
# |---|--:|
# | translates inside of slots | 5 |
# | translates the first and the last byte | 4 |
# | refuses gaps | 3 |
# | refuses to cross a page | 3 |

# %%
from pfncache_edu import check
from pfncache_edu.kvm.structs import KVM_HVA_ERR_BAD, PAGE_SIZE

# %% answer
def gfn_to_hva(slots, gpa, length):
    ### BEGIN STARTER
    return KVM_HVA_ERR_BAD                          # your code
    ### END STARTER
    ### BEGIN SOLUTION
    gfn, offset = gpa // PAGE_SIZE, gpa % PAGE_SIZE
    if offset + length > PAGE_SIZE:
        return KVM_HVA_ERR_BAD
    for slot in slots:
        if slot["base_gfn"] <= gfn < slot["base_gfn"] + slot["npages"]:
            return slot["userspace_addr"] + (gfn - slot["base_gfn"]) * PAGE_SIZE + offset
    return KVM_HVA_ERR_BAD
    ### END SOLUTION

# %% tags=nbval-ignore-output
check("1.2")
