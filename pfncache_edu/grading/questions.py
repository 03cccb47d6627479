"""Questions with plain answers: choices, numbers, orders and texts, each as a function that judges.

    Judged("which_arrow_breaks", 8, "…", "check", right_choices("arrows", RIGHT, why=WHY))

Each returns a function of the answers for `Judged`; it says which one is wrong and why, and gives a part of the points
where a part is right. It never names the right answer: that is what hint 4 is for.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .answers import AnswerFailed, Answers, shown_value
from .exercise import Finding, Points

Judge = Callable[[Answers], Finding]


def right_choices(name: str, right: Mapping[str, object], *, why: Mapping[str, Mapping[object, str] | str] = {}, each: Points = 1,
                  penalty: Points = 0, only: Sequence[str] = ()) -> Judge:
    """Judge a dict from question to choice: `each` point for a right one, minus `penalty` for a wrong one, never below 0.

    `why[question]` is a reason that is given with a wrong choice, or a dict from choice to reason. A question without an
    answer (left out, or None) costs nothing but its point. `only`: the choices that there are.
    """
    def judge(answers: Answers) -> Finding:
        given = {key: one_of(only, value) for key, value in answers.table(name).items() if value is not None}
        unknown = [key for key in given if key not in right]
        if unknown:
            raise AnswerFailed(f"{name} has no question {unknown[0]!r}: its keys are {', '.join(map(repr, right))}")
        for key, value in given.items():
            if only and value not in only:
                raise AnswerFailed(f"{name}[{key!r}] is {shown_value(value)}: choose one of {', '.join(map(repr, only))}")
        wrong = [key for key in right if key in given and given[key] != right[key]]
        missing = [key for key in right if key not in given]
        earned = max(0, each * (len(right) - len(wrong) - len(missing)) - penalty * len(wrong))
        return Finding(earned, " ".join([*(reason(key, given[key]) for key in wrong), *unanswered(missing)]))

    def reason(key: str, choice: object) -> str:
        because = why.get(key, "")
        because = because.get(choice, "") if isinstance(because, Mapping) else because
        return f"{key}: not {shown_value(choice)}." + (f" {because}" if because else "")

    def unanswered(missing: list[str]) -> list[str]:
        return [f"Not answered: {', '.join(missing)}."] if missing else []
    return judge


def one_of(only: Sequence[object], value: object) -> object:
    """The choice that is meant: capitals, and spaces around it, make no difference."""
    return next((choice for choice in only if isinstance(value, str) and isinstance(choice, str) and choice.casefold() == value.strip().casefold()), value)


def chosen_set(name: str, right: Sequence[str], among: Sequence[str], *, each: Points = 1, penalty: Points = 1,
               why: Mapping[str, str] = {}) -> Judge:
    """Judge a list of chosen things: `each` point for a right one, minus `penalty` for a wrong one, never below 0."""
    def judge(answers: Answers) -> Finding:
        given = list(dict.fromkeys(map(str, answers.items(name))))
        unknown = [one for one in given if one not in among]
        if unknown:
            raise AnswerFailed(f"{name} holds {shown_value(unknown[0])}: choose among {', '.join(among)}")
        wrong = [one for one in given if one not in right]
        missing = len(right) - (len(given) - len(wrong))
        said = [f"{one} does not belong here." + (f" {why[one]}" if one in why else "") for one in wrong]
        if missing:
            said.append(f"{missing} of {len(right)} {'is' if missing == 1 else 'are'} missing.")
        return Finding(max(0, each * (len(right) - missing) - penalty * len(wrong)), " ".join(said))
    return judge


def number(name: str, right: float | Callable[[Answers], float], points: Points, *, tolerance: float = 0.0, otherwise: str = "") -> Judge:
    """Judge a number, within a relative tolerance; `otherwise` is said of a wrong one."""
    def judge(answers: Answers) -> Finding:
        wanted = right(answers) if callable(right) else right
        given = answers.number(name)
        if abs(given - wanted) <= tolerance * abs(wanted):
            return Finding(points)
        return Finding(0, f"{name} is {given:g}." + (f" {otherwise}" if otherwise else ""))
    return judge


def order(name: str, right: Sequence[str], *, each: Points = 1, distractors: Mapping[str, str] = {}) -> Judge:
    """Judge an order: a point for each line of the longest part that is in the right order, minus one for each distractor.

    `distractors` maps what does not belong to why. Nothing is lost below 0.
    """
    def judge(answers: Answers) -> Finding:
        given = [str(line) for line in answers.items(name)]
        unknown = [line for line in given if line not in right and line not in distractors]
        if unknown:
            raise AnswerFailed(f"{name} holds {shown_value(unknown[0])}: use the lines as they are given")
        twice = [line for line in given if given.count(line) > 1]
        if twice:
            raise AnswerFailed(f"{name} holds {shown_value(twice[0])} more than once: each line is used at most once")
        kept = [line for line in given if line in right]
        good = longest_in_order([right.index(line) for line in kept])
        said = [f"{line!r} does not belong here: {distractors[line]}" for line in given if line in distractors]
        if good < len(kept):
            first = next(n for n, line in enumerate(kept) if line != right[n])
            said.append(f"{kept[first]!r} comes too early or too late." if kept else "")
        if len(kept) < len(right):
            said.append(f"{len(right) - len(kept)} of {len(right)} lines are missing.")
        return Finding(max(0, each * (good - (len(given) - len(kept)))), " ".join(said))
    return judge


def longest_in_order(places: list[int]) -> int:
    """The length of the longest increasing part of a list."""
    best: list[int] = []
    for n, place in enumerate(places):
        best.append(1 + max((best[m] for m in range(n) if places[m] < place), default=0))
    return max(best, default=0)
