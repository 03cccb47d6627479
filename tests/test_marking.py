"""Marking by people: every mark has its trail, the last one counts, and a table that is wrong changes nothing."""
import csv
import http.client
import io
import json
import sqlite3
import threading
import urllib.parse

import pytest

from pfncache_edu.cli import main
from pfncache_edu.grading import EXERCISES
from pfncache_edu.grading.answers import data
from pfncache_edu.grading.exercise import Exercise, Finding, Judged, Rubric, assess
from pfncache_edu.grading.marking import stored_reports
from pfncache_edu.grading.marking_form import Form, serve
from pfncache_edu.grading.marks import CannotMark, Marks, as_csv, from_csv, marked, to_mark
from pfncache_edu.grading.report import report_from

REPLY = Exercise("99.3", "Reply", (data("REPLY", "a text"),),
                 (Judged("has_words", 1, "it has words", "", lambda answers: Finding(1 if answers.text("REPLY") else 0, "it is empty")),
                  Rubric("is_kind", 3, "the reply is kind", "", {3: "thanks and asks", 1: "is polite", 0: "is not"}, ("REPLY",))))


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """An output folder as `pfncache grade` leaves it, with two replies and one that is missing."""
    monkeypatch.setitem(EXERCISES, "99.3", REPLY)
    (tmp_path / "results").mkdir()
    (tmp_path / "pages").mkdir()
    for name, text in {"ann": "Thank you! <b>Why?</b>", "bob": "=No.", "cyd": ""}.items():
        report = assess(REPLY, {"REPLY": text})
        (tmp_path / f"results/{name}.json").write_text(json.dumps({"submission": f"{name}/99.3.ipynb", "report": report.as_dict()}))
    return tmp_path


def todo(graded, marks):
    return to_mark(stored_reports(graded), marks)


def test_what_a_person_must_read_is_listed_with_its_text(graded):
    with Marks(graded) as marks:
        assert [(one.submission, one.prose) for one in todo(graded, marks)] == [("ann/99.3.ipynb", "Thank you! <b>Why?</b>"), ("bob/99.3.ipynb", "=No.")]


def test_the_last_mark_counts_and_all_are_kept(graded):
    with Marks(graded) as marks:
        one = todo(graded, marks)[0]
        marks.give("A", one, 3, "kind")
        marks.give("B", one, 1.5, "kind enough")
        report = marked(one.submission, dict(stored_reports(graded))[one.submission], marks)
        assert (report.points, report.results[1].outcome, report.results[1].happened) == (2.5, "marked", "kind enough")
        given = todo(graded, marks)[0]
        assert [(mark.marker, mark.points) for mark in given.marks] == [("A", 3), ("B", 1.5)] and given.differ
        marks.give("A", one, 1.5, "agreed")
        assert not todo(graded, marks)[0].differ


@pytest.mark.parametrize("points", [-1, 3.5, 0.3])
def test_a_mark_is_within_the_rubric(graded, points):
    with Marks(graded) as marks, pytest.raises(CannotMark, match="not a mark from 0 to 3"):
        marks.give("A", todo(graded, marks)[0], points, "")


def test_the_trail_refuses_to_be_changed(graded):
    with Marks(graded) as marks:
        marks.give("A", todo(graded, marks)[0], 3, "")
    with sqlite3.connect(graded / "marks.sqlite") as file:
        for change in ("UPDATE marks SET points = 0", "DELETE FROM marks"):
            with pytest.raises(sqlite3.IntegrityError, match="a mark is never"):
                file.execute(change)


# --- spreadsheets -----------------------------------------------------------------------------------------------------

def filled(text, **cells):
    """The table with points and comments filled in: ann=("2", "fine")."""
    lines = list(csv.DictReader(io.StringIO(text)))
    table = io.StringIO()
    writer = csv.DictWriter(table, lines[0].keys())
    writer.writeheader()
    for line in lines:
        points, comment = cells.get(line["submission"].split("/")[0], ("", ""))
        writer.writerow(line | {"points": points, "comment": comment})
    return table.getvalue()


def test_a_table_goes_out_and_comes_back(graded):
    with Marks(graded) as marks:
        table = as_csv(todo(graded, marks))
        assert "3: thanks and asks; 1: is polite" in table and "'=No." in table
        assert from_csv(filled(table, ann=("2,5", "fine")), todo(graded, marks), marks, "A") == 1
        assert [one.marks[-1].points for one in todo(graded, marks) if one.marks] == [2.5]
        assert from_csv(filled(table, ann=("2.5", "fine")), todo(graded, marks), marks, "A") == 0        # nothing new in it


@pytest.mark.parametrize("cells, said", [({"ann": ("9", "")}, "not a mark"), ({"ann": ("2", ""), "bob": ("two", "")}, "line 3: 'two' is no number")])
def test_a_table_with_a_wrong_line_changes_nothing(graded, cells, said):
    with Marks(graded) as marks:
        with pytest.raises(CannotMark, match=said):
            from_csv(filled(as_csv(todo(graded, marks)), **cells), todo(graded, marks), marks, "A")
        assert not any(one.marks for one in todo(graded, marks))


def test_a_line_about_nothing_is_named(graded):
    with Marks(graded) as marks, pytest.raises(CannotMark, match="line 2: there is no 'is_kind' to mark in 'dan'"):
        from_csv("submission,exercise,property,points\ndan,99.3,is_kind,1\n", todo(graded, marks), marks, "A")


# --- the form ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def form(graded):
    with Marks(graded) as marks:
        yield Form(todo(graded, marks), marks, "A. Marker")


def test_the_form_escapes_the_text_and_says_what_earns_what(form):
    shown = form.one(0)
    assert "&lt;b&gt;Why?" in shown and "<b>Why?" not in shown and "thanks and asks" in shown and "form-action 'self'" in shown and "<script" not in shown


def test_a_mark_in_the_form_leads_to_the_next_text_and_then_to_the_list(form):
    assert "bob/99.3.ipynb" in form.give(0, {"points": ["3"], "comment": ["good"]})
    assert "2 of 2 marked" in form.give(1, {"points": ["0.5"]})
    assert "A. Marker: 3. good" in form.one(0)


@pytest.mark.parametrize("fields, said", [({}, "choose the points first"), ({"points": ["x"]}, "choose the points first"), ({"points": ["7"]}, "not a mark")])
def test_a_form_without_a_mark_asks_again(form, fields, said):
    assert said in form.give(0, fields)


def test_the_form_is_served_to_who_knows_its_address_only(graded):
    with Marks(graded) as marks:
        form = Form(todo(graded, marks), marks, "A")
    form.marks.file = sqlite3.connect(graded / "marks.sqlite", isolation_level=None, check_same_thread=False)
    server = serve(form)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask(method, path, **fields):
        line = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
        line.request(method, path, urllib.parse.urlencode(fields))
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    assert ask("GET", "/")[0] == ask("GET", "/guess/0")[0] == ask("POST", "/guess/0", points=3)[0] == ask("GET", f"/{form.token}/7")[0] == 404
    assert "0 of 2 marked" in ask("GET", f"/{form.token}/")[1]
    assert ask("POST", f"/{form.token}/0", points=3)[0] == 200 and "1 of 2 marked" in ask("GET", f"/{form.token}/")[1]
    server.shutdown()
    server.server_close()
    form.marks.file.close()


# --- the command ------------------------------------------------------------------------------------------------------

def test_marks_reach_the_grades_and_the_pages(graded, tmp_path, capsys):
    assert main(["mark", str(graded), "--export", str(tmp_path / "marks.csv")]) == 0
    table = (tmp_path / "marks.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "back.csv").write_text(filled(table, ann=("3", "kind"), bob=("0", "curt")), encoding="utf-8")
    assert main(["mark", str(graded), "--import", str(tmp_path / "back.csv"), "--by", "A"]) == 0
    assert "2 marks given" in capsys.readouterr().out
    grades = {line["submission"]: line["points"] for line in csv.DictReader(io.StringIO((graded / "grades.csv").read_text()))}
    assert grades == {"ann/99.3.ipynb": "4", "bob/99.3.ipynb": "1", "cyd/99.3.ipynb": "0"}
    assert "curt" in (graded / "pages/bob.html").read_text()
    stored = report_from(json.loads((graded / "results/bob.json").read_text())["report"])
    assert stored.results[1].outcome == "to be marked"                     # what the judge found stays as it was


@pytest.mark.parametrize("arguments, said", [([], "say who marks"), (["--import", "none.csv", "--by", "A"], "none.csv")])
def test_the_command_says_what_is_missing(graded, arguments, said, capsys, monkeypatch):
    monkeypatch.chdir(graded)
    assert main(["mark", str(graded), *arguments]) == 2 and said in capsys.readouterr().err


def test_without_results_it_says_what_to_run_first(tmp_path, capsys):
    assert main(["mark", str(tmp_path), "--by", "A"]) == 2 and "run `pfncache grade SUBMISSIONS" in capsys.readouterr().err
