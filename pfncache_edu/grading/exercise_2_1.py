"""Exercise 2.1, "The loop of a user": take the read lock, check, use, or else drop and refresh; and begin again.

A user that never writes is safe, and one that never refreshes never refreshes wrongly. So each rule is paired with its use:
nothing counts unless a valid cache is written through, and what is said of refresh counts for those who call it.
"""
from __future__ import annotations

from dataclasses import replace

from .. import scenarios
from ..callers import refresh_finds_no_page, refreshes_once
from ..kvm.host_mm import WRITE_GUEST
from ..kvm.structs import gfn_to_pfn_cache
from ..program import Program, Thread, Watch
from ..properties import guest_writes_reach_the_guest
from ..scenarios import Livepatch, World, use_guest_page
from ..steps import Steps, Violation, cond_resched, kernel
from .answers import kernel_function
from .exercise import Exercise, Gate, Property

USE, CHECK, REFRESH = "use, or else drop and refresh", "check", "use, or else drop and refresh"
LOST = frozenset({"guest_writes_reach_the_guest"})


# --- what is watched -----------------------------------------------------------------------------------------------

def writes_before_it_ends() -> Watch:
    """Who is done has written to the guest's page."""
    def after(written, thread, step, old, result):
        return written or step.verb is WRITE_GUEST

    def at_end(written, thread):
        if not written:
            raise Violation("writes_before_it_ends", f"{thread} is done, and has not written to the guest's page")
    return Watch("writes_before_it_ends", after, start=False, at_end=at_end, meaning="a user writes if there is a page")


def refreshes_before_it_ends(gpc: gfn_to_pfn_cache) -> Watch:
    """Who is done has called refresh."""
    def after(called, thread, step, old, result):
        return called or bool(step.verb.takes and step.cells[0] is gpc.refresh_lock)

    def at_end(called, thread):
        if not called:
            raise Violation("refreshes_before_it_ends", f"{thread} is done, and has not called refresh for a cache that is not valid")
    return Watch("refreshes_before_it_ends", after, start=False, at_end=at_end, meaning="who finds the cache not valid refreshes it")


# --- in which situations --------------------------------------------------------------------------------------------

@kernel
def calls_the_user(gpc: gfn_to_pfn_cache) -> Steps[None]:
    """Somebody who calls the user: a first step, so that even a user without any is seen to end."""
    yield cond_resched()
    yield from use_guest_page(gpc)


def _alone(name: str, title: str, livepatch: Livepatch, *, valid: bool, users: int = 1, watches=lambda world: ()) -> Program:
    world = World(valid=valid)
    threads = tuple(Thread(f"vcpu{n}", calls_the_user, (world.caches[0],)) for n in range(users))
    return Program(name, threads, (guest_writes_reach_the_guest, *watches(world)), livepatch, world.still, title)


def a_valid_cache(livepatch: Livepatch) -> Program:
    return _alone("a_valid_cache", "A valid cache, and nobody else about", livepatch, valid=True, watches=lambda world: (writes_before_it_ends(),))


def an_empty_cache(livepatch: Livepatch) -> Program:
    return _alone("an_empty_cache", "An empty cache, a page, and nobody else about", livepatch, valid=False,
                  watches=lambda world: (writes_before_it_ends(),))


def an_empty_cache_to_refresh(livepatch: Livepatch) -> Program:
    return _alone("an_empty_cache_to_refresh", "An empty cache, and nobody else about", livepatch, valid=False,
                  watches=lambda world: (refreshes_before_it_ends(world.caches[0]),))


def two_users_of_an_empty_cache(livepatch: Livepatch) -> Program:
    return _alone("two_users_of_an_empty_cache", "Two users find a cache empty, and no page moves", livepatch, valid=False, users=2)


def nothing_is_mapped(livepatch: Livepatch) -> Program:
    program = refresh_finds_no_page(livepatch)
    gpc, = program.threads[0].args
    return replace(program, threads=(Thread("vcpu0", calls_the_user, (gpc,)),),
                   properties=(guest_writes_reach_the_guest, refreshes_once(gpc), refreshes_before_it_ends(gpc)))


# --- the exercise ----------------------------------------------------------------------------------------------------

safe = Property(
    "what_is_written_was_checked", 5, "the address is read and used under the lock under which it was checked: a page that moves, or "
    "another user's refresh, never makes a write go astray", USE,
    (scenarios.page_moves_during_use, two_users_of_an_empty_cache), LOST)
again = Property(
    "checks_again_after_a_refresh", 3, "after a refresh that succeeded it takes the lock, checks, and then writes", CHECK,
    (an_empty_cache, scenarios.page_moves_during_refresh), LOST | {"writes_before_it_ends"})
gives_up = Property(
    "gives_up_when_refresh_fails", 2, "a refresh that answers an error is the end: no write, and no second refresh", REFRESH,
    (nothing_is_mapped,), LOST | {"gives_up_when_refresh_fails", "refreshes_before_it_ends"})
drops = Property(
    "holds_no_lock_across_refresh", 2, "the read lock is dropped before refresh is called, and none is left behind", REFRESH,
    (an_empty_cache_to_refresh,), frozenset({"no_deadlock", "locks_are_released", "only_the_holder_unlocks", "refreshes_before_it_ends"}))
useful = Property("writes_through_a_valid_cache", 0, "a user who finds the cache valid writes to the guest's page, and drops the lock", USE,
                  (a_valid_cache,), frozenset({"writes_before_it_ends", "no_deadlock", "locks_are_released", "only_the_holder_unlocks"}))

EXERCISE = Exercise(
    "2.1", "The loop of a user", (kernel_function(use_guest_page),), (safe, again, gives_up, drops),
    gates=(Gate(useful, "a user that does not write through a valid cache does no work at all, so nothing else counts"),))
