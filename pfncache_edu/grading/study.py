"""For those who study: begin an exercise, check it again whenever it is saved, begin it anew, see how far one is.

    pfncache start 8.2                     write 8.2.ipynb here
    pfncache watch 8.2 8.2.ipynb           check it now, and each time that it is saved
    pfncache hint 8.2 8.2.ipynb 2          a hint of the second size for the first thing that is not right yet
    pfncache reset 8.2 8.2.ipynb           begin anew; what was there is kept beside it
    pfncache spent 8.2 50                  say that it took you 50 minutes: it corrects the estimates, and is worth no marks
    pfncache progress                      points, checks and hints, chapter by chapter
"""
from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from .exercise import Exercise, Rubric
from .exercises import EXERCISES, exercise_named
from .hints import hint_for
from .record import read_record, record_minutes, record_report, write_whole
from .report import STYLE, Report, as_text

if TYPE_CHECKING:
    from argparse import ArgumentParser

STARTERS = Path(__file__).parent / "starters"


class CannotStart(Exception):
    """The message says what to do instead."""


def starter(exercise: Exercise) -> str:
    """The notebook that an exercise begins with."""
    try:
        return (STARTERS / f"{exercise.id}.ipynb").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CannotStart(f"exercise {exercise.id} has no starter here: run `python -m pfncache_edu.grading.release`") from None


def start(exercise: Exercise, file: Path) -> None:
    """Write the starter into a new file."""
    if file.exists():
        raise CannotStart(f"{file} exists: `pfncache reset {exercise.id} {file}` begins anew and keeps what is there")
    write_whole(file, starter(exercise))


def reset(exercise: Exercise, file: Path) -> Path:
    """Put the starter in the place of a file, with its seed; the name under which the old one is kept."""
    old = there(file, exercise).read_text(encoding="utf-8", errors="replace")
    kept = next(name for n in range(1, 10_000) if not (name := file.with_name(f"{file.stem}.before-reset-{n}{file.suffix}")).exists())
    write_whole(kept, old)
    write_whole(file, with_seed_of(old, starter(exercise)))
    return kept


def with_seed_of(old: str, new: str) -> str:
    """A starter with the seed of another notebook, which may be a student's own."""
    seed = re.search(r'"SEED = (\d+)', old)
    return re.sub(r'"SEED = \d+', f'"SEED = {seed[1]}', new) if seed else new


def versions(file: Path, pause: float = 0.4, wait: Callable[[float], None] = time.sleep) -> Iterator[bytes]:
    """The bytes of a file now and after each change, for ever; a file that is just being written is waited for."""
    seen = None
    while True:
        try:
            found = file.read_bytes()
        except OSError:
            found = seen
        if found and found != seen:
            seen = found
            yield found
        wait(pause)


# --- progress ---------------------------------------------------------------------------------------------------------

class Progress:
    """How far one is: a line for each exercise, and the sum of each chapter."""

    def __init__(self, record: dict[str, dict] | None = None):
        self.record = read_record() if record is None else record

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """(number, title, best points, checks, hints) for each exercise."""
        return [(exercise.id, exercise.title, f"{entry.get('best', 0):g} of {most_of(exercise)}", str(entry.get("checks", 0)), hints_of(entry))
                for exercise in EXERCISES.values() for entry in [self.record.get(exercise.id, {})]]

    @property
    def summary(self) -> str:
        best = sum(self.record.get(id, {}).get("best", 0) for id in EXERCISES)
        done = sum(self.record.get(id, {}).get("best", 0) >= exercise.points - points_by_a_person(exercise) for id, exercise in EXERCISES.items())
        return f"{best:g} of {sum(e.points for e in EXERCISES.values()):g} points; {done} of {len(EXERCISES)} exercises have all that a program gives"

    def __repr__(self):
        width = max(len(row[1]) for row in self.rows())
        lines = [f"{id:>5}  {title:<{width}}  {best:>10}  {checks:>3} checks" + (f"  hints {hints}" if hints else "")
                 for id, title, best, checks, hints in self.rows()]
        return "\n".join([*lines, self.summary])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{name}</th>' for name in ("Exercise", "Title", "Best", "Checks", "Hints"))
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows())
        return (f'{STYLE}<div class="pfn-report"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
                f"<p>{escape(self.summary)}.</p></div>")


def points_by_a_person(exercise: Exercise) -> int | float:
    return sum(wanted.points for wanted in exercise.properties if isinstance(wanted, Rubric))


def most_of(exercise: Exercise) -> str:
    """The points of an exercise: "8 + 4" where a person marks the last four."""
    by_a_person = points_by_a_person(exercise)
    return f"{exercise.points - by_a_person:g} + {by_a_person:g}" if by_a_person else f"{exercise.points:g}"


def hints_of(entry: dict) -> str:
    """Which hints were opened: "1, 2, 2"."""
    return ", ".join(size for size, times in sorted(entry.get("hints", {}).items()) for _ in range(int(times)))


def progress() -> Progress:
    """How far you are, chapter by chapter."""
    return Progress()


# --- the commands -----------------------------------------------------------------------------------------------------

def add_study_commands(commands, grade: Callable[[Path, Exercise], Report]) -> None:
    """Add start, watch, hint, reset, spent and progress to the command line. `grade(file, exercise)` assesses a file."""
    def command(name: str, text: str, run, *, file: str = "") -> ArgumentParser:
        made = commands.add_parser(name, help=text, description=f"{text}.")
        if name != "progress":
            made.add_argument("exercise", help="its number in the book, such as 8.2")
        if name == "spent":
            made.add_argument("minutes", type=float)
        if file:
            made.add_argument("file", type=Path, nargs="?" if name == "start" else None, help=file)
        made.set_defaults(run=lambda asked: guarded(run, asked))
        return made

    command("start", "Write the notebook that an exercise begins with", run_start, file="where to (default: NUMBER.ipynb here)")
    command("watch", "Check an answer now and each time that it is saved, until Ctrl-C",
            lambda asked, exercise: run_watch(asked, exercise, grade), file="a notebook or .py file with your answer")
    hint = command("hint", "Give a hint for the first thing that is not right yet", lambda asked, exercise: run_hint(asked, exercise, grade),
                   file="a notebook or .py file with your answer")
    hint.add_argument("size", type=int, nargs="?", default=1, choices=(1, 2, 3, 4),
                      help="1 says where to look (default), 2 how, 3 what happened, 4 is a worked solution, if your instructor leaves it open")
    command("reset", "Begin an exercise anew, and keep what was there", run_reset, file="your notebook")
    command("spent", "Say how many minutes an exercise took you", run_spent)
    command("progress", "Show points, checks and hints of all exercises", lambda asked, exercise: print(progress()) or 0)


def guarded(run, asked) -> int:
    """Run a command; what stands in its way is said in a line."""
    try:
        return run(asked, exercise_named(asked.exercise) if hasattr(asked, "exercise") else None)
    except BrokenPipeError:                          # nobody reads on: the command line knows what to do
        raise
    except (CannotStart, ValueError, OSError) as problem:
        print(f"pfncache: {problem}", file=sys.stderr)
        return 2


def run_start(asked, exercise: Exercise) -> int:
    file = asked.file or Path(f"{exercise.id}.ipynb")
    start(exercise, file)
    print(f"{file} is there: open it in JupyterLab, or edit it and run `pfncache watch {exercise.id} {file}`")
    return 0


def run_spent(asked, exercise: Exercise) -> int:
    if not 0 < asked.minutes < 6_000:
        raise ValueError(f"{asked.minutes:g} minutes? write a number above 0, such as `pfncache spent {exercise.id} 50`")
    record_minutes(exercise.id, asked.minutes)
    print("thank you: noted in your own record; it goes to an instructor only if you hand that file in")
    return 0


def run_reset(asked, exercise: Exercise) -> int:
    print(f"{asked.file} begins anew; what it was is in {reset(exercise, asked.file)}")
    return 0


def run_hint(asked, exercise: Exercise, grade) -> int:
    print(hint_for(exercise, grade(there(asked.file, exercise), exercise), asked.size))
    return 0


def there(file: Path, exercise: Exercise) -> Path:
    """The file, if there is one."""
    if not file.is_file():
        raise CannotStart(f"there is no file {file}: `pfncache start {exercise.id}` writes one")
    return file


def run_watch(asked, exercise: Exercise, grade) -> int:
    for _ in versions(there(asked.file, exercise)):
        report = grade(asked.file, exercise)
        record_report(report)
        print(as_text(report), f"-- waiting for {asked.file} to be saved; Ctrl-C ends this", sep="\n", flush=True)
        if report.points == report.maximum:
            return 0
    return 0
