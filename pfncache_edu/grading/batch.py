"""A folder of submissions: a row for every file that was handed in, whatever it is.

Judges (judge.py) assess them, each submission's code in a sandbox of its own; each result is in the ledger before the next one
counts. Tables and pages are made from the ledger when all are there, so they are the same bytes however often the run was
killed, on however many machines its parts were graded, and in whichever order.
"""
from __future__ import annotations

import atexit
import csv
import functools
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from . import instructions
from .edition import suite_hash
from .exports import cell
from .exercises import EXERCISES
from .judge import Terms, bytes_of, judged_file, unassessed
from .judges import Job, Judges, Rules
from .ledger import NAME, Ledger
from .marks import Marks, marked
from .overview import Study, as_overview, study_of
from .pages import as_index, as_page
from .record import write_whole
from .report import Report, report_from
from .sandbox import Sandbox, choose
from .submission import NotASubmission, exercise_in_path
from .workplace import Workplace

TIMEOUT = 20.0
LEFT_OUT = {".ipynb_checkpoints", "__pycache__"}
NOT_JUDGED = "it could not be assessed: every judge that tried ended before it was done"


@dataclass(frozen=True)
class Options:
    """How a folder is graded.

    timeout    the seconds of each test
    exercise   what all files are for; None: as their names say
    shard      (i, n): only the i-th of n parts of the files, from 1
    sandbox    the name of the sandbox to take; None: the first that keeps its promise
    trusting   whether limits alone will do where there is no sandbox
    tests      the folder of exercises with their hidden tests
    executor   where submissions are judged, such as "dask://host:8786"; "" for here
    seeds      the seed of each student's variants: a function of a file's path and the exercise
    """
    jobs: int = 2
    timeout: float = TIMEOUT
    exercise: str | None = None
    shard: tuple[int, int] = (1, 1)
    sandbox: str | None = None
    trusting: bool = False
    tests: Path | None = None
    executor: str = ""
    seeds: Callable[[str, str], int | None] = lambda path, exercise: None

    @functools.cached_property
    def rules(self) -> Rules:
        tests = sorted(self.tests.glob("**/hidden.py")) if self.tests else []
        return Rules(self.timeout, self.tests, suite_hash(self.timeout, *(path.read_bytes() for path in tests)))


@dataclass(frozen=True)
class Row:
    """One submission: its path in the folder, the name of its files in the output, and what its report says in short."""
    submission: str
    key: str
    out: Path
    exercise: str
    points: int | float
    maximum: int | float
    reason: str
    earned: dict[str, int | float]
    waiting: tuple[str, ...] = ()           # the properties that a person still has to mark

    @property
    def page(self) -> str:
        return f"pages/{self.key}.html"

    @property
    def report(self) -> Report:
        """All of the report, from the output."""
        return report_from(json.loads((self.out / "results" / f"{self.key}.json").read_text(encoding="utf-8"))["report"])


def row_of(submission: str, key: str, out: Path, report: Report) -> Row:
    return Row(submission, key, out, report.exercise, report.points, report.maximum, report.reason,
               {result.name: result.earned for result in report.results},
               tuple(result.name for result in report.results if result.outcome == "to be marked"))


# --- a folder -----------------------------------------------------------------------------------------------------------------

def grade_folder(folder: Path, out: Path, *, progress: Callable[[int, int], None] = lambda done, of: None, **options) -> list[Row]:
    """Grade every file under `folder`; write `grades.csv`, `index.html`, `overview.html` and a page each into `out`. The rows, by path."""
    asked = Options(**options)
    for name in ("results", "pages"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for part in (*out.glob(".*.part"), *out.glob("*/.*.part")):     # of a run that was killed
        part.unlink()
    files = [file for file in handed_in(folder, out, asked) if is_in_shard(file, *asked.shard)]
    with Ledger(out / NAME) as ledger, Marks(out, begin=False) as marks:
        unfinished = judge_files(files, ledger, asked, progress)
        rows = in_order(written(file, ledger, asked, out, unfinished, marks) for file in files)
    study_of(folder).keep(out)
    write_tables(rows, out)
    return rows


def published(out: Path) -> list[Row]:
    """Write the tables and pages of an output folder again, with the marks that people have given meanwhile."""
    with Marks(out, begin=False) as marks:
        stored = [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted((out / "results").glob("*.json"))]
        rows = in_order(shown(entry["submission"], key, out, report_from(entry["report"]), marks) for key, entry in stored)
    write_tables(rows, out)
    return rows


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The rows by their paths, folder by folder."""
    return sorted(rows, key=lambda row: row.submission.split("/"))


def write_tables(rows: list[Row], out: Path) -> None:
    write_whole(out / "grades.csv", as_csv(rows))
    write_whole(out / "index.html", as_index(rows))
    write_whole(out / "overview.html", as_overview(rows, Study.kept(out)))


@dataclass(frozen=True)
class HandedIn:
    """A file, and either the job to judge it or the reason why it is not even read."""
    path: Path
    name: str
    page_key: str
    job: Job | None = None
    why_not: str = ""


def handed_in(folder: Path, out: Path, asked: Options) -> Iterator[HandedIn]:
    for path in files_in(folder, out):
        inside = path.relative_to(folder)
        name, key = readable(inside), key_of(inside)
        try:
            yield HandedIn(path, name, key, job_of(path, name, asked))
        except NotASubmission as problem:
            yield HandedIn(path, name, key, why_not=str(problem))


def job_of(path: Path, name: str, asked: Options) -> Job:
    """The job of judging a file; files with the same name and bytes have the same, and are judged once."""
    exercise = asked.exercise or exercise_in_path(name)
    seed = asked.seeds(name, exercise) if exercise else None
    known = json.dumps([Path(name).name, exercise, seed, hashlib.sha256(bytes_of(path)).hexdigest()])
    return Job(hashlib.sha256(known.encode()).hexdigest(), path, Path(name).name, exercise, seed)


def is_in_shard(file: HandedIn, number: int, of: int) -> bool:
    return int(hashlib.sha256(file.page_key.encode()).hexdigest()[:8], 16) % of == number - 1


def judge_files(files: list[HandedIn], ledger: Ledger, asked: Options, progress: Callable[[int, int], None]) -> dict[str, str]:
    """Have everything judged that the ledger does not have; why not, for what could not be judged.

    Whoever ran into a time limit is judged once more, alone, and only that counts: the machine may have been busy.
    """
    jobs = {file.job.key: file.job for file in files if file.job and not ledger.has(file.job.key, asked.rules.suite)}
    of, done, again, unfinished = len(files), len(files) - len(jobs), [], {}
    progress(done, of)
    if not jobs:
        return {}

    def finished(job: Job, result: dict | None, *, alone: bool = False) -> None:
        nonlocal done
        if result and result["timed_out"] and not alone:
            again.append(job)
            return
        if result:
            ledger.put(job.key, asked.rules.suite, result["sandbox"], {"report": result["report"]})
        else:
            unfinished[job.key] = NOT_JUDGED
        done += 1
        progress(done, of)

    with executor(asked) as judges:
        judges.judge(jobs.values(), finished)
        for job in again:
            judges.judge([job], lambda job, result: finished(job, result, alone=True))
    return unfinished


def executor(asked: Options):
    """Who judges: processes here, or elsewhere."""
    if asked.executor:
        from .elsewhere import executor_at

        return executor_at(asked.executor, asked.rules, asked.sandbox, asked.trusting)
    place = own_workplace()
    return Judges(asked.jobs, asked.rules, sandbox_here(asked.sandbox, asked.trusting), place)


@functools.cache
def own_workplace() -> Workplace:
    """The workplace of this process, until it ends."""
    place = Workplace()
    atexit.register(place.close)
    return place


@functools.cache
def sandbox_here(name: str | None, trusting: bool) -> Sandbox:
    return choose(own_workplace().edition, trusting=trusting, name=name)


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


# --- what is written ------------------------------------------------------------------------------------------------------------

def written(file: HandedIn, ledger: Ledger, asked: Options, out: Path, unfinished: dict[str, str], marks: Marks) -> Row:
    """Write what there is to be said of a file: the result as data, and the page. Its row."""
    if file.job is None or file.job.key in unfinished:
        report = unassessed(file.why_not or unfinished[file.job.key], asked.exercise or exercise_in_path(file.name))
    else:
        report = report_from(ledger.get(file.job.key, asked.rules.suite)["report"])
    stored = {"submission": file.name, "report": report.as_dict()}
    write_if_new(out / "results" / f"{file.page_key}.json", json.dumps(stored, indent=1) + "\n")
    return shown(file.name, file.page_key, out, report, marks)


def shown(submission: str, key: str, out: Path, report: Report, marks: Marks) -> Row:
    """Write the page of a submission, with the marks of people in its report. Its row."""
    report = marked(submission, report, marks)
    row = row_of(submission, key, out, report)
    write_if_new(out / row.page, as_page(row, report))
    return row


def write_if_new(path: Path, text: str) -> None:
    with suppress(OSError, UnicodeDecodeError):
        if path.read_text(encoding="utf-8") == text:
            return
    write_whole(path, text)


def as_csv(rows: Iterable[Row]) -> str:
    """The grades, a line per submission and a column per property. The same submissions give the same bytes."""
    rows = list(rows)
    names = [p.name for id in sorted({row.exercise for row in rows} & EXERCISES.keys()) for p in EXERCISES[id].properties]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["submission", "exercise", "points", "max", *names, "reason"])
    for row in rows:
        writer.writerow([cell(row.submission), cell(row.exercise), f"{row.points:g}", f"{row.maximum:g}",
                         *(f"{row.earned[name]:g}" if name in row.earned else "" for name in names), cell(row.reason)])
    return table.getvalue()


# --- one file -------------------------------------------------------------------------------------------------------------------

def grade_file(path: Path, name: str, *, timeout: float = TIMEOUT, exercise: str | None = None) -> Report:
    """The report on one file of one's own, by a judge in this very process. Whatever happens, there is one."""
    place = own_workplace()
    sandbox = sandbox_here(None, True)
    terms = Terms(lambda: sandbox.start(place.edition, seconds=3 * timeout, token=place.token), timeout)
    with answers_elsewhere():
        return judged_file(path, name, exercise, terms).report


class answers_elsewhere:
    """While it is open, answers are taken to run in another process."""

    def __enter__(self):
        instructions.answers_run_here = False

    def __exit__(self, *_):
        instructions.answers_run_here = True


# --- another suite ----------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Change:
    """A submission whose result by this suite is another one than by the one before, and the reasons of both."""
    submission: str
    before: int | float
    after: int | float
    reason_before: str
    reason_after: str


def changes(folder: Path, out: Path, **options) -> list[Change]:
    """What changed between the suite that graded a folder before and this one, for all of its files."""
    asked, found = Options(**options), []
    with Ledger(out / NAME) as ledger:
        for file in handed_in(folder, out, asked):
            before = ledger.before(file.job.key, asked.rules.suite) if file.job else None
            after = ledger.get(file.job.key, asked.rules.suite) if file.job else None
            if before and after:
                old, new = report_from(before["report"]), report_from(after["report"])
                if (old.points, old.reason) != (new.points, new.reason):
                    found.append(Change(file.name, old.points, new.points, old.reason, new.reason))
    return found


def changes_as_csv(found: list[Change]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([field.name for field in fields(Change)])
    for change in found:
        writer.writerow([cell(change.submission), f"{change.before:g}", f"{change.after:g}", cell(change.reason_before), cell(change.reason_after)])
    return table.getvalue()
