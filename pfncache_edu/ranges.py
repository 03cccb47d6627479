"""Ranges: what the hook does to caches at given user addresses, with nobody else about; and hooks that judge ranges differently.

    gpc, = caches = caches_at([0x7000])
    withdrawn(visited(caches, 0x7000, 0x9000), gpc)          True

WRONG_TESTS are ways to get `start <= uhva < end` wrong, RIGHT_TESTS other ways to say it; `hook_with(test)` makes a hook of one.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .interpreters.sequential import run
from .kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from .kvm.structs import PAGE_ALIGN_DOWN, PAGE_SIZE, ULONG_MAX, gfn_to_pfn_cache, khva_t, kvm
from .locks import spin_lock, spin_unlock, write_lock_irq, write_unlock_irq
from .program import Program, Thread
from .steps import STORE, KernelFunction, Steps, kernel
from .verdict import Trace


# --- what a hook does --------------------------------------------------------------------------------------------------

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


# --- other tests in the place of `valid and start <= uhva < end` ----------------------------------------------------------

Test = Callable[[int, int, int, bool], bool]


@dataclass(frozen=True)
class RangeTest:
    """A test of (start, end, uhva, valid), and what is different about it, in a sentence."""
    name: str
    difference: str
    concerns: Test


WRONG_TESTS = {test.name: test for test in (
    RangeTest("left_open", "takes `start` for an address that is not in the range",
              lambda start, end, uhva, valid: valid and start < uhva < end),
    RangeTest("right_closed", "takes `end` for an address that is in the range",
              lambda start, end, uhva, valid: valid and start <= uhva <= end),
    RangeTest("ignores_end", "never looks at `end`", lambda start, end, uhva, valid: valid and start <= uhva),
    RangeTest("ignores_start", "never looks at `start`", lambda start, end, uhva, valid: valid and uhva < end),
    RangeTest("only_the_first_page", "looks at the first page of the range only",
              lambda start, end, uhva, valid: valid and start <= uhva < start + PAGE_SIZE),
    RangeTest("misses_the_last_page", "does not look at the last page of the range",
              lambda start, end, uhva, valid: valid and start <= uhva < end - PAGE_SIZE),
    RangeTest("wants_a_page_from_uhva_on", "wants a whole page from `uhva` on to be in the range",
              lambda start, end, uhva, valid: valid and start <= uhva and uhva + PAGE_SIZE <= end),
    RangeTest("does_not_ask_valid", "withdraws a cache that is not valid", lambda start, end, uhva, valid: start <= uhva < end),
    RangeTest("looks_at_32_bits", "keeps the lower half of `uhva` only",
              lambda start, end, uhva, valid: valid and start <= uhva & 0xffff_ffff < end),
    RangeTest("takes_end_for_a_length", "takes its second number for the length of the range",
              lambda start, end, uhva, valid: valid and start <= uhva < start + end),
)}
RIGHT_TESTS = {test.name: test for test in (
    RangeTest("not_outside", "says that it is neither before nor behind the range",
              lambda start, end, uhva, valid: valid and not (uhva < start or end <= uhva)),
    RangeTest("by_its_page", "compares the address of the page",
              lambda start, end, uhva, valid: valid and start <= PAGE_ALIGN_DOWN(uhva) < end),
    RangeTest("by_one_comparison", "subtracts, as unsigned numbers do",
              lambda start, end, uhva, valid: valid and (uhva - start) & ULONG_MAX < end - start),
)}


def hook_with(test: RangeTest) -> KernelFunction:
    """A hook that takes each cache's write lock, and withdraws it if the test says so."""
    @kernel
    def hook(kvm: kvm, start: int, end: int) -> Steps[None]:
        yield spin_lock(kvm.gpc_lock)
        for gpc in (yield kvm.gpc_list):
            yield write_lock_irq(gpc.lock)
            if test.concerns(start, end, (yield gpc.uhva), (yield gpc.valid)):
                yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
        yield spin_unlock(kvm.gpc_lock)
    return hook


def judged_by(test: RangeTest, start: int, end: int, uhva: int, valid: bool) -> bool:
    """Whether a hook with this test withdraws a cache."""
    gpc, = caches = caches_at([uhva], valid)
    return withdrawn(visited(caches, start, end, hook_with(test)), gpc)
