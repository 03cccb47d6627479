"""Marks: what people gave for what only people can judge, with a trail of who gave which mark and when.

They are kept beside the ledger, in `marks.sqlite`, which only grows. Of several marks for the same thing the last one counts,
and all are kept. A spreadsheet can carry them: `as_csv` writes what is to be marked, `from_csv` takes it back.
"""
from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from .exercise import Points, Rubric
from .exercises import EXERCISES
from .exports import no_formula
from .report import Report, Result

NAME = "marks.sqlite"
MAX_COMMENT = 5_000
TABLE = """
CREATE TABLE IF NOT EXISTS marks (number INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, marker TEXT NOT NULL, submission TEXT NOT NULL,
                                  exercise TEXT NOT NULL, property TEXT NOT NULL, points REAL NOT NULL, comment TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON marks BEGIN SELECT RAISE(ABORT, 'a mark is never changed'); END;
CREATE TRIGGER IF NOT EXISTS never_deleted BEFORE DELETE ON marks BEGIN SELECT RAISE(ABORT, 'a mark is never deleted'); END;
"""


class CannotMark(Exception):
    """The message says what to do instead."""


@dataclass(frozen=True)
class Mark:
    """A line of the trail: who gave how many points for which property of a submission, when, and why."""
    time: str
    marker: str
    submission: str
    exercise: str
    property: str
    points: Points
    comment: str


@dataclass(frozen=True)
class Open:
    """A text of a submission, and a part of the rubric to mark it by. `marks` are those given so far."""
    submission: str
    exercise: str
    rubric: Rubric
    prose: str
    marks: tuple[Mark, ...] = ()

    @property
    def differ(self) -> bool:
        """Whether the last marks of two people are different ones."""
        return len({mark.points for mark in {mark.marker: mark for mark in self.marks}.values()}) > 1


class Marks:
    """The trail in the output folder of `pfncache grade`."""

    def __init__(self, out: Path, *, begin: bool = True):
        """Open the trail. Without `begin`, no file is made where there is none: there are no marks then."""
        self.file = sqlite3.connect(out / NAME if begin or (out / NAME).exists() else ":memory:", isolation_level=None)
        self.file.executescript(TABLE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def give(self, marker: str, one: Open, points: Points, comment: str) -> None:
        """Add a mark. CannotMark if the rubric has no such points, or nobody is named."""
        if not marker.strip():
            raise CannotMark("say who marks: --by NAME")
        if not 0 <= points <= one.rubric.points or (points * 2) % 1:
            raise CannotMark(f"{one.submission}, {one.rubric.title}: {points:g} is not a mark from 0 to {one.rubric.points:g}, in halves")
        self.file.execute("INSERT INTO marks (time, marker, submission, exercise, property, points, comment) VALUES (?, ?, ?, ?, ?, ?, ?)",
                          (datetime.now(timezone.utc).isoformat(timespec="seconds"), marker.strip(), one.submission, one.exercise, one.rubric.name,
                           points, comment[:MAX_COMMENT].strip()))

    def of(self, submission: str, exercise: str, name: str) -> tuple[Mark, ...]:
        """All marks for a part of a submission, the first one first."""
        found = self.file.execute("SELECT time, marker, submission, exercise, property, points, comment FROM marks "
                                  "WHERE submission = ? AND exercise = ? AND property = ? ORDER BY number", (submission, exercise, name))
        return tuple(Mark(*line) for line in found)


def marked(submission: str, report: Report, marks: Marks) -> Report:
    """The report with the marks in it that people have given."""
    def with_mark(result: Result) -> Result:
        given = marks.of(submission, report.exercise, result.name) if result.outcome == "to be marked" else ()
        if not given:
            return result
        return replace(result, outcome="marked", earned=given[-1].points, happened=given[-1].comment or "read and marked by the rubric")
    return replace(report, results=tuple(map(with_mark, report.results)))


def to_mark(reports: Iterable[tuple[str, Report]], marks: Marks) -> list[Open]:
    """Everything that a person is to mark, with the marks that there are: submission by submission."""
    found = []
    for submission, report in reports:
        wanted = {p.name: p for p in EXERCISES[report.exercise].properties} if report.exercise in EXERCISES else {}
        found += [Open(submission, report.exercise, wanted[result.name], result.prose, marks.of(submission, report.exercise, result.name))
                  for result in report.results if result.outcome == "to be marked" and isinstance(wanted.get(result.name), Rubric)]
    return found


# --- through a spreadsheet --------------------------------------------------------------------------------------------

COLUMNS = ("submission", "exercise", "property", "of", "rubric", "text", "points", "comment")


def as_csv(todo: list[Open]) -> str:
    """What is to be marked as a table, with the last mark where there is one."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in todo:
        last = one.marks[-1] if one.marks else None
        writer.writerow([no_formula(one.submission), one.exercise, one.rubric.name, f"{one.rubric.points:g}", no_formula(anchors(one.rubric)), no_formula(one.prose),
                         f"{last.points:g}" if last else "", no_formula(last.comment) if last else ""])
    return table.getvalue()


def anchors(rubric: Rubric) -> str:
    return "; ".join(f"{points:g}: {text}" for points, text in sorted(rubric.anchors.items(), reverse=True))


def from_csv(text: str, todo: list[Open], marks: Marks, marker: str) -> int:
    """Give the marks of a table that came back; how many. Nothing is given if a line is wrong: CannotMark names it."""
    known = {(no_formula(one.submission), one.exercise, one.rubric.name): one for one in todo}
    found = []
    for number, line in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        one = known.get((line.get("submission"), line.get("exercise"), line.get("property")))
        if one is None:
            raise CannotMark(f"line {number}: there is no {line.get('property')!r} to mark in {line.get('submission')!r}")
        if not (line.get("points") or "").strip():
            continue
        try:
            points = float(line["points"].replace(",", "."))
        except ValueError:
            raise CannotMark(f"line {number}: {line['points']!r} is no number of points") from None
        comment = (line.get("comment") or "").removeprefix("'")
        if not one.marks or (one.marks[-1].points, one.marks[-1].comment) != (points, comment.strip()):
            found.append((one, points, comment))
    marks.file.execute("BEGIN")
    try:
        for one, points, comment in found:
            marks.give(marker, one, points, comment)
    except CannotMark:
        marks.file.execute("ROLLBACK")
        raise
    marks.file.execute("COMMIT")
    return len(found)
