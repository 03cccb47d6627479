"""Exercise 0.2, "Is everything in place?": the doctor looks at the machine, and the answer is what it found.

What the doctor finds includes the result of a small search, so that an explorer that counts differently here is noticed at once.
"""
from __future__ import annotations

from ..interpreters.explorer import explore
from ..scenarios import nobody_is_told
from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Judged

OLDEST = (3, 11)


def healthy(answers: Answers) -> Finding:
    """Whether what was found is complete, new enough, and counted as it should be."""
    found = answers.table("found")
    missing = [name for name in ("python", "system", "widgets", "states", "schedule") if name not in found]
    if missing:
        raise AnswerFailed(f"found has no {missing[0]!r}: write found = doctor(), with nothing changed")
    try:
        version = tuple(map(int, str(found["python"]).split(".")[:2]))
    except ValueError:
        raise AnswerFailed(f"found['python'] is {found['python']!r}, which is no version: write found = doctor()") from None
    if version < OLDEST:
        return Finding(0, f"this is Python {found['python']}, and the book needs {'.'.join(map(str, OLDEST))} or newer")
    verdict = explore(nobody_is_told())
    if (found["states"], found["schedule"]) != (verdict.states, verdict.schedule):
        return Finding(0, f"the search ended with {found['states']} states and the schedule {found['schedule']!r} there, with {verdict.states} "
                          f"and {verdict.schedule!r} here: is it the package of this book?")
    return Finding(1)


EXERCISE = Exercise(
    "0.2", "Is everything in place?", (data("found", "what doctor() returned"),),
    (Judged("the_doctor_is_content", 1, "Python is new enough, and the explorer counts as it does elsewhere", "", healthy,
            hint="Run the cell with found = doctor() again, in a fresh kernel."),))
