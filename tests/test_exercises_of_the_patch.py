"""Exercises of chapters 8 and 9: what they call right is what the explorer finds, and what they say of a patch is true of it."""
import pytest

from pfncache_edu.ablations import NAMES, outcome_without
from pfncache_edu.changelog import changelog_of, findings
from pfncache_edu.grading import EXERCISES, check
from pfncache_edu.grading import exercise_8_1, exercise_8_3, exercise_9_1, exercise_9_3
from pfncache_edu.interpreters.explorer import explore
from pfncache_edu.interpreters.stepper import Stepper
from pfncache_edu.kvm import mmu_notifier
from pfncache_edu.mutants import MUTANTS
from pfncache_edu.scenarios import page_moves_during_refresh, page_moves_during_use, unrelated_range


def test_the_right_predictions_are_what_the_explorer_finds():
    assert exercise_8_1.RIGHT == {name: outcome_without(name).kind for name in NAMES}
    for name, why in exercise_8_1.WHY.items():
        assert set(why) == set(exercise_8_1.KINDS) - {exercise_8_1.RIGHT[name]}, name


def test_the_claims_about_the_second_look_are_what_the_explorer_finds():
    once = MUTANTS["forgets_the_second_check"].livepatch
    assert explore(page_moves_during_use(once)).holds and explore(page_moves_during_refresh(once)).holds and outcome_without("again").useless == 0
    assert exercise_8_3.RIGHT == {"a": False, "b": False, "c": True}


def test_the_album_as_it_is_given_is_safe_and_wasteful():
    """So the exercise is about waste, and every safety property has its useful twin."""
    for wanted in EXERCISES["8.4"].properties:
        verdicts = [explore(situation({})) for situation in wanted.situations]
        assert all(verdict.holds for verdict in verdicts) == (wanted.name != "unrelated_range_takes_no_write_lock"), wanted.name


def test_every_question_about_the_terse_text_is_either_answered_in_it_or_not():
    assert set(exercise_9_1.SAID) | set(exercise_9_1.UNSAID) == set(exercise_9_1.QUESTIONS) and set(exercise_9_1.WHY) == set(exercise_9_1.UNSAID)
    assert all(part in exercise_9_1.TEXT.lower() for parts in exercise_9_1.SAID.values() for part in parts)


# --- the patch of 9.3 -------------------------------------------------------------------------------------------------

BEFORE = {mmu_notifier.kvm_handle_hva_range: exercise_9_3.kvm_handle_hva_range}


def locks_and_sequence(livepatch):
    """How often an unrelated event takes mmu_lock for write, and by how much the sequence number grows."""
    program = unrelated_range(livepatch)
    machine = Stepper(program)
    while machine.next_step("notifier") is not None:
        machine.step("notifier")
    taken = sum(event.step.verb.takes == "write" and event.step.cells[0].name == "kvm.mmu_lock" for event in machine.trace)
    return taken, sum(event.step.verb.name == "add" and event.step.cells[0].name == "kvm.mmu_invalidate_seq" for event in machine.trace)


def test_the_patch_spares_an_unrelated_event_two_write_locks_and_no_longer_counts_it():
    """What the reference text says of it: twice before, zero times now, and the sequence number stands still."""
    assert locks_and_sequence(BEFORE) == (2, 1) and locks_and_sequence({}) == (0, 0)


@pytest.mark.parametrize("situation", [page_moves_during_use, page_moves_during_refresh])
def test_both_sides_of_the_patch_are_safe_for_pages_in_memslots(situation):
    assert explore(situation(BEFORE)).holds and explore(situation({})).holds


def test_a_text_that_keeps_the_rules_can_still_be_empty():
    """The checks are necessary and no more, as the chapter says."""
    assert findings(changelog_of("KVM: x86: Take the lock\n\nTake the lock. It costs 3.")) == []


@pytest.mark.parametrize("reply, outcome", [("Thanks. How about \"skip the walk if no cache is active; gpc_lock is not needed to see that\" instead?", 2),
                                            ("Of course it is clear. How about you look at the lock and the walk again, then it will be so instead.", 1)])
def test_a_reply_is_read_without_what_it_quotes(reply, outcome):
    assert check("9.4", "> obviously, of course, how about the lock\n" + reply).points == outcome
