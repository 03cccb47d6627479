"""The exercises of chapters 0 and 1: paths that fit the answers, a doctor that counts, layouts that leave no answer to chance."""
import pytest

from pfncache_edu import explore, scenarios
from pfncache_edu.diagnostic import CHOICES, RIGHT, UNSURE, path_for
from pfncache_edu.doctor import doctor
from pfncache_edu.grading import EXERCISES
from pfncache_edu.grading import exercise_1_1 as translate
from pfncache_edu.grading import exercise_1_2 as first_arrow
from pfncache_edu.grading.exercise import assess
from pfncache_edu.kvm.structs import KVM_HVA_ERR_BAD, PAGE_SIZE


def answers(**areas):
    """Right answers, but for areas of which the reader is unsure."""
    return {key: UNSURE if key.split("-")[0] in areas else RIGHT[key] for key in CHOICES}


@pytest.mark.parametrize("unsure, begins", [
    ((), "You know the ground. Begin with chapter 3"),
    (("tree",), "You know the ground."),
    (("kvm",), "One day: chapters 0 to 4, then 6, 8 and 9."),
    (("locks",), "One day, or two: chapters 0 to 4 and 6, with all exercises of 6"),
    (("kvm", "locks"), "One day, or two"),
    (("threads",), "Two weeks, all chapters in their order."),
    (("memory", "kvm"), "Two weeks"),
])
def test_the_path_fits_what_the_reader_knows(unsure, begins):
    assert path_for(answers(**dict.fromkeys(unsure, True))).startswith(begins)


def test_each_area_has_two_questions_and_the_right_answers_are_choices():
    areas = [key.split("-")[0] for key in CHOICES]
    assert all(areas.count(area) == 2 for area in areas) and len(CHOICES) == 10
    assert all(RIGHT[key] in choices for key, choices in CHOICES.items())


def test_the_doctor_counts_what_the_explorer_counts(capsys):
    found, verdict = doctor(), explore(scenarios.nobody_is_told())
    assert (found["states"], found["schedule"]) == (verdict.states, verdict.schedule)
    assert "schedule  v1 h1 v1" in capsys.readouterr().out


@pytest.mark.parametrize("seed", [0, 1, 2, 99, 4_294_967_295])
def test_every_layout_has_one_address_in_no_slot_and_slots_that_do_not_begin_at_zero(seed):
    """So that a forgotten subtraction, and a forgotten look for a slot, cost something in every variant."""
    slots, addresses = translate.layout_of(seed)
    found = [translate.right(slots, address) for address in addresses]
    assert len(set(addresses)) == 5 and [row["slot"] for row in found].count(None) == 1
    assert all(slot.base_gfn > 0 for slot in slots.slots)
    assert all(row["offset"] for row in found)


def test_two_seeds_have_different_layouts_and_one_seed_has_one():
    assert translate.poses(1) != translate.poses(2) and translate.poses(1) == translate.poses(1)


def test_the_right_translations_of_any_seed_earn_everything():
    for seed in (0, 5, 77):
        slots, addresses = translate.layout_of(seed)
        given = {hex(address): translate.right(slots, address) for address in addresses}
        assert assess(EXERCISES["1.1"], {"translations": given}, seed=seed).points == 10


@pytest.mark.parametrize("cases", [first_arrow.inside, first_arrow.edges, first_arrow.gaps, first_arrow.crossings])
def test_two_hundred_layouts_are_asked_and_are_the_same_again(cases):
    asked = list(cases())
    assert len(asked) == first_arrow.LAYOUTS and asked == list(cases())


def test_gaps_are_refused_and_half_of_the_crossings_just_fit():
    assert {first_arrow.oracle(*case) for case in first_arrow.gaps()} == {KVM_HVA_ERR_BAD}
    refused = [first_arrow.oracle(*case) == KVM_HVA_ERR_BAD for case in first_arrow.crossings()]
    assert refused == [False, True] * (first_arrow.LAYOUTS // 2)
    assert all(gpa % PAGE_SIZE + length == PAGE_SIZE for _, gpa, length in list(first_arrow.crossings())[::2])


def test_a_function_that_refuses_everything_earns_nothing_for_refusing():
    assert assess(EXERCISES["1.2"], {"gfn_to_hva": lambda slots, gpa, length: KVM_HVA_ERR_BAD}).points == 0


def test_the_exercises_of_a_chapter_have_the_points_of_the_plan():
    points = {chapter: sum(exercise.points for id, exercise in EXERCISES.items() if id.startswith(f"{chapter}.")) for chapter in (0, 1)}
    assert points == {0: 5, 1: 33}
