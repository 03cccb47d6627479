"""The roster: who is in the class, which files are whose, and what being late costs.

A CSV file with a line for each student. Columns `id` and `name` are needed, the rest may be left out or empty:

    email, section, canvas_id, sis_user_id, sis_login_id, moodle_id     as the exports want them
    submission          the folder, or the beginning of the file name, of this student's files; without it the id
    due                 when it was due, such as 2026-11-22T18:00+01:00; without it nothing is late
    submitted           when it was handed in; without it, the time that the file was last changed
    grace_minutes       how much later is not late
    percent_per_day     what each begun day costs, of the points that were earned
    last_day            after how many days there is nothing to be had any more
"""
from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath

DAY = timedelta(days=1)


class BadRoster(Exception):
    """The roster cannot be used; the message says which line, and what to write instead."""


@dataclass(frozen=True)
class Student:
    """A line of the roster."""
    id: str
    name: str
    email: str = ""
    section: str = ""
    canvas_id: str = ""
    sis_user_id: str = ""
    sis_login_id: str = ""
    moodle_id: str = ""
    submission: str = ""
    due: datetime | None = None
    submitted: datetime | None = None
    grace_minutes: float = 0.0
    percent_per_day: float = 0.0
    last_day: float = math.inf

    def owns(self, path: str) -> int:
        """How well a path says that it is this student's: the length of what says so, 0 if nothing does."""
        first = PurePath(path).parts[0] if PurePath(path).parts else ""
        found = [len(mark) for mark in {self.submission or self.id} if begins_with(first, mark)]
        numbers = set(re.findall(r"(?<=_)\d+(?=_)", first))          # as Canvas and Moodle name what they give out
        found += [len(mark) for mark in (self.canvas_id, self.moodle_id.removeprefix("Participant ")) if mark and mark in numbers]
        return max(found, default=0)

    def days_late(self, changed: datetime) -> int:
        """How many days too late a file is that was last changed then; a begun day counts."""
        if self.due is None:
            return 0
        late = (self.submitted or changed) - self.due - timedelta(minutes=self.grace_minutes)
        return max(0, math.ceil(late / DAY))

    def counted(self, points: float, days: int) -> float:
        """What points that were earned count when they are so many days late."""
        if days > self.last_day:
            return 0.0
        return round(points * max(0.0, 1 - self.percent_per_day / 100 * days), 2)


def begins_with(name: str, mark: str) -> bool:
    """Whether a name is the mark, or the mark and then something that is no letter or digit."""
    return bool(mark) and name.startswith(mark) and not name[len(mark):len(mark) + 1].isalnum()


def read_roster(path: Path) -> list[Student]:
    """The students of a roster. BadRoster says what is wrong with it."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise BadRoster(f"{path} cannot be read as a CSV file in UTF-8 ({problem})") from None
    if not lines or not {"id", "name"} <= lines[0].keys():
        raise BadRoster(f"{path} needs a first line with the columns id and name, and a line for each student")
    students = [student_of(line, f"{path}, line {number}") for number, line in enumerate(lines, start=2)]
    ids = [student.id for student in students]
    twice = next((id for id in ids if ids.count(id) > 1), None)
    if twice:
        raise BadRoster(f"{path}: the id {twice!r} is there twice")
    return students


def student_of(line: dict[str, str], where: str) -> Student:
    known = {field.name: field.type for field in fields(Student)}
    given = {key: (value or "").strip() for key, value in line.items() if key in known and (value or "").strip()}
    if "id" not in given:
        raise BadRoster(f"{where}: there is no id")
    return Student(**{"name": "", **{key: value_of(key, known[key], text, where) for key, text in given.items()}})


def value_of(column: str, kind: str, text: str, where: str):
    """What a cell of the roster says."""
    try:
        if kind == "float":
            number = float(text)
            if not 0 <= number < 1e9:
                raise ValueError
            return number
        if "datetime" in kind:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        wanted = "a number from 0 on" if kind == "float" else "a time such as 2026-11-22T18:00+01:00"
        raise BadRoster(f"{where}: {column} is {text!r}: write {wanted}") from None
    return text


def owner(students: Iterable[Student], path: str) -> Student | None:
    """Whose file it is; None if that is not clear."""
    claims = sorted(((student.owns(path), n, student) for n, student in enumerate(students)), reverse=True)
    if not claims or not claims[0][0] or len(claims) > 1 and claims[1][0] == claims[0][0]:
        return None
    return claims[0][2]
