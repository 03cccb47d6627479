"""Tests that students do not see: beside an exercise's source, in `hidden.py`, for the judge alone.

    from pfncache_edu.grading.hidden import Hidden

    HIDDEN = (Hidden("far_range_takes_no_write_lock", (event_alone(…),), frozenset({"spares"}), "think of a range that …"),
              Hidden("inside_slots", judge, hint="think of a slot that …"))

Each belongs to a property, by its name. The property then earns its points only if the test passes, too; a student
learns no more of it than the hint.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .exercise import Exercise, Guarded, Judged, Property, Wanted
from .trial import Situation


@dataclass(frozen=True)
class Hidden:
    """A test for a property: a judging function or, for kernel functions, situations and what refutes it there."""
    property: str
    test: Callable | tuple[Situation, ...]
    refuted_by: frozenset[str] = frozenset()
    hint: str = ""

    def unseen(self, shown: Wanted) -> Wanted:
        if isinstance(self.test, tuple):
            return Property(shown.name, shown.points, shown.expected, shown.subgoal, self.test, self.refuted_by)
        return Judged(shown.name, shown.points, shown.expected, shown.subgoal, self.test, getattr(shown, "of", ()))


def hardened(exercise: Exercise, hidden: tuple[Hidden, ...]) -> Exercise:
    """The exercise with its hidden tests. ValueError if one belongs to no property, or has no hint."""
    names = [p.name for p in exercise.properties]
    for one in hidden:
        if one.property not in names:
            raise ValueError(f"exercise {exercise.id} has no property {one.property!r}: it has {', '.join(names)}")
        if not one.hint:
            raise ValueError(f"exercise {exercise.id}: a hidden test of {one.property} needs a hint, which is all that students learn of it")
    return replace(exercise, properties=tuple(guarded_by(p, [one for one in hidden if one.property == p.name]) for p in exercise.properties))


def guarded_by(wanted: Wanted, hidden: list[Hidden]) -> Wanted:
    for one in hidden:
        wanted = Guarded(wanted.name, wanted.points, wanted.expected, wanted.subgoal, wanted, one.unseen(wanted), one.hint)
    return wanted


def hidden_tests(exercises: Path) -> dict[str, tuple[Hidden, ...]]:
    """The hidden tests below a folder of exercises, by exercise. ValueError says which file is not as it should be."""
    import runpy                                     # only here, where there are any
    found = {}
    for path in sorted(exercises.glob("**/hidden.py")):
        tests = runpy.run_path(str(path)).get("HIDDEN")
        if not isinstance(tests, tuple) or not all(isinstance(test, Hidden) for test in tests):
            raise ValueError(f"{path}: write HIDDEN = (Hidden(…), …)")
        found[path.parent.name.split("-")[0]] = tests
    return found
