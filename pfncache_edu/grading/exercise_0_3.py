"""Exercise 0.3, "Predict, then run": what becomes of the write of a user that looks twice, in three orders.

The right answers are not written down: they are what the runs of the functions say.
"""
from __future__ import annotations

from ..interpreters.sequential import run
from ..kvm.host_mm import WRITE_GUEST
from ..scenarios import user_looks_twice
from .answers import data
from .exercise import Exercise, Judged
from .questions import right_choices

KEPT, LOST, NEVER = "kept", "lost", "never made"
SCHEDULES = ("h1 v3", "v1 h1 v1", "v2 h1 v1")


def outcome(schedule: str) -> str:
    """What becomes of the write in this order."""
    trace = run(user_looks_twice(), schedule)
    if any(event.wrong for event in trace):
        return LOST
    return KEPT if any(event.step.verb is WRITE_GUEST for event in trace) else NEVER


WHY = {
    "h1 v3": "The page has moved before anybody looks, so both looks find the new page.",
    "v1 h1 v1": "The page moves between the two looks. What does the second look find, and what does the `if` do then?",
    "v2 h1 v1": "Both looks agree, and the page moves after them. Nobody looks again before the write."}
EXERCISE = Exercise(
    "0.3", "Predict, then run", (data("outcomes", "a dict from schedule to one of three outcomes"),),
    (Judged("outcomes_of_three_schedules", 3, "the outcome that the run of each schedule has", "",
            right_choices("outcomes", {schedule: outcome(schedule) for schedule in SCHEDULES}, why=WHY, only=(KEPT, LOST, NEVER)),
            hint="Write the page that each look finds beside each step: A before the host's step, B after it."),))
