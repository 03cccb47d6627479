"""The exercises that can be graded, by their number in the book."""
from __future__ import annotations

import difflib

from . import exercise_8_2
from .exercise import Exercise

EXERCISES: dict[str, Exercise] = {module.EXERCISE.id: module.EXERCISE for module in (exercise_8_2,)}


def exercise_named(id: str) -> Exercise:
    """The exercise with this number. ValueError names the ones there are."""
    if not isinstance(id, str):
        raise ValueError(f"an exercise is named by a text: write check(\"{id}\")")
    if id not in EXERCISES:
        near = difflib.get_close_matches(id, EXERCISES, 1)
        raise ValueError(f"there is no exercise {id!r} to check" + (f"; did you mean {near[0]!r}?" if near else
                         f"; there {'are' if len(EXERCISES) > 1 else 'is'} {', '.join(EXERCISES)}"))
    return EXERCISES[id]
