"""What pfncache asks the host for: the page at a user address, a reference on it, a kernel mapping of it.

The kernel's own functions of these names do much more (swap in, break copy-on-write, flush); seen from pfncache.c this is
what is left: a page table entry is what it is, a reference is counted, a mapping is written down with who has it.
"""
from __future__ import annotations

from ..steps import Step, Steps, Verb, kernel
from .structs import (KVM_PFN_ERR_FAULT, KVM_PFN_ERR_HWPOISON, KVM_PFN_ERR_RO_FAULT, KVM_PFN_ERR_SIGPENDING,
                      PAGE_ALIGN_DOWN, khva_t, kvm, mm_struct)

NO_PAGE = {                                    # what a page table entry says instead of a page -> what the lookup answers
    "FAULT": KVM_PFN_ERR_FAULT,
    "HWPOISON": KVM_PFN_ERR_HWPOISON,          # the memory is broken
    "RO_FAULT": KVM_PFN_ERR_RO_FAULT,          # it may be read only, and KVM always asks for a page to write to
    "SIGPENDING": KVM_PFN_ERR_SIGPENDING,      # a signal interrupted the lookup
}
END_OF_RAM = 0xf0000                           # frames from here on have no struct page: device memory


def pfn_valid(pfn) -> bool:
    """Whether the frame has a struct page, so that kmap() can map it. Frames that are only letters have one."""
    return not isinstance(pfn, int) or pfn < END_OF_RAM


# --- looking a page up ----------------------------------------------------------------------------------------------

@kernel
def hva_to_pfn(kvm: kvm, uhva: int) -> Steps[object]:
    """The page that is mapped at a user address, with a reference, or an error value. It may sleep: hold no spinning lock."""
    page = PAGE_ALIGN_DOWN(uhva)
    if page not in kvm.mm.pte:
        return KVM_PFN_ERR_FAULT
    if not kvm.mm.keeps_books:
        return (yield kvm.mm.pte[page])
    while True:
        pfn = yield kvm.mm.pte[page]
        if pfn in NO_PAGE:
            return NO_PAGE[pfn]
        yield kvm.mm.refs[pfn].add(1)
        # As in get_user_pages_fast(): only if the entry is still the same, the reference came in time.
        if (yield kvm.mm.pte[page]) == pfn:
            return pfn
        yield kvm.mm.refs[pfn].add(-1)


@kernel
def kvm_release_pfn_clean(mm: mm_struct, pfn: object) -> Steps[None]:
    """Give the reference back that hva_to_pfn() took."""
    if mm.keeps_books:
        yield mm.refs[pfn].add(-1)


# --- mapping it into the kernel -------------------------------------------------------------------------------------

def _without(owners: tuple, owner) -> tuple:
    at = owners.index(owner)
    return owners[:at] + owners[at + 1:]


MAP = Verb("map", "maps {cells} for {argument}", lambda owner, owners: (True, (*owners, owner)))
MEMREMAP = Verb("memremap", "maps {cells} for {argument} -> {result}", lambda who, owners, fails: (
    (False, owners, fails) if who[1] in fails else (True, (*owners, who[0]), fails)))
UNMAP = Verb("unmap", "drops the mapping {cells} of {argument} -> {result}", lambda owner, owners: (
    (True, _without(owners, owner)) if owner in owners else (False, owners)))


@kernel
def kmap(mm: mm_struct, pfn: object, owner: str) -> Steps[khva_t]:
    """A kernel address for a page of RAM."""
    if mm.keeps_books:
        yield Step(MAP, (mm.maps[pfn],), owner)
    return khva_t(pfn)


@kernel
def memremap(mm: mm_struct, pfn: object, owner: str) -> Steps[khva_t | None]:
    """A kernel address for a page outside of RAM; None if it cannot be mapped."""
    if mm.keeps_books and not (yield Step(MEMREMAP, (mm.maps[pfn], mm.memremap_fails), (owner, pfn))):
        return None
    return khva_t(pfn)


@kernel
def kunmap(mm: mm_struct, pfn: object, owner: str) -> Steps[None]:
    """Give a mapping by kmap() back."""
    if mm.keeps_books:
        yield Step(UNMAP, (mm.maps[pfn],), owner)


@kernel
def memunmap(mm: mm_struct, khva: khva_t, owner: str) -> Steps[None]:
    """Give a mapping by memremap() back."""
    if mm.keeps_books:
        yield Step(UNMAP, (mm.maps[khva.pfn],), owner)
