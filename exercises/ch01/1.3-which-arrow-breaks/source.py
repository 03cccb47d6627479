# The single source of exercise 1.3, in cells. See exercises/README.md.

# %% [markdown]
# # Exercise 1.3: which arrow breaks?
#
# 8 points, about 8 minutes, goes with the chapter *Four names for one byte*.
#
# Three arrows lead from a guest's address to the kernel's: through the memory `"slots"` (GPA to HVA), through the host's `"page table"` (HVA to PFN), and into the `"kernel map"` (PFN to khva).
# For each event write the arrow that it breaks, or `"none"`.
#
# | event | what happens |
# |---|---|
# | delete | the VMM deletes the memory slot |
# | move | the VMM moves the memory slot to other guest addresses |
# | migrate | the host moves the page to another frame |
# | swap | the host swaps the page out |
# | madvise | the VMM gives the page back with `madvise(MADV_DONTNEED)` |
# | collapse | the host puts many small pages together into one large frame |
# | guest | the guest maps the page at another virtual address |
# | deactivate | KVM deactivates its cache of a device's frame, for which it had made a mapping of its own |
#
# | what is judged | points |
# |---|--:|
# | which arrow breaks | 8 |

# %%
from pfncache_edu import check

# %% answer
arrows = {
    ### BEGIN STARTER
    "delete": None,
    "move": None,
    "migrate": None,
    "swap": None,
    "madvise": None,
    "collapse": None,
    "guest": None,
    "deactivate": None,
    ### END STARTER
    ### BEGIN SOLUTION
    "delete": "slots",
    "move": "slots",
    "migrate": "page table",
    "swap": "page table",
    "madvise": "page table",
    "collapse": "page table",
    "guest": "none",
    "deactivate": "kernel map",
    ### END SOLUTION
}

# %% tags=nbval-ignore-output
check("1.3")
