from pfncache_edu import kernel, smp_rmb, write_lock_irq, write_unlock_irq
from pfncache_edu.kvm.pfncache import gpc_map, hva_to_pfn, mmu_notifier_retry_cache
from pfncache_edu.kvm.structs import EFAULT, is_error_noslot_pfn, khva_at, offset_in_page


@kernel
def look(gpc):
    yield write_unlock_irq(gpc.lock)
    pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
    khva = None if is_error_noslot_pfn(pfn) else (yield from gpc_map(gpc, pfn))
    yield write_lock_irq(gpc.lock)
    return pfn, khva


@kernel
def hva_to_pfn_retry(gpc):
    yield gpc.valid.set(False)
    again = True
    while again:
        before = yield gpc.kvm.mmu_invalidate_seq
        pfn, khva = yield from look(gpc)
        if khva is None:
            return -EFAULT
        again = (yield gpc.kvm.mn_active_invalidate_count) > 0 or (yield gpc.kvm.mmu_invalidate_seq) != before
    yield gpc.khva.set(khva_at(khva, offset_in_page((yield gpc.uhva))))
    yield gpc.pfn.set(pfn)
    yield gpc.valid.set(True)
    return 0
