"""The host's memory management, reduced to what pfncache can see of it: a table from user addresses to pages."""
from __future__ import annotations

from ..steps import Step, Steps, Verb, kernel
from .mmu_notifier import kvm_mmu_notifier_invalidate_range_end, kvm_mmu_notifier_invalidate_range_start
from .structs import PAGE_SIZE, khva_t, kvm, mm_struct

WRITE_GUEST = Verb("write_guest", "writes to the guest's page through khva {argument}", lambda _, *ptes: (None, *ptes))


def write_guest(mm: mm_struct, khva: khva_t) -> Step:
    """A store through a kernel address. The page tables are not asked: the CPU writes to whatever page it is now."""
    return Step(WRITE_GUEST, tuple(mm.pte.values()), khva)


@kernel
def move_page(kvm: kvm, uhva: int, new_page: object) -> Steps[None]:
    """The mm gives the page at `uhva` another frame, inside the bracket that the mmu_notifier contract asks for.

    After the page table says `new_page`, the old page is free: whoever writes to it writes to somebody else's memory.
    """
    yield from kvm_mmu_notifier_invalidate_range_start(kvm, uhva, uhva + PAGE_SIZE)
    yield kvm.mm.pte[uhva].set(new_page)
    yield from kvm_mmu_notifier_invalidate_range_end(kvm, uhva, uhva + PAGE_SIZE)
