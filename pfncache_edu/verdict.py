"""What an interpreter answers: a Verdict, the Trace of a run, and the schedule as a short string.

A schedule string such as `n11 v20 n5` reads: the notifier runs 11 steps, vcpu0 runs 20, the notifier 5 more. The
letters are those of `Program.letters()`.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby

from .program import Program
from .steps import Step


QUEUES, ARRIVES = "stands in line", "arrives"
"""Results of a step that did not happen yet: a writer announced itself at a fair lock, an interrupt came."""


@dataclass(frozen=True)
class Place:
    """Where a thread is suspended, in one function of its call stack. Lines and columns count from 1.

    A column counts bytes of UTF-8, as Python's code objects do; `end_column` is one past the end, in line `end_line`.
    """
    function: str
    file: str
    line: int
    column: int
    end_column: int
    end_line: int = 0


@dataclass(frozen=True)
class Event:
    """One step that happened: `changed` lists (cell name, old value, new value) for what it changed."""
    number: int
    thread: str
    step: Step
    result: object
    changed: tuple[tuple[str, object, object], ...]
    stack: tuple[Place, ...]
    wrong: str | None = None

    @property
    def place(self) -> Place:
        return self.stack[-1]

    @property
    def words(self) -> str:
        """The step as a sentence without its subject: "takes gpc.lock for read"."""
        cells = ", ".join(cell.name for cell in self.step.cells)
        argument = self.step.argument
        if self.result == QUEUES:
            return f"stands in line for {cells} (write)"
        if self.result == ARRIVES:
            return "arrives as an interrupt"
        return self.step.verb.words.format(cells=cells, argument=argument, result=self.result)


Trace = tuple[Event, ...]


def format_schedule(program: Program, threads: list[str] | tuple[str, ...]) -> str:
    """`["notifier", "notifier", "vcpu0"]` as `"n2 v1"`."""
    letters = program.letters()
    return " ".join(f"{letters[name]}{len(list(run))}" for name, run in groupby(threads))


def parse_schedule(program: Program, text: str) -> list[str]:
    """The thread of each step of a schedule string; ValueError says which part is wrong, and what is possible."""
    names = {letter: name for name, letter in program.letters().items()}
    threads: list[str] = []
    for word in text.split():
        match = re.fullmatch(r"([a-z])([0-9]{0,5})", word)
        if not match or match[1] not in names:
            known = ", ".join(f"{letter} = {name}" for letter, name in names.items())
            raise ValueError(f"{word!r} is not a part of a schedule: write a letter and a number of steps, "
                             f"such as {next(iter(names))}3 ({known})")
        threads += [names[match[1]]] * int(match[2] or 1)
    return threads


@dataclass(frozen=True)
class Verdict:
    """The answer of a search over all schedules of a program.

    outcome     "holds", "violated", "deadlock" or "incomplete"
    states      how many different states were seen
    depth       the most steps that any schedule needs to reach a state for the first time
    broken      the name of the property that is violated, else None; of a deadlock "no_deadlock", or "no_endless_loop"
                if somebody moves for ever and can never finish
    sentence    what is wrong, or why the search is incomplete
    threads     the shortest schedule that shows it, a thread name per step
    trace       that schedule, replayed on fresh generators
    searched    how many states were looked at: fewer than `states` if interchangeable threads were not told apart
    """
    program: Program = field(repr=False)
    outcome: str
    states: int
    depth: int
    broken: str | None = None
    sentence: str | None = None
    threads: tuple[str, ...] = ()
    trace: Trace = field(default=(), repr=False)
    searched: int = 0

    @property
    def holds(self) -> bool:
        """Whether every schedule was seen and none is wrong. An incomplete search does not hold."""
        return self.outcome == "holds"

    @property
    def schedule(self) -> str:
        """The shortest failing schedule as a string, "" if there is none."""
        return format_schedule(self.program, self.threads)

    @property
    def switches(self) -> int:
        """How often the schedule changes from one thread to another."""
        return sum(a != b for a, b in zip(self.threads, self.threads[1:]))

    def __str__(self):
        if self.outcome == "holds":
            return f"holds: {self.states:,} states, all of them"
        if self.outcome == "incomplete":
            return f"incomplete: {self.sentence}"
        return (f"{self.outcome} after {len(self.threads)} steps ({self.schedule}): "
                f"{self.sentence} [{self.broken}; {self.states:,} states searched]")

    __repr__ = __str__
