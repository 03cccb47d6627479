"""Exercises: named properties with points, and the assessment of an answer by them.

An answer is a kernel function. It replaces the kernel's own one in named situations, and every schedule of each is
searched. A property earns its points only if all of its searches end with `holds`: what was cut off, what raised an
exception and what another fault came before is never taken for success.

A *gate* is a property that everything else depends on. It keeps a function that does nothing, which is perfectly
safe, from earning marks for that.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..render.diagram import two_cpu_svg, two_cpu_text
from ..steps import KernelFunction, kernel
from .report import Report, Result
from .trial import Situation, Trial, attempt, shown


@dataclass(frozen=True)
class Property:
    """A claim about an answer. It is refuted by what its situations watch for, named in `refuted_by`.

    With `alone`, a situation in which something else failed first is searched again with nothing else watched.
    """
    name: str
    points: int
    expected: str
    subgoal: str
    situations: tuple[Situation, ...]
    refuted_by: frozenset[str]
    alone: bool = False

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class Gate:
    """A property, and what it means for the others when it fails."""
    property: Property
    otherwise: str


@dataclass(frozen=True)
class Exercise:
    """What is asked for, under which name, and by what it is judged."""
    id: str
    title: str
    replaces: KernelFunction
    gates: tuple[Gate, ...]
    properties: tuple[Property, ...]
    remarks: Callable[[dict[KernelFunction, KernelFunction]], list[str]] = lambda _: []

    @property
    def function_name(self) -> str:
        return self.replaces.__name__

    @property
    def points(self) -> int:
        return sum(p.points for p in self.properties)


def refused(exercise: Exercise, problem: str) -> Report:
    """The report on something that cannot be assessed."""
    results = tuple(Result(p.name, p.points, 0, "not counted", p.expected, problem, subgoal=p.subgoal)
                    for p in exercise.properties)
    return Report(exercise.id, exercise.title, exercise.points, results, problem)


def assess(exercise: Exercise, answer: object) -> Report:
    """Judge an answer by every property of the exercise."""
    problem = why_not_an_answer(exercise, answer)
    if problem:
        return refused(exercise, problem)
    trials = Trials({exercise.replaces: answer if isinstance(answer, KernelFunction) else kernel(answer)})
    if uses_the_original(exercise, trials):
        return refused(exercise, f"your function calls the kernel's finished {exercise.function_name}(): write the steps yourself")
    closed = None
    for gate in exercise.gates:
        failure = first_failure(gate.property, trials)
        if failure and (failure.outcome != "violated" or failure.broken in gate.property.refuted_by):
            closed = gate, failure
            break
    results = tuple(behind_the_gate(p, *closed) if closed else result_of(p, first_failure(p, trials))
                    for p in exercise.properties)
    if closed and closed[0].property not in exercise.properties:
        results = (result_of(closed[0].property, closed[1], closes=True), *results)
    remarks = tuple(exercise.remarks(trials.livepatch)) if not closed else ()
    return Report(exercise.id, exercise.title, exercise.points, results, "", remarks)


class Trials:
    """The trials of one answer: each situation is searched once, however many properties ask for it."""

    def __init__(self, livepatch: dict[KernelFunction, KernelFunction]):
        self.livepatch = livepatch
        self.known: dict[tuple[Situation, bool], Trial] = {}

    def of(self, situation: Situation, *, bare: bool = False) -> Trial:
        """The trial of a situation; `bare`: with nothing watched but the rules of locks themselves."""
        if (situation, bare) not in self.known:
            program = situation(self.livepatch)
            self.known[situation, bare] = attempt(replace(program, properties=()) if bare else program)
        return self.known[situation, bare]


def first_failure(property: Property, trials: Trials) -> Trial | None:
    """The first situation of a property that does not end with `holds`."""
    for situation in property.situations:
        trial = trials.of(situation)
        if property.alone and trial.outcome == "violated" and trial.broken not in property.refuted_by:
            trial = trials.of(situation, bare=True)
        if trial.outcome != "holds":
            return trial
    return None


def behind_the_gate(property: Property, gate: Gate, failure: Trial) -> Result:
    if property is gate.property:
        return result_of(property, failure, closes=True)
    return Result(property.name, property.points, 0, "not counted", property.expected, gate.otherwise, subgoal=property.subgoal)


def result_of(property: Property, failure: Trial | None, *, closes: bool = False) -> Result:
    """The result of a property, given the situation in which it failed.

    A search that ends with the fault of another property shows nothing about this one, except at a gate that it closes.
    """
    def result(earned=0, outcome="passed", happened="", **more):
        return Result(property.name, property.points, earned, outcome, property.expected, happened,
                      subgoal=property.subgoal, **more)
    if failure is None:
        return result(property.points)
    where = shown(failure.place) if failure.place else ""
    if failure.outcome in ("mistake", "incomplete"):
        return result(outcome=failure.outcome, happened=failure.sentence, where=where, situation=failure.program.name)
    if failure.broken not in property.refuted_by and not closes:
        return result(outcome="not counted", happened=f"another fault comes first: {failure.sentence}", where=where,
                      situation=failure.program.name, schedule=failure.verdict.schedule)
    title = f"{failure.program.title or failure.program.name}: the shortest schedule that fails"
    return result(outcome="failed", happened=failure.sentence, where=where, situation=failure.program.name,
                  schedule=failure.verdict.schedule, diagram=two_cpu_text(failure.verdict),
                  partial_diagram=two_cpu_text(failure.verdict, hide_last=True),
                  svg=two_cpu_svg(failure.verdict, title=title))


# --- what is no answer at all -------------------------------------------------------------------------------------

def why_not_an_answer(exercise: Exercise, answer: object) -> str:
    """What to write instead, if this cannot be a kernel function; "" if it can."""
    name = exercise.function_name
    if answer is exercise.replaces:
        return f"{name} is the kernel's finished function, which you imported: write your own under this name"
    function = getattr(answer, "function", answer)
    if not callable(function) or inspect.isclass(function):
        return f"{name} is {_article(type(answer).__name__)}, not a function: define it with `@kernel` and `def {name}(…):`"
    if getattr(function, "__module__", "").split(".")[0] == "pfncache_edu":
        return f"{name} is a finished function of the package: write your own under this name"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return f"{name} is an `async` function: write a plain `def` that yields its steps"
    if not inspect.isgeneratorfunction(inspect.unwrap(function)):
        return (f"{name}() has no `yield` in it, so it takes no step at all: write `yield` in front of every step, "
                "such as `yield read_lock_irq(gpc.lock)`")
    return ""


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0].lower() in "aeiou" else f"a {noun}"


def uses_the_original(exercise: Exercise, trials: Trials) -> bool:
    """Whether the answer reaches the function that it is meant to replace, in the first gate's first situation."""
    original = exercise.replaces.function.__code__
    verdict = trials.of(exercise.gates[0].property.situations[0]).verdict
    return verdict is not None and any(place.function == original.co_name and place.file == original.co_filename
                                       for event in verdict.trace for place in event.stack)
