"""Exercise 5.2, "Complete a counterexample": five steps of a schedule that ends stale, blanked out."""
from __future__ import annotations

from functools import cache

from .. import scenarios
from ..interpreters.explorer import explore
from ..mutants import MUTANTS
from ..render.page import Code
from ..verdict import Trace
from .answers import data
from .exercise import Exercise, Judged
from .questions import right_choices

VARIANT = MUTANTS["forgets_the_sequence"]
BLANKED = ("reads mm.pte", "reads gpc.valid", "stores B", "reads kvm.mn_active_invalidate_count", "stores A in gpc.pfn")
"""How the blanked steps begin, in the order of the blanks."""

CHOICES = ("reads mm.pte[0x7000] -> A", "reads mm.pte[0x7000] -> B", "reads gpc.valid -> False", "reads gpc.valid -> True",
           "stores False in gpc.valid", "stores B in mm.pte[0x7000]", "stores A in mm.pte[0x7000]", "stores A in gpc.pfn", "stores B in gpc.pfn",
           "reads kvm.mn_active_invalidate_count -> 0", "reads kvm.mn_active_invalidate_count -> 1")

### BEGIN ANSWERS
RIGHT = {"1": "reads mm.pte[0x7000] -> A", "2": "reads gpc.valid -> False", "3": "stores B in mm.pte[0x7000]",
         "4": "reads kvm.mn_active_invalidate_count -> 0", "5": "stores A in gpc.pfn"}
### END ANSWERS
WHY = {
    "1": "The page has not moved yet when vcpu0 takes this step; ask what it must have found, if in the end the cache is stale.",
    "2": "The event visits the cache after vcpu0 has withdrawn it.",
    "3": "It is the host's own step, between start and end.",
    "4": "The event is over when vcpu0 asks.",
    "5": "vcpu0 publishes what it has looked up, not what is there.",
}


@cache
def trace() -> Trace:
    return explore(scenarios.page_moves_during_refresh(VARIANT.livepatch)).trace


def blank_of(number: int, words: str) -> int:
    """Which blank the step is, 0 if it is shown."""
    seen = {begins: next(event.number for event in trace() if event.words.startswith(begins) and (begins != "reads gpc.valid" or event.thread == "notifier"))
            for begins in BLANKED}
    return next((n for n, begins in enumerate(BLANKED, start=1) if seen[begins] == number), 0)


def counterexample() -> Code:
    """The schedule with its blanks, one line per step, a column per CPU."""
    rows = []
    for event in trace():
        blank = blank_of(event.number, event.words)
        text = f"[ {blank} ] ................" if blank else event.words
        rows.append(f"{event.number:>3}  {text}" if event.thread == "vcpu0" else f"{event.number:>3}  {'':44}{text}")
    head = f"     {'vcpu0':44}notifier"
    return Code("a counterexample with five blanks", "```text\n" + "\n".join([head, *rows]) + f"\n     => {trace()[-1].wrong}\n```")


def choices() -> Code:
    """What can stand in a blank."""
    return Code("the choices", "\n".join(f"- `{choice}`" for choice in CHOICES))


EXERCISE = Exercise(
    "5.2", "Complete a counterexample", (data("blanks", "a dict from '1' to '5' to one of the choices"),),
    (Judged("five_blanks", 10, "each blank holds the step that makes the schedule one that the functions can take, and that ends stale", "retry or publish",
            right_choices("blanks", RIGHT, each=2, only=CHOICES, why=WHY), hint="follow the page from the bottom upwards: who stored it, who found it, and when did it move?"),))
