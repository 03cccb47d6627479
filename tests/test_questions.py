"""Plain functions and plain data as answers: what is taken, what is refused with a remedy, and what a part of it earns."""
import pytest

from pfncache_edu.grading import assess, check, pose
from pfncache_edu.grading.answers import AnswerFailed, Answers, data, plain_function
from pfncache_edu.grading.exercise import Exercise, Finding, Gate, Judged, Rubric
from pfncache_edu.grading.exercises import EXERCISES
from pfncache_edu.grading.hints import hint_for
from pfncache_edu.grading.questions import chosen_set, longest_in_order, number, order, right_choices
from pfncache_edu.grading.report import as_html, as_text


def answers(value, name="x", **more):
    return Answers((data(name, "something"),), {name: value}, **more)


def function(body):
    return Answers((plain_function("f", "a function of a number"),), {"f": body})


# --- values -----------------------------------------------------------------------------------------------------------

def test_data_are_taken_as_json_carries_them():
    assert answers((1, 2)).value("x") == [1, 2]
    assert answers({1: True}).value("x") == {"1": True}


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), b"x", lambda: 0, [[[]] * 2, {0: {1}}]])
def test_what_json_cannot_carry_is_refused_with_what_can(value):
    with pytest.raises(AnswerFailed, match="use numbers, texts"):
        answers(value).value("x")


def test_what_is_too_long_is_refused():
    with pytest.raises(AnswerFailed, match="longer than"):
        answers("x" * 200_000).value("x")


@pytest.mark.parametrize("ask, value", [("number", "1"), ("number", True), ("text", 1), ("items", {}), ("table", []), ("items", None)])
def test_the_wrong_kind_of_value_is_told_apart(ask, value):
    with pytest.raises(AnswerFailed, match="x is .*: write a "):
        getattr(answers(value), ask)("x")


def test_a_plain_function_is_called_with_copies_and_may_not_surprise():
    def spoil(items):
        items.clear()
        return len(items),
    given = [1, 2]
    assert function(spoil).call("f", given) == [0] and given == [1, 2]


def loops(n):
    while True:
        pass


def recurses(n):
    return recurses(n + 1)


def leaves(n):
    raise SystemExit


@pytest.mark.parametrize("body, said", [(loops, "does not come to an end"), (recurses, "does not come to an end"), (lambda n: 1 / 0, r"f\(0\) raised ZeroDivisionError"),
                                        (lambda n: {1}, "returned a set"), (leaves, "raised SystemExit"), (lambda n: (yield n), "has a `yield` in it")])
def test_a_plain_function_that_fails_says_how(body, said):
    with pytest.raises(AnswerFailed, match=said):
        function(body).call("f", 0)


# --- kinds of questions -----------------------------------------------------------------------------------------------

RIGHT = {"a": "yes", "b": "no", "c": "no"}


@pytest.mark.parametrize("given, earned", [(RIGHT, 3), ({"a": "yes"}, 1), ({"a": "no", "b": "yes"}, 0), ({"a": "yes", "b": "yes"}, 0), ({}, 0),
                                           ({"a": "yes", "b": "no", "c": None}, 2)])
def test_choices_earn_each_and_cost_for_a_wrong_one_but_nothing_for_none(given, earned):
    judge = right_choices("x", RIGHT, penalty=1, why={"b": {"yes": "Nobody waits."}})
    finding = judge(answers(given))
    assert finding.earned == earned and (finding.happened == "") == (given == RIGHT)
    assert "no" not in finding.happened.lower().split() and ("Nobody waits." in finding.happened) == (given.get("b") == "yes")


def test_unknown_questions_and_choices_are_named():
    with pytest.raises(AnswerFailed, match="has no question 'd'"):
        right_choices("x", RIGHT)(answers({"d": "yes"}))
    with pytest.raises(AnswerFailed, match="choose one of 'yes', 'no'"):
        right_choices("x", RIGHT, only=("yes", "no"))(answers({"a": "maybe"}))


@pytest.mark.parametrize("given, earned", [(["a", "b"], 2), (["a"], 1), (["a", "c"], 0), (["a", "b", "c"], 1), (["a", "a"], 1), ([], 0)])
def test_a_chosen_set_earns_each_and_costs_for_each_wrong_one(given, earned):
    assert chosen_set("x", ["a", "b"], ["a", "b", "c"])(answers(given)).earned == earned


@pytest.mark.parametrize("given, earned", [(100, 4), (104, 4), (96, 4), (106, 0)])
def test_a_number_may_be_off_by_its_tolerance(given, earned):
    assert number("x", 100, 4, tolerance=0.05)(answers(given)).earned == earned


@pytest.mark.parametrize("given, earned", [("abcd", 4), ("abdc", 3), ("dcba", 1), ("", 0), ("ab", 2), ("abcdz", 3), ("z", 0)])
def test_an_order_earns_its_longest_right_part(given, earned):
    finding = order("x", "abcd", distractors={"z": "It is of another plan."})(answers(list(given)))
    assert finding.earned == earned and bool(finding.happened) == (given != "abcd")


def test_the_longest_part_in_order_skips_what_is_out_of_place():
    assert [longest_in_order(places) for places in ([], [3], [0, 1, 2], [2, 0, 1], [4, 3, 2], [0, 5, 1, 2])] == [0, 1, 3, 2, 1, 3]


def test_a_seed_reaches_the_judge():
    assert number("x", lambda given: given.seed + 1, 1)(answers(8, seed=7)).earned == 1


# --- in an exercise ---------------------------------------------------------------------------------------------------

def double(given):
    wrong = next((n for n in (1, 2) if given.call("f", n) != 2 * n), None)
    return Finding(2) if wrong is None else Finding(0, f"f({wrong}) is not {2 * wrong}")


MIXED = Exercise("99.1", "A mixed one", (plain_function("f", "a function of a number"), data("x", "a dict"), data("letter", "a text")),
                 (Judged("doubles", 2, "f(n) is 2 n", "", double, ("f",), "try f(2)"), Judged("chooses", 3, "each is right", "", right_choices("x", RIGHT), ("x",)),
                  Rubric("is_kind", 4, "the reply is kind", "", {4: "thanks, then asks", 2: "is polite"}, ("letter",))), poses=lambda seed: f"double {seed}")


def outcomes(report):
    return [(result.outcome, result.earned) for result in report.results]


def test_each_part_counts_by_itself_and_a_person_marks_the_rest():
    report = assess(MIXED, {"f": lambda n: 2 * n, "x": {"a": "yes", "b": "yes"}, "letter": "Thanks."})
    assert outcomes(report) == [("passed", 2), ("partly", 1), ("to be marked", 0)] and report.points == 3 and report.maximum == 9
    assert "½  1/3" in as_text(report) and "is kind: to be marked" in as_text(report) and "1 of 3" in as_html(report)


def test_what_is_missing_costs_its_own_part_only():
    report = assess(MIXED, {"x": RIGHT, "letter": "Hm."})
    assert outcomes(report) == [("mistake", 0), ("passed", 3), ("to be marked", 0)]
    assert "there is no function f here" in report.reason


def test_nothing_at_all_is_refused_once():
    report = assess(MIXED, {})
    assert report.problem and {outcome for outcome, _ in outcomes(report)} == {"not counted"}


def test_a_gate_of_a_judged_property_closes_unless_it_has_all_its_points():
    gated = Exercise("99.2", "", MIXED.asks, MIXED.properties, (Gate(MIXED.properties[0], "it does not double, so nothing counts"),))
    report = assess(gated, {"f": lambda n: 0, "x": RIGHT, "letter": "Hm."})
    assert [outcome for outcome, _ in outcomes(report)] == ["failed", "not counted", "not counted"]


def test_hints_grow_also_without_a_schedule():
    report = assess(MIXED, {"f": lambda n: 0, "x": RIGHT, "letter": "Hm."})
    one, two, three = (hint_for(MIXED, report, size).sentence for size in (1, 2, 3))
    assert "'doubles'" in one and "try f(2)" not in one and "try f(2)" in two and "f(1) is not 2" in three


@pytest.fixture
def mixed(monkeypatch):
    monkeypatch.setitem(EXERCISES, "99.1", MIXED)


def test_check_takes_the_names_from_the_notebook_and_the_seed_too(mixed):
    namespace = {"check": check, "pose": pose}
    exec("f, x, letter, SEED = (lambda n: 2 * n), {'a': 'yes'}, '', 5\nreport, posed = check('99.1'), pose('99.1')", namespace)
    assert outcomes(namespace["report"])[:2] == [("passed", 2), ("partly", 1)] and namespace["posed"] == "double 5"


def test_check_of_several_names_takes_a_dict_and_says_so(mixed):
    assert check("99.1", {"x": RIGHT}).points == 3
    with pytest.raises(TypeError, match="asks for f, x, letter: give check"):
        check("99.1", 3)


@pytest.mark.parametrize("seed", [-1, "7", True, 1.5])
def test_a_seed_is_a_whole_number(seed, mixed):
    with pytest.raises(ValueError, match="write a whole number"):
        exec("check('99.1', {})", {"check": check, "SEED": seed})


def test_an_exercise_with_one_variant_has_nothing_to_pose():
    with pytest.raises(ValueError, match="has but one variant"):
        pose("8.2")
