# The single source of exercise 8.4, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 8.4: the same idea, another place
#
# 10 points, about 12 minutes, goes with the chapter *Look before you lock*.
#
# An *album* has many pages under **one** lock. (There is none in Linux: this is for you to find the idea of the patch again.) `album.pages` is a fixed
# tuple; each page has a fixed `page.uhva`, and `page.valid`, which is shared. Below, the hook takes the write lock for every event, and the users of all
# pages wait for it. Change it so that an event which hits no page excludes nobody, and one which hits some takes the write lock **once**.
#
# | what is judged | points |
# |---|--:|
# | safe with two users | 3 |
# | withdraws just what is hit | 2 |
# | an event that hits no page takes no write lock | 3 |
# | an event that hits some takes it once | 2 |
#
# Nothing counts until the hook withdraws just what is in the range *and* an event that hits no page takes no write lock.

# %%
from pfncache_edu import check, kernel, read_lock_irq, read_unlock_irq, write_lock_irq, write_unlock_irq

# %% answer
@kernel
def invalidate_album(album, start, end):
    ### BEGIN STARTER
    yield write_lock_irq(album.lock)
    for page in album.pages:
        if (yield page.valid) and start <= page.uhva < end:
            yield page.valid.set(False)
    yield write_unlock_irq(album.lock)
    ### END STARTER
    ### BEGIN SOLUTION
    yield read_lock_irq(album.lock)
    hit = False
    for page in album.pages:
        hit = hit or (start <= page.uhva < end and (yield page.valid))
    yield read_unlock_irq(album.lock)

    if hit:
        yield write_lock_irq(album.lock)
        for page in album.pages:
            if (yield page.valid) and start <= page.uhva < end:
                yield page.valid.set(False)
        yield write_unlock_irq(album.lock)
    ### END SOLUTION

# %% tags=nbval-ignore-output
check("8.4")
