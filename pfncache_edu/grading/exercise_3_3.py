"""Exercise 3.3, "Where does announce belong?": four places for the event count to go up, a prediction, and the explorer's answer."""
from __future__ import annotations

from ..announce import PLACES, situation
from ..interpreters.explorer import explore
from ..interpreters.stepper import Stepper
from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Judged
from .questions import right_choices

SAFE, UNSAFE = "safe", "unsafe"

### BEGIN ANSWERS
RIGHT = {"A": "unsafe", "B": "safe", "C": "safe", "D": "unsafe"}
### END ANSWERS

WHY = {"A": "Ask what a refresh may do between the visit of its cache and the announcement.",
       "B": "Ask whether the count is up before the first cache is visited, whatever lock is held.",
       "C": "Ask whether the count is up before the first cache is visited.",
       "D": "Ask whether refresh ever waits for gpc_lock."}


def predicted(answers: Answers) -> Finding:
    """Whether there is a prediction for each place; a wrong one costs nothing."""
    given = answers.table("predictions")
    missing = [place for place in PLACES if given.get(place) not in (SAFE, UNSAFE)]
    return Finding(0, f"no prediction for {', '.join(missing)}: write {SAFE!r} or {UNSAFE!r}") if missing else Finding(1)


def breaks_it(answers: Answers) -> Finding:
    """Whether the schedule breaks place A, with at most two steps more than the shortest."""
    text = answers.text("schedule")
    if not text.strip():
        raise AnswerFailed("schedule is empty: write the steps, such as \"v12 n8\"")
    try:
        machine = Stepper(situation("A"), text)
    except ValueError as problem:
        raise AnswerFailed(f"schedule {text!r} cannot be run: {problem}") from None
    if not machine.wrong:
        return Finding(0, f"nothing is wrong after {text!r}: the cache is valid only for a page that is there")
    shortest = len(explore(situation("A")).threads)
    if len(machine.trace) > shortest + 2:
        return Finding(0, f"it breaks after {len(machine.trace)} steps; the shortest schedule has {shortest}, and two more are allowed")
    return Finding(1)


EXERCISE = Exercise(
    "3.3", "Where does announce belong?",
    (data("predictions", "a dict from \"A\" to \"D\" to \"safe\" or \"unsafe\""), data("answers", "a dict from \"A\" to \"D\" to \"safe\" or \"unsafe\""),
     data("schedule", "a schedule such as \"v12 n8\"")),
    (Judged("a_prediction_for_each_place", 1, "what you expected of each place, before you ran it; a wrong one costs nothing", "announce", predicted,
            of=("predictions",), hint="a guess will do"),
     Judged("where_it_is_safe", 4, "for each place whether any schedule breaks it", "announce",
            right_choices("answers", RIGHT, why=WHY, penalty=1, only=(SAFE, UNSAFE)), of=("answers",), hint="explore(situation(place)) tells"),
     Judged("a_schedule_that_breaks_place_a", 1, "a schedule that breaks place A, with at most two steps more than the shortest", "find overlap",
            breaks_it, of=("schedule",), hint="how much of a refresh fits between the visit of the cache and the announcement?")))
