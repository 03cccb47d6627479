from pfncache_edu import kernel, read_lock_irq, read_trylock, read_unlock, read_unlock_irq, write_lock_irq, write_unlock_irq
from pfncache_edu.kvm.host_mm import write_guest
from pfncache_edu.kvm.pfncache import kvm_gpc_check, kvm_gpc_refresh


@kernel
def use_guest_page(gpc):
    while True:
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            break
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return
    yield write_guest(gpc.kvm.mm, (yield gpc.khva))
