"""Grading: exercises as named properties with points, for a notebook, a terminal and a folder of submissions.

    check("8.2")                     in a notebook: judges the function you defined, and says what, where and why
    check("8.2", hint=1)             less than that: a hint, as small as you like
    pose("1.1", seed=7)              the questions of an exercise that is generated from a seed
    progress()                       how far you are, chapter by chapter
    pfncache grade FOLDER            for a whole class: a CSV file and a page each

Everything in here needs the standard library only. check() trusts the code that it judges, since that is the reader's own. For
marks, a student's code runs in a process and a sandbox of its own (worker.py, sandbox.py), and the judge only asks it questions
(judge.py, student.py).
"""
from .exercise import Exercise, Property, assess
from .exercises import EXERCISES
from .notebook import check, pose
from .report import Report, Result
from .study import progress

__all__ = ["EXERCISES", "Exercise", "Property", "Report", "Result", "assess", "check", "pose", "progress"]
