"""The hook as the patch "KVM: pfncache: check the need for invalidation under read lock first" found it, in the 6.9 cycle.

6.1 (v6_1.py) also kicks vCPUs that use a page by themselves; that was gone by then. What was left differs from 6.12 in the
locking alone, so the difference between this function and the one in pfncache.py is the patch. (C still passed a `may_block`
that nobody read.)
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
