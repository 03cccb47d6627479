"""The class overview: what a class can do, and what it cannot yet, as one page without scripts.

For each exercise: how the points are distributed, how many have each property, the commonest reasons for lost points, which
hints were opened, and how long it took those who said so.
"""
from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from .exercises import EXERCISES
from .pages import page
from .record import RECORD, is_entry, write_whole
from .report import with_code

BUCKETS = 10
COMMON = 5
KEPT = "study.json"


@dataclass(frozen=True)
class Study:
    """What the records say that students handed in with their notebooks: hints opened and minutes spent, by exercise."""
    hints: Counter
    minutes: dict[str, list[float]]

    def keep(self, out: Path) -> None:
        """Keep it with the results, if there is any, for when the tables are written again without the submissions."""
        if not self.hints and not self.minutes:
            (out / KEPT).unlink(missing_ok=True)
            return
        hints = [[id, size, times] for (id, size), times in sorted(self.hints.items())]
        write_whole(out / KEPT, json.dumps({"hints": hints, "minutes": self.minutes}, sort_keys=True) + "\n")

    @classmethod
    def kept(cls, out: Path) -> Study:
        """What was kept with the results, nothing where nothing was."""
        try:
            found = json.loads((out / KEPT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(Counter(), {})
        return cls(Counter({(id, size): times for id, size, times in found["hints"]}), found["minutes"])


def study_of(folder: Path) -> Study:
    """The records in a folder of submissions. What is no record is passed over."""
    hints, minutes = Counter(), {}
    for path in sorted(folder.rglob(RECORD)):
        try:
            record = json.loads(path.read_bytes()) if path.stat().st_size < 1_000_000 and not path.is_symlink() else {}
        except (OSError, ValueError, RecursionError):
            continue
        for id, entry in record.items() if isinstance(record, dict) else ():
            if id in EXERCISES and is_entry(entry):
                hints.update((id, str(size)) for size, times in entry.get("hints", {}).items() if times and str(size) in "1234")
                spent = entry.get("minutes")
                if isinstance(spent, (int, float)) and 0 < spent < 6_000:
                    minutes.setdefault(id, []).append(spent)
    return Study(hints, minutes)


def as_overview(rows: Iterable, study: Study = Study(Counter(), {})) -> str:
    """The page, for the rows of a graded folder."""
    found: dict[str, list] = {}
    for row in rows:
        found.setdefault(row.exercise if row.exercise in EXERCISES else "", []).append(row)
    unread = found.pop("", [])
    parts = [f"<h1>{sum(map(len, found.values()))} answers to {len(found)} exercises</h1>"]
    if unread:
        parts.append(f"<p>{len(unread)} files could not be taken for an answer to any exercise.</p>")
    parts += [exercise_part(id, found[id], study) for id in EXERCISES if id in found]
    return page("Class overview", "\n".join(parts) + '\n<p><a href="index.html">All submissions</a></p>')


def exercise_part(id: str, answers: list, study: Study) -> str:
    exercise = EXERCISES[id]
    average = statistics.fmean(answer.points for answer in answers)
    told = [f"<h2>{escape(id)} {escape(exercise.title)}</h2>",
            f"<p>{len(answers)} answers; {average:.3g} of {exercise.points:g} points on average, {median_of(answers):g} in the middle.</p>",
            distribution(exercise.points, answers), properties_table(id, answers), reasons(answers)]
    opened = [f"hint {size}: {study.hints[id, size]}" for size in "1234" if study.hints[id, size]]
    if opened:
        told.append(f"<p>Students who opened a hint: {', '.join(opened)}.</p>")
    if id in study.minutes:
        told.append(f"<p>{len(study.minutes[id])} said how long it took: {statistics.median(study.minutes[id]):g} minutes in the middle.</p>")
    return "\n".join(told)


def median_of(answers: list) -> float:
    return statistics.median(answer.points for answer in answers)


def distribution(maximum: int | float, answers: list) -> str:
    """Bars of how many have how many points, with the numbers in words for who cannot see them."""
    counts = Counter(min(int(BUCKETS * answer.points / maximum), BUCKETS) if maximum else 0 for answer in answers)
    most = max(counts.values())
    bars, words = [], []
    for bucket in range(BUCKETS + 1):
        name = "all" if bucket == BUCKETS else f"{10 * bucket}–{10 * bucket + 9} %"
        height = 80 * counts[bucket] / most
        bars.append(f'<rect x="{46 * bucket + 4}" y="{96 - height:.1f}" width="38" height="{height:.1f}" fill="#0a58a8"/>'
                    f'<text x="{46 * bucket + 23}" y="{91 - height:.1f}" text-anchor="middle">{counts[bucket] or ""}</text>'
                    f'<text x="{46 * bucket + 23}" y="112" text-anchor="middle">{"all" if bucket == BUCKETS else f"{10 * bucket} %"}</text>')
        if counts[bucket]:
            words.append(f"{counts[bucket]} have {'all points' if bucket == BUCKETS else name}")
    return (f'<svg viewBox="0 0 510 118" width="510" height="118" role="img" font-family="system-ui,sans-serif" font-size="11" fill="#1b2230">'
            f"<title>How many have how many of the points</title><desc>{escape('; '.join(words))}</desc>{''.join(bars)}</svg>")


def properties_table(id: str, answers: list) -> str:
    """For each property, how many have it in full, in part, and not at all."""
    rows = []
    for wanted in EXERCISES[id].properties:
        earned = [row.earned[wanted.name] for row in answers if wanted.name in row.earned]
        full = sum(points == wanted.points for points in earned)
        part = sum(0 < points < wanted.points for points in earned)
        waiting = sum(wanted.name in row.waiting for row in answers)
        rows.append(f"<tr><td>{escape(wanted.title)}</td><td>{full}</td><td>{part}</td><td>{len(answers) - full - part - waiting}</td><td>{waiting or ''}</td></tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Property", "In full", "In part", "Not", "To be marked"))
    return (f'<div class="wide" tabindex="0" role="region" aria-label="Properties of {escape(id)}"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>")


def reasons(answers: list) -> str:
    """The commonest first reasons for lost points."""
    counts = Counter(without_names(answer.reason) for answer in answers if answer.reason)
    if not counts:
        return "<p>Nobody lost a point.</p>"
    lines = "".join(f"<li>{times} ×: {with_code(reason)}</li>" for reason, times in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:COMMON])
    return f"<p>The commonest reasons for lost points:</p><ol>{lines}</ol>"


def without_names(reason: str) -> str:
    """A reason without the line of the answer, in which each student's differs."""
    return re.sub(r" \((?:code cell \d+|[\w.]+\.py)?,? ?line \d+.*\)$", "", reason)
