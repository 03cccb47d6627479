"""Exercise 4.1, "Break four caches": a schedule for each of four wrong variants, short if possible."""
from __future__ import annotations

from functools import cache

from .. import scenarios
from ..former_bugs import FORMER_BUGS
from ..interpreters.explorer import explore
from ..interpreters.stepper import Stepper
from ..mutants import MUTANTS
from ..program import Program
from ..render.page import Code, source_of
from ..verdict import Verdict, parse_schedule
from .answers import AnswerFailed, Answers, data, shown_value
from .exercise import Exercise, Finding, Judged

CACHES = {
    "A": (scenarios.page_moves_during_use, MUTANTS["misses_the_first_page"]),
    "B": (scenarios.page_moves_during_refresh, MUTANTS["skips_a_busy_cache"]),
    "C": (scenarios.page_moves_during_refresh, MUTANTS["announces_after_the_walk"]),
    "D": (scenarios.cache_goes_away_during_refresh, FORMER_BUGS["refreshes_an_inactive_cache"]),
}
SLACK = 2
"""How many steps longer than the shortest a schedule may be and earn everything."""

HINTS = {"A": "One CPU is enough.", "B": "Let the notifier come at a moment when vcpu0 holds what it tries to get.",
         "C": "How much of a refresh fits between the walk and the count?", "D": "Who may refresh when the owner is done?"}


def program_of(letter: str) -> Program:
    situation, variant = CACHES[letter]
    return situation(variant.livepatch)


@cache
def shortest(letter: str) -> int:
    return len(explore(program_of(letter)).threads)


def caches() -> Code:
    """The four variants: what each does, its source, and who runs."""
    def told(letter: str) -> str:
        program, variant = program_of(letter), CACHES[letter][1]
        who = ", ".join(f"`{short}` = {name}" for name, short in program.letters().items())
        return f"**{letter}.** {program.title}. {variant.difference}. Threads: {who}.\n\n```python\n{source_of(variant.function)}```"
    return Code("four caches", "\n\n".join(map(told, CACHES)))


def play(letter: str, schedule: str = "") -> str:
    """What a schedule does to one of the caches, step by step, and who can run then."""
    machine, trouble = Stepper(program_of(letter)), ""
    for name in parse_schedule(machine.program, schedule):
        if machine.wrong:
            break
        if reason := machine.waits(name):
            trouble = f"{name} cannot run: it {reason}"
            break
        machine.step(name)
    lines = [f"{event.number:>3}  {event.thread:9} {event.words}" for event in machine.trace]
    lines.append(f"BROKEN: {machine.wrong.sentence}" if machine.wrong else trouble or f"can run: {', '.join(machine.choices()) or 'nobody'}")
    return "\n".join(lines)


def breaks(letter: str):
    """Judge the schedule of one cache: 2 points if it breaks it, 1 more if it is short."""
    def judge(answers: Answers) -> Finding:
        given = answers.table("schedules").get(letter)
        if not isinstance(given, str) or not given.strip():
            raise AnswerFailed(f"schedules[{letter!r}] is {'not answered yet' if given is None or given == '' else shown_value(given)}: write a text such as 'v2 n14 v2'")
        program = program_of(letter)
        try:
            threads = parse_schedule(program, given)
        except ValueError as error:
            raise AnswerFailed(f"schedules[{letter!r}]: {error}") from None
        machine = Stepper(program)
        for name in threads:
            if reason := machine.waits(name):
                return Finding(0, f"step {len(machine.trace) + 1} of {given!r} cannot be taken: {name} {reason}",
                               situation=program.name, schedule=machine.schedule)
            machine.step(name)
            if machine.wrong:
                return found(letter, machine)
        ahead = f"{', '.join(machine.choices())} can go on" if machine.choices() else "everybody is done"
        return Finding(0, f"after {len(threads)} steps nothing is wrong, and {ahead}", situation=program.name, schedule=machine.schedule)
    return judge


def found(letter: str, machine: Stepper) -> Finding:
    steps = len(machine.trace)
    if steps <= shortest(letter) + SLACK:
        return Finding(3)
    trace = tuple(machine.trace)
    verdict = Verdict(machine.program, "violated", 0, steps, machine.wrong.property, machine.wrong.sentence,
                      tuple(event.thread for event in trace), trace)
    return Finding(2, f"it breaks after {steps} steps, and there is a way with at least {steps - shortest(letter) - SLACK} fewer",
                   situation=machine.program.name, schedule=machine.schedule, verdict=verdict)


EXERCISE = Exercise(
    "4.1", "Break four caches", (data("schedules", "a dict from 'A', 'B', 'C' and 'D' to a schedule such as 'v2 n14 v2'"),),
    tuple(Judged(f"breaks_{letter}", 3, "a schedule that breaks it (2 points), at most two steps longer than the shortest (1 more)",
                 "withdraw and drain", breaks(letter), hint=HINTS[letter]) for letter in CACHES))
