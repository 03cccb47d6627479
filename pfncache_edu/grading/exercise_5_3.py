"""Exercise 5.3, "Match traces to variants": four schedules that end stale, and the four variants that allow them."""
from __future__ import annotations

from itertools import groupby

from .. import scenarios
from ..interpreters.explorer import explore
from ..mutants import MUTANTS
from ..render.page import Code
from .answers import data
from .exercise import Exercise, Judged
from .questions import right_choices

TRACES = {"W": "decides_before_it_retakes_the_lock", "X": "forgets_the_count", "Y": "snapshots_after_the_lookup", "Z": "forgets_the_sequence"}
NAMES = tuple(sorted(TRACES.values()))

WHY = {
    "W": "Look at when vcpu0 takes gpc.lock for write the second time, and at what it reads after that.",
    "X": "Look at which of the two numbers vcpu0 reads before it publishes.",
    "Y": "Look at what vcpu0 reads between the look-up and the lock.",
    "Z": "Look at which of the two numbers vcpu0 reads before it publishes.",
}


def traces() -> Code:
    """The four schedules, one line per run of one CPU."""
    return Code("four traces", "\n\n".join(f"**{letter}**\n\n```text\n{told(name)}\n```" for letter, name in TRACES.items()))


def told(name: str) -> str:
    verdict = explore(scenarios.page_moves_during_refresh(MUTANTS[name].livepatch))
    lines = []
    for thread, events in groupby(verdict.trace, key=lambda event: event.thread):
        lines += [f"{thread}:", *(f"    {event.words}" for event in events if "smp_" not in event.words)]
    return "\n".join([*lines, f"=> {verdict.sentence}"])


def variants() -> Code:
    """The four variants, by name."""
    return Code("four variants", "\n".join(f"- `{name}`: {MUTANTS[name].difference}." for name in NAMES))


EXERCISE = Exercise(
    "5.3", "Match traces to variants", (data("matches", f"a dict from {', '.join(map(repr, TRACES))} to the name of a variant"),),
    (Judged("four_matches", 8, "each schedule is matched with the variant that allows it", "retry or publish",
            right_choices("matches", TRACES, each=2, only=NAMES, why=WHY),
            hint="for each schedule, write down where the snapshot, the second lock and the two questions stand; one of them is missing or in another place"),))
