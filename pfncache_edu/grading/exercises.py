"""The exercises that can be graded, by their number in the book: one module each, called exercise_CHAPTER_NUMBER."""
from __future__ import annotations

import importlib
import pathlib
import re

from .exercise import Exercise


def found() -> dict[str, Exercise]:
    """Every exercise that this package has a module for, in the order of the book."""
    numbers = sorted(tuple(map(int, match.groups())) for file in pathlib.Path(__file__).parent.iterdir()
                     if (match := re.fullmatch(r"exercise_(\d+)_(\d+)\.py", file.name)))
    modules = [importlib.import_module(f".exercise_{chapter}_{number}", __package__) for chapter, number in numbers]
    return {module.EXERCISE.id: module.EXERCISE for module in modules}


EXERCISES: dict[str, Exercise] = found()


def exercise_named(id: str) -> Exercise:
    """The exercise with this number. ValueError names the ones there are."""
    if not isinstance(id, str):
        raise ValueError(f"an exercise is named by a text: write check(\"{id}\")")
    if id not in EXERCISES:
        import difflib
        near = difflib.get_close_matches(id, EXERCISES, 1)
        raise ValueError(f"there is no exercise {id!r} to check" + (f"; did you mean {near[0]!r}?" if near else
                         f"; there {'are' if len(EXERCISES) > 1 else 'is'} {', '.join(EXERCISES)}"))
    return EXERCISES[id]
