"""Exercise 0.1, "Where do you begin?": ten questions about what you know, and the path through the book that fits.

The point is for answering, not for being right: the answers choose a path (`path_for` in diagnostic.py), which the student sees at once.
"""
from __future__ import annotations

from ..diagnostic import problem_with
from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Judged

def complete(answers: Answers) -> Finding:
    problem = problem_with(answers.table("answers"))
    if problem:
        raise AnswerFailed(problem)
    return Finding(1)


EXERCISE = Exercise(
    "0.1", "Where do you begin?", (data("answers", "a dict from question to letter"),),
    (Judged("all_ten_questions_are_answered", 1, "each of the ten questions has a letter, or ? for what you do not know", "", complete,
            hint="Look for a None that is left, and for a letter that is no choice of its question."),))
