"""Exercise 2.3, "Six parts in order": the parts of a refresh, with what stands around them, as a Parsons problem."""
from __future__ import annotations

from .answers import data
from .exercise import Exercise, Judged
from .questions import order

### BEGIN ANSWERS
RIGHT = (
    "take refresh_lock, then the cache's lock for write",
    "withdraw: store False in valid",
    "snapshot: remember mmu_invalidate_seq",
    "drop the lock",
    "look up and map: ask the host for the page, and get a kernel address for it",
    "retake the lock",
    "retry or publish: go back to the snapshot if an event is under way or has ended since, else store page, address and True in valid",
    "drop the lock and refresh_lock",
)
### END ANSWERS

DISTRACTORS = {
    "store True in valid, so that other users need not refresh as well":
        "whoever checks meanwhile would use the old page.",
    "take gpc_lock, so that no event can start until the page is published":
        "gpc_lock is a spinlock, the look-up may sleep, and the event may come from somebody on whom the look-up waits.",
}

EXERCISE = Exercise(
    "2.3", "Six parts in order", (data("parts", "a list of the lines in their order"),),
    (Judged("the_parts_of_a_refresh_in_their_order", 8, "six parts and what stands around them, in order, without the two lines that do not belong",
            "", order("parts", RIGHT, distractors=DISTRACTORS),
            hint="the six names are in the chapter; the locks are taken first and dropped last, and the lock is dropped once in between"),))
