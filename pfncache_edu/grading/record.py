"""The record: how far a reader is with each exercise, and which hints were opened.

    {"8.2": {"points": 11, "best": 14, "of": 25, "checks": 3, "hints": {"1": 2}}}

It stays with the reader: a small file in the folder that holds `exercises/`, or else beside the notebook; in memory where
there is no disk. In a published page, whoever shows the page listens, and keeps it in the browser. Nothing is sent anywhere.
"""
from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from .report import Report

RECORD = "pfncache-progress.json"
KEEPS_NO_RECORD = "PFNCACHE_NO_RECORD"        # set where a book is built or tested: its readers are other people
IN_MEMORY: dict[str, dict] = {}
paused = False
LISTENERS: list[Callable[[dict], None]] = []
"""Called with the whole record after each change."""


def record_hint(exercise: str, size: int) -> None:
    """Count the opening of a hint."""
    def opened(entry: dict) -> dict:
        hints = entry.get("hints", {})
        return entry | {"hints": hints | {str(size): hints.get(str(size), 0) + 1}}
    change(exercise, opened)


def record_report(report: Report) -> None:
    """Keep what an answer was worth, and the best one so far."""
    def checked(entry: dict) -> dict:
        return entry | {"points": report.points, "best": max(report.points, entry.get("best", 0)), "of": report.maximum,
                        "checks": entry.get("checks", 0) + 1}
    change(report.exercise, checked)


@contextmanager
def record_nothing():
    """While it is open, checks and hints leave no trace."""
    global paused
    before, paused = paused, True
    try:
        yield
    finally:
        paused = before


def record_minutes(exercise: str, minutes: float) -> None:
    """Keep how long an exercise took, by what the student says; it corrects the book's estimates and is worth no marks."""
    change(exercise, lambda entry: entry | {"minutes": minutes})


def change(exercise: str, to: Callable[[dict], dict]) -> None:
    """Replace the entry of an exercise, where it can be written; the file is there as a whole or not at all."""
    if paused:
        return
    record = read_record()
    record[exercise] = to(record.get(exercise, {}))
    IN_MEMORY.update(record)
    for folder in folders():
        try:
            write_whole(folder / RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")
            break
        except OSError:
            continue                      # a folder that cannot be written to: the next one, or memory
    for listener in LISTENERS:
        listener(record)


def read_record() -> dict[str, dict]:
    """The record; what is damaged in it is left out."""
    for folder in folders():
        try:
            found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return {str(id): entry for id, entry in found.items() if is_entry(entry)}
    return {id: dict(entry) for id, entry in IN_MEMORY.items()}


def is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("hints", {}), dict):
        return False
    numbers = [entry.get(name, 0) for name in ("points", "best", "of", "checks", "minutes")] + list(entry.get("hints", {}).values())
    return all(isinstance(number, (int, float)) for number in numbers)


def folders() -> list[Path]:
    """Where the record may be: in the folder that holds `exercises/`, here, or in the reader's own state folder; nowhere in a browser."""
    if sys.platform == "emscripten" or os.environ.get(KEEPS_NO_RECORD):
        return []
    state = os.environ.get("XDG_STATE_HOME")
    try:
        here = Path.cwd()
        top = next((folder for folder in (here, *here.parents) if (folder / "exercises").is_dir()), here)
        return [top, here, Path(state) if state else Path.home() / ".local/state"]
    except (OSError, RuntimeError):
        return []


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
