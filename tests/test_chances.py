"""The exact probability that a random run fails: small programs by hand, larger ones against drawn runs."""
from math import isclose

import pytest

from pfncache_edu import MUTANTS, kernel, random_runs, scenarios
from pfncache_edu.interpreters.chances import chance
from pfncache_edu.program import Program, Thread


def with_mutant(scenario, mutant):
    return getattr(scenarios, scenario)(MUTANTS[mutant].livepatch)


def test_the_least_race_can_be_counted_by_hand():
    """v h h v v: 1/2·1/2·1/2; v h v h v and v v h h v: 1/16 each. Eight orders in all, three of them wrong."""
    told = chance(scenarios.page_is_taken_without_a_lock())
    assert (told.wrong, told.left, told.orders) == (0.25, 0, 8)


def test_orders_are_counted_once_each():
    @kernel
    def three_steps(gpc):
        for _ in range(3):
            yield gpc.valid

    gpc = scenarios.World().caches[0]
    program = Program("two", (Thread("a", three_steps, (gpc,)), Thread("b", three_steps, (gpc,))))
    assert chance(program).orders == 20                # six steps, three of them a's


@pytest.mark.parametrize("scenario, mutant", [
    ("page_moves_during_use", "clears_under_the_read_lock"), ("page_moves_during_refresh", "forgets_the_sequence"),
    ("page_moves_during_refresh", "announces_after_the_walk"), ("page_moves_during_use", "upgrades_the_read_lock")])
def test_random_runs_fail_about_as_often(scenario, mutant):
    program, runs = with_mutant(scenario, mutant), 2_000
    wrong = chance(program).wrong
    assert abs(random_runs(program, runs, seed=4).failed - runs * wrong) <= 4 * (runs * wrong * (1 - wrong)) ** 0.5


def test_what_holds_never_fails_and_what_is_left_is_negligible():
    told = chance(scenarios.page_moves_during_refresh())
    assert told.wrong == 0 and told.left < 1e-12 and told.runs_needed() is None and str(told) == "no random run goes wrong"
    assert told.states == 1_339, "every state can be met by chance"
    assert told.orders is None, "the retry loop can go round as often as it likes"


def test_a_loop_without_an_end_is_a_failure_of_its_own():
    told = chance(scenarios.invalidation_never_ends())
    assert set(told.fails) == {"no_endless_loop"} and 0.5 < told.wrong < 1
    assert isclose(told.wrong, random_runs(scenarios.invalidation_never_ends(), 300, seed=1).unfinished / 300, abs_tol=0.1)


def test_runs_needed_is_the_number_that_makes_a_miss_unlikely():
    told = chance(with_mutant("page_moves_during_use", "clears_under_the_read_lock"))
    runs = told.runs_needed(0.95)
    assert (1 - told.wrong) ** runs <= 0.05 < (1 - told.wrong) ** (runs - 1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        told.runs_needed(95)


def test_a_program_that_is_too_large_is_said_to_be():
    with pytest.raises(ValueError, match="more than 100 states"):
        chance(scenarios.page_moves_during_use(), max_states=100)
