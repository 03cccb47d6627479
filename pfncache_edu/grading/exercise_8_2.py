"""Exercise 8.2, "Write the patch": look at each cache under its read lock first, and take the write lock only on a hit.

Half of the points are for safety, the rest for what the patch is good for: both are needed, because a hook that does
nothing never disturbs anybody, and one that locks everything for write is safe. Looking a second time under the write
lock is precision, never safety, so leaving it out costs nothing and is only remarked.
"""
from __future__ import annotations

from dataclasses import replace

from .. import scenarios
from ..kvm import before_the_patch
from ..kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from ..kvm.structs import PAGE_SIZE, gfn_to_pfn_cache, kvm
from ..locks import FREE
from ..program import Program, Thread, Watch
from ..properties import takes_for_write
from ..scenarios import ELSEWHERE, FIRST_PAGE, Livepatch, World
from ..steps import LOAD, STORE, Violation
from .answers import kernel_function
from .exercise import Exercise, Gate, Property
from .trial import Situation, attempt, longest_write_hold

NOTIFIER = "notifier"
FIND, WITHDRAW = "find overlap", "withdraw and drain"
LOCK_RULES = frozenset({"no_deadlock", "locks_are_released", "only_the_holder_unlocks"})
SAFETY = frozenset({"guest_writes_reach_the_guest", "valid_cache_maps_current_page"})


# --- what is watched -----------------------------------------------------------------------------------------------

def withdraws(gpc: gfn_to_pfn_cache) -> Watch:
    """When the event's hook is done, the cache is no longer valid."""
    def after(valid, thread, step, old, result):
        return step.argument if step.verb is STORE and step.cells[0] is gpc.valid else valid

    def at_end(valid, thread):
        if valid:
            raise Violation("withdraws", f"the hook is done, and {gpc.name} is still valid")
    return Watch("withdraws", after, start=True, at_end=at_end, about=(NOTIFIER,))


def spares(gpc: gfn_to_pfn_cache) -> Watch:
    """The notifier never gets the cache's lock for write."""
    def after(_, thread, step, old, result):
        if thread == NOTIFIER and takes_for_write(step, result, gpc):
            raise Violation("spares", f"notifier takes {gpc.lock.name} for write, and every user of {gpc.name} has to wait for nothing")
    return Watch("spares", after, about=(NOTIFIER,))


def locks_for_write_once(gpc: gfn_to_pfn_cache, *, needed: bool) -> Watch:
    """The notifier gets the cache's lock for write once; not more often, and not less if it is `needed`."""
    def after(count, thread, step, old, result):
        if thread != NOTIFIER or not takes_for_write(step, result, gpc):
            return count
        if count:
            raise Violation("locks_for_write_once", f"notifier takes {gpc.lock.name} for write a second time")
        return 1

    def at_end(count, thread):
        if needed and thread == NOTIFIER and not count:
            raise Violation("locks_for_write_once", f"notifier withdraws {gpc.name} without its write lock: nobody waits until its users are out")
    return Watch("locks_for_write_once", after, start=0, at_end=at_end, about=(NOTIFIER,))


def holds_for_write_at_most(steps: int, gpc: gfn_to_pfn_cache, *, needed: bool) -> Watch:
    """Between taking and dropping the cache's lock for write, the notifier takes at most `steps` steps."""
    idle, never = -1, -2

    def after(count, thread, step, old, result):
        if thread != NOTIFIER:
            return count
        if step.cells and step.cells[0] is gpc.lock:
            return 0 if takes_for_write(step, result, gpc) else idle if count >= 0 and step.verb.releases == "write" else count
        if count == steps:
            raise Violation("holds_for_write_at_most", f"notifier has held {gpc.lock.name} for write for {steps} steps, and goes on")
        return count + 1 if count >= 0 else count

    def at_end(count, thread):
        if needed and thread == NOTIFIER and count == never:
            raise Violation("holds_for_write_at_most", f"notifier never holds {gpc.lock.name} for write, so there is no hold to measure")
    return Watch("holds_for_write_at_most", after, start=never, at_end=at_end, about=(NOTIFIER,))


def visits_under_gpc_lock(kvm: kvm, caches: tuple[gfn_to_pfn_cache, ...]) -> Watch:
    """The notifier locks a cache only while it holds kvm.gpc_lock, or the cache could leave the list meanwhile."""
    locks = {gpc.lock: gpc for gpc in caches}

    def after(holds, thread, step, old, result):
        if thread != NOTIFIER or not step.cells:
            return holds
        lock = step.cells[0]
        if lock is kvm.gpc_lock:
            return old[0] == FREE if step.verb.takes else False
        if lock in locks and step.verb.takes and not holds:
            raise Violation("visits_under_gpc_lock", f"notifier locks {locks[lock].name} without {kvm.gpc_lock.name}: "
                            "the cache may leave the list, and be freed, at any time")
        return holds
    return Watch("visits_under_gpc_lock", after, start=False, about=(NOTIFIER,))


# --- in which situations --------------------------------------------------------------------------------------------

def event_alone(watch, start: int = FIRST_PAGE, end: int = FIRST_PAGE + PAGE_SIZE) -> Situation:
    """An invalidation event of [start, end) with nobody else about."""
    def event_alone(livepatch: Livepatch) -> Program:
        world = World()
        return Program(f"event_alone({start:#x}, {end:#x})", (Thread(NOTIFIER, scenarios.invalidate, (world.kvm, start, end)),),
                       (watch(world.caches[0]),), livepatch, world.still, f"An invalidation of {start:#x} to {end:#x}")
    return event_alone


def event_during_use(watch, start: int = FIRST_PAGE, end: int = FIRST_PAGE + PAGE_SIZE) -> Situation:
    """The same event while vcpu0 uses the cache. Only `watch` is watched: safety is another property."""
    def event_during_use(livepatch: Livepatch) -> Program:
        program = scenarios.unrelated_range(livepatch, start=start, end=end, properties=lambda world: (watch(world.caches[0]),))
        name = program.name if start == ELSEWHERE else f"{program.name}({start:#x}, {end:#x})"
        title = f"An invalidation of {start:#x} to {end:#x} while vcpu0 uses the page at {FIRST_PAGE:#x}"
        return replace(program, name=name, title=title, properties=program.properties[-1:])
    return event_during_use


def under_fair_locks(situation: Situation) -> Situation:
    """The same with the kernel's fair rwlocks: a reader who takes one again may wait for a writer who waits for it."""
    def fair(livepatch: Livepatch) -> Program:
        program = replace(situation(livepatch), properties=(), fair_locks=True)
        return replace(program, name=f"{program.name} with fair locks", title=f"{program.title}, with fair locks")
    return fair


def two_caches_under_gpc_lock(livepatch: Livepatch) -> Program:
    program = scenarios.one_of_two_pages_moves(livepatch)
    notifier = next(thread for thread in program.threads if thread.name == NOTIFIER)
    vm = notifier.args[0]
    return replace(program, threads=(notifier,), properties=(visits_under_gpc_lock(vm, vm.gpc_list.initial),))


def write_hold_before() -> int:
    """How many steps the function of Linux 6.1 takes under the write lock when the range is relevant."""
    program = event_alone(withdraws)({gfn_to_pfn_cache_invalidate_start: before_the_patch.gfn_to_pfn_cache_invalidate_start})
    lock = program.threads[0].args[0].gpc_list.initial[0].lock
    return longest_write_hold(attempt(program).verdict.trace, lock)


def hold_is_measured(alone: bool) -> Situation:
    def situation(livepatch: Livepatch) -> Program:
        before = write_hold_before()
        make = event_alone if alone else event_during_use
        return make(lambda gpc: holds_for_write_at_most(before, gpc, needed=alone))(livepatch)
    return situation


# --- the exercise ---------------------------------------------------------------------------------------------------

withdraws_the_page = Property(
    "withdraws_a_page_in_the_range", 0, "after an event whose range covers the cached page, the cache is not valid", WITHDRAW,
    (event_alone(withdraws, FIRST_PAGE - PAGE_SIZE, FIRST_PAGE + 2 * PAGE_SIZE),), frozenset({"withdraws"}))

far_range = Property(
    "far_range_takes_no_write_lock", 4, "an event whose range is far from the cached page never takes gpc.lock for write", FIND,
    (event_during_use(spares, ELSEWHERE, ELSEWHERE + PAGE_SIZE), event_alone(spares, ELSEWHERE, ELSEWHERE + PAGE_SIZE)),
    frozenset({"spares"}))

PROPERTIES = (
    Property("safe_with_three_threads", 7, "whoever writes through khva writes to the guest's current page, in every "
             "schedule of two users of one cache and a page that moves", WITHDRAW,
             (scenarios.page_moves_during_use, scenarios.page_moves_during_refresh, scenarios.page_moves_under_two_users), SAFETY),
    Property("safe_with_two_users_and_two_caches", 4, "the same with two caches, one of which is hit, and each cache is "
             "visited while kvm.gpc_lock is held", WITHDRAW,
             (scenarios.one_of_two_pages_moves, two_caches_under_gpc_lock), SAFETY | {"visits_under_gpc_lock"}),
    Property("deadlock_free", 3, "nobody waits for ever, and every lock is released by the one who took it", WITHDRAW,
             (event_alone(withdraws), event_alone(spares, ELSEWHERE, ELSEWHERE + PAGE_SIZE),
              scenarios.page_moves_during_use, scenarios.page_moves_during_refresh, scenarios.one_of_two_pages_moves,
              under_fair_locks(scenarios.page_moves_during_refresh)), LOCK_RULES, alone=True),
    far_range,
    Property("adjacent_ranges_take_no_write_lock", 2, "neither a range that ends where the cached page begins nor one that "
             "begins where it ends takes gpc.lock for write", FIND,
             (event_alone(spares, FIRST_PAGE - PAGE_SIZE, FIRST_PAGE),
              event_alone(spares, FIRST_PAGE + PAGE_SIZE, FIRST_PAGE + 2 * PAGE_SIZE)), frozenset({"spares"})),
    Property("relevant_range_takes_one_write_lock", 3, "an event that hits the cache takes gpc.lock for write once", WITHDRAW,
             (event_alone(lambda gpc: locks_for_write_once(gpc, needed=True)),
              event_during_use(lambda gpc: locks_for_write_once(gpc, needed=False))), frozenset({"locks_for_write_once"})),
    Property("write_hold_is_no_longer_than_before", 2, "gpc.lock is held for write for no more steps than before the patch",
             WITHDRAW, (hold_is_measured(alone=True), hold_is_measured(alone=False)), frozenset({"holds_for_write_at_most"})),
)


def remarks(livepatch: Livepatch) -> list[str]:
    """What is worth saying about an answer without any mark for it."""
    program = event_alone(withdraws)(livepatch)
    gpc = program.threads[0].args[0].gpc_list.initial[0]
    trial = attempt(program)
    if trial.outcome != "holds" or looks_under_the_write_lock(trial.verdict.trace, gpc):
        return []
    return ["your function does not look again under the write lock. That is safe, and costs no points: while the event is "
            "announced no refresh can complete. The second look is precision; exercise 8.3 asks what it is good for."]


def looks_under_the_write_lock(trace, gpc: gfn_to_pfn_cache) -> bool:
    holds = False
    for event in trace:
        if event.step.cells and event.step.cells[0] is gpc.lock:
            holds = takes_for_write(event.step, event.result, gpc)
        elif holds and event.step.verb is LOAD and event.step.cells[0] is gpc.valid:
            return True
    return not any(takes_for_write(event.step, event.result, gpc) for event in trace)


EXERCISE = Exercise(
    "8.2", "Write the patch", (kernel_function(gfn_to_pfn_cache_invalidate_start),), PROPERTIES,
    (Gate(withdraws_the_page, "a hook that does not withdraw a page in its range does not do its work, so nothing else counts"),
     Gate(far_range, "an unrelated range is not spared the write lock, which is what the patch is for, so nothing else counts yet")),
    remarks)
