# The single source of exercise 5.1, in cells. `python -m pfncache_edu.grading.release` makes the notebooks of it.

# %% [markdown]
# # Exercise 5.1: repair refresh
#
# 20 points, about 30 minutes, goes with the chapter *When refresh meets invalidate*.
#
# Somebody has written the heart of a refresh, with good will and three mistakes. Repair it, or write it anew: withdraw – snapshot – drop the
# lock – look up and map – retake the lock – retry or publish.
#
# | what is judged | points |
# |---|--:|
# | safe against one event | 6 |
# | safe against two events that overlap, and with two users | 4 |
# | ends when the events end | 3 |
# | the look-up runs without the lock | 3 |
# | is not stale at rest | 2 |
# | holds the lock no longer than the kernel | 2 |
#
# Nothing counts until a refresh that nobody disturbs publishes the page *and* the look-up runs without the lock: a refresh that never publishes would be
# safe, too.

# %%
from pfncache_edu import check, kernel, smp_rmb, write_lock_irq, write_unlock_irq
from pfncache_edu.kvm.pfncache import gpc_map, hva_to_pfn
from pfncache_edu.kvm.structs import EFAULT, is_error_noslot_pfn, khva_at, offset_in_page

# %% [markdown]
# `gpc.lock` is held for write when the function is called, and must be when it returns. It answers 0, or `-EFAULT` if there is no page.
# `new_pfn = yield from hva_to_pfn(gpc.kvm, uhva)` looks up, `new_khva = yield from gpc_map(gpc, new_pfn)` maps; `khva_at(new_khva, offset)` is the address
# to publish. Events are counted in `gpc.kvm.mn_active_invalidate_count` and `gpc.kvm.mmu_invalidate_seq`.

# %% answer
@kernel
def hva_to_pfn_retry(gpc):
    yield gpc.valid.set(False)
    while True:
        ### BEGIN STARTER
        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        if is_error_noslot_pfn(new_pfn):
            return -EFAULT
        new_khva = yield from gpc_map(gpc, new_pfn)
        if (yield gpc.kvm.mmu_invalidate_seq) == mmu_seq:
            break
        ### END STARTER
        ### BEGIN SOLUTION
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        yield smp_rmb()
        yield write_unlock_irq(gpc.lock)
        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        if is_error_noslot_pfn(new_pfn):
            yield write_lock_irq(gpc.lock)
            return -EFAULT
        new_khva = yield from gpc_map(gpc, new_pfn)
        yield write_lock_irq(gpc.lock)
        if not (yield gpc.kvm.mn_active_invalidate_count):
            yield smp_rmb()
            if (yield gpc.kvm.mmu_invalidate_seq) == mmu_seq:
                break
        ### END SOLUTION
    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(khva_at(new_khva, offset_in_page((yield gpc.uhva))))
    return 0

# %% [markdown]
# Run this as often as you like. `check("5.1", hint=1)` only names what is violated, `hint=2` draws the schedule without its last step, `hint=3` draws all
# of it, and `hint=4` is a worked solution, if your instructor leaves it open.

# %% tags=nbval-ignore-output
check("5.1")
