"""Scenarios: named situations in which the kernel functions meet.

Each returns a Program. `livepatch` replaces kernel functions by others, so that every wrong variant (mutants.py) and
every student's answer runs in the same situation as the kernel's own code.

Threads are named by role: `vcpu0` uses the cache, `notifier` is the host's memory management on another CPU.
Page A is the guest's page in the beginning; when it moves, it becomes page B, and A is freed.
"""
from __future__ import annotations

from collections.abc import Callable

from .kvm import before_the_patch
from .kvm.host_mm import move_page, write_guest
from .kvm.mmu_notifier import kvm_mmu_notifier_invalidate_range_end, kvm_mmu_notifier_invalidate_range_start
from .kvm.pfncache import gfn_to_pfn_cache_invalidate_start, kvm_gpc_check, kvm_gpc_deactivate, kvm_gpc_refresh
from .kvm.structs import (INVALID_GPA, PAGE_SIZE, gfn_to_pfn_cache, khva_t, kvm, kvm_memory_slot, kvm_memslots, mm_struct)
from .locks import read_lock_irq, read_unlock_irq
from .program import Program, Thread
from .properties import guest_writes_reach_the_guest, inactive_cache_is_not_valid, valid_cache_maps_current_page
from .steps import KernelFunction, Steps, kernel

Livepatch = dict[KernelFunction, KernelFunction]
FIRST_PAGE = 0x7000                    # the user address of the first cached page; more follow
ELSEWHERE = FIRST_PAGE + 0x100 * PAGE_SIZE


@kernel
def use_guest_page(gpc: gfn_to_pfn_cache) -> Steps[None]:
    """What every user of a cache does: take the read lock - check - use, or else drop and refresh - release."""
    while True:
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            break
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return
    yield write_guest(gpc.kvm.mm, (yield gpc.khva))
    yield read_unlock_irq(gpc.lock)


@kernel
def use_without_a_lock(gpc: gfn_to_pfn_cache) -> Steps[None]:
    """Check and use, and nothing else."""
    if (yield gpc.valid):
        yield write_guest(gpc.kvm.mm, (yield gpc.khva))


@kernel
def take_page_away(gpc: gfn_to_pfn_cache, new_page: object) -> Steps[None]:
    """Withdraw the page and give it away, and nothing else."""
    yield gpc.valid.set(False)
    yield gpc.kvm.mm.pte[FIRST_PAGE].set(new_page)


@kernel
def invalidate(kvm: kvm, start: int, end: int) -> Steps[None]:
    """An invalidation event that changes no page we look at: a heap free in the VMM, say."""
    yield from kvm_mmu_notifier_invalidate_range_start(kvm, start, end)
    yield from kvm_mmu_notifier_invalidate_range_end(kvm, start, end)


@kernel
def look_up_and_write_later(mm: mm_struct) -> Steps[None]:
    """A note of the page, and a write through it: a cache that nobody tells anything."""
    note = yield mm.pte[FIRST_PAGE]
    yield write_guest(mm, khva_t(note))


@kernel
def look_twice(mm: mm_struct) -> Steps[None]:
    """A user that looks again right before it writes, and writes only if nothing has changed."""
    note = yield mm.pte[FIRST_PAGE]
    if (yield mm.pte[FIRST_PAGE]) == note:
        yield write_guest(mm, khva_t(note))


@kernel
def move_page_unannounced(mm: mm_struct) -> Steps[None]:
    """The host copies the page to page B, and from then on the user address means B. Page A is free for others."""
    yield mm.pte[FIRST_PAGE].set("B")


class World:
    """A VM whose guest pages 0, 1, … are cached by gpc, gpc1, …: what the threads of a scenario share.

    `valid` says whether the caches hold page A (A, C, E, …) already, or nothing yet. A world that is not
    `in_a_memslot` has caches of user addresses which the guest does not see.
    """

    def __init__(self, caches: int = 1, valid: bool = True, in_a_memslot: bool = True):
        pages = {FIRST_PAGE + n * PAGE_SIZE: "ACEGIK"[n] for n in range(caches)}
        self.mm = mm_struct("mm", pages)
        slots = kvm_memslots(1, (kvm_memory_slot(0, caches, FIRST_PAGE),) if in_a_memslot else ())
        blank = kvm("kvm", mm=self.mm, memslots=slots)
        self.caches = tuple(self._cache(blank, n * PAGE_SIZE if in_a_memslot else INVALID_GPA, n, uhva, page, valid)
                            for n, (uhva, page) in enumerate(pages.items()))
        self.kvm = blank
        self.kvm.gpc_list.initial = self.caches
        self.still = frozenset({self.kvm.memslots, self.kvm.mn_memslots_update_rcuwait, self.kvm.gpc_list}
                               | {cell for gpc in self.caches
                                  for cell in (gpc.active, gpc.generation, gpc.gpa, gpc.uhva, gpc.memslot)})

    @staticmethod
    def _cache(kvm: kvm, gpa: int, n: int, uhva: int, page: str, valid: bool) -> gfn_to_pfn_cache:
        translated = dict(valid=True, pfn=page, khva=khva_t(page)) if valid else {}
        return gfn_to_pfn_cache("gpc" if n == 0 else f"gpc{n}", kvm=kvm, active=True, generation=1,
                                gpa=gpa, uhva=uhva, **translated)

    def properties(self) -> tuple:
        """Safety, for every cache: nobody writes to a freed page, and no valid cache maps one."""
        return (guest_writes_reach_the_guest,
                *(valid_cache_maps_current_page(gpc, self.mm, uhva) for gpc, uhva in zip(self.caches, self.mm.pte)))


def _program(name: str, title: str, world: World, threads: dict[str, tuple], livepatch: Livepatch | None,
             properties: tuple | None = None, moving: frozenset = frozenset()) -> Program:
    return Program(name, tuple(Thread(who, function, tuple(args)) for who, (function, *args) in threads.items()),
                   world.properties() if properties is None else properties, livepatch or {}, world.still - moving, title)


def nobody_is_told(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 keeps a note of its page, and the host moves the page without a word: no cache, no lock, no notifier."""
    mm = mm_struct("mm", {FIRST_PAGE: "A"})
    return Program("nobody_is_told", (Thread("vcpu0", look_up_and_write_later, (mm,)), Thread("host", move_page_unannounced, (mm,))),
                   (guest_writes_reach_the_guest,), livepatch or {}, title="The host moves a page and tells nobody")


def user_looks_twice(livepatch: Livepatch | None = None) -> Program:
    """As nobody_is_told(), but vcpu0 looks again right before it writes. That does not help."""
    return nobody_is_told({look_up_and_write_later: look_twice} | (livepatch or {}))


def page_moves_during_use(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 writes through a valid cache while the host moves the page."""
    world = World()
    return _program("page_moves_during_use", "The page moves while vcpu0 writes through a valid cache", world, {
        "vcpu0": (use_guest_page, world.caches[0]),
        "notifier": (move_page, world.kvm, FIRST_PAGE, "B")}, livepatch)


def page_moves_during_refresh(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 finds the cache empty and refreshes it while the host moves the page."""
    world = World(valid=False)
    return _program("page_moves_during_refresh", "The page moves while vcpu0 looks it up", world, {
        "vcpu0": (use_guest_page, world.caches[0]),
        "notifier": (move_page, world.kvm, FIRST_PAGE, "B")}, livepatch)


def two_events_during_refresh(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 refreshes an empty cache while the host moves its page, and while another event comes and goes elsewhere."""
    world = World(valid=False)
    return _program("two_events_during_refresh", "The page moves while vcpu0 looks it up, and another event overlaps", world, {
        "vcpu0": (use_guest_page, world.caches[0]),
        "notifier": (move_page, world.kvm, FIRST_PAGE, "B"),
        "reclaim": (invalidate, world.kvm, ELSEWHERE, ELSEWHERE + PAGE_SIZE)}, livepatch)


def page_moves_under_two_users(livepatch: Livepatch | None = None) -> Program:
    """Two vCPUs use the same cache, empty at first, while the host moves the page."""
    world = World(valid=False)
    return _program("page_moves_under_two_users", "The page moves under two users of one cache", world, {
        "vcpu0": (use_guest_page, world.caches[0]),
        "vcpu1": (use_guest_page, world.caches[0]),
        "notifier": (move_page, world.kvm, FIRST_PAGE, "B")}, livepatch)


def one_of_two_pages_moves(livepatch: Livepatch | None = None) -> Program:
    """Two vCPUs use a cache each; the page of the second one moves."""
    world = World(caches=2)
    return _program("one_of_two_pages_moves", "Two caches, and the page of one of them moves", world, {
        "vcpu0": (use_guest_page, world.caches[0]),
        "vcpu1": (use_guest_page, world.caches[1]),
        "notifier": (move_page, world.kvm, FIRST_PAGE + PAGE_SIZE, "B")}, livepatch)


def invalidation_never_ends(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 refreshes while an invalidation is open that nobody closes: the retry loop can only go round and round."""
    world = World(valid=False)
    return _program("invalidation_never_ends", "vcpu0 refreshes while an invalidation stays open", world, {
        "vcpu0": (use_guest_page, world.caches[0]),
        "notifier": (kvm_mmu_notifier_invalidate_range_start, world.kvm, FIRST_PAGE, FIRST_PAGE + PAGE_SIZE)}, livepatch)


def cache_goes_away_during_refresh(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 refreshes an empty cache while its owner deactivates it."""
    world = World(valid=False)
    gpc = world.caches[0]
    return _program("cache_goes_away_during_refresh", "The cache is deactivated while vcpu0 refreshes it", world, {
        "vcpu0": (use_guest_page, gpc), "owner": (kvm_gpc_deactivate, gpc)}, livepatch,
        (inactive_cache_is_not_valid(gpc), *world.properties()), frozenset({gpc.active, world.kvm.gpc_list}))


def page_outside_memslots_moves_during_refresh(livepatch: Livepatch | None = None) -> Program:
    """vcpu0 looks up a page that is cached by its user address, outside of all memslots, while the host moves it."""
    world = World(valid=False, in_a_memslot=False)
    return _program("page_outside_memslots_moves_during_refresh", "A page that no memslot has moves while vcpu0 looks it up",
                    world, {"vcpu0": (use_guest_page, world.caches[0]),
                            "notifier": (move_page, world.kvm, FIRST_PAGE, "B")}, livepatch)


def page_is_taken_without_a_lock(livepatch: Livepatch | None = None) -> Program:
    """The least that can go wrong: one CPU checks and writes, the other one withdraws the page and gives it away."""
    world = World()
    gpc = world.caches[0]
    return _program("page_is_taken_without_a_lock", "vcpu0 checks and writes while the host takes the page away: no lock, no event",
                    world, {"vcpu0": (use_without_a_lock, gpc), "host": (take_page_away, gpc, "B")}, livepatch,
                    (guest_writes_reach_the_guest,))


def unrelated_range(livepatch: Livepatch | None = None, *, start: int = ELSEWHERE, end: int = ELSEWHERE + PAGE_SIZE,
                    properties: Callable[[World], tuple] | None = None) -> Program:
    """An invalidation event of a range that the cache's page is not in, while vcpu0 uses the cache."""
    world = World()
    return _program("unrelated_range", "An unrelated invalidation while vcpu0 uses the cache", world, {
        "vcpu0": (use_guest_page, world.caches[0]),
        "notifier": (invalidate, world.kvm, start, end)}, livepatch,
        world.properties() + (properties(world) if properties else ()))


# --- the patch ----------------------------------------------------------------------------------------------------

def read_lock_first(livepatch: Livepatch | None = None) -> Program:
    """After the patch: the page of a cache with two users moves, and the hook looks under the read lock first."""
    return _two_users_of_a_moving_page("read_lock_first", "The patch: two users, and the hook looks under the read lock first",
                                       livepatch or {})


def write_lock_at_once(livepatch: Livepatch | None = None) -> Program:
    """Before the patch: the page of a cache with two users moves, and the hook takes the write lock at once."""
    before = {gfn_to_pfn_cache_invalidate_start: before_the_patch.gfn_to_pfn_cache_invalidate_start}
    return _two_users_of_a_moving_page("write_lock_at_once", "Before the patch: two users, and the hook takes the write lock at once",
                                       before | (livepatch or {}))


def _two_users_of_a_moving_page(name: str, title: str, livepatch: Livepatch) -> Program:
    world = World()
    return _program(name, title, world, {
        "vcpu0": (use_guest_page, world.caches[0]),
        "vcpu1": (use_guest_page, world.caches[0]),
        "notifier": (move_page, world.kvm, FIRST_PAGE, "B")}, livepatch)
