"""Exercises: starters give nothing away, right answers earn everything, and each wrong one loses what it should."""
import csv
import json
import pathlib
import re

import pytest

from pfncache_edu.grading import EXERCISES
from pfncache_edu.grading.batch import as_csv, grade_folder
from pfncache_edu.grading.exercise import Property, Rubric
from pfncache_edu.grading.release import Cell, cells_of, released, without
from pfncache_edu.grading.report import as_text

ROOT = pathlib.Path(__file__).parent.parent
SOURCES = sorted((ROOT / "exercises").glob("**/source.py"))


def name_of(source: pathlib.Path) -> str:
    return source.parent.name


def number_of(source: pathlib.Path) -> str:
    return name_of(source).split("-")[0]


every_exercise = pytest.mark.parametrize("source", SOURCES, ids=name_of)


def test_every_exercise_that_is_graded_has_a_source_and_the_other_way_round():
    assert {number_of(source) for source in SOURCES} == EXERCISES.keys()


@every_exercise
def test_what_is_committed_is_what_the_source_makes(source):
    """If this fails: python -m pfncache_edu.grading.release"""
    for path, text in released(source).items():
        found = path.read_text(encoding="utf-8")
        assert outputs_left_out(found) == outputs_left_out(text) if path.suffix == ".ipynb" else found == text, path


def outputs_left_out(text: str) -> str:
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)
    return json.dumps(notebook, sort_keys=True)


@every_exercise
def test_the_starter_holds_no_line_of_the_solution(source):
    text = source.read_text(encoding="utf-8")
    marked = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", text, re.DOTALL)
    starter = (source.parent / "starter.ipynb").read_text(encoding="utf-8")
    assert marked and "SOLUTION" not in starter
    public = without("SOLUTION", text)
    for line in {line.strip() for block in marked for line in block.splitlines()} - {""}:
        assert line in public or line.replace('"', '\\"') not in starter


@every_exercise
def test_the_text_names_every_point(source):
    exercise = EXERCISES[number_of(source)]
    rows = re.findall(r"^# \| .* \| ([\d.]+) \|$", source.read_text(encoding="utf-8"), re.MULTILINE)
    assert [float(points) for points in rows] == [p.points for p in exercise.properties]
    assert f"{exercise.points:g} point{'' if exercise.points == 1 else 's'}" in source.read_text(encoding="utf-8")


def pinned(source: pathlib.Path) -> dict[str, dict[str, str]]:
    """The pinned line of each sample in expected_grades.csv."""
    with open(source.parent / "expected_grades.csv", encoding="utf-8") as table:
        return {line["submission"].split("/")[0]: line for line in csv.DictReader(table)}


@pytest.mark.slow
@every_exercise
def test_the_samples_get_the_marks_and_the_feedback_that_are_pinned(source, tmp_path):
    """If this fails and the new feedback is better: copy grades.csv of `pfncache grade` over expected_grades.csv, and
    write what `pfncache check NUMBER samples/NAME/NUMBER.ipynb` prints to expected_feedback/NAME.txt."""
    rows = grade_folder(source.parent / "samples", tmp_path, jobs=2, timeout=120, trusting=True)
    assert as_csv(rows) == (source.parent / "expected_grades.csv").read_text(encoding="utf-8")
    expected = {path.stem: path.read_text(encoding="utf-8") for path in (source.parent / "expected_feedback").glob("*.txt")}
    reports = {row.submission.split("/")[0]: row.report for row in rows}
    assert expected and {name: as_text(reports[name]) + "\n" for name in expected} == expected
    exercise = EXERCISES[number_of(source)]
    searched = {p.name for p in (*exercise.properties, *(gate.property for gate in exercise.gates)) if isinstance(p, Property)}
    for report in reports.values():
        for result in (result for result in report.results if result.name in searched):
            assert bool(result.diagram and result.svg and result.schedule) == (result.outcome == "failed")


@every_exercise
def test_right_answers_earn_everything_and_nobody_else_does(source):
    by_a_person = sum(p.points for p in EXERCISES[number_of(source)].properties if isinstance(p, Rubric))
    full = {name for name, line in pinned(source).items() if float(line["points"]) == float(line["max"]) - by_a_person}
    assert full == set((source.parent / "right_answers.txt").read_text().split()) and len(full) >= 3 and "reference" in full


@every_exercise
def test_the_starter_and_a_function_that_does_nothing_earn_nothing(source):
    assert pinned(source)["starter"]["points"] == pinned(source).get("does_nothing", {"points": "0"})["points"] == "0"


@every_exercise
def test_a_kernel_function_that_does_nothing_is_among_the_samples(source):
    """It is perfectly safe, so it shows whether each safety property has a useful twin."""
    asks = EXERCISES[number_of(source)].asks
    assert any(asked.kind != "steps" for asked in asks) or "does_nothing" in pinned(source)


@every_exercise
def test_each_lost_point_has_a_reason(source):
    assert [name for name, line in pinned(source).items() if (line["points"] != line["max"]) != bool(line["reason"])] == []


@every_exercise
def test_the_pinned_marks_name_every_sample(source):
    folder = source.parent / "samples"
    handed_in = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {line["submission"] for line in pinned(source).values()} == handed_in and len(handed_in) >= 10


# --- how a source is read ---------------------------------------------------------------------------------------------

def test_a_source_is_read_as_cells():
    source = "# a note\n\n# %% [markdown]\n# # Title\n#\n# text\n\n# %% answer\nx = 1\n\n\n# %% tags=a tags=b\ny\n"
    assert cells_of(source) == [Cell("markdown", "# Title\n\ntext"), Cell("code", "x = 1"), Cell("code", "y", ("a", "b"))]


def test_marked_parts_are_left_out_and_marks_always():
    text = "a\n  ### BEGIN SOLUTION\n  b\n  ### END SOLUTION\n### BEGIN STARTER\nc\n### END STARTER\nd\n"
    assert without("SOLUTION", text) == "a\nc\nd\n"
    assert without("STARTER", text) == "a\n  b\nd\n"


@pytest.mark.parametrize("text", ["### BEGIN SOLUTION\n", "### END SOLUTION\n", "### BEGIN SOLUTION\n### END STARTER\n",
                                  "### BEGIN SOLUTION\n### BEGIN STARTER\n"])
def test_marks_that_do_not_match_are_refused_before_they_leak(text):
    with pytest.raises(ValueError):
        without("SOLUTION", text)
