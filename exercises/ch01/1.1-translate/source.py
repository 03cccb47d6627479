# The single source of exercise 1.1, in cells. See exercises/README.md.

# %% [markdown]
# # Exercise 1.1: translate
#
# 10 points, about 12 minutes, goes with the chapter *Four names for one byte*.
#
# You get three memory slots and five guest physical addresses. For each address write four numbers: the guest page (`gfn`), the number of its `slot`, the user address of the
# byte (`hva`), and the byte in the page (`offset`). One of the addresses is in no slot: there `slot` and `hva` are `None`. Each of the four is worth half a point.
#
# Another `SEED` gives other numbers, as many as you like. Your course may have given you one.
#
# | what is judged | points |
# |---|--:|
# | five addresses are translated | 10 |

# %%
from pfncache_edu import check
from pfncache_edu.grading import pose

SEED = 0

# %% tags=nbval-ignore-output
pose("1.1")

# %% [markdown]
# A page has 0x1000 bytes. By hand is the point of it; Python may do the sums: `0x13433 // 0x1000`.

# %% answer
translations = {
    ### BEGIN STARTER
    "0x…": {"gfn": None, "slot": None, "hva": None, "offset": None},       # five of these: the addresses above are the keys
    ### END STARTER
    ### BEGIN SOLUTION
    "0x13433": {"gfn": 0x13, "slot": 1, "hva": 0x7f0c60000 + (0x13 - 0x12) * 0x1000 + 0x433, "offset": 0x433},
    "0xd0ea": {"gfn": 0xd, "slot": 0, "hva": 0x7f9d39000 + (0xd - 0x9) * 0x1000 + 0x0ea, "offset": 0x0ea},
    "0x2150c": {"gfn": 0x21, "slot": 2, "hva": 0x7f991e000 + (0x21 - 0x1b) * 0x1000 + 0x50c, "offset": 0x50c},
    "0xf1ad": {"gfn": 0xf, "slot": None, "hva": None, "offset": 0x1ad},
    "0x20bc0": {"gfn": 0x20, "slot": 2, "hva": 0x7f991e000 + (0x20 - 0x1b) * 0x1000 + 0xbc0, "offset": 0xbc0},
    ### END SOLUTION
}

# %% tags=nbval-ignore-output
check("1.1")
