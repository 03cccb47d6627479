"""The structs of pfncache: include/linux/kvm_types.h and kvm_host.h of Linux 6.12, as cells.

Fields stand under the lock that guards them. What a function touches without that lock on purpose is listed with the
field, by the function's name and with the reason.
"""
from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from ..locks import mutex, rwlock_t, spinlock_t
from ..steps import Cell, Struct, field, fixed

EIO, EFAULT, EEXIST, EINVAL = 5, 14, 17, 22
PAGE_SIZE = 4096
ULONG_MAX = (1 << 64) - 1
INVALID_GPA = ULONG_MAX
TASK_SIZE_MAX = 0x7fff_ffff_f000              # where user addresses end on x86
KVM_HVA_ERR_BAD = 0xffff_8880_0000_0000       # PAGE_OFFSET: every kernel address is an "error hva" on x86
KVM_HVA_ERR_RO_BAD = KVM_HVA_ERR_BAD + PAGE_SIZE
KVM_PFN_ERR_FAULT = "KVM_PFN_ERR_FAULT"
KVM_PFN_ERR_HWPOISON = "KVM_PFN_ERR_HWPOISON"
KVM_PFN_ERR_RO_FAULT = "KVM_PFN_ERR_RO_FAULT"
KVM_PFN_ERR_SIGPENDING = "KVM_PFN_ERR_SIGPENDING"
KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY = 1, 2
KVM_MEMSLOT_INVALID = 1 << 16                 # being deleted or moved: it has no user address any more
KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS = 1 << 63


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
    return khva._replace(offset=0) if khva and khva.pfn is not None else None


def khva_at(page: khva_t | None, offset: int) -> khva_t | None:
    """`page + offset`. C may add to NULL; then it is no mapping's address, but not NULL either."""
    if page is None:
        return khva_t(None, offset) if offset else None
    return page._replace(offset=page.offset + offset)


class kvm_memory_slot(NamedTuple):
    """A range of guest frames and the user addresses that back it. Immutable, as under SRCU."""
    base_gfn: int
    npages: int
    userspace_addr: int
    id: int = 0
    flags: int = 0

    @property
    def userspace_end(self) -> int:
        return self.userspace_addr + self.npages * PAGE_SIZE


class kvm_memslots(NamedTuple):
    """A published set of memslots: it is replaced as a whole, never changed, so reading inside it is no step."""
    generation: int
    slots: tuple[kvm_memory_slot, ...]


class kvm(Struct):
    """A virtual machine (include/linux/kvm_host.h): what of it pfncache, memslots and the notifier hooks use."""
    mm = fixed()

    slots_lock = mutex()                            # serialises changes of the memslots
    slots_arch_lock = mutex()
    memslots = field(kvm_memslots(0, ()))           # read under SRCU: an old set stays readable
    srcu = field(0)                                 # how many are reading; a memslot update waits for them

    gpc_lock = spinlock_t()
    # gpc_lock must be held to use it:
    gpc_list = field((), under=gpc_lock)

    mn_invalidate_lock = spinlock_t()
    # mn_invalidate_lock must be held to use it:
    mn_active_invalidate_count = field(0, under=mn_invalidate_lock, unguarded={
        "mmu_notifier_retry_cache": "the count is up before a notifier takes gpc->lock, and the caller holds gpc->lock"})
    mn_memslots_update_rcuwait = field(None)        # the memslot update that waits for the count: None, ASLEEP or AWAKE

    mmu_lock = rwlock_t()
    # mmu_lock must be held to use these: for write to store
    mmu_invalidate_seq = field(0, under=mmu_lock, unguarded={
        "hva_to_pfn_retry": "a snapshot: mmu_notifier_retry_cache() compares it later",
        "mmu_notifier_retry_cache": "smp_rmb() after the count makes it new enough"})
    mmu_invalidate_in_progress = field(0, under=mmu_lock)
    mmu_invalidate_range_start = field(0, under=mmu_lock)      # for the guest's page faults: no cache looks at them
    mmu_invalidate_range_end = field(0, under=mmu_lock)


ASLEEP, AWAKE = "asleep", "awake"


class gfn_to_pfn_cache(Struct):
    """A guest page that KVM can touch without sleeping (include/linux/kvm_types.h)."""
    kvm = fixed()

    refresh_lock = mutex()                          # serialises activate, refresh and deactivate
    lock = rwlock_t()
    # `lock` must be held to use these: for read to load, for write to store. Not the guest's data: only these fields.
    # What stands in `unguarded` does without on purpose; `NEW` and `ALONE` are the reasons that several share.
    NEW = "nobody else can know the cache yet"
    ALONE = "refresh_lock is held, and whoever changes it holds that, too"
    generation = field(0, under=lock)
    gpa = field(INVALID_GPA, under=lock, unguarded={"kvm_gpc_init": NEW, "kvm_gpc_refresh": ALONE})
    uhva = field(KVM_HVA_ERR_BAD, under=lock, unguarded={
        "kvm_gpc_init": NEW, "kvm_gpc_refresh": ALONE, "hva_to_pfn_retry": ALONE})
    memslot = field(None, under=lock)
    khva = field(None, under=lock)
    pfn = field(KVM_PFN_ERR_FAULT, under=lock, unguarded={"kvm_gpc_init": NEW, "hva_to_pfn_retry": ALONE})
    active = field(False, under=lock, unguarded={
        "kvm_gpc_init": NEW, "activate_alone": ALONE, "kvm_gpc_deactivate": ALONE})
    valid = field(False, under=lock, unguarded={
        "kvm_gpc_init": NEW, "activate_alone": "an inactive cache is on no list: only a refresh could make it valid"})


class Cells(dict):
    """A cell for each key, made when it is first asked for: `mm.pte[0x7000]`."""

    def __init__(self, name: str, initial: Hashable, known: dict | None = None):
        super().__init__()
        self.name, self.initial = name, initial
        for key, value in (known or {}).items():
            self[key] = self.cell(key, value)

    def cell(self, key, value) -> Cell:
        return Cell(f"{self.name}[{key:#x}]" if isinstance(key, int) else f"{self.name}[{key}]", value)

    def __missing__(self, key) -> Cell:
        self[key] = self.cell(key, self.initial)
        return self[key]


class mm_struct(Struct):
    """The host's side of a guest's pages: which page is mapped at each user address, and who uses which page.

    pte     user address -> page, or one of the errors in host_pages.py
    refs    page -> how many references are held, so that it is not freed
    maps    page -> the names of the caches that have a kernel mapping of it, one for each mapping

    The last two are None unless the mm `keeps_books`: without books, taking a reference or a mapping is no step, as on a
    64-bit kernel, where kmap() is an addition and kunmap() is nothing.
    """
    memremap_fails = field(frozenset())             # pages outside of RAM that cannot be mapped

    def __init__(self, struct_name: str, pages: dict[int, object], keeps_books: bool = False):
        super().__init__(struct_name)
        put = object.__setattr__
        put(self, "pte", Cells(f"{struct_name}.pte", "FAULT", pages))
        put(self, "refs", Cells(f"{struct_name}.refs", 0) if keeps_books else None)
        put(self, "maps", Cells(f"{struct_name}.maps", ()) if keeps_books else None)
        put(self, "keeps_books", keeps_books)
