"""The judge: one file that was handed in, and the report on it. It holds the tests; the student's code is elsewhere.

What comes back is always a result, whatever the file is: a report with marks, or one with the reason why there are none.

As a process (`main`), a judge gets a line of JSON for each file and answers with a line for each, until nobody asks any more.
batch.py starts several of them, and starts another when one dies.
"""
from __future__ import annotations

import gc
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..interpreters import threads
from ..program import Program
from ..steps import Mistake
from . import instructions, wire
from .answers import NoAnswer
from .exercise import assess, refused
from .exercises import EXERCISES, exercise_named
from .hidden import Hidden, hardened, hidden_tests
from .instructions import RunsForEver
from .notebook import answers_in, seed_in
from .remembered import Searches
from .report import Report
from .sandbox import SANDBOXES
from .student import Silent, Student
from .submission import NotASubmission, Submission, exercise_of
from .trial import Attempts, Situation, Trial, attempt

MAX_SUBMISSION = 10_000_000        # bytes of a file
MAX_NOTES = 5


@dataclass(frozen=True)
class Judged:
    """A report, and whether a time limit had a part in it."""
    report: Report
    timed_out: bool = False

    def as_dict(self) -> dict:
        return {"report": self.report.as_dict(), "timed_out": self.timed_out}


@dataclass(frozen=True)
class Terms:
    """How submissions are judged: what starts a student's process, the seconds that each test has, the suite, and what is done
    after each search."""
    start: Callable[[], subprocess.Popen]
    seconds: float
    suite: str = ""
    hidden: Mapping[str, tuple[Hidden, ...]] = field(default_factory=dict)
    searches: Searches = field(default_factory=Searches)
    after_a_search: Callable[[], object] = lambda: None


# --- files ------------------------------------------------------------------------------------------------------------------

def bytes_of(path: Path) -> bytes:
    """The bytes of a file. NotASubmission says why they are not read; nothing is opened that is no regular file."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise NotASubmission("this is a symbolic link: hand in the file itself")
        if not stat.S_ISREG(found.st_mode):
            raise NotASubmission("this is not a regular file")
        if found.st_size > MAX_SUBMISSION:
            raise NotASubmission(f"the file has {found.st_size:,} bytes, and at most {MAX_SUBMISSION:,} are read: clear the notebook's outputs")
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.read(found.st_size)
    except OSError as error:
        raise NotASubmission(f"the file cannot be graded: {error.strerror or error}") from None


def unassessed(problem: str, exercise: str | None = None) -> Report:
    """A report that consists of the reason why there is none."""
    known = EXERCISES.get(exercise or "")
    return Report(exercise or "", known.title if known else "", known.points if known else 0, problem=problem)


# --- one submission -----------------------------------------------------------------------------------------------------------

def judge(name: str, data: bytes, exercise: str | None, terms: Terms, seed: int | None = None) -> Judged:
    """What a submission is worth. `name` is its path as far as it tells the exercise, `exercise` overrules it.

    `seed` is the generated variant that it must be; without one, the notebook says which it is.
    """
    with Student(terms.start, name, data, terms.seconds) as student:
        try:
            student.begin_test()
            report = judge_student(student, name, exercise, terms, seed)
        except NotASubmission as problem:
            report = unassessed(str(problem), exercise)
        except Silent as silent:
            report = unassessed(str(silent), exercise)
        except Exception as error:             # a test that the student's data broke: it has failed, and says how
            report = unassessed(f"it could not be assessed ({type(error).__name__})", exercise)
        return Judged(clean_report(report), student.process.timed_out)


def judge_student(student: Student, name: str, exercise: str | None, terms: Terms, seed: int | None) -> Report:
    """The report on a submission whose process can be started."""
    problem = student.read()
    if problem:
        raise NotASubmission(problem)
    asked = exercise_named(exercise or exercise_of(name, Submission(name, student.cells)))
    asked = hardened(asked, terms.hidden.get(asked.id, ()))
    try:
        namespace = student.run(asked.asks)
        seed = seed_in(namespace) if seed is None else seed
    except (Silent, ValueError) as problem:
        return refused(asked, str(problem))
    given = answers_in(asked, namespace)
    if student.complaints and all(isinstance(value, NoAnswer) for value in given.values()):
        return refused(asked, f"{given[asked.names[0]].text} ({student.complaints[0]})")
    report = assess(asked, given, seed=seed, attempts=RemoteAttempts(student, terms))
    if report.points and (contradiction := student.contradiction(seed_of(student, terms))):
        return refused(asked, contradiction)
    notes = tuple(f"a cell failed and was passed over: {complaint}" for complaint in student.complaints[:MAX_NOTES])
    return replace(report, remarks=report.remarks + notes)


class RemoteAttempts(Attempts):
    """Tests of code that is in another process: each has its own time."""

    def __init__(self, student: Student, terms: Terms):
        self.student, self.terms = student, terms

    def begin(self) -> None:
        self.student.begin_test()

    def of(self, situation: Situation, program: Program) -> Trial:
        if len(program.threads) == 1:
            return attempt(program)
        key = situation, bool(program.properties), *program.livepatch
        with suppress(RunsForEver, Mistake):
            if recalled := self.terms.searches.recall(key, program, self.student):
                return recalled
        trial = attempt(program)
        self.terms.searches.keep(key, self.student.heard.values(), trial)
        self.terms.after_a_search()
        return trial


def seed_of(student: Student, terms: Terms) -> str:
    """A seed that is the same whenever the same submission meets the same suite, and that the submission cannot know."""
    return hashlib.sha256(terms.suite.encode() + student.data).hexdigest()


def clean_report(report: Report) -> Report:
    """The report with nothing in its texts that no file can hold."""
    def cleaned(thing):
        return replace(thing, **{key: wire.clean(value) for key, value in vars(thing).items() if type(value) is str})
    return replace(cleaned(report), results=tuple(map(cleaned, report.results)), remarks=tuple(map(wire.clean, report.remarks)))


def forget() -> None:
    """Let go of what searches keep for good, and of the last submission: no search is under way between two of them.

    What is left after that stays, so the garbage collector need not look at it again, and is quick after each search.
    """
    threads._keep.clear()
    gc.collect()                       # a submission's conversations know each other
    gc.freeze()


# --- a process ------------------------------------------------------------------------------------------------------------------

def main(arguments: str) -> None:
    """Judge what is asked for on standard input, a line each, with an answer for each on standard output."""
    asked = json.loads(arguments)
    end_with_parent(asked["parent"])
    sandbox = next(sandbox for sandbox in SANDBOXES if sandbox.name == asked["sandbox"])
    edition, seconds = Path(asked["edition"]), asked["seconds"]
    terms = Terms(lambda: sandbox.start(edition, seconds=3 * seconds, memory=asked["memory"], token=asked["token"]), seconds, asked["suite"],
                  hidden_tests(Path(asked["tests"])) if asked["tests"] else {}, after_a_search=gc.collect)     # it refers to itself
    instructions.answers_run_here = False
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    forget()
    for line in sys.stdin.buffer:
        job = json.loads(line)
        judged = judged_file(Path(os.fsdecode(bytes.fromhex(job["path"]))), job["name"], job["exercise"], terms, job["seed"])
        answers.write(wire.line_of({"sandbox": sandbox.name, **judged.as_dict()}))
        answers.flush()
        forget()


def judged_file(path: Path, name: str, exercise: str | None, terms: Terms, seed: int | None = None) -> Judged:
    """What a file is worth."""
    try:
        return judge(name, bytes_of(path), exercise, terms, seed)
    except NotASubmission as problem:
        return Judged(unassessed(str(problem), exercise))


def end_with_parent(parent: int) -> None:
    """Do not outlive the process that asks, however it ends."""
    if sys.platform == "linux":
        import ctypes
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)            # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
