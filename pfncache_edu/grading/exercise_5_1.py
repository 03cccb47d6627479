"""Exercise 5.1, "Repair refresh": look the page up without the lock, and publish it only if no event came in between.

Half of the points are for safety. A refresh that never publishes would have them all, and one that holds the lock all the time would
have most; so nothing counts until an undisturbed refresh publishes the page, and until the look-up, which may sleep, runs without the lock.
"""
from __future__ import annotations

from dataclasses import replace

from .. import scenarios
from ..kvm.host_mm import WRITE_GUEST
from ..kvm.pfncache import hva_to_pfn, hva_to_pfn_retry, kvm_gpc_refresh
from ..kvm.structs import gfn_to_pfn_cache, kvm
from ..locks import FREE
from ..program import Invariant, Program, Thread, Watch
from ..properties import holds_write_lock_for_at_most
from ..scenarios import FIRST_PAGE, Livepatch, World
from ..steps import STORE, Violation
from .answers import kernel_function
from .exercise import Exercise, Gate, Property
from .trial import Situation, attempt, longest_write_hold

VCPU = "vcpu0"
LOOK, DECIDE, RETAKE = "look up and map", "retry or publish", "retake the lock"
LOCK_RULES = frozenset({"no_deadlock", "no_endless_loop", "locks_are_released", "only_the_holder_unlocks"})
SAFETY = frozenset({"guest_writes_reach_the_guest", "valid_cache_maps_current_page"})


# --- what is watched -----------------------------------------------------------------------------------------------

def publishes(gpc: gfn_to_pfn_cache) -> Watch:
    """When the refresh is done, the cache was made valid, with a page and its address."""
    wanted = (gpc.valid, gpc.pfn, gpc.khva)

    def after(stored, thread, step, old, result):
        if step.verb is not STORE or step.cells[0] not in wanted:
            return stored
        return tuple(bool(step.argument) if cell is step.cells[0] else was for cell, was in zip(wanted, stored))

    def at_end(stored, thread):
        missing = [cell.name for cell, was in zip(wanted, stored) if not was]
        if missing:
            raise Violation("publishes", f"nobody disturbed the refresh, and it is done without a value in {' and '.join(missing)}")
    return Watch("publishes", after, start=(False, False, False), at_end=at_end)


def looks_up_without_the_lock(gpc: gfn_to_pfn_cache) -> Watch:
    """Nobody is in hva_to_pfn() while it holds the cache's lock."""
    def after(holds, thread, step, old, result):
        if step.cells and step.cells[0] is gpc.lock:
            return bool(step.verb.takes and (result or not step.verb.tries))
        if holds and step.function == hva_to_pfn.__name__:
            raise Violation("looks_up_without_the_lock", f"{thread} looks the page up, which may sleep, while it holds {gpc.lock.name}")
        return holds
    return Watch("looks_up_without_the_lock", after, start=False, about=(VCPU,))


def uses_the_page(gpc: gfn_to_pfn_cache) -> Watch:
    """vcpu0 is not done before it has written to the guest's page: an event is a reason to retry, not to give up."""
    def after(written, thread, step, old, result):
        return written or step.verb is WRITE_GUEST

    def at_end(written, thread):
        if thread == VCPU and not written:
            raise Violation("uses_the_page", f"{thread} is done and has written nothing: the refresh gave up because of an event")
    return Watch("uses_the_page", after, start=False, at_end=at_end, about=(VCPU,))


def current_at_rest(gpc: gfn_to_pfn_cache, vm: kvm) -> Invariant:
    """While no event is open and nobody holds the lock, a valid cache and its address lead to the page that is there."""
    def wrong(lock, count, valid, pfn, khva, page):
        if lock == FREE and not count and valid and not (khva and pfn == khva.pfn == page):
            return f"no event is open, and {gpc.name} is valid with page {pfn} and address {khva}, but the page is {page}"
    return Invariant("current_at_rest", (gpc.lock, vm.mn_active_invalidate_count, gpc.valid, gpc.pfn, gpc.khva, vm.mm.pte[FIRST_PAGE]),
                     wrong, "a cache at rest is not stale")


# --- in which situations --------------------------------------------------------------------------------------------

def refresh_alone(watch) -> Situation:
    """A refresh of an empty cache with nobody else about."""
    def refresh_alone(livepatch: Livepatch) -> Program:
        world = World(valid=False)
        gpc = world.caches[0]
        return Program("refresh_alone", (Thread(VCPU, kvm_gpc_refresh, (gpc, 8)),), (watch(gpc),), livepatch, world.still, "A refresh of an empty cache")
    return refresh_alone


def refresh_during_an_event(*watches) -> Situation:
    """The page moves during a refresh. Only `watches` are watched: safety is another property."""
    def refresh_during_an_event(livepatch: Livepatch) -> Program:
        program = scenarios.page_moves_during_refresh(livepatch)
        gpc = program.threads[0].args[0]
        return replace(program, properties=tuple(watch(gpc) for watch in watches))
    return refresh_during_an_event


def write_hold_of_the_kernel() -> int:
    """How many steps of an undisturbed refresh of Linux 6.12 lie between taking and dropping the lock, at most."""
    trace = attempt(refresh_trace()).verdict.trace
    return longest_write_hold(trace, refresh_lock_of(trace))


def refresh_trace() -> Program:
    return refresh_alone(lambda gpc: Watch("nothing", lambda *_: None))({})


def refresh_lock_of(trace):
    return next(event.step.cells[0] for event in trace if event.step.cells and event.step.cells[0].name == "gpc.lock")


def hold_is_measured(livepatch: Livepatch) -> Program:
    return refresh_during_an_event(lambda gpc: holds_write_lock_for_at_most(write_hold_of_the_kernel(), VCPU, gpc))(livepatch)


# --- the exercise ---------------------------------------------------------------------------------------------------

publishes_the_page = Property(
    "publishes_the_page", 0, "a refresh that nobody disturbs ends with a valid cache, its page and its address", DECIDE,
    (refresh_alone(publishes),), frozenset({"publishes"}))

drops_the_lock = Property(
    "drops_the_lock_to_look_up", 0, "in a refresh that nobody disturbs, gpc.lock is not held while the page is looked up", "drop the lock",
    (refresh_alone(looks_up_without_the_lock),), frozenset({"looks_up_without_the_lock"}))

PROPERTIES = (
    Property("safe_against_one_event", 6, "whoever writes through khva writes to the guest's current page, in every schedule of a refresh and "
             "a page that moves", DECIDE, (scenarios.page_moves_during_refresh, scenarios.page_moves_during_use), SAFETY),
    Property("safe_against_two_events", 4, "the same with a second event that overlaps the first, and with two users", DECIDE,
             (scenarios.two_events_during_refresh, scenarios.page_moves_under_two_users), SAFETY),
    Property("ends_when_events_end", 3, "once no event is open any more, everybody comes to an end, with the page used and no lock left behind", RETAKE,
             (refresh_during_an_event(), refresh_during_an_event(uses_the_page)), LOCK_RULES | {"uses_the_page"}, alone=True),
    Property("look_up_runs_without_the_lock", 3, "gpc.lock is not held while the page is looked up, in any round", LOOK,
             (refresh_alone(looks_up_without_the_lock), refresh_during_an_event(looks_up_without_the_lock)), frozenset({"looks_up_without_the_lock"})),
    Property("is_not_stale_at_rest", 2, "while no event is open and nobody holds the lock, a valid cache and its address lead to the current page",
             DECIDE, (refresh_during_an_event(lambda gpc: current_at_rest(gpc, gpc.kvm)),), frozenset({"current_at_rest"})),
    Property("holds_the_lock_no_longer_than_the_kernel", 2, "gpc.lock is held for write for no more steps than in Linux 6.12", RETAKE,
             (hold_is_measured,), frozenset({"write_hold_is_no_longer_than_before"})),
)

EXERCISE = Exercise(
    "5.1", "Repair refresh", (kernel_function(hva_to_pfn_retry),), PROPERTIES,
    (Gate(publishes_the_page, "a refresh that publishes nothing is safe and of no use, so nothing else counts"),
     Gate(drops_the_lock, "a look-up may sleep, and the host may wait for this lock meanwhile, so nothing else counts yet")))
