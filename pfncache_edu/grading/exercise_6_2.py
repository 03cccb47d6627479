"""Exercise 6.2, "Is a read lock enough?": a schedule that refutes it, and the reason.

The program is generated: how much each of the two does before and in between differs, so that a schedule fits one variant only.
"""
from __future__ import annotations

import random

from ..interpreters.stepper import Stepper
from ..lent_page import nobody_uses_a_freed_page, note, use_page
from ..locks import read_lock, read_unlock
from ..program import Program, Thread
from ..render.page import Code
from ..steps import Steps, cond_resched, kernel
from ..verdict import Verdict, parse_schedule
from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Judged

CHOICES = {
    "a": "A bool is not stored at once: vcpu0 sees half of the store.",
    "b": "vcpu0 and the owner share the lock, so the owner does not wait until vcpu0, which has checked, is out.",
    "c": "vcpu0 checks only once: if it checked before each use, a read lock would be enough for the owner.",
    "d": "The owner overtakes vcpu0 because the lock is not fair."}
WRONG = {
    "a": "In this model, as on the machine, a bool is stored in one step, and the schedule fails all the same.",
    "c": "Between a check and the use that follows it is a place where the owner may run, however often vcpu0 checks.",
    "d": "With the fair lock the same schedule is possible: two readers never wait for each other."}


# --- the program ----------------------------------------------------------------------------------------------------------

@kernel
def uses(gpc: note, before: int, times: int) -> Steps[None]:
    for _ in range(before):
        yield cond_resched()
    yield read_lock(gpc.lock)
    if (yield gpc.valid):
        for _ in range(times):
            yield use_page(gpc)
    yield read_unlock(gpc.lock)


@kernel
def takes_back(gpc: note, before: int, between: int) -> Steps[None]:
    for _ in range(before):
        yield cond_resched()
    yield read_lock(gpc.lock)
    yield gpc.valid.set(False)
    yield read_unlock(gpc.lock)
    for _ in range(between):
        yield cond_resched()
    yield gpc.freed.set(True)


def variant(seed: int) -> tuple[int, int, int, int]:
    """How much vcpu0 does first and how often it uses the page, how much the owner does first and before it frees the page."""
    dice = random.Random(f"6.2 {seed}")
    return dice.randint(1, 3), dice.randint(1, 3), dice.randint(1, 4), dice.randint(0, 2)


def program(seed: int) -> Program:
    gpc = note("gpc")
    first, times, before, between = variant(seed)
    return Program("read_lock_is_enough", (Thread("vcpu0", uses, (gpc, first, times)), Thread("owner", takes_back, (gpc, before, between))),
                   (nobody_uses_a_freed_page,), title="The owner takes the page back under the read lock", fair_locks=True)


def poses(seed: int) -> Code:
    """The two threads of a variant, a line for each step, and the reasons to choose from."""
    first, times, before, between = variant(seed)
    own = "yield cond_resched()                      # work of its own"
    vcpu0 = [*[own] * first, "yield read_lock(gpc.lock)", "yield gpc.valid                           # -> True", *["yield use_page(gpc)"] * times,
             "yield read_unlock(gpc.lock)"]
    owner = [*[own] * before, "yield read_lock(gpc.lock)", "yield gpc.valid.set(False)", "yield read_unlock(gpc.lock)", *[own] * between,
             "yield gpc.freed.set(True)"]
    lines = ["**vcpu0** takes these steps if it finds `valid` True (its letter is `v`):", "", "```python", *vcpu0, "```", "",
             "**owner** takes these (its letter is `o`):", "", "```python", *owner, "```", "", "Why is a read lock not enough?", "",
             *(f"- `{key}` {words}" for key, words in CHOICES.items())]
    return Code("the two threads, a line for each step", "\n".join(lines))


# --- what is judged ---------------------------------------------------------------------------------------------------------

def refutes(answers: Answers) -> Finding:
    """A schedule in which vcpu0 uses the freed page: half of the points for both in the lock at the same time."""
    asked = program(answers.seed)
    try:
        parse_schedule(asked, answers.text("schedule"))
        machine = Stepper(asked, answers.text("schedule"))
    except ValueError as problem:
        raise AnswerFailed(f"schedule: {problem}") from None
    if machine.wrong:
        return Finding(4)
    together = max((both_inside(asked, machine, n) for n in range(len(machine.trace) + 1)), default=False)
    freed = machine.value(asked.threads[0].args[0].freed)
    sentence = ("the two are in the lock at the same time, but " if together else "the two are never in the lock at the same time, and ") + (
        "vcpu0 does not use the page after it is freed" if freed else "the page is not freed here")
    steps = tuple(event.thread for event in machine.trace)
    verdict = Verdict(asked, "violated", len(steps) + 1, len(steps), "refutes", sentence, steps, tuple(machine.trace))
    return Finding(2 if together else 0, sentence, situation=asked.name, schedule=verdict.schedule, verdict=verdict)


def both_inside(asked: Program, machine: Stepper, steps: int) -> bool:
    """Whether after so many steps both hold the lock."""
    machine.go_to(steps)
    return machine.value(asked.threads[0].args[0].lock) == 2


def gives_the_reason(answers: Answers) -> Finding:
    given = answers.text("reason")
    if given not in CHOICES:
        raise AnswerFailed(f"reason is {given[:20]!r}: write one of the letters {', '.join(CHOICES)}")
    return Finding(0, WRONG[given]) if given in WRONG else Finding(2)


EXERCISE = Exercise(
    "6.2", "Is a read lock enough?",
    (data("schedule", "a text such as \"v3 o5\": a letter and a number of steps, again and again"), data("reason", "a letter, such as \"a\"")),
    (Judged("a_schedule_refutes_it", 4, "vcpu0 uses the page after the owner has freed it", "use", refutes, ("schedule",),
            "where must vcpu0 stand when the owner frees the page?"),
     Judged("the_reason", 2, "why a read lock is not enough", "withdraw and drain", gives_the_reason, ("reason",))),
    poses=poses)
