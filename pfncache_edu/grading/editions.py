"""Editions: what students get, what instructors get, and the solutions, each from the same sources.

    pfncache release --out student                             the student edition
    pfncache release --edition instructor --out instructor     with samples, hidden tests and their feedback
    pfncache release --edition solutions --out solutions       the worked solutions

The student edition is a folder that works offline: a notebook for each exercise, and the package without solutions, with its
right answers sealed. With a roster and a secret it has a folder for each student, whose generated exercises are theirs alone.
"""
from __future__ import annotations

import hashlib
import hmac
import json
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from .exercises import EXERCISES
from .release import released
from .roster import BadRoster, Student, read_roster
from .sealed import with_sealed_answers

PACKAGE = Path(__file__).parent.parent
LEFT_OUT = {"__pycache__", "solutions", ".ipynb_checkpoints"}
EDITIONS = ("student", "instructor", "solutions")
FIRST = """# {title}

{count} exercises, as notebooks. They need Python 3.11 or newer, and no network once JupyterLab is installed:

    python3 -m venv .venv
    .venv/bin/pip install jupyterlab ./package
    .venv/bin/jupyter lab

Open `exercises/`, and run the cells from the top. The last cell of each notebook checks your answer as often as you like, with
reasons; `check("{example}", hint=1)` gives a hint, and hints 2 and 3 say more. In a terminal, `.venv/bin/pfncache check {example} FILE` and
`.venv/bin/pfncache hint {example} FILE 2` do the same, and `.venv/bin/pfncache progress` says how far you are. What the book calls `starter.ipynb` is
here the notebook with the exercise's number, in the folder of the same name.
"""


class NoRelease(Exception):
    """The release cannot be made; the message says what to do."""


def release(edition: str, exercises: Path, out: Path, *, students: Iterable[Student] = (), secret: bytes = b"") -> list[Path]:
    """Write an edition into a new folder; its files. NoRelease if there is nothing to make it of, or something in its way."""
    sources = {path.parent.name.split("-")[0]: path for path in sorted(exercises.glob("**/source.py"))}
    if not sources:
        raise NoRelease(f"there is no source.py below {exercises}: name the folder of the exercises with --exercises")
    if out.exists() and any(out.iterdir()):
        raise NoRelease(f"{out} is not empty: name a new folder, so that nothing old stays in it")
    {"student": student_edition, "instructor": instructor_edition, "solutions": solutions}[edition](
        sources, exercises, out, list(students), secret)
    return sorted(path for path in out.rglob("*") if path.is_file())


def student_edition(sources: dict[str, Path], exercises: Path, out: Path, students: list[Student], secret: bytes) -> None:
    copy_package(out / "package")
    for folder, seeds in [(out / "students" / student.id, student) for student in students] or [(out / "exercises", None)]:
        for id, source in sources.items():
            text = starter_of(source)
            if seeds is not None:
                text = with_seed(text, seed_of(secret, seeds.id, id))
            write(folder / source.parent.relative_to(exercises) / f"{id}.ipynb", text)
    write(out / "README.md", FIRST.format(title="Inside pfncache: exercises", count=len(sources), example=next(iter(sources))))


def instructor_edition(sources: dict[str, Path], exercises: Path, out: Path, students: list[Student], secret: bytes) -> None:
    shutil.copytree(exercises, out / "exercises", ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    write(out / "README.md", instructions(sources))


def solutions(sources: dict[str, Path], exercises: Path, out: Path, students: list[Student], secret: bytes) -> None:
    for id, source in sources.items():
        write(out / source.parent.relative_to(exercises) / f"{id}.ipynb", reference_of(source))


def instructions(sources: dict[str, Path]) -> str:
    rows = [f"| {id} | {EXERCISES[id].title} | {EXERCISES[id].points:g} |" for id in sources]
    return "\n".join(["# Instructor edition", "", "In each folder: the source, the starter, samples with their marks and feedback, hidden tests.",
                      "", "| exercise | title | points |", "|---|---|--:|", *rows, ""])


def starter_of(source: Path) -> str:
    return released(source)[source.parent / "starter.ipynb"]


def reference_of(source: Path) -> str:
    id = source.parent.name.split("-")[0]
    return released(source)[source.parent / "samples/reference" / f"{id}.ipynb"]


def copy_package(out: Path) -> None:
    """The package as source, without solutions, and with its right answers sealed."""
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        if path.is_dir() or LEFT_OUT & set(inside.parts) or path.suffix == ".pyc":
            continue
        target = out / "pfncache_edu" / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        if re.fullmatch(r"exercise_\d+_\d+\.py", path.name):
            target.write_text(with_sealed_answers(path.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(path, target)
    write(out / "pyproject.toml", pyproject("anywidget>=0.11", "ipywidgets>=8.1"))


def pyproject(*dependencies: str) -> str:
    """What installs a copy of this package, with all of its data."""
    return f"""[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "pfncache-edu"
dynamic = ["version"]
requires-python = ">=3.11"
dependencies = {json.dumps(dependencies)}

[project.scripts]
pfncache = "pfncache_edu.cli:main"

[tool.setuptools.dynamic]
version = {{ attr = "pfncache_edu.__version__" }}

[tool.setuptools.packages.find]
include = ["pfncache_edu*"]

[tool.setuptools.package-data]
"*" = ["**/*.js", "**/*.css", "**/*.txt", "**/*.ipynb", "**/*.gz", "**/*.xz", "**/*.toml", "**/*.json", "*.c"]
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- a variant for each student ---------------------------------------------------------------------------------------

def seed_of(secret: bytes, student: str, exercise: str) -> int:
    """The seed of a student's variant: nobody without the secret can tell it, and it is always the same."""
    digest = hmac.new(secret, f"{student}\0{exercise}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:4], "big")


def with_seed(notebook: str, seed: int) -> str:
    """A starter with this seed in the line that begins with `SEED = `, if it has one."""
    made = json.loads(notebook)
    for cell in made["cells"]:
        cell["source"] = [re.sub(r"^SEED = \d+", f"SEED = {seed}", line) for line in cell["source"]]
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_students(roster: Path) -> list[Student]:
    """The students of a roster whose ids can name folders. NoRelease says which line is wrong."""
    try:
        students = read_roster(roster)
    except BadRoster as problem:
        raise NoRelease(str(problem)) from None
    for number, student in enumerate(students, start=2):
        if not re.fullmatch(r"[\w.@-]+", student.id) or student.id.startswith("."):
            raise NoRelease(f"{roster}, line {number}: {student.id!r} is no id: use letters, digits, and . @ _ -")
    return students


def read_secret(file: Path) -> bytes:
    """What variants are made of, without the line's end. NoRelease if it is too short to be one."""
    secret = file.read_bytes().strip()
    if len(secret) < 16:
        raise NoRelease(f"{file} holds {len(secret)} bytes, and a secret needs 16: make one with `openssl rand -hex 32`")
    return secret


# --- the command ------------------------------------------------------------------------------------------------------

def add_release_command(commands) -> None:
    """Add `release` to the command line."""
    made = commands.add_parser("release", help="Make the student edition, the instructor edition or the solutions", description=__doc__.partition("\n\n")[2])
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    made.add_argument("--edition", choices=EDITIONS, default="student", help="default: %(default)s")
    made.add_argument("--exercises", type=Path, default=Path("exercises"), metavar="DIR", help="the folder of the sources (default: %(default)s)")
    made.add_argument("--roster", type=Path, metavar="CSV", help="columns id and name: a folder for each student, with a variant of their own")
    made.add_argument("--secret", type=Path, metavar="FILE", help="what the variants are made of; keep it, the judge needs it")
    made.set_defaults(run=run_release)


def run_release(asked) -> int:
    try:
        if bool(asked.roster) != bool(asked.secret):
            raise NoRelease("variants need both --roster and --secret")
        secret = read_secret(asked.secret) if asked.secret else b""
        students = read_students(asked.roster) if asked.roster else ()
        files = release(asked.edition, asked.exercises, asked.out, students=students, secret=secret)
    except (NoRelease, ValueError, OSError) as problem:
        print(f"pfncache: {problem}", file=sys.stderr)
        return 2
    print(f"{asked.edition} edition: {len(files)} files in {asked.out}")
    return 0
