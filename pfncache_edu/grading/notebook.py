"""check(): an exercise in a notebook, a terminal or a browser, all with the same answer.

It finds what you defined by its name, and judges it in this very process: bounded by states, steps and
instructions, never by the clock. For marks there is `pfncache grade`.
"""
from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Mapping

from ..steps import KernelFunction
from .answers import Asked, NoAnswer
from .exercise import Exercise, assess
from .exercises import exercise_named
from .hints import Hint, hint_for
from .record import record_report
from .report import Report

SEED = "SEED"                  # the name under which a notebook says which generated variant it has


def check(exercise: str, answer: object = None, *, hint: int | None = None, seed: int | None = None) -> Report | Hint:
    """What your answer is worth, property by property, with reasons and the shortest schedule that fails.

    Without `answer` it takes what has the right names from the notebook; with several names, `answer` is a dict of them.
    With `hint` it says less: 1 names what is violated, 2 draws the schedule without its last step, 3 draws all of it, 4
    is a worked solution, if your instructor leaves it open. `seed` chooses a generated variant, as SEED in the notebook does.
    """
    asked = exercise_named(exercise)
    if hint is not None and hint not in (1, 2, 3, 4):
        raise ValueError(f"there is no hint {hint!r}: 1 is the smallest, 4 a worked solution")
    namespace = callers_namespace()
    given = answers_in(asked, namespace) if answer is None else named_answers(asked, answer)
    report = assess(asked, given, seed=seed_in(namespace) if seed is None else seed)
    if hint is None:
        record_report(report)
        return report
    return hint_for(asked, report, hint)


def pose(exercise: str, seed: int | None = None) -> object:
    """The questions of a generated exercise, in the variant of a seed, or of SEED in the notebook."""
    asked = exercise_named(exercise)
    if asked.poses is None:
        raise ValueError(f"exercise {exercise} has but one variant: its text has all of it")
    return asked.poses(seed_in(callers_namespace()) if seed is None else seed)


def seed_in(namespace: Mapping[str, object]) -> int:
    """The seed that a notebook names, 0 if it names none. ValueError if it is no seed."""
    seed = namespace.get(SEED, 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 1 << 32:
        raise ValueError(f"{SEED} is {seed!r}: write a whole number from 0 on, such as {SEED} = 7")
    return seed


def named_answers(exercise: Exercise, answer: object) -> Mapping[str, object]:
    """An answer that was handed over, by the names of the exercise."""
    if len(exercise.asks) == 1:
        return {exercise.names[0]: answer}
    if isinstance(answer, Mapping) and set(answer) <= set(exercise.names):
        return answer
    raise TypeError(f"exercise {exercise.id} asks for {', '.join(exercise.names)}: give check() a dict with these keys")


def answers_in(exercise: Exercise, namespace: Mapping[str, object]) -> dict[str, object]:
    """What a namespace has under the names of the exercise; a NoAnswer with advice where a name is missing."""
    return {asked.name: namespace[asked.name] if asked.name in namespace else missing(asked, namespace) for asked in exercise.asks}


def missing(asked: Asked, namespace: Mapping[str, object]) -> NoAnswer:
    """What to do about a name that is not there."""
    kind = {"steps": is_steps, "function": inspect.isfunction, "data": is_data}[asked.kind]
    near = difflib.get_close_matches(asked.name, [key for key, value in namespace.items() if not key.startswith("_") and kind(value)], 1)
    what = f"function {asked.name}" if asked.kind != "data" else asked.name
    if near:
        return NoAnswer(f"there is no {what} here, but there is {near[0]}: rename it")
    return NoAnswer(f"there is no {what} here: run the cell that defines it first")


def is_steps(value: object) -> bool:
    return isinstance(value, KernelFunction) or inspect.isgeneratorfunction(value)


def is_data(value: object) -> bool:
    return isinstance(value, (int, float, str, list, tuple, dict))


def callers_namespace() -> Mapping[str, object]:
    """The global variables of whoever called check(), outside of this package."""
    frame = sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == "pfncache_edu":
        frame = frame.f_back
    return frame.f_globals
