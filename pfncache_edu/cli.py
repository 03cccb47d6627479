"""The command `pfncache`: check an answer, grade a class, explore a situation, play a schedule, count who waits."""
from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from . import scenarios
from .arguments import at_least_one, seconds
from .former_bugs import FORMER_BUGS
from .grading.batch import TIMEOUT, grade_file
from .grading.answers import Answers
from .grading.exercises import EXERCISES, exercise_named
from .grading.notebook import answers_in
from .grading.record import record_nothing, record_report
from .grading.report import as_text
from .grading.study import add_study_commands
from .grading.submission import NotASubmission, exercise_of, read_submission, run_cells
from .interpreters.evidence import Evidence, evidence
from .interpreters.explorer import MAX_STATES, explore
from .interpreters.sequential import run
from .mutants import MUTANTS
from .program import Program
from .render.data import as_data
from .render.diagram import NARROWEST, two_cpu_text
from .render.words import story
from .steps import Mistake
from .verdict import Verdict

EXAMPLES = """examples:
  pfncache list                                        what there is: scenarios, mutants, exercises
  pfncache explore read_lock_first                     every schedule of the real functions: the patch is safe
  pfncache explore read_lock_first --mutant forgets_the_count --story --source
  pfncache explore page_moves_during_use --mutant clears_under_the_read_lock
  pfncache explore page_moves_under_two_users --backend auto
  pfncache explore page_moves_during_use --answer 8.2.ipynb
  pfncache play page_moves_during_use --schedule "v2 n14"
  pfncache contend --readers 8 --rate 100000           who is turned away by unrelated invalidations, before and after the patch
  pfncache lab show                                    what two real kernels did, before and after the patch, recorded
  pfncache check 8.2 answer.ipynb                      one answer: points and reasons
  pfncache start 8.2                                   write the notebook that exercise 8.2 begins with
  pfncache watch 8.2 8.2.ipynb                         check it each time that it is saved
  pfncache hint 8.2 8.2.ipynb 2                        a hint, 1 the smallest
  pfncache progress                                    points, checks and hints so far
  pfncache grade submissions --out grades              a folder: grades.csv and a page for each
  pfncache mark grades --by "A. Marker"                  mark by its rubric what a person must read
  pfncache release --out student                       the exercises without solutions, for a class

exit codes:
  0    done; of explore: it holds, all states were seen
  1    of explore and play: a property is violated, or a deadlock; of check: not all points
  2    called wrongly, or the code at hand is not a program of steps
  3    of explore: incomplete, there are more states than were seen
  130  interrupted (Ctrl-C); explore says how far it got
"""
SCENARIOS = {name: make for name, make in vars(scenarios).items()
             if not name.startswith("_") and getattr(make, "__annotations__", {}).get("return") == "Program"}
ELSEWHERE = {"conform": "conformance.command", "contend": "contend", "lab": "lab.command", "grade": "grading.command",
             "release": "grading.editions", "mark": "grading.marking", "claims": "claims.command", "calibrate": "calibrate"}
"""Commands with a module of their own, whose `add_NAME_command` adds them. When one of them is called, the others are not loaded."""


class Refused(Exception):
    """Something is wrong with how the command was called; the message says what to write instead."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code, as `pfncache --help` lists them."""
    arguments = sys.argv[1:] if arguments is None else arguments
    asked = parser(ELSEWHERE.keys() & arguments[:1] or ELSEWHERE).parse_args(arguments)
    try:
        return asked.run(asked)
    except Refused as problem:
        print(f"pfncache: {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:                          # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("pfncache: stopped; results that were finished are kept", file=sys.stderr)
        return 130


def parser(elsewhere: Iterable[str] = ELSEWHERE) -> argparse.ArgumentParser:
    """The command line, with these of the commands that are in modules of their own."""
    top = argparse.ArgumentParser(prog="pfncache", description=__doc__, epilog=EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def command(function, **texts) -> argparse.ArgumentParser:
        made = commands.add_parser(function.__name__.rstrip("_"), help=function.__doc__.splitlines()[0].rstrip("."),
                                   description=function.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, **texts)
        made.set_defaults(run=function)
        return made

    command(list_)
    for function in (explore_, play):
        made = command(function)
        made.add_argument("scenario", help="a name that `pfncache list` shows")
        variant = made.add_mutually_exclusive_group()
        variant.add_argument("--mutant", metavar="NAME", help="with this wrong variant in place of the kernel's function")
        variant.add_argument("--answer", metavar="FILE", type=Path, help="with your own function from a notebook or .py file")
        if function is play:
            made.add_argument("--schedule", metavar="TEXT", help='who runs how many steps, such as "v2 n14"; '
                              "without it each thread runs until it waits or is done")
        else:
            made.add_argument("--diagram", action="store_true", help="draw the shortest failing schedule, a column per CPU (as is "
                              "done if neither --story nor --source is given)")
            made.add_argument("--story", action="store_true", help="tell the shortest failing schedule, a line per step")
            made.add_argument("--evidence", action="store_true", help="say how often each property was put to the test, and show "
                              "five random runs")
            made.add_argument("--max-states", type=at_least_one, default=MAX_STATES, metavar="N",
                              help="give up when there are more states, with exit code 3 (default: %(default)s)")
            made.add_argument("--backend", choices=("python", "numba", "auto"), default="python", help="what searches: numba compiles the search, "
                              "which pays from some hundred thousand states on (pip install pfncache-edu[fast]); auto: numba where it is "
                              "installed (default: %(default)s)")
            made.add_argument("--json", action="store_true", help="print everything as JSON instead")
            made.add_argument("--progress", action="store_true", help="say on stderr how far the search is, also if that is no terminal")
        made.add_argument("--source", action="store_true", help="tell it with the source line of each step")
        made.add_argument("--width", type=width, metavar="N", help="keep the diagram within N columns; 72 suits a mail")
    for name in elsewhere:
        getattr(import_module(f".{ELSEWHERE[name]}", __package__), f"add_{name}_command")(commands)
    add_study_commands(commands, lambda file, exercise: grade_file(file, file.name, exercise=exercise.id))
    made = command(check)
    made.add_argument("exercise", help="its number in the book, such as 8.2")
    made.add_argument("file", type=Path, help="a notebook or .py file with your answer")
    made.add_argument("--timeout", type=seconds, default=TIMEOUT, metavar="SECONDS", help="default: %(default)g")
    return top


def width(text: str) -> int:
    number = at_least_one(text)
    if number < NARROWEST:
        raise argparse.ArgumentTypeError(f"{text} is too narrow: {NARROWEST} columns are the least")
    return number


# --- commands ---------------------------------------------------------------------------------------------------------

def list_(asked) -> int:
    """Name the scenarios, mutants and exercises."""
    print("scenarios (situations to explore or play)")
    for name, make in SCENARIOS.items():
        print(f"  {name:<36} {first_line(make)}")
    print("\nmutants (variants of a kernel function; not all are wrong)")
    for mutant in MUTANTS.values():
        print(f"  {mutant.name:<36} {mutant.difference}  [{mutant.replaces.__name__}]")
    print("\nformer bugs of the kernel (to be used like mutants)")
    for bug in FORMER_BUGS.values():
        print(f"  {bug.name:<36} {bug.difference}  [fixed by {bug.fixed_by}; see {bug.situation.__name__}]")
    print("\nexercises (to check and grade)")
    for exercise in EXERCISES.values():
        print(f"  {exercise.id:<36} {exercise.title}, {exercise.points:g} points: define {', '.join(exercise.names)}")
    return 0


def explore_(asked) -> int:
    """Search every schedule of a scenario.

    Says that it holds and how many states were searched, or draws the shortest schedule that fails. Ctrl-C ends a long
    search with what is known by then. Exit codes: 0 holds, 1 violated or deadlock, 2 called wrongly, 3 incomplete,
    130 interrupted.
    """
    program, found, interrupted = program_of(asked), None, False
    progress = Progress(asked.progress)
    verdict = None
    try:
        verdict = explore(program, max_states=asked.max_states, progress=progress, backend=asked.backend)
        progress.end()
        found = evidence(program, max_states=asked.max_states) if asked.evidence else None
    except Mistake as mistake:
        raise Refused(f"this is not a program of steps yet: {mistake}") from None
    except ImportError as missing:
        raise Refused(f"--{missing}") from None
    except KeyboardInterrupt:
        interrupted = True
        verdict = verdict or Verdict(program, "incomplete", progress.states, progress.depth, searched=progress.states,
                                     sentence=f"interrupted after {progress.states:,} states")
    finally:
        progress.end()
    if asked.json:
        print(json.dumps(as_data(verdict) | ({"evidence": evidence_as_data(found)} if found else {}), indent=2))
    else:
        tell_verdict(verdict, asked, found)
    return 130 if interrupted else {"holds": 0, "incomplete": 3}.get(verdict.outcome, 1)


def tell_verdict(verdict: Verdict, asked, found: Evidence | None) -> None:
    print(found or verdict)
    if not verdict.trace:
        return
    told = asked.story or asked.source
    if asked.diagram or not told:
        print("", two_cpu_text(verdict, width=asked.width), sep="\n")
    if told:
        print("", story(verdict, source=asked.source), sep="\n")
    variant = f" --mutant {asked.mutant}" if asked.mutant else f" --answer {asked.answer}" if asked.answer else ""
    print("", f'step by step: pfncache play {asked.scenario}{variant} --schedule "{verdict.schedule}"', sep="\n")


def evidence_as_data(found: Evidence) -> dict:
    return {"states": found.states, "depth": found.depth, "complete": found.complete, "places": found.places,
            "asked": [asdict(asked) for asked in found.asked], "runs": list(found.runs), "seed": found.seed}


class Progress:
    """A line on stderr that says how far a search is, ten times a second at most, and nothing of a short search."""

    def __init__(self, asked_for: bool = False, stream=None, clock=time.monotonic):
        self.stream, self.clock = stream or sys.stderr, clock
        self.terminal = self.stream.isatty()
        self.shown = asked_for or self.terminal
        self.next = 0.0 if asked_for else clock() + 0.1
        self.depth, self.states, self.written = 0, 1, False

    def __call__(self, depth: int, states: int) -> None:
        self.depth, self.states = depth, states
        if self.shown and self.clock() >= self.next:
            self.next, self.written = self.clock() + 0.1, True
            text = f"{states:,} state{'s' * (states != 1)}, {depth:,} steps deep"
            print(f"\r{text}\x1b[K" if self.terminal else text, end="" if self.terminal else "\n", file=self.stream, flush=True)

    def end(self) -> None:
        """Leave no trace of it on a terminal."""
        if self.terminal and self.written:
            print("\r\x1b[K", end="", file=self.stream, flush=True)
            self.written = False


def play(asked) -> int:
    """Run one schedule of a scenario, and tell each of its steps.

    The exit code is 1 if the schedule breaks a property.
    """
    try:
        trace = run(program_of(asked), asked.schedule)
    except ValueError as error:
        raise Refused(f"--schedule: {error}") from None
    except Mistake as mistake:
        raise Refused(f"this is not a program of steps yet: {mistake}") from None
    print(two_cpu_text(trace, width=asked.width), "", story(trace, source=asked.source), sep="\n")
    return 1 if trace and trace[-1].wrong else 0


def check(asked) -> int:
    """Assess one answer: points, reasons and the schedules that fail.

    The exit code is 0 for full marks, else 1.
    """
    exercise = known_exercise(asked.exercise)
    if not asked.file.is_file():
        raise Refused(f"there is no file {asked.file}: name the notebook or .py file with your answer")
    needs_posix()
    report = grade_file(asked.file, asked.file.name, timeout=asked.timeout, exercise=exercise.id)
    record_report(report)
    print(as_text(report))
    return 0 if report.points == report.maximum else 1


# --- what was asked for -------------------------------------------------------------------------------------------------

def program_of(asked) -> Program:
    """The program of a scenario with a mutant, or an answer, in place."""
    return named(SCENARIOS, asked.scenario, "scenario")(livepatch_of(asked))


def livepatch_of(asked) -> dict:
    if asked.mutant:
        return named(MUTANTS | FORMER_BUGS, asked.mutant, "mutant").livepatch
    if not asked.answer:
        return {}
    try:
        submission = read_submission(asked.answer.name, asked.answer.read_bytes())
        exercise = EXERCISES[exercise_of(asked.answer.name, submission)]
    except (OSError, NotASubmission) as problem:
        raise Refused(f"{asked.answer}: {getattr(problem, 'strerror', None) or problem}") from None
    namespace = {"__name__": "__main__"}
    with record_nothing():                            # the notebook's own check() is not this command's
        complaints = run_cells(submission, namespace)
    answers = Answers(exercise.asks, answers_in(exercise, namespace))
    problems = [answers.problem(one.name) for one in exercise.asks if one.kind == "steps"]
    if not problems:
        raise Refused(f"exercise {exercise.id} asks for no kernel function: there is nothing to put in its place")
    if any(problems):
        raise Refused(f"{asked.answer}: {next(filter(None, problems))}" + (f" ({complaints[0]})" if complaints else ""))
    return answers.livepatch


def named(known: dict, name: str, kind: str):
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise Refused(f"there is no {kind} {name!r}" + (f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"))
    return known[name]


def known_exercise(id: str):
    try:
        return exercise_named(id)
    except ValueError as error:
        raise Refused(str(error)) from None


def needs_posix() -> None:
    if os.name != "posix":
        raise Refused("this needs Linux or macOS; on Windows use WSL, or check() in the notebook")


def first_line(thing) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
