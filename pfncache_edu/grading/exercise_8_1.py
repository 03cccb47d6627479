"""Exercise 8.1, Predict nine ablations: what becomes of the patch without each of its ideas."""
from __future__ import annotations

from ..ablations import SWITCHES
from .answers import data
from .exercise import Exercise, Judged
from .questions import right_choices

KINDS = {"holds": "nothing breaks, and no write lock is taken for nothing",
         "wasteful": "nothing breaks, but an unrelated event takes a write lock",
         "violated": "some order of steps breaks it",
         "deadlock": "somebody waits for ever"}

### BEGIN ANSWERS
RIGHT = {"first": "wasteful", "read": "violated", "left": "violated", "right": "wasteful", "drop": "deadlock", "write": "violated",
         "again": "holds", "announce": "violated", "count": "violated"}
### END ANSWERS

WHY = {
    "first": {"holds": "Think of those whom an unrelated event makes wait.", "violated": "This is how Linux 6.1 has it, and it is safe.",
              "deadlock": "A writer who holds nothing else waits for readers who do not wait for him."},
    "read": {"holds": "What if the look falls into the middle of a refresh that is about to publish?",
             "wasteful": "It takes no write lock too many. What does it read while another one changes the cache?",
             "deadlock": "Who takes no lock waits for nobody. What does he miss?"},
    "left": {"holds": "Which event has a range that begins with the page? The one of that page alone.",
             "wasteful": "It takes fewer locks than before, not more.", "deadlock": "The test takes no lock."},
    "right": {"violated": "One cache too many is withdrawn. Who is harmed by that?", "holds": "What does an event do that ends where the page begins?",
              "deadlock": "The test takes no lock."},
    "drop": {"violated": "It does not come to the store at all.", "holds": "A writer waits until all readers are out. Who is one of them?",
             "wasteful": "It asks for the write lock once. Does it get it?"},
    "write": {"holds": "What was the waiting good for?", "wasteful": "Less is taken, not more.", "deadlock": "Readers do not wait for readers."},
    "again": {"violated": "Show the schedule. While the event is announced, no refresh can complete.",
              "wasteful": "The write lock is taken on a hit alone, with or without the second look.", "deadlock": "Looking takes no lock."},
    "announce": {"holds": "How much of a refresh fits between the visit and the count?", "wasteful": "The locks are the same.",
                 "deadlock": "No lock is held any longer than before."},
    "count": {"holds": "An event can be under way that has not ended, and so left no sequence number.", "wasteful": "The hook is the same.",
              "deadlock": "A refresh that asks less waits less."},
}

EXERCISE = Exercise(
    "8.1", "Predict nine ablations", (data("EXPECTED", "a dict from the nine switches to \"holds\", \"wasteful\", \"violated\" or \"deadlock\""),),
    (Judged("nine_predictions", 9, "for each idea, what becomes of the patch without it", "",
            right_choices("EXPECTED", RIGHT, why=WHY, only=tuple(KINDS)), hint="two are wasteful, one waits for ever, one changes nothing; the others break"),))


def ideas() -> list[tuple[str, str]]:
    """The nine switches: their names and what each of them is."""
    return [(switch.name, f"{switch.idea}. Without it: {switch.instead}") for switch in SWITCHES]
