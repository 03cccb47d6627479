from pfncache_edu import kernel, smp_rmb, write_lock_irq, write_unlock_irq
from pfncache_edu.kvm.pfncache import gpc_map, hva_to_pfn, mmu_notifier_retry_cache
from pfncache_edu.kvm.structs import EFAULT, is_error_noslot_pfn, khva_at, offset_in_page


@kernel
def hva_to_pfn_retry(gpc):
    yield gpc.valid.set(False)
    while True:
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        yield write_unlock_irq(gpc.lock)
        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        if is_error_noslot_pfn(new_pfn):
            yield write_lock_irq(gpc.lock)
            return -EFAULT
        new_khva = yield from gpc_map(gpc, new_pfn)
        yield write_lock_irq(gpc.lock)
        if (yield gpc.kvm.mmu_invalidate_seq) == mmu_seq:
            if not (yield gpc.kvm.mn_active_invalidate_count):
                break
    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    yield gpc.khva.set(khva_at(new_khva, offset_in_page((yield gpc.uhva))))
    return 0
