"""Exercise 1.3, "Which arrow breaks?": eight events, and for each the arrow that it breaks, if any."""
from __future__ import annotations

from .answers import data
from .exercise import Exercise, Judged
from .questions import right_choices

SLOTS, TABLE, MAP, NONE = "slots", "page table", "kernel map", "none"

### BEGIN ANSWERS
RIGHT = {"delete": "slots", "move": "slots", "migrate": "page table", "swap": "page table", "madvise": "page table", "collapse": "page table",
         "guest": "none", "deactivate": "kernel map"}
### END ANSWERS

WHY = {
    "delete": "The process's memory stays where it is. What is gone is KVM's record of which part of it stands for which guest pages.",
    "move": "The slot keeps its user address and its pages. Only the guest pages that lead to it are others.",
    "migrate": "The guest's address and the user address are the same as before. What is behind the user address?",
    "swap": "Which of the three maps says that a user address has a frame now?",
    "madvise": "The address range of the process stays, and so does the slot. What does the process give back?",
    "collapse": "The host copies small pages into one large frame. Which map does it have to change for that?",
    "guest": "Its page tables lead from the guest's virtual addresses to its physical ones. Where do our arrows begin?",
    "deactivate": "Nothing has happened to the guest's slots or to the process. What had KVM made for this frame, and undoes now?"}

EXERCISE = Exercise(
    "1.3", "Which arrow breaks?", (data("arrows", "a dict from event to one of four choices"),),
    (Judged("which_arrow_breaks", 8, "each event is matched with the arrow that it breaks, or with none", "",
            right_choices("arrows", RIGHT, why=WHY, only=(SLOTS, TABLE, MAP, NONE)),
            hint="Ask of each arrow who owns it; an arrow breaks only when its owner changes something."),))
