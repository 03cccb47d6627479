"""Exercise 7.3, "What could be wrong with it?": the four of ten doubts that apply to the recordings of the two kernels."""
from __future__ import annotations

from .answers import data
from .exercise import Exercise, Judged
from .questions import chosen_set

DOUBTS = {
    "a": "Each virtual CPU of the emulator is a thread that the host may stop at any time: how many waits there are depends on the host.",
    "b": "Perhaps the tracer was off in the runs without a wait.",
    "c": "Linux 6.1 and 6.12 differ in much more than this patch.",
    "d": "A reader in interrupt context waits without passing the tracepoint.",
    "e": "The number of lock calls changes from boot to boot.",
    "f": "The program only invalidates and reads, as fast as it can: how often a real guest's readers would wait does not follow.",
    "g": "An emulator is slow, so it takes fewer locks for an event than a real machine.",
    "h": "Linux 6.12 takes write locks in the runs with related events, so the patch does not do what it says.",
    "i": "Waits for other locks, such as the one of the task list, were counted, too.",
    "j": "The clock in the traces is too coarse for the waits."}
### BEGIN ANSWERS
APPLY = ("a", "c", "d", "f")
### END ANSWERS
WHY = {
    "b": "The runs with related events went through the same tracer, and show waits.",
    "e": "The recordings show the same lock calls in every boot: they follow from the code.",
    "g": "How many locks a function takes does not depend on how fast it runs.",
    "h": "A related event needs the write lock, with the patch as well: the patch is about the others.",
    "i": "Only waits for the address of a cache's lock were counted.",
    "j": "No time of the traces is used."}

EXERCISE = Exercise(
    "7.3", "What could be wrong with it?", (data("apply", "a list of letters, such as [\"a\", \"b\"]"),),
    (Judged("the_doubts_that_apply", 8, "the four doubts that apply to the recorded waits, and no other", "read a measurement",
            chosen_set("apply", APPLY, tuple(DOUBTS), each=2, penalty=1, why=WHY), ("apply",),
            "for each doubt, ask which line of the tables would look different if it were true"),))
