"""The structs of pfncache: include/linux/kvm_types.h and kvm_host.h of Linux 6.12, as cells.

Fields stand under the lock that guards them. What a function touches without that lock on purpose is listed with the
field, by the function's name and with the reason.
"""
from __future__ import annotations

from typing import NamedTuple

from ..locks import mutex, rwlock_t, spinlock_t
from ..steps import Cell, Struct, field, fixed

EFAULT, EINVAL = 14, 22
PAGE_SIZE = 4096
INVALID_GPA = (1 << 64) - 1
KVM_HVA_ERR_BAD = 0xffff_8880_0000_0000       # PAGE_OFFSET: every kernel address is an "error hva" on x86
KVM_HVA_ERR_RO_BAD = KVM_HVA_ERR_BAD + PAGE_SIZE
KVM_PFN_ERR_FAULT = "KVM_PFN_ERR_FAULT"


def offset_in_page(address: int) -> int:
    """The byte within its page that an address names."""
    return address % PAGE_SIZE


def PAGE_ALIGN_DOWN(address: int) -> int:
    """The first address of the page."""
    return address - address % PAGE_SIZE


def kvm_is_error_gpa(gpa: int) -> bool:
    """Whether there is no guest address: then the cache is based on a user address."""
    return gpa == INVALID_GPA


def kvm_is_error_hva(hva: int) -> bool:
    """Whether there is no user address."""
    return hva >= KVM_HVA_ERR_BAD


def is_error_noslot_pfn(pfn) -> bool:
    """Whether there is no host page."""
    return isinstance(pfn, str) and pfn.startswith("KVM_PFN_")


class khva_t(NamedTuple):
    """A kernel address: a byte of the mapping of a host page. C's `void *khva`; NULL is None."""
    pfn: object
    offset: int = 0

    def __str__(self):
        return f"{self.pfn}+{self.offset}"

    __repr__ = __str__


def khva_page(khva: khva_t | None) -> khva_t | None:
    """The first byte of the mapping that a kernel address points into; None for NULL."""
    return khva and khva._replace(offset=0)


class kvm_memory_slot(NamedTuple):
    """A range of guest frames and the user addresses that back it. Immutable, as under SRCU."""
    base_gfn: int
    npages: int
    userspace_addr: int

    @property
    def userspace_end(self) -> int:
        return self.userspace_addr + self.npages * PAGE_SIZE


class kvm_memslots(NamedTuple):
    """A published set of memslots: it is replaced as a whole, never changed, so reading inside it is no step."""
    generation: int
    slots: tuple[kvm_memory_slot, ...]


class kvm(Struct):
    """A virtual machine (include/linux/kvm_host.h): what of it pfncache and the notifier hooks use."""
    mm = fixed()
    memslots = field(kvm_memslots(0, ()))           # read under SRCU: an old set stays readable

    gpc_lock = spinlock_t()
    # gpc_lock must be held to use it:
    gpc_list = field((), under=gpc_lock)

    mn_invalidate_lock = spinlock_t()
    # mn_invalidate_lock must be held to use it:
    mn_active_invalidate_count = field(0, under=mn_invalidate_lock, unguarded={
        "mmu_notifier_retry_cache": "the count is up before a notifier takes gpc->lock, and the caller holds gpc->lock"})

    mmu_lock = rwlock_t()
    # mmu_lock must be held to use these: for write to store
    mmu_invalidate_seq = field(0, under=mmu_lock, unguarded={
        "hva_to_pfn_retry": "a snapshot: mmu_notifier_retry_cache() compares it later",
        "mmu_notifier_retry_cache": "smp_rmb() after the count makes it new enough"})
    mmu_invalidate_in_progress = field(0, under=mmu_lock)


class gfn_to_pfn_cache(Struct):
    """A guest page that KVM can touch without sleeping (include/linux/kvm_types.h)."""
    kvm = fixed()

    refresh_lock = mutex()                          # serialises activate, refresh and deactivate
    lock = rwlock_t()
    # `lock` must be held to use these: for read to load, for write to store. Not the guest's data: only these fields.
    generation = field(0, under=lock)
    gpa = field(INVALID_GPA, under=lock, unguarded={"kvm_gpc_refresh": "refresh_lock is held"})
    uhva = field(KVM_HVA_ERR_BAD, under=lock, unguarded={
        "kvm_gpc_refresh": "refresh_lock is held", "hva_to_pfn_retry": "refresh_lock is held"})
    khva = field(None, under=lock)
    pfn = field(KVM_PFN_ERR_FAULT, under=lock, unguarded={"hva_to_pfn_retry": "refresh_lock is held"})
    active = field(False, under=lock)
    valid = field(False, under=lock)


class mm_struct(Struct):
    """The host's page tables, as far as a guest's pages are concerned: which page is mapped at each user address."""

    def __init__(self, struct_name: str, pages: dict[int, object]):
        super().__init__(struct_name)
        object.__setattr__(self, "pte", {uhva: Cell(f"{struct_name}.pte[{uhva:#x}]", page)
                                         for uhva, page in pages.items()})
