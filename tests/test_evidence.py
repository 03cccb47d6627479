"""What stands behind a verdict: a proof of nothing shows as one, and random runs are the same every time."""
import pytest

from pfncache_edu import (MUTANTS, Invariant, Program, Stepper, Thread, Watch, evidence, explore, kernel, properties, random_runs,
                          run, scenarios)
from pfncache_edu.interpreters.evidence import RandomRuns
from pfncache_edu.steps import LOAD, STORE, Cell, Violation


@pytest.fixture(scope="module")
def proof():
    return evidence(scenarios.page_moves_during_use())


def asked(found, name):
    return next(asked for asked in found.asked if asked.property == name)


def test_a_green_verdict_says_how_much_was_seen(proof):
    assert proof.verdict.holds and proof.complete
    assert (proof.states, proof.depth) == (proof.verdict.states, proof.verdict.depth)
    assert list(proof.places) == ["vcpu0", "notifier"] and all(n > 20 for n in proof.places.values())


def test_every_sample_run_replays_to_its_end(proof):
    assert len(proof.runs) == len(set(proof.runs)) == 5
    for schedule in proof.runs:
        machine = Stepper(proof.verdict.program, schedule)
        assert machine.schedule == schedule and not machine.wrong and machine.choices() == []
    assert evidence(proof.verdict.program).runs == proof.runs
    assert evidence(proof.verdict.program, seed=1).runs != proof.runs


def test_writes_to_guest_memory_are_what_puts_their_property_to_the_test(proof):
    writes = asked(proof, "guest_writes_reach_the_guest")
    assert 0 < writes.put_to_the_test < writes.times / 20 and writes.unit == "steps"
    cached = asked(proof, "valid_cache_maps_current_page")
    assert 0 < cached.put_to_the_test < cached.times == proof.states and proof.empty == ()
    assert f"put to the test by {writes.put_to_the_test} of {writes.times:,} steps" in str(proof)


def test_a_proof_about_a_page_that_never_moves_is_shown_to_be_empty():
    found = evidence(scenarios.unrelated_range())
    assert found.verdict.holds and found.empty == ("guest_writes_reach_the_guest", "valid_cache_maps_current_page")
    assert "guest_writes_reach_the_guest: never put to the test in " in str(found)


def test_a_property_that_forbids_a_step_was_asked_about_the_steps_of_its_thread_only():
    def polite(world):
        return (properties.takes_no_write_lock("notifier", world.caches[0]),)
    found = evidence(scenarios.unrelated_range(properties=polite))
    forbids, writes = asked(found, "unrelated_invalidation_takes_no_write_lock"), asked(found, "guest_writes_reach_the_guest")
    assert forbids.empty and 0 < forbids.times < writes.times


# --- small programs, counted by hand --------------------------------------------------------------------------------

X = Cell("x", 0)


@kernel
def stores(n):
    yield X.set(n)


@kernel
def loads():
    yield X


def never(value):
    return Invariant(f"x_is_never_{value}", (X,), lambda x: f"x is {value}" if x == value else None)


def two_threads(*properties):
    return Program("by hand", (Thread("a", stores, (1,)), Thread("b", loads)), properties)


def test_an_invariant_is_put_to_the_test_where_one_value_is_missing_to_break_it():
    """Four states: x is 0 in two of them and 1 in two; each thread is done or not."""
    never_two, equal = never(2), Invariant("x_is_x", (X, Y), lambda x, y: "x is 1 and y is 0" if x == 1 and y == 0 else None)
    found = evidence(two_threads(never_two))
    assert (found.states, found.depth, found.places) == (4, 2, {"a": 2, "b": 2})
    assert (asked(found, "x_is_never_2").times, asked(found, "x_is_never_2").put_to_the_test) == (4, 0)
    found = evidence(Program("both", (Thread("a", stores_y_then_x),), (equal,)))
    assert (asked(found, "x_is_x").times, asked(found, "x_is_x").put_to_the_test) == (3, 2)


Y = Cell("y", 0)


@kernel
def stores_y_then_x():
    """(x, y) is (0, 0), (0, 1), (1, 1): only in the middle is no single value missing to make it (1, 0)."""
    yield Y.set(1)
    yield X.set(1)


def test_a_watch_is_put_to_the_test_by_a_step_that_another_value_would_have_made_wrong():
    def after(_, thread, step, old, result):
        if step.verb is LOAD and result == 1 and thread == "c":
            raise Violation("c_never_reads_1", "c reads 1")
    watch = Watch("c_never_reads_1", after, about=("c",))
    found = evidence(Program("by hand", (Thread("c", loads), Thread("a", waits_for_nobody)), (watch,)))
    assert asked(found, "c_never_reads_1").empty and asked(found, "c_never_reads_1").times == 2
    found = evidence(Program("by hand", (Thread("c", loads), Thread("a", stores, (1,))), (watch,)))
    assert asked(found, "c_never_reads_1").put_to_the_test == 2, "with x == 0 it could have been 1, and with 1 it is wrong"


@kernel
def waits_for_nobody():
    yield Y


def test_a_watch_is_put_to_the_test_by_what_it_remembers_and_by_the_end_of_a_thread():
    def after(stored, thread, step, old, result):
        return stored or step.verb is STORE

    def at_end(stored, thread):
        if not stored:
            raise Violation("stores_something", f"{thread} stored nothing")
    watch = Watch("stores_something", after, start=False, at_end=at_end)
    found = evidence(Program("stores", (Thread("a", stores_y_then_x),), (watch,)))
    assert (asked(found, watch.name).times, asked(found, watch.name).put_to_the_test) == (2, 2)


def test_a_property_that_cannot_judge_what_never_happens_is_no_accident():
    picky = Invariant("picky", (X, Y), lambda x, y: {(0, 0): None, (0, 1): None, (1, 1): None}[x, y])
    assert asked(evidence(Program("picky", (Thread("a", stores_y_then_x),), (picky,))), "picky").empty


def test_evidence_of_a_failure_and_of_a_search_that_was_cut_says_what_it_is():
    found = evidence(scenarios.page_moves_during_use(MUTANTS["clears_under_the_read_lock"].livepatch))
    assert found.verdict.outcome == "violated" and found.complete and found.states > found.verdict.states
    found = evidence(scenarios.page_moves_during_use(), max_states=100)
    assert found.verdict.outcome == "incomplete" and not found.complete and "and more that were not seen" in str(found)


# --- random testing -------------------------------------------------------------------------------------------------

def test_random_runs_rarely_find_what_the_search_always_finds():
    program = scenarios.page_moves_during_use(MUTANTS["clears_under_the_read_lock"].livepatch)
    assert explore(program).broken == "guest_writes_reach_the_guest"
    found = random_runs(program, 1_000)
    assert found.failed < 1_000 / 300 and found.failed == found.violations and found.unfinished == 0


def test_random_runs_are_the_same_every_time_and_the_first_failure_replays():
    program = scenarios.page_moves_during_refresh(MUTANTS["forgets_the_count"].livepatch)
    told = []
    found = random_runs(program, 50, seed=7, progress=lambda done, failed: told.append((done, failed)))
    assert found == random_runs(program, 50, seed=7) and found.failures.keys() == {"valid_cache_maps_current_page"}
    assert 5 < found.failed < 45 and told[-1] == (50, found.failed) and len(told) == 50
    assert random_runs(program, 50, seed=8).first != found.first
    assert run(program, found.first)[-1].wrong
    assert random_runs(program, 20, seed=7).first == found.first, "a run does not depend on how many there are"


def test_a_run_in_which_somebody_is_stuck_is_a_deadlock():
    found = random_runs(scenarios.page_moves_during_use(MUTANTS["upgrades_the_read_lock"].livepatch), 20)
    assert (found.deadlocks, found.violations, found.share) == (20, 0, 1.0)
    assert str(found) == "20 of 20 random runs fail (100.00%); no_deadlock 20"


def test_a_run_that_does_not_end_is_neither_right_nor_wrong():
    found = random_runs(scenarios.invalidation_never_ends(), 3)
    assert found.failed == 0 and found.unfinished > 0 and "; unfinished " in str(found)


def test_no_runs_are_no_accident():
    assert random_runs(scenarios.unrelated_range(), 0) == RandomRuns(0, 0, {}, 0, "")
