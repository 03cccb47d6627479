"""Where each of our functions stands in the C: file, function and lines, in Linux 6.12.117 and 6.1.192.

    python -m pfncache_edu.kvm

The lines are those of Debian's packages linux-source-6.12 (6.12.117) and linux-source-6.1 (6.1.192). Some functions of ours
are a part of a C function, which C leaves with `goto` or by dropping a lock at each return. A dash means that this version
has no such function.
"""
from __future__ import annotations

from typing import NamedTuple

from . import structs, v6_1

Lines = tuple[int, int] | None
PFNCACHE, KVM_MAIN, KVM_HOST = "virt/kvm/pfncache.c", "virt/kvm/kvm_main.c", "include/linux/kvm_host.h"


class Source(NamedTuple):
    """One of our functions, and what it is in the C. `part` says which part of the C function, "" for all of it."""
    module: str
    function: str
    file: str
    in_c: str
    v6_12: Lines
    v6_1: Lines
    part: str = ""


SOURCES = (
    # What both versions share, or 6.12 alone has.
    Source("pfncache", "gfn_to_pfn_cache_invalidate_start", PFNCACHE, "gfn_to_pfn_cache_invalidate_start", (25, 58), None),
    Source("pfncache", "kvm_gpc_is_valid_len", PFNCACHE, "kvm_gpc_is_valid_len", (60, 71), None),
    Source("pfncache", "kvm_gpc_check", PFNCACHE, "kvm_gpc_check", (73, 97), None),
    Source("pfncache", "gpc_map", PFNCACHE, "gpc_map", (99, 109), None),
    Source("pfncache", "gpc_unmap", PFNCACHE, "gpc_unmap", (111, 125), None),
    Source("pfncache", "mmu_notifier_retry_cache", PFNCACHE, "mmu_notifier_retry_cache", (127, 153), (114, 140)),
    Source("pfncache", "hva_to_pfn_retry", PFNCACHE, "hva_to_pfn_retry", (155, 246), None),
    Source("pfncache", "__kvm_gpc_refresh", PFNCACHE, "__kvm_gpc_refresh", (248, 356), None),
    Source("pfncache", "refresh_locked", PFNCACHE, "__kvm_gpc_refresh", (266, 332), None, "under gpc->lock"),
    Source("pfncache", "out", PFNCACHE, "__kvm_gpc_refresh", (334, 347), None, "from `out:`"),
    Source("pfncache", "kvm_gpc_refresh", PFNCACHE, "kvm_gpc_refresh", (358, 375), None),
    Source("pfncache", "kvm_gpc_init", PFNCACHE, "kvm_gpc_init", (377, 387), None),
    Source("pfncache", "__kvm_gpc_activate", PFNCACHE, "__kvm_gpc_activate", (389, 417), None),
    Source("pfncache", "activate_alone", PFNCACHE, "__kvm_gpc_activate", (399, 416), None, "under refresh_lock"),
    Source("pfncache", "kvm_gpc_activate", PFNCACHE, "kvm_gpc_activate", (419, 429), None),
    Source("pfncache", "kvm_gpc_activate_hva", PFNCACHE, "kvm_gpc_activate_hva", (431, 437), None),
    Source("pfncache", "kvm_gpc_deactivate", PFNCACHE, "kvm_gpc_deactivate", (439, 476), None),
    # What 6.1 has instead.
    Source("v6_1", "gfn_to_pfn_cache_invalidate_start", PFNCACHE, "gfn_to_pfn_cache_invalidate_start", None, (25, 77)),
    Source("v6_1", "kvm_gfn_to_pfn_cache_check", PFNCACHE, "kvm_gfn_to_pfn_cache_check", None, (79, 98)),
    Source("pfncache", "gpc_map", PFNCACHE, "hva_to_pfn_retry", None, (198, 205), "the mapping"),
    Source("pfncache", "gpc_unmap", PFNCACHE, "gpc_unmap_khva", None, (101, 112)),
    Source("v6_1", "hva_to_pfn_retry", PFNCACHE, "hva_to_pfn_retry", None, (142, 239)),
    Source("v6_1", "kvm_gfn_to_pfn_cache_refresh", PFNCACHE, "kvm_gfn_to_pfn_cache_refresh", None, (241, 335)),
    Source("v6_1", "refresh_locked", PFNCACHE, "kvm_gfn_to_pfn_cache_refresh", None, (268, 309), "under gpc->lock"),
    Source("v6_1", "out", PFNCACHE, "kvm_gfn_to_pfn_cache_refresh", None, (311, 324), "from `out:`"),
    Source("v6_1", "kvm_gfn_to_pfn_cache_unmap", PFNCACHE, "kvm_gfn_to_pfn_cache_unmap", None, (338, 362)),
    Source("v6_1", "kvm_gpc_init", PFNCACHE, "kvm_gpc_init", None, (365, 369)),
    Source("v6_1", "kvm_gpc_activate", PFNCACHE, "kvm_gpc_activate", None, (372, 400)),
    Source("v6_1", "kvm_gpc_deactivate", PFNCACHE, "kvm_gpc_deactivate", None, (403, 421)),
    Source("v6_1", "kvm_handle_hva_range", KVM_MAIN, "__kvm_handle_hva_range", None, (578, 652)),
    Source("v6_1", "kvm_mmu_invalidate_begin", KVM_MAIN, "kvm_mmu_invalidate_begin", None, (736, 763)),
    Source("v6_1", "kvm_mmu_notifier_invalidate_range_start", KVM_MAIN, "kvm_mmu_notifier_invalidate_range_start", None, (765, 810)),
    Source("v6_1", "kvm_make_vcpus_request_mask", KVM_MAIN, "kvm_make_vcpus_request_mask", (283, 307), (300, 324)),
    # The notifier.
    Source("mmu_notifier", "kvm_handle_hva_range", KVM_MAIN, "__kvm_handle_hva_range", (590, 670), None),
    Source("mmu_notifier", "kvm_mmu_invalidate_begin", KVM_MAIN, "kvm_mmu_invalidate_begin", (708, 722), None),
    Source("mmu_notifier", "kvm_mmu_invalidate_range_add", KVM_MAIN, "kvm_mmu_invalidate_range_add", (724, 748), None),
    Source("mmu_notifier", "kvm_mmu_unmap_gfn_range", KVM_MAIN, "kvm_mmu_unmap_gfn_range", (750, 754), None),
    Source("mmu_notifier", "kvm_mmu_notifier_invalidate_range_start", KVM_MAIN, "kvm_mmu_notifier_invalidate_range_start",
           (756, 804), None),
    Source("mmu_notifier", "kvm_mmu_invalidate_end", KVM_MAIN, "kvm_mmu_invalidate_end", (806, 830), (812, 828)),
    Source("mmu_notifier", "kvm_mmu_notifier_invalidate_range_end", KVM_MAIN, "kvm_mmu_notifier_invalidate_range_end",
           (832, 861), (830, 861)),
    # Memslots.
    Source("memslots", "__gfn_to_memslot", KVM_HOST, "__gfn_to_memslot", (1822, 1825), (1699, 1702)),
    Source("memslots", "gfn_to_hva_memslot", KVM_MAIN, "__gfn_to_hva_many", (2714, 2727), (2418, 2431)),
    Source("memslots", "kvm_replace_memslot", KVM_MAIN, "kvm_replace_memslot", (1511, 1562), (1492, 1543)),
    Source("memslots", "kvm_swap_active_memslots", KVM_MAIN, "kvm_swap_active_memslots", (1599, 1655), (1559, 1615)),
    Source("memslots", "kvm_invalidate_memslot", KVM_MAIN, "kvm_invalidate_memslot", (1782, 1822), (1734, 1774)),
    Source("memslots", "kvm_set_memslot", KVM_MAIN, "kvm_set_memslot", (1870, 1964), (1822, 1915)),
    Source("memslots", "kvm_check_memslot_overlap", KVM_MAIN, "kvm_check_memslot_overlap", (1966, 1977), (1917, 1928)),
    Source("memslots", "__kvm_set_memory_region", KVM_MAIN, "__kvm_set_memory_region", (1987, 2108), (1938, 2039)),
    Source("memslots", "kvm_set_memory_region", KVM_MAIN, "kvm_set_memory_region", (2111, 2120), (2042, 2051)),
    # What the host gives.
    Source("host_pages", "hva_to_pfn", KVM_MAIN, "hva_to_pfn", (2975, 3024), (2667, 2713)),
    Source("host_pages", "kvm_release_pfn_clean", KVM_MAIN, "kvm_release_pfn_clean", (3220, 3232), (2923, 2935)),
    Source("structs", "kvm_is_error_hva", KVM_HOST, "kvm_is_error_hva", (144, 147), (134, 137)),
    Source("structs", "is_error_noslot_pfn", KVM_HOST, "is_error_noslot_pfn", (124, 127), (114, 117)),
)
OURS_ALONE = {                       # functions that stand for something larger, or for nothing in the C
    "usage_of": "lets the 6.1 hook run on caches of 6.12, which have no usage", "access_ok": "arch/x86/include/asm/uaccess_64.h",
    "kmap": "include/linux/highmem.h", "kunmap": "include/linux/highmem.h", "memremap": "kernel/iomem.c",
    "memunmap": "kernel/iomem.c", "pfn_valid": "include/linux/mmzone.h", "WARN_ON_ONCE": "include/asm-generic/bug.h",
    "KVM_BUG_ON": KVM_HOST, "rcuwait_wake_up": "kernel/exit.c", "synchronize_srcu": "kernel/rcu/srcutree.c",
    "srcu_read_lock": "include/linux/srcu.h", "srcu_read_unlock": "include/linux/srcu.h",
    "kvm_arch_flush_shadow_memslot": "arch/x86/kvm/x86.c", "kvm_zap_gfn_range": "arch/x86/kvm/mmu/mmu.c",
    "write_guest": "a user's store through khva", "move_page": "what the host's mm does to a page"}


def lines(found: Lines) -> str:
    return f"{found[0]}-{found[1]}" if found else "-"


def aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def table() -> str:
    """The map, one function a line."""
    rows = [("ours", "in C", "file", "6.12", "6.1")]
    rows += [(f"{s.module}.{s.function}", s.in_c + (f", {s.part}" if s.part else ""), s.file, lines(s.v6_12), lines(s.v6_1))
             for s in SOURCES]
    return aligned(rows)


class Unguarded(NamedTuple):
    """A field that a function touches without the lock that guards it, on purpose: why, and where in the C."""
    version: str
    field: str
    lock: str
    function: str
    source: str
    reason: str


def exceptions() -> list[Unguarded]:
    """Every deliberate exception from the lock discipline: what the structs declare, with the place in the C."""
    found = []
    for version, struct, module in (("6.12", structs.kvm, "pfncache"), ("6.12", structs.gfn_to_pfn_cache, "pfncache"),
                                    ("6.1", v6_1.gfn_to_pfn_cache, "v6_1")):
        key = "v" + version.replace(".", "_")
        for field in struct.fields().values():
            for function, reason in (field.unguarded or {}).items():
                source = next(s for s in SOURCES if (s.module, s.function) == (module, function) and getattr(s, key))
                found.append(Unguarded(version, f"{struct.__name__}.{field.name}", field.under.name, function,
                                       f"{source.file}:{lines(getattr(source, key))}", reason))
    return found
