from pfncache_edu import (kernel, read_lock_irq, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq,
                          write_unlock_irq)
from pfncache_edu.kvm.structs import is_error_noslot_pfn


@kernel
def gfn_to_pfn_cache_invalidate_start(kvm, start, end):
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        valid, pfn, uhva = (yield gpc.valid), (yield gpc.pfn), (yield gpc.uhva)
        yield read_unlock_irq(gpc.lock)
        if not valid or is_error_noslot_pfn(pfn):
            continue
        if uhva < start or uhva >= end:
            continue
        yield write_lock_irq(gpc.lock)
        valid, uhva = (yield gpc.valid), (yield gpc.uhva)
        if valid and start <= uhva < end:
            yield gpc.valid.set(False)
        yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)
