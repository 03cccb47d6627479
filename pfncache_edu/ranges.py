"""Ranges: what the hook does to caches at given user addresses, with nobody else about.

    gpc, = caches = caches_at([0x7000])
    withdrawn(visited(caches, 0x7000, 0x9000), gpc)          True
"""
from __future__ import annotations

from collections.abc import Iterable

from .interpreters.sequential import run
from .kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from .kvm.structs import gfn_to_pfn_cache, khva_t, kvm
from .program import Program, Thread
from .steps import STORE, KernelFunction
from .verdict import Trace


def caches_at(addresses: Iterable[int], valid: bool = True) -> tuple[gfn_to_pfn_cache, ...]:
    """Active caches of these user addresses, on the list of one VM."""
    vm = kvm("kvm")
    made = tuple(gfn_to_pfn_cache("gpc" if n == 0 else f"gpc{n}", kvm=vm, active=True, valid=valid, uhva=uhva, pfn=n, khva=khva_t(n))
                 for n, uhva in enumerate(addresses))
    vm.gpc_list.initial = made
    return made


def visited(caches: tuple[gfn_to_pfn_cache, ...], start: int, end: int,
            hook: KernelFunction = gfn_to_pfn_cache_invalidate_start) -> Trace:
    """The steps of the hook for [start, end), with nobody else about."""
    vm = caches[0].kvm
    still = frozenset({vm.gpc_list} | {cell for gpc in caches for cell in (gpc.uhva, gpc.pfn)})
    return run(Program("range", (Thread("notifier", gfn_to_pfn_cache_invalidate_start, (vm, start, end)),),
                       livepatch={gfn_to_pfn_cache_invalidate_start: hook}, still=still))


def withdrawn(trace: Trace, gpc: gfn_to_pfn_cache) -> bool:
    """Whether the hook stored False in the cache's `valid`."""
    return any(event.step.verb is STORE and event.step.cells == (gpc.valid,) and event.step.argument is False for event in trace)


def locks_of(trace: Trace, gpc: gfn_to_pfn_cache) -> tuple[int, int]:
    """How often the hook takes the cache's lock for read, and for write."""
    takes = [event.step.verb.takes for event in trace if event.step.cells == (gpc.lock,)]
    return takes.count("read"), takes.count("write")
