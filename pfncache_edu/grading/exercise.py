"""Exercises: named properties with points, and the assessment of an answer by them.

What gets points is `Wanted`, in one of three ways:

    Property   a claim about kernel functions: they replace the kernel's own in named situations, and every schedule of each is
               searched. What was cut off, what raised an exception and what another fault came before is never taken for success
    Judged     a claim about plain functions and data, decided by a function of the answers; part of its points can be earned
    Rubric     what a person must read: it says what is worth how much, and waits for a mark

A *gate* is a property that everything else depends on. It keeps a function that does nothing, which is perfectly
safe, from earning marks for that.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..render.diagram import two_cpu_svg, two_cpu_text
from ..steps import KernelFunction
from ..verdict import Verdict
from .answers import AnswerFailed, Answers, Asked
from .report import Report, Result
from .trial import Attempts, Situation, Trial, shown

Points = int | float


# --- what gets points -------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Wanted:
    """Something that must be true of an answer, and what it is worth. `subgoal` is the part of the plan that it belongs to."""
    name: str
    points: Points
    expected: str
    subgoal: str

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class Property(Wanted):
    """A claim about kernel functions. It is refuted by what its situations watch for, named in `refuted_by`.

    With `alone`, a situation in which something else failed first is searched again with nothing else watched.
    """
    situations: tuple[Situation, ...]
    refuted_by: frozenset[str]
    alone: bool = False


@dataclass(frozen=True)
class Finding:
    """What a judging function found: the points earned, and if these are not all, what happened and what shows it."""
    earned: Points
    happened: str = ""
    where: str = ""
    situation: str = ""
    schedule: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Judged(Wanted):
    """A claim about the values behind the names in `of` (all that are asked for, if none is named).

    `judge(answers)` returns a Finding, or raises AnswerFailed. `hint` is what hint 2 says: more than the expectation, less
    than the reason.
    """
    judge: Callable[[Answers], Finding]
    of: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Rubric(Wanted):
    """What a person marks, and what is worth how much: `anchors` maps points to a description of what earns them."""
    anchors: Mapping[Points, str] = field(default_factory=dict, hash=False)
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guarded(Wanted):
    """A property that also needs a test that students do not see: of that one, they only learn the instructor's hint."""
    shown: Wanted
    unseen: Wanted
    hint: str


@dataclass(frozen=True)
class Gate:
    """A property, and what it means for the others when it fails."""
    property: Wanted
    otherwise: str


@dataclass(frozen=True)
class Exercise:
    """What is asked for, under which names, and by what it is judged.

    `poses(seed)` makes the questions of a generated exercise, as something that a notebook can show; None where there is
    but one variant. `remarks(livepatch)` are sentences worth saying that cost nothing.
    """
    id: str
    title: str
    asks: tuple[Asked, ...]
    properties: tuple[Wanted, ...]
    gates: tuple[Gate, ...] = ()
    remarks: Callable[[dict[KernelFunction, KernelFunction]], list[str]] = lambda _: []
    poses: Callable[[int], object] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that an answer must define."""
        return tuple(asked.name for asked in self.asks)

    @property
    def points(self) -> Points:
        return sum(p.points for p in self.properties)


# --- an assessment ----------------------------------------------------------------------------------------------------

def refused(exercise: Exercise, problem: str) -> Report:
    """The report on something that cannot be assessed."""
    results = tuple(not_counted(p, problem) for p in exercise.properties)
    return Report(exercise.id, exercise.title, exercise.points, results, problem)


def assess(exercise: Exercise, given: Mapping[str, object], *, seed: int = 0, attempts: Attempts = Attempts()) -> Report:
    """Judge an answer by every property of the exercise. `given` maps the exercise's names to what was written."""
    answers = Answers(exercise.asks, given, seed)
    problems = {name: problem for name in exercise.names if (problem := answers.problem(name))}
    if len(problems) == len(exercise.asks):
        return refused(exercise, problems[exercise.names[0]])
    trials = Trials(answers.livepatch, attempts)
    copied = copies_the_original(exercise, trials)
    if copied:
        return refused(exercise, f"your function calls the kernel's finished {copied}(): write the steps yourself")

    def result(wanted: Wanted, *, closes: bool = False) -> Result:
        missing = [problems[name] for name in needed_by(wanted, exercise) if name in problems]
        if missing:
            return replace(result_with(wanted), outcome="mistake", happened=missing[0])
        return result_of(wanted, answers, trials, closes=closes)

    closed = next(((gate, found) for gate in exercise.gates if is_shut(gate, found := result(gate.property, closes=True), trials)), None)
    if closed is None:
        results = tuple(result(p) for p in exercise.properties)
        return Report(exercise.id, exercise.title, exercise.points, results, "", tuple(exercise.remarks(trials.livepatch)))
    gate, found = closed
    results = tuple(found if p is gate.property else not_counted(p, gate.otherwise) for p in exercise.properties)
    if gate.property not in exercise.properties:
        results = (found, *results)
    return Report(exercise.id, exercise.title, exercise.points, results)


def needed_by(wanted: Wanted, exercise: Exercise) -> tuple[str, ...]:
    """The names without which a property cannot be decided."""
    if isinstance(wanted, Guarded):
        return needed_by(wanted.shown, exercise)
    if isinstance(wanted, Property):
        return tuple(asked.name for asked in exercise.asks if asked.kind == "steps")
    return wanted.of or exercise.names


def is_shut(gate: Gate, found: Result, trials: Trials) -> bool:
    """Whether a gate keeps the rest from counting: its property failed, and not only because of another one's fault."""
    if found.outcome != "failed" or not isinstance(gate.property, Property):
        return found.outcome != "passed"
    failure = first_failure(gate.property, trials)
    return failure.broken in gate.property.refuted_by or failure.outcome != "violated"


def result_with(wanted: Wanted, earned: Points = 0, outcome: str = "passed", happened: str = "", **more) -> Result:
    return Result(wanted.name, wanted.points, earned, outcome, wanted.expected, happened, subgoal=wanted.subgoal, **more)


def not_counted(wanted: Wanted, why: str) -> Result:
    return result_with(wanted, outcome="not counted", happened=why)


def result_of(wanted: Wanted, answers: Answers, trials: Trials, *, closes: bool = False) -> Result:
    """The result of anything wanted."""
    if isinstance(wanted, Guarded):
        return guarded(wanted, result_of(wanted.shown, answers, trials), lambda: result_of(wanted.unseen, answers, trials))
    if isinstance(wanted, Property):
        return searched(wanted, first_failure(wanted, trials), closes=closes)
    if isinstance(wanted, Rubric):
        return to_be_marked(wanted, answers)
    trials.attempts.begin()
    return judged(wanted, answers)


def to_be_marked(wanted: Rubric, answers: Answers) -> Result:
    """What a person is asked to read, and mark by the rubric."""
    try:
        prose = "\n\n".join(answers.text(name) for name in needed_names(wanted, answers))
    except AnswerFailed as failure:
        return result_with(wanted, outcome="mistake", happened=str(failure))
    if not prose.strip():
        return result_with(wanted, outcome="failed", happened="there is no text to read yet")
    return result_with(wanted, outcome="to be marked", happened="a person reads this and marks it by the rubric", prose=prose)


def needed_names(wanted: Rubric, answers: Answers) -> tuple[str, ...]:
    return wanted.of or tuple(answers.asks)


def guarded(wanted: Guarded, shown: Result, unseen: Callable[[], Result]) -> Result:
    """The result of the part that is shown; if it passed, the other one decides."""
    if shown.outcome != "passed" or unseen().outcome == "passed":
        return shown
    return result_with(wanted, outcome="failed", happened=f"a test that is not shown here fails: {wanted.hint}")


def judged(wanted: Judged, answers: Answers) -> Result:
    """The result of a judging function."""
    try:
        finding = wanted.judge(answers)
    except AnswerFailed as failure:
        return result_with(wanted, outcome="mistake", happened=str(failure))
    if finding.earned == wanted.points:
        return result_with(wanted, wanted.points)
    shown_by = drawn(finding.verdict, finding.situation) if finding.verdict is not None and finding.verdict.trace else {}
    return result_with(wanted, finding.earned, "partly" if finding.earned else "failed", finding.happened, where=finding.where,
                       situation=finding.situation, schedule=finding.schedule, **shown_by)


# --- claims about kernel functions ------------------------------------------------------------------------------------

class Trials:
    """The trials of one answer: each situation is searched once, however many properties ask for it."""

    def __init__(self, livepatch: dict[KernelFunction, KernelFunction], attempts: Attempts):
        self.livepatch, self.attempts = livepatch, attempts
        self.known: dict[tuple[Situation, bool], Trial] = {}

    def of(self, situation: Situation, *, bare: bool = False) -> Trial:
        """The trial of a situation; `bare`: with nothing watched but the rules of locks themselves."""
        if (situation, bare) not in self.known:
            self.attempts.begin()
            program = situation(self.livepatch)
            self.known[situation, bare] = self.attempts.of(situation, replace(program, properties=()) if bare else program)
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


def searched(property: Property, failure: Trial | None, *, closes: bool = False) -> Result:
    """The result of a property, given the situation in which it failed.

    A search that ends with the fault of another property shows nothing about this one, except at a gate that it closes.
    """
    if failure is None:
        return result_with(property, property.points)
    where = shown(failure.place) if failure.place else ""
    if failure.outcome in ("mistake", "incomplete"):
        return result_with(property, 0, failure.outcome, failure.sentence, where=where, situation=failure.program.name)
    if failure.broken not in property.refuted_by and not closes:
        return result_with(property, 0, "not counted", f"another fault comes first: {failure.sentence}", where=where,
                           situation=failure.program.name, schedule=failure.verdict.schedule)
    return result_with(property, 0, "failed", failure.sentence, where=where, situation=failure.program.name,
                       schedule=failure.verdict.schedule, **drawn(failure.verdict, failure.program.title or failure.program.name))


def drawn(verdict: Verdict, title: str) -> dict[str, str]:
    """The pictures of a failing schedule: as text, as text without its last step, and as SVG."""
    return {"diagram": two_cpu_text(verdict), "partial_diagram": two_cpu_text(verdict, hide_last=True),
            "svg": two_cpu_svg(verdict, title=f"{title}: the shortest schedule that fails")}


def copies_the_original(exercise: Exercise, trials: Trials) -> str:
    """The function that the answer reaches although it is meant to replace it, "" if none; looked for in one situation."""
    first = next((p for p in (*(gate.property for gate in exercise.gates), *exercise.properties) if isinstance(p, Property)), None)
    verdict = trials.of(first.situations[0]).verdict if first else None
    places = {(place.function, place.file) for event in verdict.trace for place in event.stack} if verdict else set()
    codes = [asked.replaces.function.__code__ for asked in exercise.asks if asked.replaces in trials.livepatch]
    return next((code.co_name for code in codes if (code.co_name, code.co_filename) in places), "")
