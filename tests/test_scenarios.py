"""What is true of the kernel code and of its wrong variants, pinned: verdict, states, and the shortest schedule."""
import doctest

import pytest

import pfncache_edu
from pfncache_edu import MUTANTS, explore, properties, run, scenarios
from pfncache_edu.former_bugs import FORMER_BUGS
from pfncache_edu.interpreters.explorer import Search
from pfncache_edu.kvm import v6_1
from pfncache_edu.kvm.pfncache import gfn_to_pfn_cache_invalidate_start

BEFORE = {gfn_to_pfn_cache_invalidate_start: v6_1.gfn_to_pfn_cache_invalidate_start}
SAFE = [  # scenario, states after the patch, states before it
    ("page_moves_during_use", 627, 603),
    ("page_moves_during_refresh", 1_339, 1_307),
    ("page_moves_under_two_users", 9_004, 8_612),
    ("one_of_two_pages_moves", 3_906, 3_690),
    ("unrelated_range", 78, 66),
    ("read_lock_first", 4_608, 4_464),
]
WRONG = [  # mutant, scenario, outcome, property, shortest schedule
    ("clears_under_the_read_lock", "page_moves_during_use", "violated", "guest_writes_reach_the_guest", "v2 n14 v2"),
    ("looks_without_a_lock", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page", "v16 n10 v6"),
    ("upgrades_the_read_lock", "page_moves_during_use", "deadlock", "no_deadlock", "n7"),
    ("misses_the_first_page", "page_moves_during_use", "violated", "valid_cache_maps_current_page", "n13"),
    ("skips_a_busy_cache", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page", "v16 n10 v6"),
    ("announces_after_the_walk", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page", "n6 v22 n6"),
    ("retires_before_it_leaves_a_trace", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page",
     "v13 n14 v9"),
    ("asks_the_sequence_first", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page", "n11 v16 n8 v5"),
    ("snapshots_after_the_lookup", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page",
     "v10 n19 v9"),
    ("decides_before_it_retakes_the_lock", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page",
     "v12 n12 v7"),
    ("writes_after_dropping_the_lock", "page_moves_during_use", "violated", "guest_writes_reach_the_guest",
     "v4 n18 v1"),
    ("forgets_the_count", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page", "n11 v20 n1"),
    ("forgets_the_sequence", "page_moves_during_refresh", "violated", "valid_cache_maps_current_page", "v13 n19 v7"),
]
HARMLESS = ["locks_for_write_at_once", "forgets_the_second_check", "takes_the_end_for_the_last_byte"]


def situation(name, livepatch=None):
    return getattr(scenarios, name)(livepatch)


@pytest.mark.parametrize("name, after, before", SAFE)
def test_the_hook_is_safe_before_and_after_the_patch(name, after, before):
    assert str(explore(situation(name))) == f"holds: {after:,} states, all of them"
    assert str(explore(situation(name, BEFORE))) == f"holds: {before:,} states, all of them"


def test_without_a_notifier_three_steps_lose_a_write_and_one_order_of_three_does():
    verdict = explore(scenarios.nobody_is_told())
    assert (verdict.outcome, verdict.schedule, verdict.sentence) == (
        "violated", "v1 h1 v1", "vcpu0 writes to page A, which was freed: the guest's page is B")
    assert [run(scenarios.nobody_is_told(), schedule)[-1].wrong is None for schedule in ("h1 v2", "v2 h1", "v1 h1 v1")] == [True, True, False]


def test_the_least_that_can_go_wrong_is_five_steps_long():
    verdict = explore(scenarios.page_is_taken_without_a_lock())
    assert (verdict.outcome, verdict.broken, verdict.schedule) == ("violated", "guest_writes_reach_the_guest", "v1 h2 v2")


def test_a_second_look_makes_the_dangerous_time_shorter_and_not_empty():
    verdict = explore(scenarios.user_looks_twice())
    assert (verdict.outcome, verdict.schedule, verdict.broken) == ("violated", "v2 h1 v1", "guest_writes_reach_the_guest")


def test_the_patch_has_a_scenario_before_and_one_after():
    assert str(explore(scenarios.read_lock_first())) == "holds: 4,608 states, all of them"
    assert str(explore(scenarios.write_lock_at_once())) == "holds: 4,464 states, all of them"


@pytest.mark.parametrize("scenario", ["read_lock_first", "write_lock_at_once"])
def test_a_wrong_refresh_is_broken_before_and_after_the_patch(scenario):
    verdict = explore(situation(scenario, MUTANTS["forgets_the_count"].livepatch))
    before = {"read_lock_first": "n17 v20 n1", "write_lock_at_once": "n13 v20 n1"}
    assert (verdict.broken, verdict.schedule) == ("valid_cache_maps_current_page", before[scenario])


@pytest.mark.parametrize("mutant, name, outcome, broken, schedule", WRONG)
def test_a_wrong_variant_is_broken_by_this_shortest_schedule(mutant, name, outcome, broken, schedule):
    verdict = explore(situation(name, MUTANTS[mutant].livepatch))
    assert (verdict.outcome, verdict.broken, verdict.schedule) == (outcome, broken, schedule)


@pytest.mark.parametrize("mutant", HARMLESS)
@pytest.mark.parametrize("name", [name for name, *_ in SAFE])
def test_not_every_variant_is_unsafe(mutant, name):
    """Omitting the second check among them: it buys precision, not safety."""
    assert explore(situation(name, MUTANTS[mutant].livepatch)).holds


def test_every_mutant_is_pinned():
    assert {mutant for mutant, *_ in WRONG} | set(HARMLESS) == set(MUTANTS)


def test_a_counterexample_is_a_schedule_that_anybody_can_run_again():
    verdict = explore(situation("page_moves_during_use", MUTANTS["clears_under_the_read_lock"].livepatch))
    trace = run(verdict.program, verdict.schedule)
    assert trace[-1].wrong == verdict.sentence == verdict.trace[-1].wrong
    assert [e.words for e in trace] == [e.words for e in verdict.trace]


def no_write_lock(world):
    return (properties.takes_no_write_lock("notifier", world.caches[0]),)


def test_after_the_patch_an_unrelated_invalidation_takes_no_write_lock():
    assert explore(scenarios.unrelated_range(properties=no_write_lock)).holds


def test_before_the_patch_an_unrelated_invalidation_takes_a_write_lock():
    verdict = explore(scenarios.unrelated_range(BEFORE, properties=no_write_lock))
    assert verdict.broken == "unrelated_invalidation_takes_no_write_lock" and verdict.schedule == "n5"


@pytest.mark.parametrize("start, end", [(-1, 0), (1, 2)], ids=["ends where the page begins", "begins where the page ends"])
def test_a_range_is_half_open(start, end):
    page, size = scenarios.FIRST_PAGE, scenarios.PAGE_SIZE
    options = dict(start=page + start * size, end=page + end * size, properties=no_write_lock)
    assert explore(scenarios.unrelated_range(**options)).holds
    wrong = MUTANTS["takes_the_end_for_the_last_byte"].livepatch
    assert explore(scenarios.unrelated_range(wrong, **options)).holds == (start == 1)


def test_a_refresh_spins_while_an_invalidation_never_ends():
    verdict = explore(scenarios.invalidation_never_ends())
    assert (verdict.outcome, verdict.broken, verdict.schedule) == ("deadlock", "no_endless_loop", "n2")
    assert verdict.sentence == "vcpu0 can never finish from here, whatever runs next: a loop spins for ever"


def test_two_users_of_one_cache_are_searched_once():
    verdict = explore(situation("page_moves_under_two_users"))
    assert verdict.searched < 0.6 * verdict.states
    assert explore(situation("page_moves_under_two_users"), symmetry=False).searched == verdict.states


def test_a_search_that_stops_at_nothing_sees_every_state():
    search = Search(situation("page_moves_during_use")).learn_everything()
    assert len(search.seen) == 627


def test_the_tour_in_the_packages_docstring_is_true():
    assert doctest.testmod(pfncache_edu).failed == 0
    assert doctest.testmod(pfncache_edu).attempted > 10


FORMER = [  # bug, outcome, property, shortest schedule, states of the situation without the bug
    ("asks_the_count_of_the_page_faults", "valid_cache_maps_current_page", "n9 v21 n3", 1_339),
    ("publishes_before_it_looks", "valid_cache_maps_current_page", "v10", 9_004),
    ("refreshes_an_inactive_cache", "inactive_cache_is_not_valid", "o15 v21", 138),
    ("deactivates_beside_a_refresh", "inactive_cache_is_not_valid", "v14 o6 v10", 138),
]


@pytest.mark.parametrize("name, broken, schedule, states", FORMER)
def test_a_bug_that_the_kernel_once_had_is_found_and_todays_code_does_not_have_it(name, broken, schedule, states):
    bug = FORMER_BUGS[name]
    verdict = explore(bug.situation(bug.livepatch))
    assert (verdict.outcome, verdict.broken, verdict.schedule) == ("violated", broken, schedule)
    assert str(explore(bug.situation())) == f"holds: {states:,} states, all of them"


def test_every_former_bug_is_pinned():
    assert {name for name, *_ in FORMER} == set(FORMER_BUGS)


def test_an_event_that_overlaps_another_changes_nothing():
    assert str(explore(scenarios.two_events_during_refresh())) == "holds: 13,062 states, all of them"


def test_the_explorer_finds_the_hole_of_6_12_by_itself():
    """No memslot has the page, so the sequence number stays as it is: a refresh does not notice an event that came and went."""
    verdict = explore(scenarios.page_outside_memslots_moves_during_refresh())
    assert (verdict.outcome, verdict.broken, verdict.schedule) == ("violated", "valid_cache_maps_current_page", "v13 n11 v9")
    told = [(event.thread, event.step.cells[0].name) for event in verdict.trace if event.step.cells]
    assert ("notifier", "kvm.mmu_invalidate_seq") not in told
    assert ("vcpu0", "kvm.mn_active_invalidate_count") in told
