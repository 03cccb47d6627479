"""Trials: one answer in one situation, every schedule of it, and what came out.

A trial always ends, and always in the same way: it is bounded by states, steps and instructions, never by the clock.
"""
from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import dataclass, field

from ..interpreters.explorer import explore
from ..interpreters.stepper import Stepper
from ..interpreters.threads import check_end, memory_at_start
from ..program import Program, Watch
from ..scenarios import Livepatch
from ..steps import LOAD, STORE, Mistake, Violation
from ..verdict import Place, Verdict
from .instructions import PACKAGE, RunsForEver, limited_instructions

MAX_STATES = 200_000
MAX_DEPTH = 2_000          # steps of one schedule: the longest of our situations needs about 150
MAX_STEPS = 500            # steps of a thread that is alone: the longest of our situations needs about 30

Situation = Callable[[Livepatch], Program]


class TooDeep(Exception):
    """A schedule that goes on and on."""


@dataclass(frozen=True)
class Trial:
    """What a search of one situation showed.

    outcome    "holds", "violated", "deadlock", "incomplete", or "mistake": the answer itself raised something
    broken     the name of the property that is violated
    sentence   what happened
    place      the line of the answer that has most to do with it
    verdict    the search's own answer with its trace; None after a mistake
    """
    program: Program = field(repr=False)
    outcome: str
    broken: str = ""
    sentence: str = ""
    place: Place | None = None
    verdict: Verdict | None = field(default=None, repr=False)


class Attempts:
    """How the tests of an assessment are carried out: here, in this process. The judge has its own way."""

    def begin(self) -> None:
        """A test begins."""

    def of(self, situation: Situation, program: Program) -> Trial:
        """The trial of a program, which a situation has made of an answer."""
        return attempt(program)


def attempt(program: Program) -> Trial:
    """Run a program of one thread to its end, or search every schedule of one with several."""
    try:
        with limited_instructions():
            verdict = walk(program) if len(program.threads) == 1 else search(program)
            place = place_to_look_at(verdict)
            missed = missed_at_the_start(program) if verdict.holds else ""
    except Mistake as mistake:
        return Trial(program, "mistake", sentence=str(mistake))
    except RunsForEver as loop:
        return Trial(program, "incomplete", sentence=str(loop))
    except (SystemExit, GeneratorExit) as error:
        return Trial(program, "mistake", sentence=f"your function raised {type(error).__name__}: let it return instead")
    except Exception as error:                 # a value in a cell that some step, or some property, can make nothing of
        return Trial(program, "mistake", sentence=f"a step could not be taken, {type(error).__name__}: {error}"[:500])
    if missed:
        return Trial(program, "mistake", sentence=missed)
    return Trial(program, verdict.outcome, verdict.broken or "", verdict.sentence or "", place, verdict)


def missed_at_the_start(program: Program) -> str:
    """What a thread leaves undone that ends before its first step, "" if nothing: no step of it makes the search ask."""
    machine = Stepper(program)
    watches = tuple(watched for watched in program.properties if isinstance(watched, Watch))
    for name in machine.threads:
        if machine.next_step(name) is None:
            try:
                check_end(memory_at_start(watches), watches, name)
            except Violation as violation:
                return f"{name} is done before it has taken a single step: {violation.sentence}"
    return ""


def search(program: Program) -> Verdict:
    """`explore`, cut off at MAX_STATES and MAX_DEPTH."""
    def not_too_deep(depth, states):
        if depth > MAX_DEPTH:
            raise TooDeep(f"stopped after {states:,} states: some schedule takes more than {MAX_DEPTH:,} steps. Does every loop end?")
    try:
        return explore(program, max_states=MAX_STATES, progress=not_too_deep)
    except TooDeep as cut:
        return Verdict(program, "incomplete", 0, MAX_DEPTH, sentence=str(cut))


def walk(program: Program) -> Verdict:
    """The only schedule of a single thread. Unlike a search, it does not take a loop without an end for success."""
    machine = Stepper(program)
    name = program.threads[0].name

    def verdict(outcome, broken=None, sentence=None):
        steps = tuple(event.thread for event in machine.trace)
        return Verdict(program, outcome, len(steps) + 1, len(steps), broken, sentence, steps, tuple(machine.trace))

    while not (reason := machine.waits(name)):
        machine.step(name)
        if machine.wrong:
            return verdict("violated", machine.wrong.property, machine.wrong.sentence)
        if len(machine.trace) > MAX_STEPS:
            return verdict("incomplete", sentence=f"it is not done after {MAX_STEPS:,} steps: does its loop ever end?")
    return verdict("holds") if reason == "is done" else verdict("deadlock", "no_deadlock", f"{name} {reason}")


# --- which line of the answer to show ------------------------------------------------------------------------------

def is_own(place: Place) -> bool:
    """Whether a place is in the answer, not in the package."""
    return not place.file.startswith(PACKAGE)


def place_to_look_at(verdict: Verdict) -> Place | None:
    """The line of the answer that a failing schedule is about.

    The step that failed, if it is the answer's; where the answer stands still in a deadlock; otherwise its last
    store, its last try for a lock, its last look at a cache, or simply its last step.
    """
    if verdict.holds or not verdict.trace:
        return None
    events = [(event, places[-1]) for event in verdict.trace if (places := [p for p in event.stack if is_own(p)])]
    if verdict.outcome == "deadlock":
        machine = Stepper(verdict.program, verdict.schedule)
        stuck = [p for name in machine.threads if machine.next_step(name) is not None for p in machine.stack(name) if is_own(p)]
        if stuck:
            return stuck[-1]
    if not events:
        return None
    if events[-1][0] is verdict.trace[-1] and not at_the_end(verdict):
        return events[-1][1]
    if verdict.broken == "locks_are_released":
        return next(place for event, place in reversed(events) if event.step.verb.takes)
    kinds = (lambda step: step.verb is STORE, lambda step: step.verb.tries, lambda step: step.verb is LOAD, lambda step: True)
    return next(places[-1] for kind in kinds if (places := [place for event, place in events if kind(event.step)]))


def at_the_end(verdict: Verdict) -> bool:
    """Whether the failure is that something had not been done when a thread was done: then its last step is not to blame."""
    return bool(verdict.trace) and Stepper(verdict.program, verdict.schedule).next_step(verdict.threads[-1]) is None


def shown(place: Place) -> str:
    """A place in words: "code cell 2, line 9: `yield gpc.valid.set(False)`"."""
    source = linecache.getline(place.file, place.line).strip()
    cell = f"{place.file[1:-1]}, " if place.file.startswith("<") else ""
    return f"{cell}line {place.line}" + (f": `{source}`" if source else "")


def writers_of(trace, lock) -> int:
    """How often a trace takes `lock` for write."""
    return sum(event.step.verb.takes == "write" and event.step.cells[0] is lock and event.result is not False
               for event in trace)


def longest_write_hold(trace, lock) -> int:
    """The most steps that a trace of one thread takes between taking `lock` for write and dropping it."""
    longest = held = 0
    for event in trace:
        step = event.step
        if step.cells and step.cells[0] is lock:
            held = 1 if step.verb.takes == "write" and event.result is not False else 0
        elif held:
            longest, held = max(longest, held), held + 1
    return longest
