"""What was different in Linux 6.1, before the patch "KVM: pfncache: check the need for invalidation under read lock first".

virt/kvm/pfncache.c, lines 25-62. (6.1 also passes `may_block` and evicts vCPUs that use the page themselves; no caller
of 6.1 ever asked for that, and it was removed in 6.9.)
"""
from __future__ import annotations

from ..locks import spin_lock, spin_unlock, write_lock_irq, write_unlock_irq
from ..steps import Steps, kernel
from .structs import is_error_noslot_pfn, kvm


@kernel
def gfn_to_pfn_cache_invalidate_start(kvm: kvm, start: int, end: int) -> Steps[None]:
    """Withdraw every cache whose page lies in [start, end), and hold every other one for write on the way."""
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield write_lock_irq(gpc.lock)

        # A cache never crosses a page, so its first byte decides.
        if ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))
                and start <= (yield gpc.uhva) < end):
            yield gpc.valid.set(False)

        yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)
