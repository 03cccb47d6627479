"""Exercise 4.2, "Breakable or not?": four variants, some of them right."""
from __future__ import annotations

from .. import scenarios
from ..interpreters.stepper import Stepper
from ..mutants import MUTANTS
from ..program import Program
from ..render.page import Code, source_of
from .answers import data
from .exercise import Exercise, Judged
from .questions import right_choices

VARIANTS = {
    "A": (scenarios.page_moves_during_use, MUTANTS["forgets_the_second_check"]),
    "B": (scenarios.page_moves_during_refresh, MUTANTS["snapshots_after_the_lookup"]),
    "C": (scenarios.page_moves_during_use, MUTANTS["takes_the_end_for_the_last_byte"]),
    "D": (scenarios.page_moves_during_refresh, MUTANTS["retires_before_it_leaves_a_trace"]),
}
BREAKABLE, NOT = "breakable", "not breakable"

### BEGIN ANSWERS
RIGHT = {"A": "not breakable", "B": "breakable", "C": "not breakable", "D": "breakable"}
### END ANSWERS
WHY = {
    "A": "Ask what can happen to the cache between the two locks, while the event is announced.",
    "B": "Ask what an event leaves behind that ends between the look-up and the snapshot.",
    "C": "Ask which cache is withdrawn that need not be, and whom that harms.",
    "D": "Ask what a refresh sees that looks between the two last parts of the event.",
}


def program_of(letter: str) -> Program:
    """The variant in its situation: something to explore, or to step through."""
    situation, variant = VARIANTS[letter]
    return situation(variant.livepatch)


def machine_of(letter: str, schedule: str = "") -> Stepper:
    """The variant in its situation after a schedule, to step through."""
    return Stepper(program_of(letter), schedule)


def variants() -> Code:
    """The four variants with their situations."""
    return Code("four variants", "\n\n".join(f"**{letter}.** {program_of(letter).title}.\n\n```python\n{source_of(variant.function)}```"
                                             for letter, (_, variant) in VARIANTS.items()))


EXERCISE = Exercise(
    "4.2", "Breakable or not?", (data("breakable", f"a dict from 'A', 'B', 'C' and 'D' to {BREAKABLE!r} or {NOT!r}"),),
    (Judged("breakable_or_not", 8, "each variant is said to be breakable if some order of steps breaks it, and not breakable if none does",
            "retry or publish", right_choices("breakable", RIGHT, each=2, penalty=1, only=(BREAKABLE, NOT), why=WHY),
            hint="play each of them to its end in two or three orders; then think of the step that you would have to bring in between"),))
