"""Studying: nothing is lost, each exercise can be begun anew by itself, and one sees how far one is."""
import itertools
import json

import pytest

from pfncache_edu import kernel
from pfncache_edu.cli import main
from pfncache_edu.grading import EXERCISES, check, record, study
from pfncache_edu.grading.answers import data
from pfncache_edu.grading.exercise import Exercise, Finding, Judged


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
