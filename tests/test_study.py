"""Studying: nothing is lost, each exercise can be begun anew by itself, and one sees how far one is."""
import itertools
import json
from statistics import fmean, stdev

import pytest

from pfncache_edu import kernel
from pfncache_edu.cli import main
from pfncache_edu.grading import EXERCISES, check, exercise_7_2, hints, record, study
from pfncache_edu.grading.answers import data
from pfncache_edu.grading.exercise import Exercise, Finding, Judged
from pfncache_edu.kvm.structs import KVM_HVA_ERR_BAD


@kernel
def does_nothing(kvm, start, end):
    yield kvm.gpc_list


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "IN_MEMORY", {})
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(record.KEEPS_NO_RECORD, raising=False)
    return tmp_path


def recorded(folder):
    return json.loads((folder / record.RECORD).read_text())


# --- the record -------------------------------------------------------------------------------------------------------

def test_a_check_and_each_hint_are_recorded_beside_the_notebook(own_folder):
    for size in (1, 1, 2):
        check("8.2", does_nothing, hint=size)
    check("8.2", does_nothing)
    assert recorded(own_folder) == {"8.2": {"points": 0, "best": 0, "of": 25, "checks": 1, "hints": {"1": 2, "2": 1}}}


def test_the_record_of_all_exercises_is_in_the_folder_that_holds_them(own_folder, monkeypatch):
    inner = own_folder / "exercises/ch08"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    check("8.2", does_nothing)
    assert recorded(own_folder)["8.2"]["checks"] == 1 and list(inner.iterdir()) == []


def test_the_best_points_stay_when_an_answer_gets_worse(own_folder, monkeypatch):
    exercise = Exercise("99.1", "", (data("x", "a number"),), (Judged("is_large", 3, "", "", lambda answers: Finding(answers.number("x"))),))
    monkeypatch.setitem(EXERCISES, "99.1", exercise)
    for points in (1, 3, 2):
        check("99.1", points)
    assert recorded(own_folder)["99.1"] == {"points": 2, "best": 3, "of": 3, "checks": 3}


def test_in_a_browser_it_is_kept_in_memory_and_told_to_the_page(own_folder, monkeypatch):
    told = []
    monkeypatch.setattr(record.sys, "platform", "emscripten")
    monkeypatch.setattr(record, "LISTENERS", [told.append])
    check("8.2", does_nothing, hint=1)
    assert record.read_record() == {"8.2": {"hints": {"1": 1}}} == told[-1] and list(own_folder.iterdir()) == []


@pytest.mark.parametrize("rubbish", ["", "[1]", "{", '{"8.2": 7}', '{"8.2": {"hints": 3}}', '{"8.2": {"best": "x"}}', "\x00"])
def test_a_damaged_record_is_begun_anew(own_folder, rubbish):
    (own_folder / record.RECORD).write_text(rubbish)
    check("8.2", does_nothing, hint=1)
    assert record.read_record()["8.2"] == {"hints": {"1": 1}}


def test_a_record_that_cannot_be_written_stops_nobody(own_folder):
    (own_folder / record.RECORD).mkdir()
    check("8.2", does_nothing)
    assert record.IN_MEMORY["8.2"]["checks"] == 1


# --- starting, resetting, watching ------------------------------------------------------------------------------------

def test_an_exercise_starts_with_its_notebook_and_never_over_another_file(own_folder, capsys):
    assert main(["start", "8.2"]) == 0
    assert json.loads((own_folder / "8.2.ipynb").read_text())["cells"]
    assert main(["start", "8.2"]) == 2 and "pfncache reset 8.2" in capsys.readouterr().err


def test_a_reset_begins_anew_and_keeps_what_was_there(own_folder):
    main(["start", "8.2"])
    file = own_folder / "8.2.ipynb"
    fresh = file.read_text()
    for _ in range(2):
        file.write_text("mine")
        assert main(["reset", "8.2", "8.2.ipynb"]) == 0
    assert file.read_text() == fresh
    assert [(own_folder / f"8.2.before-reset-{n}.ipynb").read_text() for n in (1, 2)] == ["mine", "mine"]


def test_a_reset_keeps_the_seed_of_a_students_own_variant():
    assert study.with_seed_of('{"source": ["SEED = 42  # yours"]}', '["SEED = 1"]') == '["SEED = 42"]'
    assert study.with_seed_of("nothing", '["SEED = 1"]') == '["SEED = 1"]'


@pytest.mark.parametrize("arguments", [["reset", "8.2", "none.ipynb"], ["watch", "8.2", "none.ipynb"]])
def test_without_a_file_the_way_to_one_is_named(own_folder, arguments, capsys):
    assert main(arguments) == 2 and "pfncache start 8.2" in capsys.readouterr().err


def test_a_file_is_checked_now_and_after_each_change_and_only_then(tmp_path):
    file = tmp_path / "answer.py"
    contents = iter([b"one", None, b"one", b"", b"two"])

    def wait(_):
        found = next(contents, b"two")
        file.unlink(missing_ok=True) if found is None else file.write_bytes(found)
    wait(0)
    assert list(itertools.islice(study.versions(file, wait=wait), 2)) == [b"one", b"two"]


@pytest.mark.slow
def test_watching_ends_with_full_marks(own_folder, capsys):
    reference = next((study.STARTERS.parents[2] / "exercises").glob("**/8.2-*/samples/reference/8.2.ipynb"))
    assert main(["watch", "8.2", str(reference)]) == 0
    assert "25 of 25 points" in capsys.readouterr().out and recorded(own_folder)["8.2"]["best"] == 25


def test_minutes_are_noted_when_they_are_minutes(own_folder, capsys):
    assert main(["spent", "8.2", "50"]) == 0 and recorded(own_folder) == {"8.2": {"minutes": 50}}
    assert main(["spent", "8.2", "-3"]) == 2 and "write a number above 0" in capsys.readouterr().err


# --- progress ---------------------------------------------------------------------------------------------------------

def test_progress_has_a_line_for_each_exercise_and_a_sum(own_folder, capsys):
    check("8.2", does_nothing, hint=2)
    assert main(["progress"]) == 0
    printed = capsys.readouterr().out
    assert all(f"{id}  {exercise.title}" in printed for id, exercise in EXERCISES.items())
    assert "hints 2" in printed and f"0 of {sum(e.points for e in EXERCISES.values()):g} points" in printed


def test_progress_in_a_notebook_is_a_table_that_escapes():
    shown = study.Progress({"8.2": {"best": 25, "hints": {"<b>": 1}}})._repr_html_()
    assert "25 of 25" in shown and "<b>" not in shown and 'scope="col"' in shown


# --- hints, and what a student reads ------------------------------------------------------------------------------------

def test_a_hint_in_a_terminal_is_recorded_and_a_closed_one_is_not(own_folder, monkeypatch, capsys):
    (own_folder / "3.1.py").write_text("def overlaps(start, end, first, length):\n    return False\n")
    assert main(["hint", "3.1", "3.1.py", "2"]) == 0 and "each must begin before the other one ends" in capsys.readouterr().out
    monkeypatch.setattr(hints, "SOLUTIONS", own_folder)
    assert main(["hint", "3.1", "3.1.py", "4"]) == 0 and "keeps the worked solution closed" in capsys.readouterr().out
    assert recorded(own_folder) == {"3.1": {"hints": {"2": 1}}}
    assert main(["hint", "3.1", "4.1.py"]) == 2 and "pfncache start 3.1" in capsys.readouterr().err


def test_an_exercise_is_done_when_only_a_person_can_give_more():
    done = study.Progress({"8.3": {"points": 4, "best": 4, "of": 8, "checks": 1}})
    assert "1 of 33 exercises have all that a program gives" in done.summary and "4 of 4 + 4" in repr(done)


def test_what_is_left_to_a_person_is_said_when_nothing_else_is_missing():
    argument = ("I keep the second look, although it is not needed for safety: the event count is up until the event ends, and a refresh "
                "that sees it tries again. It costs a few loads, and the function is then correct by itself, whatever the count does.")
    report = check("8.3", {"CLAIMS": {"a": False, "b": False, "c": True}, "ARGUMENT": argument})
    assert report.reason == "a person marks the other 4: argues from the count, weighs what it is good for"
    assert check("8.3", {"CLAIMS": {"a": True, "b": False, "c": True}, "ARGUMENT": argument}).reason.startswith("claims: a: not True")


def test_a_choice_may_be_written_with_capitals_and_spaces_around_it():
    assert check("0.3", {"h1 v3": "Kept", "v1 h1 v1": " never made", "v2 h1 v1": "LOST "}).points == 3


def test_an_empty_range_is_told_to_have_no_address():
    assert check("3.1", lambda start, end, first, length: start < first + length and first < end).reason == (
        "an empty range: overlaps(1, 1, 0, 2) is True, but [1, 1) is empty: it has no address at all, in [0, 2) or elsewhere")


def test_a_known_slip_in_counts_and_intervals_is_named():
    right = exercise_7_2.right_counts()
    units = {"events": "a", "waits": "a", "1000 * waits / events": "d"}
    both = sum(exercise_7_2.waits_of("6.12", "related") + exercise_7_2.waits_of("6.12", "related", "event-channel"))
    report = check("7.2", {"units": units, "counts": right | {"control_612": both}, "sentence": "b",
                           "interval": lambda values: (fmean(values) - 2.064 * stdev(values) / 5, fmean(values) + 2.064 * stdev(values) / 5)})
    said = {result.name: result.happened for result in report.failures}
    assert said["counts"].endswith("That counts both readers.")
    assert said["interval"].startswith("the interval is right for 25 values, but not for 5: take n from the values")


def test_the_error_address_is_called_by_its_name():
    assert "KVM_HVA_ERR_BAD, where 0x" in check("1.2", lambda slots, gpa, length: KVM_HVA_ERR_BAD).reason


@pytest.mark.slow
@pytest.mark.parametrize("id", EXERCISES)
def test_the_cells_of_a_starter_run_where_a_submission_does(id, own_folder, capsys):
    """A student who reads that a cell failed looks for a mistake of their own."""
    main(["start", id])
    main(["check", id, f"{id}.ipynb"])
    assert "passed over" not in capsys.readouterr().out
