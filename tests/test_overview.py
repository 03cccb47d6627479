"""The class overview: what it counts is there, nobody's name is, and nothing in it runs."""
import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pfncache_edu.grading import EXERCISES, assess
from pfncache_edu.grading.batch import published, row_of
from pfncache_edu.grading.overview import Study, as_overview, distribution, study_of, without_names
from pfncache_edu.grading.record import RECORD
from pfncache_edu.grading.report import Report, Result


def report(points, happened="it is wrong", id="8.2"):
    exercise = EXERCISES[id]
    first, *others = exercise.properties
    results = (Result(first.name, first.points, points, "passed" if points == first.points else "failed", first.expected, "" if points == first.points else happened),
               *(Result(p.name, p.points, 0, "not counted", p.expected, "so nothing counts") for p in others))
    return Report(id, exercise.title, exercise.points, results)


def row(name, report):
    return row_of(name, name, Path(), report)


def test_it_counts_who_has_what():
    shown = as_overview([row("ann", report(7)), row("bob", report(0)), row("cyd", report(0)), row("dan", Report("", "", 0, problem="the file is empty"))])
    assert "3 answers to 1 exercises" in shown and "1 files could not be taken" in shown
    assert "safe with three threads</td><td>1</td><td>0</td><td>2</td>" in shown
    assert "2 ×: safe with three threads: it is wrong" in shown


def test_it_names_nobody_and_runs_nothing():
    shown = as_overview([row("ann/8.2.ipynb", report(0, "<script>alert(1)</script>"))])
    assert "ann" not in shown.replace("scanning", "") and "<script" not in shown and "default-src 'none'" in shown


def test_the_same_fault_in_another_line_is_the_same_reason():
    assert without_names("x: y (code cell 2, line 9: `a (b)`)") == without_names("x: y (code cell 3, line 1)") == "x: y"
    assert without_names("x: y (see 8.3)") == "x: y (see 8.3)"


def test_the_distribution_says_in_words_what_it_shows():
    picture = distribution(25, [report(7), report(0), report(0)])
    root = ElementTree.fromstring(picture)
    assert root.get("role") == "img" and root[1].text == "2 have 0–9 %; 1 have 20–29 %"


def test_hints_and_minutes_come_from_the_records_that_were_handed_in(tmp_path):
    for name, text in {"ann": json.dumps({"8.2": {"hints": {"1": 3, "2": 1}, "minutes": 50}}), "bob": json.dumps({"8.2": {"hints": {"1": 1}, "minutes": 70}}),
                       "cyd": "{", "dan": json.dumps({"8.2": {"hints": {"9": 1, "1": 0}, "minutes": -5}, "77.7": {}}), "eve": "[" * 100_000}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / RECORD).write_text(text)
    study = study_of(tmp_path)
    assert study.hints == {("8.2", "1"): 2, ("8.2", "2"): 1} and study.minutes == {"8.2": [50, 70]}
    shown = as_overview([row("ann", report(0))], study)
    assert "hint 1: 2, hint 2: 1" in shown and "60 minutes in the middle" in shown


def test_hints_and_minutes_stay_when_the_tables_are_written_again(tmp_path):
    study = Study(Counter({("8.2", "1"): 2}), {"8.2": [50, 70]})
    study.keep(tmp_path)
    assert Study.kept(tmp_path) == study
    for name in ("results", "pages"):
        (tmp_path / name).mkdir()
    published(tmp_path)
    assert Study.kept(tmp_path) == study and (tmp_path / "overview.html").exists()
    Study(Counter(), {}).keep(tmp_path)
    assert not (tmp_path / "study.json").exists()
    assert Study.kept(tmp_path / "elsewhere") == Study(Counter(), {})


@pytest.mark.parametrize("id", EXERCISES)
def test_every_exercise_can_be_shown(id):
    assert EXERCISES[id].title.replace("'", "&#x27;") in as_overview([row("x", assess(EXERCISES[id], {}))])
