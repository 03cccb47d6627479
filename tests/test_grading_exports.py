"""Rosters and exports: whose a file is, what being late costs, and what other systems read."""
import csv
import io
import os
from datetime import UTC, datetime, timedelta

import pytest

from pfncache_edu.cli import main
from pfncache_edu.grading import EXERCISES
from pfncache_edu.grading.batch import Row
from pfncache_edu.grading.exports import canvas_csv, gradebook, gradebook_csv, gradescope_results, moodle_csv
from pfncache_edu.grading.report import Report, Result
from pfncache_edu.grading.roster import BadRoster, Student, owner, read_roster

DUE = datetime(2026, 11, 22, 18, tzinfo=UTC)
ANN = Student("ann", "Ann Ant", "ann@x.example", canvas_id="1001", moodle_id="Participant 77")
BOB = Student("bob", "Bob Bee", "bob@x.example", due=DUE, percent_per_day=10, grace_minutes=15, last_day=3)


def row(submission, points, out, reason="", exercise="8.2"):
    return Row(submission, "key", out, exercise, points, 25, reason, {"x": points})


@pytest.mark.parametrize("path, whose", [
    ("ann/8.2.ipynb", ANN), ("ann_8.2.ipynb", ANN), ("ann-8.2.ipynb", ANN), ("anna/8.2.ipynb", None), ("bob/8.2.ipynb", BOB), ("8.2.ipynb", None),
    ("antann_1001_2002_8.2.ipynb", ANN), ("antann_LATE_1001_2002_8.2.ipynb", ANN), ("Ann Ant_77_assignsubmission_file_/8.2.ipynb", ANN),
    ("someone_10012_2_8.2.ipynb", None), ("", None)])
def test_a_file_is_whose_name_or_number_it_begins_with(path, whose):
    assert owner([ANN, BOB], path) is whose


def test_a_longer_name_wins_over_a_shorter_one_and_a_tie_is_nobody_s():
    long, short = Student("ann-marie", ""), Student("ann", "")
    assert owner([short, long], "ann-marie/8.2.py") is long and owner([short, long], "ann/8.2.py") is short
    assert owner([Student("a", "", submission="g1"), Student("b", "", submission="g1")], "g1/8.2.py") is None


@pytest.mark.parametrize("after, days, counts", [
    (timedelta(0), 0, 20), (timedelta(minutes=15), 0, 20), (timedelta(minutes=16), 1, 18), (timedelta(days=1, minutes=15), 1, 18),
    (timedelta(days=1, minutes=16), 2, 16), (timedelta(days=3), 3, 14), (timedelta(days=4), 4, 0), (timedelta(days=-3), 0, 20)])
def test_each_begun_day_costs_its_share_after_the_grace_and_up_to_the_last_day(after, days, counts):
    assert BOB.days_late(DUE + after) == days and BOB.counted(20, days) == counts


def test_nothing_is_late_without_a_due_time_and_what_the_roster_says_beats_the_file():
    assert ANN.days_late(DUE + timedelta(days=99)) == 0
    assert Student("x", "", due=DUE, submitted=DUE).days_late(DUE + timedelta(days=99)) == 0


@pytest.mark.parametrize("text, words", [
    ("id\nann\n", "columns id and name"), ("", "columns id and name"), ("id,name\n,Ann\n", "line 2: there is no id"),
    ("id,name\nann,A\nann,B\n", "'ann' is there twice"), ("id,name,due\nann,A,tomorrow\n", "line 2: due is 'tomorrow': write a time"),
    ("id,name,percent_per_day\nann,A,-5\n", "write a number from 0 on"), ("id,name,last_day\nann,A,nan\n", "write a number from 0 on")])
def test_a_roster_that_cannot_be_used_says_what_to_write(tmp_path, text, words):
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(BadRoster, match=words):
        read_roster(tmp_path / "roster.csv")


def test_a_roster_is_read_as_spreadsheets_write_it(tmp_path):
    (tmp_path / "roster.csv").write_bytes("\ufeffid,name,due,unknown,percent_per_day\r\nann,Änn,2026-11-22T18:00,x, 5 \r\n".encode())
    (ann,) = read_roster(tmp_path / "roster.csv")
    assert (ann.name, ann.due, ann.percent_per_day) == ("Änn", DUE, 5.0)


def book_of(tmp_path):
    late = tmp_path / "bob/8.2.py"
    late.parent.mkdir()
    late.touch()
    os.utime(late, (DUE.timestamp() + 100_000,) * 2)
    rows = [row("ann/8.2.py", 10, tmp_path, "=1+1, he said"), row("ann/8.2-again.py", 20, tmp_path), row("bob/8.2.py", 20, tmp_path), row("who/8.2.py", 25, tmp_path),
            row("ann/notes.txt", 0, tmp_path, exercise="")]
    return gradebook(rows, [ANN, BOB, Student("cyd", "Cyd Cee")], tmp_path)


def test_the_gradebook_takes_the_best_of_several_and_says_what_was_late(tmp_path):
    book = book_of(tmp_path)
    lines = {line["id"]: line for line in csv.DictReader(io.StringIO(gradebook_csv(book)))}
    assert lines["ann"]["8.2"] == "20" and lines["bob"]["8.2"] == "16" and lines["cyd"]["8.2"] == ""
    assert lines["bob"]["days late"] == "2" and lines["bob"]["notes"] == "8.2 was worth 20" and book.nobodys == ["who/8.2.py"]


def test_canvas_and_moodle_get_their_columns(tmp_path):
    book = book_of(tmp_path)
    canvas = list(csv.reader(io.StringIO(canvas_csv(book))))
    assert canvas[0][:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"] and canvas[1][0].strip() == "Points Possible"
    assert canvas[2][:2] == ["Ann Ant", "1001"] and canvas[2][-1] == "20"
    moodle = list(csv.DictReader(io.StringIO(moodle_csv(book, "8.2"))))
    assert moodle[0]["Identifier"] == "Participant 77" and moodle[0]["Grade"] == "20" and moodle[2]["Status"] == "No submission"
    assert not any(value.startswith(("=", "+", "-", "@")) for line in moodle for value in line.values())


def test_gradescope_gets_a_test_for_each_property():
    result = Result("safe_with_three_threads", 7, 3.5, "partly", "it is safe", "it is half safe", diagram="a  b")
    found = gradescope_results({"8.2.py": Report("8.2", "Write the patch", 25, (result,)), "x.py": Report("", "", 0, problem="empty")})
    assert found["score"] == 3.5 and found["tests"][0]["name"] == "8.2 safe with three threads"
    assert "it is half safe" in found["tests"][0]["output"] and "a  b" in found["tests"][0]["output"] and found["tests"][1]["status"] == "failed"
    assert gradescope_results({})["score"] == 0


@pytest.mark.slow
def test_a_roster_makes_grade_write_the_exports(tmp_path, capsys):
    (tmp_path / "in/ann").mkdir(parents=True)
    (tmp_path / "in/ann/8.2.py").write_text("x = 1")
    (tmp_path / "in/stray.py").write_text("x = 1")
    (tmp_path / "roster.csv").write_text("id,name\nann,Ann\n")
    assert main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--roster", str(tmp_path / "roster.csv")]) == 0
    assert "stray.py is nobody's in the roster" in capsys.readouterr().err
    assert {"gradebook.csv", "canvas.csv", "moodle-8.2.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert f"ann,Ann,,0,0,{EXERCISES['8.2'].points}," in (tmp_path / "out/gradebook.csv").read_text()


@pytest.mark.slow
def test_a_secret_makes_the_judge_take_each_student_s_own_variant(tmp_path, monkeypatch):
    """Whatever SEED the notebook names: the variant that was handed out is the one that counts."""
    from pfncache_edu.grading import batch, command
    asked = {}
    (tmp_path / "in/ann").mkdir(parents=True)
    (tmp_path / "in/ann/8.2.py").write_text("SEED = 5")
    (tmp_path / "roster.csv").write_text("id,name\nann,Ann\n")
    (tmp_path / "secret").write_text("0123456789abcdef\n")               # as `openssl rand -hex` writes it
    job_of = batch.job_of

    def job(path, name, options):
        made = job_of(path, name, options)
        asked[name] = made.seed
        return made
    monkeypatch.setattr(batch, "job_of", job)
    assert main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--roster", str(tmp_path / "roster.csv"),
                 "--secret", str(tmp_path / "secret")]) == 0
    assert asked == {"ann/8.2.py": command.seed_of(b"0123456789abcdef", "ann", "8.2")}
