"""The sequential interpreter: one schedule, on fresh generators."""
from __future__ import annotations

from dataclasses import replace

from ..program import Program
from ..steps import Mistake
from ..verdict import Trace, Verdict
from .stepper import Stepper

MAX_STEPS = 100_000


def run(program: Program, schedule: str | None = None) -> Trace:
    """The trace of one schedule; without one, each thread runs until it waits or is done, in the program's order.

    It stops where a property breaks (the last event says how) or where nobody can go on.
    ValueError if the schedule lets a thread run that cannot, or names one that does not exist.
    """
    machine = Stepper(program)
    if schedule is not None:
        machine.play(schedule)
        return tuple(machine.trace)
    while (choices := machine.choices()) and not machine.wrong:
        while not machine.wrong and not machine.waits(choices[0]):
            machine.step(choices[0])
            if len(machine.trace) > MAX_STEPS:
                raise Mistake(f"{choices[0]} is not done after {MAX_STEPS:,} steps: does its loop ever end alone?")
    return tuple(machine.trace)


def replay(verdict: Verdict) -> Verdict:
    """The verdict with its schedule replayed on fresh generators, as its trace.

    Mistake if the replay does not show what the search found: then the program is not repeatable, and there is no
    verdict.
    """
    machine = Stepper(verdict.program)
    try:
        for name in verdict.threads:
            machine.step(name)
    except ValueError as error:
        raise Mistake(f"{verdict.program.name}: the schedule {verdict.schedule} does not run again: {error}") from error
    found = machine.wrong and machine.wrong.property
    if verdict.outcome == "violated" and found != verdict.broken:
        raise Mistake(f"{verdict.program.name}: {verdict.schedule} broke {verdict.broken} in the search, but "
                      f"{found or 'nothing'} when it ran again")
    return replace(verdict, trace=tuple(machine.trace))
