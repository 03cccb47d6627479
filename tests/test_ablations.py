"""Ablations: with every idea on it is the kernel's function; without one, what happens is what its name says."""
from itertools import combinations

import pytest

from pfncache_edu.ablations import HOOK, NAMES, SITUATIONS, SWITCHES, UNRELATED, ablations, livepatch_without, outcome_without, write_locks_of_an_event
from pfncache_edu.interpreters.evidence import random_runs
from pfncache_edu.interpreters.explorer import explore
from pfncache_edu.interpreters.stepper import Stepper
from pfncache_edu.kvm import before_the_patch
from pfncache_edu.mutants import MUTANTS
from pfncache_edu.render.words import as_code


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_with_every_idea_on_it_does_what_the_kernels_function_does(situation):
    theirs, ours = explore(situation({})), explore(situation(livepatch_without(())))
    assert ours.holds and (ours.states, ours.depth) == (theirs.states, theirs.depth)


def steps_alone(livepatch):
    """What the notifier does step by step when nobody else is about."""
    machine = Stepper(SITUATIONS[0](livepatch))
    while machine.next_step("notifier") is not None and not machine.waits("notifier"):
        machine.step("notifier")
    return [as_code(event) for event in machine.trace]


@pytest.mark.parametrize("off, variant", [
    (("first",), {HOOK: before_the_patch.gfn_to_pfn_cache_invalidate_start}), (("again",), MUTANTS["forgets_the_second_check"].livepatch),
    (("drop",), MUTANTS["upgrades_the_read_lock"].livepatch), (("right",), MUTANTS["takes_the_end_for_the_last_byte"].livepatch),
    (("announce",), MUTANTS["announces_after_the_walk"].livepatch), (("count",), MUTANTS["forgets_the_count"].livepatch),
    (("read", "again"), MUTANTS["looks_without_a_lock"].livepatch)], ids=str)
def test_a_switch_gives_the_variant_that_the_book_names(off, variant):
    """Step for step, with nobody else about."""
    assert steps_alone(livepatch_without(off)) == steps_alone(variant)


PINNED = {                                  # what becomes of the patch, the length of the shortest schedule, useless write locks
    (): ("holds", 0, 0), ("first",): ("wasteful", 0, 1), ("read",): ("violated", 32, 0), ("left",): ("violated", 13, 0), ("right",): ("wasteful", 0, 1),
    ("drop",): ("deadlock", 7, 0), ("write",): ("violated", 22, 0), ("again",): ("holds", 0, 0), ("announce",): ("violated", 34, 0), ("count",): ("violated", 32, 0),
    ("first", "again"): ("wasteful", 0, 1), ("first", "write"): ("violated", 18, 0), ("first", "read"): ("wasteful", 0, 1), ("first", "drop"): ("wasteful", 0, 1)}


@pytest.mark.parametrize("off", PINNED, ids=str)
def test_what_becomes_of_the_patch_is_pinned(off):
    outcome = outcome_without(*off)
    assert (outcome.kind, len(outcome.verdict.threads), outcome.useless) == PINNED[off]


def test_the_second_look_is_never_what_safety_hangs_on():
    """Alone it may go; and with any other idea off, it changes no verdict."""
    for name in set(NAMES) - {"again"}:
        pair = tuple(sorted((name, "again"), key=NAMES.index))
        assert outcome_without(*pair).verdict.outcome == outcome_without(name).verdict.outcome, name


def test_an_idea_that_needs_another_makes_no_difference_without_it():
    for switch in SWITCHES:
        for other in switch.needs:
            pair = tuple(sorted((switch.name, other), key=NAMES.index))
            alone, both = outcome_without(other), outcome_without(*pair)
            assert (both.kind, both.states, both.verdict.schedule) == (alone.kind, alone.states, alone.verdict.schedule)


@pytest.mark.slow
def test_the_chance_of_random_testing_is_that_of_random_runs():
    for off, n in ((("announce",), 1), (("count",), 1), (("first", "write"), 0)):
        chance = outcome_without(*off).chances[n].wrong
        drawn = random_runs(SITUATIONS[n](livepatch_without(off)), 4_000, seed=8).share
        assert abs(drawn - chance) < 5 * (chance * (1 - chance) / 4_000) ** 0.5 + 1e-3


@pytest.mark.slow
def test_every_pair_is_judged_once():
    assert [outcome.off for outcome in ablations()] == [off for n in range(3) for off in combinations(NAMES, n)]


def test_a_range_beside_the_page_costs_a_lock_only_with_a_wrong_bound():
    assert {where: write_locks_of_an_event(livepatch_without(("right",)), start) for where, start in UNRELATED.items()} == {
        "far away": 0, "just below the page": 1, "just above the page": 0}


def test_an_unknown_switch_is_answered_with_those_that_there_are():
    with pytest.raises(ValueError, match="no switch 'lock': there are first, read"):
        livepatch_without(("lock",))
