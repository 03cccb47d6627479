"""Hints: less than a whole report, in four sizes. Opening one is recorded (record.py), and costs nothing unless an instructor says so."""
from __future__ import annotations

import os
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from .exercise import Exercise
from .record import record_hint
from .report import STYLE, Report

SOLUTIONS = Path(__file__).parent / "solutions"
FORBIDS_SOLUTIONS = "PFNCACHE_NO_SOLUTIONS"


@dataclass(frozen=True, repr=False)
class Hint:
    """A hint: its size, a sentence and, from size 2 on, a diagram."""
    exercise: str
    size: int
    sentence: str
    diagram: str = ""
    svg: str = field(default="", repr=False)

    def __repr__(self):
        return f"hint {self.size} for {self.exercise}: {self.sentence}" + (f"\n\n{self.diagram}" if self.diagram else "")

    def _repr_html_(self) -> str:
        diagram = f"<pre>{escape(self.diagram)}</pre>" if self.diagram else ""
        if self.svg:
            diagram = f"<figure>{self.svg}</figure><details><summary>The schedule as text</summary>{diagram}</details>"
        return (f'{STYLE}<div class="pfn-report"><p><strong>Hint {self.size} for {escape(self.exercise)}</strong>: '
                f"{escape(self.sentence)}</p>{diagram}</div>")


def hint_for(exercise: Exercise, report: Report, size: int) -> Hint:
    """The hint of a size for the first thing that a report complains about. Opening it is recorded, unless it is closed."""
    if size == 4:
        return solution(exercise)
    record_hint(exercise.id, size)
    if report.problem:
        return Hint(exercise.id, size, report.problem)
    if not report.failures:
        return Hint(exercise.id, size, "every property holds: there is nothing left to hint at")
    failure = report.failures[0]
    if failure.outcome not in ("failed", "partly"):
        return Hint(exercise.id, size, f"{failure.title}: {failure.happened}")
    sentence = f"look at '{failure.title}'" + (f", in the part that the book calls *{failure.subgoal}*" if failure.subgoal else "")
    if size == 1:
        return Hint(exercise.id, 1, sentence)
    if size == 3:
        return Hint(exercise.id, 3, f"{sentence}: {failure.happened}", failure.diagram, failure.svg)
    if failure.partial_diagram:
        return Hint(exercise.id, 2, f"{sentence}: which step comes last here, and why is it one too many?", failure.partial_diagram)
    wanted = next(p for p in exercise.properties if p.name == failure.name)
    return Hint(exercise.id, 2, f"{sentence}: {getattr(wanted, 'hint', '') or wanted.expected}")


def solution(exercise: Exercise) -> Hint:
    """The worked solution (release.py makes it of the exercise's source), unless an instructor keeps it closed."""
    found = SOLUTIONS / f"{exercise.id}.txt"
    if os.environ.get(FORBIDS_SOLUTIONS) or not found.exists():
        return Hint(exercise.id, 4, "your instructor keeps the worked solution closed: hint=3 is the largest one")
    record_hint(exercise.id, 4)
    return Hint(exercise.id, 4, "a worked solution", found.read_text(encoding="utf-8"))
