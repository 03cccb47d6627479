"""check(): an exercise in a notebook, a terminal or a browser, all with the same answer.

It finds the function that you defined by its name, and judges it in this very process: bounded by states, steps and
instructions, never by the clock. For marks there is `pfncache grade`.
"""
from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Mapping

from ..steps import KernelFunction
from .exercise import Exercise, assess, refused
from .exercises import exercise_named
from .hints import Hint, hint_for, record
from .report import Report

MISSING = object()


def check(exercise: str, answer: object = None, *, hint: int | None = None) -> Report | Hint:
    """What your answer is worth, property by property, with reasons and the shortest schedule that fails.

    Without `answer` it takes the function of the right name from the notebook. With `hint` it says less:
    1 names what is violated, 2 draws the schedule without its last step, 3 draws all of it, 4 is a worked solution.
    """
    asked = exercise_named(exercise)
    if hint is not None and hint not in (1, 2, 3, 4):
        raise ValueError(f"there is no hint {hint!r}: 1 is the smallest, 4 a worked solution")
    report = report_on(asked, answer if answer is not None else answer_in(asked, callers_namespace()))
    if hint is None:
        return report
    record(asked.id, hint)
    return hint_for(asked, report, hint)


def report_on(exercise: Exercise, answer: object) -> Report:
    """Assess an answer, or say why there is none."""
    return refused(exercise, answer.text) if isinstance(answer, NoAnswer) else assess(exercise, answer)


class NoAnswer:
    """There is no function of the right name; `text` says what to do about it."""

    def __init__(self, text: str):
        self.text = text


def answer_in(exercise: Exercise, namespace: Mapping[str, object]) -> object:
    """The answer in a namespace, by its name; a NoAnswer if there is none."""
    name = exercise.function_name
    found = namespace.get(name, MISSING)
    if found is not MISSING:
        return found
    functions = [key for key, value in namespace.items() if not key.startswith("_")
                 and isinstance(value, KernelFunction) or inspect.isgeneratorfunction(value)]
    near = difflib.get_close_matches(name, functions, 1)
    if near:
        return NoAnswer(f"there is no function {name} here, but there is {near[0]}: rename it")
    return NoAnswer(f"there is no function {name} here: run the cell that defines it first")


def callers_namespace() -> Mapping[str, object]:
    """The global variables of whoever called check(), outside of this package."""
    frame = sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == "pfncache_edu":
        frame = frame.f_back
    return frame.f_globals
