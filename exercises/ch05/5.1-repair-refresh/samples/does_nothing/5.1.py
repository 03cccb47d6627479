from pfncache_edu import kernel, smp_rmb, write_lock_irq, write_unlock_irq
from pfncache_edu.kvm.pfncache import gpc_map, hva_to_pfn, mmu_notifier_retry_cache
from pfncache_edu.kvm.structs import EFAULT, is_error_noslot_pfn, khva_at, offset_in_page


@kernel
def hva_to_pfn_retry(gpc):
    yield gpc.valid.set(False)
    return 0
