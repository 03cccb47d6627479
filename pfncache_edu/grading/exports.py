"""What goes back to where grades are kept: a gradebook of the class, and the files that Canvas, Moodle and Gradescope read.

The gradebook has a line for each student. Where a student handed in several files for an exercise, the best one counts.
"""
from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .exercises import EXERCISES
from .report import Report, details_of
from .roster import Student, owner

NAMES = {"passed": "passed", "partly": "failed", "failed": "failed", "mistake": "failed", "incomplete": "failed", "not counted": "failed"}


@dataclass
class Grade:
    """What one student has for one exercise."""
    points: float
    counted: float
    days_late: int
    reason: str
    submission: str


@dataclass
class Gradebook:
    """The grades of the class, by student and exercise; and the files that are nobody's."""
    students: list[Student]
    grades: dict[tuple[str, str], Grade] = field(default_factory=dict)
    nobodys: list[str] = field(default_factory=list)

    @property
    def exercises(self) -> list[str]:
        """The exercises that anybody handed in, in the order of the book."""
        found = {exercise for _, exercise in self.grades}
        return [id for id in EXERCISES if id in found]


def gradebook(rows: Iterable, students: list[Student], folder: Path) -> Gradebook:
    """Put the rows of a graded folder into the students' lines."""
    book = Gradebook(students)
    for row in rows:
        student = owner(students, row.submission)
        if student is None:
            book.nobodys.append(row.submission)
        if student is None or row.exercise not in EXERCISES:
            continue
        days = student.days_late(changed_at(folder / row.submission))
        grade = Grade(row.points, student.counted(row.points, days), days, row.reason, row.submission)
        before = book.grades.get((student.id, row.exercise))
        if before is None or grade.counted > before.counted:
            book.grades[student.id, row.exercise] = grade
    return book


def changed_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except (OSError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def cell(value: str) -> str:
    """A text on one line that no spreadsheet takes for a formula."""
    return no_formula(value.replace("\r", " ").replace("\n", " "))


def no_formula(value: str) -> str:
    """A text that no spreadsheet takes for a formula; its lines stay."""
    return "'" + value if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def table(lines: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for line in lines:
        writer.writerow([f"{value:g}" if isinstance(value, float) else cell(str(value)) for value in line])
    return text.getvalue()


def gradebook_csv(book: Gradebook) -> str:
    """A line for each student: what each exercise counts, how late it was, and the sum."""
    ids = book.exercises
    head = ["id", "name", "email", *ids, "total", "of", "days late", "notes"]
    return table([head, *(gradebook_line(book, student, ids) for student in book.students)])


def gradebook_line(book: Gradebook, student: Student, ids: list[str]) -> list[object]:
    grades = {id: book.grades.get((student.id, id)) for id in ids}
    late = max((grade.days_late for grade in grades.values() if grade), default=0)
    notes = [f"{id} was worth {grade.points:g}" for id, grade in grades.items() if grade and grade.counted != grade.points]
    return [student.id, student.name, student.email, *(grade.counted if grade else "" for grade in grades.values()),
            float(sum(grade.counted for grade in grades.values() if grade)), float(sum(EXERCISES[id].points for id in ids)),
            late or "", "; ".join(notes)]


def canvas_csv(book: Gradebook) -> str:
    """What Canvas imports into its gradebook: the columns that name a student, and one for each exercise."""
    ids = book.exercises
    titles = [f"{id} {EXERCISES[id].title}" for id in ids]
    return table([
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles],
        ["    Points Possible", "", "", "", "", *(float(EXERCISES[id].points) for id in ids)],
        *([student.name, student.canvas_id, student.sis_user_id, student.sis_login_id or student.email, student.section,
           *(grade.counted if (grade := book.grades.get((student.id, id))) else "" for id in ids)] for student in book.students)])


def moodle_csv(book: Gradebook, exercise: str) -> str:
    """What Moodle takes as the grading worksheet of an assignment, with the first reason as the feedback."""
    of = float(EXERCISES[exercise].points)
    return table([
        ["Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed", "Feedback comments"],
        *(["Participant " + student.moodle_id.removeprefix("Participant ") if student.moodle_id else "", student.name, student.email,
           "Submitted for grading" if grade else "No submission", grade.counted if grade else "", of, "Yes",
           (grade.reason or "every property holds") if grade else ""]
          for student in book.students for grade in [book.grades.get((student.id, exercise))])])


# --- Gradescope -----------------------------------------------------------------------------------------------------------------

def gradescope_results(reports: dict[str, Report]) -> dict:
    """The results.json of a submission of one or several files, by their names."""
    known = {report.exercise: report.maximum for report in reports.values() if report.maximum}
    tests = [test for name, report in reports.items() for test in tests_of(name, report)]
    return {"score": sum(test["score"] for test in tests), "tests": tests, "output_format": "text", "visibility": "visible",
            "output": "\n".join(f"{name}: {report.headline}" for name, report in reports.items()) or "there is no notebook in this submission",
            "extra_data": {"exercises": sorted(known)}}


def tests_of(name: str, report: Report) -> list[dict]:
    if report.problem or not report.results:
        return [{"name": name, "score": 0, "max_score": report.maximum, "status": "failed", "output": report.reason}]
    return [{"name": f"{report.exercise} {result.title}", "score": result.earned, "max_score": result.points,
             "status": NAMES.get(result.outcome, "passed"), "output": output_of(result)} for result in report.results]


def output_of(result) -> str:
    lines = [f"{name}: {text}" for name, text in details_of(result)] or [result.happened]
    return "\n".join(filter(None, [*lines, result.diagram]))


RUN_AUTOGRADER = """#!/usr/bin/env bash
# Gradescope runs this for each submission: /autograder/submission holds the files, results go to /autograder/results.
# Each submission has a container of its own here, which is the boundary to other students. Inside it, the judge puts the
# student's code in a sandbox as well, so that it cannot reach this folder or the results.
set -u
cd /autograder
/autograder/venv/bin/pfncache grade autograde submission {exercise}> results/results.json.part
mv results/results.json.part results/results.json
"""
SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, when it builds the container.
set -euo pipefail
apt-get update -qq
apt-get install -y -qq --no-install-recommends python3 python3-venv bubblewrap
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install --quiet /autograder/source/package sandlock
/autograder/venv/bin/pfncache grade doctor
"""
