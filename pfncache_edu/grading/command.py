"""`pfncache grade`: a folder of submissions, and what belongs to it."""
from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from ..arguments import at_least_one, seconds
from . import exports
from .batch import TIMEOUT, Row, changes, changes_as_csv, files_in, grade_file, grade_folder, own_workplace, readable
from .editions import NoRelease, pyproject, read_secret, seed_of
from .exercises import exercise_named
from .ledger import NAME, LedgerInUse, merge
from .record import write_whole
from .roster import BadRoster, Student, owner, read_roster
from .sandbox import SANDBOXES, NoSandbox, doctor
from .unpack import NotUnpacked, unpack

PACKAGE = Path(__file__).parent.parent
ABOUT = """Grade a folder of submissions.

Every file in it gets a row in grades.csv and a page, with its points or the reason why there are none. Students' code runs in
a sandbox; `doctor` says which one. Interrupted or killed, it goes on where it was when it is started again. Jupyter's own copies in
.ipynb_checkpoints are left out.

  pfncache grade FOLDER --out DIR                  grade it
  pfncache grade unpack FILE.zip --out FOLDER      what Moodle or Canvas gave you, as a folder to grade; students' archives in it, too
  pfncache grade doctor                            which sandbox is taken on this machine, and why
  pfncache grade FOLDER --out DIR --shard 1/4      a quarter of it; the other quarters on other machines
  pfncache grade merge DIR DIR … --out ALL         put their results together; then grade FOLDER --out ALL writes the tables
  pfncache grade regrade FOLDER --out DIR          again by changed exercises: whose mark changes, and why
  pfncache grade gradescope --out DIR              the files of an autograder for Gradescope
"""


class Refused(Exception):
    """Something is wrong with how the command was called; the message says what to write instead."""


def add_grade_command(commands) -> None:
    """Add `grade` to the command line."""
    made = commands.add_parser("grade", help="Grade a folder of submissions", description=ABOUT,
                               formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("what", nargs="+", metavar="FOLDER", help="everything in it and below is graded; or unpack, doctor, merge, regrade, gradescope")
    made.add_argument("--out", type=Path, default=Path("grades"), metavar="DIR", help="where results go (default: %(default)s)")
    made.add_argument("--jobs", type=at_least_one, default=os.cpu_count() or 1, metavar="N", help="how many at a time (default: one per CPU)")
    made.add_argument("--timeout", type=seconds, default=TIMEOUT, metavar="SECONDS", help="for each test (default: %(default)g)")
    made.add_argument("--exercise", metavar="NUMBER", help="what all files are for, if their names do not say so")
    made.add_argument("--shard", type=shard, default=(1, 1), metavar="I/N", help="only the I-th of N parts of the files")
    made.add_argument("--sandbox", choices=[sandbox.name for sandbox in SANDBOXES], help="take this one (default: the first that works)")
    made.add_argument("--i-trust-these-students", dest="trusting", action="store_true", help="where no sandbox works, do with limits alone")
    made.add_argument("--tests", type=Path, metavar="DIR", help="the folder of exercises, for the hidden tests in it")
    made.add_argument("--roster", type=Path, metavar="CSV", help="who is in the class: writes gradebook.csv, canvas.csv and moodle-NUMBER.csv, too")
    made.add_argument("--secret", type=Path, metavar="FILE", help="what `pfncache release --secret` was given: checks each student's own variant")
    made.add_argument("--executor", default="", metavar="URL", help="judge elsewhere: dask://HOST:PORT")
    made.set_defaults(run=run)


def run(asked) -> int:
    """Do what was asked for; what stands in its way is said in a line."""
    commands: dict[str, Callable] = {"doctor": tell_doctor, "merge": merge_outputs, "regrade": regrade, "gradescope": write_gradescope,
                                     "autograde": autograde, "unpack": unpack_download}
    first, *rest = asked.what
    try:
        if os.name != "posix":
            raise Refused("this needs Linux or macOS; on Windows use WSL, or check() in the notebook")
        if asked.exercise:
            exercise_named(asked.exercise)
        if first in commands:
            return commands[first](asked, [Path(name) for name in rest])
        if rest:
            raise Refused(f"one folder at a time: {first}, and then {rest[0]}")
        return grade(asked, Path(first))
    except (Refused, NoSandbox, LedgerInUse, BadRoster, NoRelease, NotUnpacked, ValueError) as problem:
        print(f"pfncache: {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:                          # nobody reads on: the command line knows what to do
        raise
    except OSError as problem:
        print(f"pfncache: the results cannot be written: {problem}", file=sys.stderr)
        return 2


# --- what can be asked for ----------------------------------------------------------------------------------------------------

def grade(asked, folder: Path) -> int:
    rows = graded(asked, folder)
    width = max((len(row.submission) for row in rows), default=0)
    for row in rows:
        print(f"{row.submission:<{min(width, 60)}}  {row.points:>3g} of {row.maximum:<3g} {row.reason}".rstrip())
    print(f"{len(rows)} submissions: {asked.out / 'grades.csv'}, {asked.out / 'index.html'}")
    return 0


def graded(asked, folder: Path) -> list[Row]:
    """Grade a folder, and write the exports if there is a roster."""
    if folder.is_file():
        raise Refused(f"{folder} is no folder: if it is an archive, `pfncache grade unpack {folder} --out NEW` makes a folder of it, to grade then")
    if not folder.is_dir():
        raise Refused(f"there is no folder {folder}: name the one that holds the submissions")
    if asked.out.exists() and folder.resolve() == asked.out.resolve():
        raise Refused("--out is the folder of the submissions itself: name another one")
    students = read_roster(asked.roster) if asked.roster else []
    telling = Telling()
    try:
        rows = grade_folder(folder, asked.out, progress=telling, **options(asked, students))
    finally:
        telling.end()
    if students:
        write_exports(asked.out, exports.gradebook(rows, students, folder))
    return rows


def options(asked, students: list[Student]) -> dict:
    return {"jobs": asked.jobs, "timeout": asked.timeout, "exercise": asked.exercise, "shard": asked.shard, "sandbox": asked.sandbox,
            "trusting": asked.trusting, "tests": asked.tests, "executor": asked.executor, "seeds": seeds_of(asked, students)}


def seeds_of(asked, students: list[Student]) -> Callable[[str, str], int | None]:
    """The seed of the variant that each student was given, if they were given any."""
    if not asked.secret:
        return lambda path, exercise: None
    if not students:
        raise Refused("--secret needs --roster as well: a variant is a student's own")
    secret = read_secret(asked.secret)

    def seed(path: str, exercise: str) -> int | None:
        student = owner(students, path)
        return seed_of(secret, student.id, exercise) if student else None
    return seed


def write_exports(out: Path, book: exports.Gradebook) -> None:
    write_whole(out / "gradebook.csv", exports.gradebook_csv(book))
    write_whole(out / "canvas.csv", exports.canvas_csv(book))
    for exercise in book.exercises:
        write_whole(out / f"moodle-{exercise}.csv", exports.moodle_csv(book, exercise))
    for submission in book.nobodys:
        print(f"pfncache: {submission} is nobody's in the roster: add a `submission` column that says whose", file=sys.stderr)


def tell_doctor(asked, rest: list[Path]) -> int:
    lines = doctor(own_workplace().edition)
    print(*lines, sep="\n")
    return 0 if lines[-1].startswith("pfncache grade takes") else 1


def unpack_download(asked, downloads: list[Path]) -> int:
    if len(downloads) != 1:
        raise Refused("name one archive or folder: pfncache grade unpack FILE.zip --out FOLDER")
    complaints = unpack(downloads[0], asked.out)
    print(*complaints, f"{asked.out}: grade it with `pfncache grade {asked.out} --out GRADES`", sep="\n")
    return 1 if complaints else 0


def merge_outputs(asked, outs: list[Path]) -> int:
    missing = next((out for out in outs if not (out / NAME).is_file()), None)
    if not outs or missing:
        raise Refused(f"there is no {missing / NAME}: name folders that `pfncache grade --shard` wrote" if missing else
                      "name the folders that `pfncache grade --shard` wrote: pfncache grade merge DIR DIR … --out ALL")
    asked.out.mkdir(parents=True, exist_ok=True)
    count = merge([out / NAME for out in outs], asked.out / NAME)
    print(f"{count} results in {asked.out / NAME}: `pfncache grade FOLDER --out {asked.out}` writes the tables, and grades what is missing")
    return 0


def regrade(asked, folders: list[Path]) -> int:
    if len(folders) != 1:
        raise Refused("name the folder of submissions: pfncache grade regrade FOLDER --out DIR")
    graded(asked, folders[0])
    found = changes(folders[0], asked.out, **options(asked, read_roster(asked.roster) if asked.roster else []))
    write_whole(asked.out / "regrade.csv", changes_as_csv(found))
    for change in found:
        print(f"{change.submission}: {change.before:g} -> {change.after:g}: {change.reason_after or 'every property holds'} "
              f"(before: {change.reason_before or 'every property held'})")
    print(f"{len(found)} submissions have another result: {asked.out / 'regrade.csv'}")
    return 0


def autograde(asked, folders: list[Path]) -> int:
    """Print Gradescope's results.json for one submission."""
    if len(folders) != 1 or not folders[0].is_dir():
        raise Refused("name the folder of one submission: pfncache grade autograde FOLDER")
    reports = {readable(path.relative_to(folders[0])): grade_file(path, readable(path.relative_to(folders[0])), timeout=asked.timeout,
                                                                  exercise=asked.exercise)
               for path in files_in(folders[0], asked.out) if path.suffix in (".ipynb", ".py")}
    print(json.dumps(exports.gradescope_results(reports), indent=1))
    return 0


def write_gradescope(asked, rest: list[Path]) -> int:
    """Write autograder.zip: Gradescope's setup.sh and run_autograder, and this package."""
    asked.out.mkdir(parents=True, exist_ok=True)
    exercise = f"--exercise {asked.exercise} " if asked.exercise else ""
    files = {"setup.sh": exports.SETUP, "run_autograder": exports.RUN_AUTOGRADER.format(exercise=exercise),
             "package/pyproject.toml": pyproject()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            add(archive, name, text.encode(), executable=not name.startswith("package"))
        for path in sorted(PACKAGE.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                add(archive, f"package/pfncache_edu/{path.relative_to(PACKAGE).as_posix()}", path.read_bytes())
    (asked.out / "autograder.zip").write_bytes(packed.getvalue())
    print(f"{asked.out / 'autograder.zip'}: upload it as the autograder of a programming assignment")
    return 0


def add(archive: zipfile.ZipFile, name: str, data: bytes, *, executable: bool = False) -> None:
    about = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))               # the same bytes whenever it is written
    about.external_attr = (0o755 if executable else 0o644) << 16
    about.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(about, data)


# --- how far it is --------------------------------------------------------------------------------------------------------------

class Telling:
    """A line on stderr that says how far it is: rewritten on a terminal, else a new one for each tenth of the way."""

    def __init__(self, stream=None, clock: Callable[[], float] = time.monotonic):
        self.stream, self.clock = stream or sys.stderr, clock
        self.terminal = self.stream.isatty()
        self.started, self.first, self.told = clock(), None, -1

    def __call__(self, done: int, of: int) -> None:
        self.first = done if self.first is None else self.first
        tenth = 10 * done // of if of else 10
        if self.terminal or tenth != self.told:
            self.told = tenth
            print(f"\r{self.words(done, of)}\x1b[K" if self.terminal else self.words(done, of), end="" if self.terminal else "\n",
                  file=self.stream, flush=True)

    def words(self, done: int, of: int) -> str:
        spent, new = self.clock() - self.started, done - self.first
        left = f", about {spent / new * (of - done):.0f} s to go" if new and done < of else ""
        return f"{done:,} of {of:,} graded{left}"

    def end(self) -> None:
        if self.terminal and self.first is not None:
            print("\r\x1b[K", end="", file=self.stream, flush=True)


# --- arguments --------------------------------------------------------------------------------------------------------------------

def shard(text: str) -> tuple[int, int]:
    number, slash, of = text.partition("/")
    if not (slash and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part such as 1/4, the first of four")
    return int(number), int(of)
