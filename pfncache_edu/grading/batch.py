"""A folder of submissions: a row for every file that was handed in, whatever it is.

Each submission runs in a process of its own, with a limit on time, memory and output. A crash, an endless loop or a
file of random bytes costs that one submission, and its row says so. Each result is on disk before the next one
counts, so that nothing is lost when the machine goes down.

This is not yet a security boundary. The submission and its tests share that process, so somebody who sets out to can
forge a result for their own submission (the nonce only keeps accidents from looking like results), and nothing keeps
the process from the network or from reading files. Run it for students whom you trust, or inside a container.
"""
from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import secrets
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from .exercises import EXERCISES
from .record import write_whole
from .pages import as_index, as_page
from .report import MARKS, Report, Result

TIMEOUT = 20.0
MEMORY = 1 << 30
MAX_SUBMISSION = 10_000_000        # bytes of a file
MAX_ANSWER = 2_000_000             # bytes of a report
LEFT_OUT = {".ipynb_checkpoints", "__pycache__"}

START = "import sys; sys.path.insert(0, sys.argv[1]); from pfncache_edu.grading.worker import main; main(*map(int, sys.argv[2:]))"
ROOT = str(Path(__file__).parent.parent.parent)


@dataclass(frozen=True)
class Row:
    """One submission: its path in the folder, the name of its files in the output, and its report."""
    submission: str
    key: str
    report: Report

    @property
    def page(self) -> str:
        return f"pages/{self.key}.html"


def grade_folder(folder: Path, out: Path, *, jobs: int = 2, timeout: float = TIMEOUT, exercise: str | None = None,
                 progress: Callable[[Row, float], None] = lambda row, seconds: None) -> list[Row]:
    """Grade every file under `folder`; write `grades.csv`, `index.html` and a page each into `out`. The rows, by path."""
    for name in ("results", "pages"):
        (out / name).mkdir(parents=True, exist_ok=True)

    def grade(path: Path) -> Row:
        started = time.monotonic()
        name = readable(path.relative_to(folder))
        row = Row(name, key_of(path.relative_to(folder)), grade_file(path, name, timeout=timeout, exercise=exercise))
        write_row(row, out)
        progress(row, time.monotonic() - started)
        return row
    with ThreadPoolExecutor(jobs) as pool:
        rows = list(pool.map(grade, files_in(folder, out)))
    write_whole(out / "grades.csv", as_csv(rows))
    write_whole(out / "index.html", as_index(rows))
    return rows


def files_in(folder: Path, out: Path) -> Iterator[Path]:
    """Everything that was handed in, in the order of its path; not what we or Jupyter wrote ourselves."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT and not is_same(Path(place, name), out))
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if name not in links]
        for name in sorted(files + links):
            yield Path(place, name)


def is_same(one: Path, other: Path) -> bool:
    with suppress(OSError):
        return one.samefile(other)
    return False


def readable(path: Path) -> str:
    """A path as text that can be written anywhere, even if its bytes are no text."""
    text = os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def key_of(path: Path) -> str:
    """A file name for a submission's results: no two paths have the same, and it holds nothing but letters and digits."""
    raw = os.fsencode(path.as_posix())
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", raw.decode("ascii", "replace")).strip("-.")[-60:]
    return f"{plain.lstrip('-.')}-{hashlib.sha256(raw).hexdigest()[:12]}"


def write_row(row: Row, out: Path) -> None:
    stored = {"submission": row.submission, "report": row.report.as_dict()}
    write_whole(out / "results" / f"{row.key}.json", json.dumps(stored, indent=1) + "\n")
    write_whole(out / row.page, as_page(row))


# --- one submission --------------------------------------------------------------------------------------------------

def grade_file(path: Path, name: str, *, timeout: float = TIMEOUT, exercise: str | None = None) -> Report:
    """The report on one file. Whatever happens, there is one."""
    try:
        problem = why_not_read(path)
        return unassessed(problem, exercise) if problem else run_worker(path, name, timeout, exercise)
    except OSError as error:
        return unassessed(f"the file cannot be graded: {error.strerror or error}", exercise)


def why_not_read(path: Path) -> str:
    """Why a file is not even opened, "" if it may be."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return "this is a symbolic link: hand in the file itself"
    if not stat.S_ISREG(found.st_mode):
        return "this is not a regular file"
    if found.st_size > MAX_SUBMISSION:
        return f"the file has {found.st_size:,} bytes, and at most {MAX_SUBMISSION:,} are read: clear the notebook's outputs"
    return ""


def unassessed(problem: str, exercise: str | None) -> Report:
    """A report that consists of the reason why there is none."""
    known = EXERCISES.get(exercise or "")
    return Report(exercise or "", known.title if known else "", known.points if known else 0, problem=problem)


def run_worker(path: Path, name: str, timeout: float, exercise: str | None) -> Report:
    """Start a process for the submission, wait for its report, and end everything that it started."""
    nonce = secrets.token_hex(16)
    request = json.dumps({"nonce": nonce, "file": os.fsdecode(path.resolve()), "name": name, "exercise": exercise,
                          "seconds": timeout, "memory": MEMORY}).encode("utf-8", "surrogateescape")
    with tempfile.TemporaryDirectory(prefix="pfncache-", ignore_cleanup_errors=True) as empty:
        asked, ask = os.pipe()
        answer, answering = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", START, ROOT, str(asked), str(answering)], cwd=empty, pass_fds=(asked, answering),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                env={"HOME": empty, "TMPDIR": empty, "LANG": "C.UTF-8", "PATH": os.defpath})
            try:
                os.close(asked), os.close(answering)
                asked = answering = None
                os.write(ask, request)
                os.close(ask)
                ask = None
                line = read_line(answer, time.monotonic() + timeout)
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                code = process.wait()
        finally:
            for end in (asked, ask, answer, answering):
                if end is not None:
                    os.close(end)
    if isinstance(line, str):
        return unassessed(line.format(seconds=timeout) or how_it_ended(code, timeout), exercise)
    return report_from(line, nonce, exercise)


def read_line(pipe: int, deadline: float) -> bytes | str:
    """A line from a pipe; or, as text, why there is none ("" if the other end just closed)."""
    received = bytearray()
    while not received.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return "it was not done after {seconds:g} seconds: does a loop outside of the answer never end?"
        part = os.read(pipe, 1 << 16)
        if not part:
            return ""
        received += part
        if len(received) > MAX_ANSWER:
            return f"its report is longer than {MAX_ANSWER:,} bytes"
    return bytes(received)


def how_it_ended(code: int, timeout: float) -> str:
    """Why a process ended without a report."""
    if code == -signal.SIGXCPU:
        return f"it used more than {timeout:g} seconds of processor time: does a loop never end?"
    if code < 0 and code != -signal.SIGKILL:
        return f"its process crashed ({signal.Signals(-code).name}) before it was assessed"
    return "its process ended before it was assessed: does it call os._exit(), or need too much memory?"


def report_from(line: bytes, nonce: str, exercise: str | None) -> Report:
    """The report in a worker's answer. Nothing in it is believed that we know better."""
    try:
        answer = json.loads(line)
        if answer["nonce"] != nonce:
            raise ValueError("wrong nonce")
        return checked_report(answer["report"], exercise)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        return unassessed(f"its report cannot be read ({type(error).__name__})", exercise)


def checked_report(report: dict, exercise: str | None) -> Report:
    """A Report of the right exercise, with the right properties and points. ValueError otherwise."""
    asked = EXERCISES.get(report["exercise"])
    if asked is None or (exercise and exercise != report["exercise"]):
        return unassessed(text(report["problem"]) or "it was not assessed", exercise)
    worth = {p.name: p.points for p in asked.properties} | {gate.property.name: gate.property.points for gate in asked.gates}
    results = tuple(checked_result(result, worth) for result in report["results"])
    names = [result.name for result in results]
    if len(set(names)) != len(names) or not {p.name for p in asked.properties} <= set(names):
        raise ValueError("the properties are not those of the exercise")
    return Report(asked.id, asked.title, asked.points, results, text(report["problem"]),
                  tuple(text(remark) for remark in report["remarks"]))


def checked_result(result: dict, worth: dict[str, int]) -> Result:
    points = worth[result["name"]]
    outcome, earned = result["outcome"], result["earned"]
    right = 0 < earned < points if outcome == "partly" else earned == (points if outcome == "passed" else 0)
    if outcome not in MARKS or not right:
        raise ValueError("points that do not follow from the outcome")
    words = {f.name: text(result[f.name]) for f in fields(Result) if f.name not in ("points", "earned")}
    return Result(points=points, earned=earned, **words)


def text(value) -> str:
    """The value if it is a text, cleaned of what no file can hold."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value.encode("utf-8", "backslashreplace").decode()


# --- the table --------------------------------------------------------------------------------------------------------

def as_csv(rows: list[Row]) -> str:
    """The grades, a line per submission and a column per property. The same submissions give the same bytes."""
    names = [p.name for id in sorted({row.report.exercise for row in rows} & EXERCISES.keys()) for p in EXERCISES[id].properties]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["submission", "exercise", "points", "max", *names, "reason"])
    for row in rows:
        earned = {result.name: result.earned for result in row.report.results}
        writer.writerow([cell(row.submission), cell(row.report.exercise), f"{row.report.points:g}", f"{row.report.maximum:g}",
                         *(f"{earned[name]:g}" if name in earned else "" for name in names), cell(row.report.reason)])
    return table.getvalue()


def cell(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    value = value.replace("\r", " ").replace("\n", " ")
    return "'" + value if value.startswith(("=", "+", "-", "@", "\t")) else value
