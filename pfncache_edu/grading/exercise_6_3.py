"""Exercise 6.3, "From read to write": find the step that waits for ever, name the fault, repair the function.

A repair must fill the note, once, and must not turn readers away when there is nothing to do. Every situation also watches that the
note is filled, so that a function that does nothing, and has no deadlock, earns nothing.
"""
from __future__ import annotations

from ..locks import read_lock, read_unlock, rwlock_t, write_lock, write_unlock
from ..program import Program, Thread, Watch
from ..scenarios import Livepatch
from ..steps import STORE, Step, Steps, Struct, Violation, cond_resched, field, kernel
from .answers import AnswerFailed, Answers, data, kernel_function
from .exercise import Exercise, Finding, Judged, Property
from .trial import Situation

LOCKS = frozenset({"no_deadlock", "no_endless_loop", "locks_are_released", "only_the_holder_unlocks"})
FAULTS = {
    "a": "starvation: readers who overlap keep the writer out",
    "b": "a lock upgrade: the writer waits until all readers are out, and is one of them",
    "c": "a lost hand-over: nobody tells the writer that the lock is free",
    "d": "a lock order that is the other way round in another function"}
WRONG = {"a": "A single CPU, with no other reader at all, stops as well.", "c": "Nobody has dropped the lock when the waiting begins.",
         "d": "There is only one lock."}
STEPS = {1: "read_lock", 2: "valid", 3: "write_lock", 4: "valid.set", 5: "write_unlock", 6: "read_unlock"}


class note(Struct):
    """A note that is filled when somebody first needs it."""
    lock = rwlock_t()
    # lock must be held to use this:
    valid = field(False, under=lock)


@kernel
def fill_if_empty(gpc: note) -> Steps[None]:
    """Fill the note if it is not valid."""
    yield read_lock(gpc.lock)
    if not (yield gpc.valid):
        yield write_lock(gpc.lock)
        yield gpc.valid.set(True)
        yield write_unlock(gpc.lock)
    yield read_unlock(gpc.lock)


@kernel
def needs_the_note(gpc: note) -> Steps[None]:
    """A caller, who goes on to use the note: so its end is watched even if the function takes no step."""
    yield from fill_if_empty(gpc)
    yield cond_resched()


# --- what is watched ------------------------------------------------------------------------------------------------------

def is_filled(gpc: note) -> Watch:
    """When a thread is done, it has filled the note, or seen that it is filled."""
    def after(seen, thread, step, old, result):
        return True if step.cells and step.cells[0] is gpc.valid and (result if step.verb is not STORE else step.argument) else seen

    def at_end(seen, thread):
        if not seen:
            raise Violation("is_filled", f"{thread} is done, and has neither filled {gpc.name} nor seen that it is filled")
    return Watch("is_filled", after, start=False, at_end=at_end)


def is_filled_once(gpc: note) -> Watch:
    """Nobody fills a note that is filled, and nobody fills it without its write lock."""
    def after(holds, thread, step, old, result):
        if step.verb is STORE and step.cells[0] is gpc.valid:
            if old[0]:
                raise Violation("is_filled_once", f"{thread} fills {gpc.name}, which is filled already: somebody was faster between its two locks")
            if not holds:
                raise Violation("is_filled_once", f"{thread} fills {gpc.name} without holding its lock for write")
        if step.cells and step.cells[0] is gpc.lock:
            return step.verb.takes == "write" and (result or not step.verb.tries)
        return holds
    return Watch("is_filled_once", after, start=False)


def no_write_lock(gpc: note) -> Watch:
    """Nobody takes the write lock of a note that is filled."""
    def after(_, thread, step: Step, old, result):
        if step.cells and step.cells[0] is gpc.lock and step.verb.takes == "write":
            raise Violation("no_write_lock", f"{thread} asks for {gpc.lock.name} for write, although there is nothing to fill: readers have to wait")
    return Watch("no_write_lock", after)


def callers(name: str, title: str, count: int, *watches, valid: bool = False) -> Situation:
    def situation(livepatch: Livepatch) -> Program:
        gpc = note("gpc", valid=valid)
        return Program(name, tuple(Thread(f"vcpu{n}", needs_the_note, (gpc,)) for n in range(count)), tuple(watch(gpc) for watch in (is_filled, *watches)), livepatch,
                       title=title, fair_locks=True)
    situation.__name__ = name
    return situation


one, two, three = (callers(f"{words}_fill{'s' * (n == 1)}", f"{words.capitalize()} vCPU{'s' * (n > 1)} with an empty note", n)
                   for n, words in ((1, "one"), (2, "two"), (3, "three")))
two_at_once = callers("two_at_once", "Two vCPUs find the same note empty", 2, is_filled_once)
nothing_to_do = callers("nothing_to_do", "Two vCPUs with a note that is filled", 2, no_write_lock, valid=True)


# --- the exercise ---------------------------------------------------------------------------------------------------------

def finds_the_step(answers: Answers) -> Finding:
    given = answers.number("step")
    if given not in STEPS:
        raise AnswerFailed(f"step is {given}: write the number of a line, 1 to {len(STEPS)}")
    return Finding(1) if given == 3 else Finding(0, f"step {given:g}, {STEPS[given]}, is taken without waiting, or never reached")


def names_the_fault(answers: Answers) -> Finding:
    given = answers.text("fault")
    if given not in FAULTS:
        raise AnswerFailed(f"fault is {given[:20]!r}: write one of the letters {', '.join(FAULTS)}")
    return Finding(0, WRONG[given]) if given in WRONG else Finding(1)


is_done = Property("still_fills_the_note", 1, "whoever comes back from the function has filled the note, or seen that it is filled", "withdraw",
                   (one,), frozenset({"is_filled"}))

EXERCISE = Exercise(
    "6.3", "From read to write",
    (data("step", "the number of the line that waits for ever"), data("fault", "a letter, such as \"a\""), kernel_function(fill_if_empty)),
    (Judged("the_step", 1, "the step at which a single CPU waits for ever", "drop the lock", finds_the_step, ("step",)),
     Judged("the_fault", 1, "the name of the fault", "drop the lock", names_the_fault, ("fault",)),
     is_done,
     Property("deadlock_free", 2, "nobody waits for ever, with one, two or three CPUs", "drop the lock", (one, two, three), LOCKS),
     Property("looks_again", 2, "nobody fills a note that somebody else has filled in the meantime, or without the write lock", "retry or publish",
              (two_at_once,), frozenset({"is_filled_once"})),
     Property("asks_for_the_write_lock_only_when_needed", 1, "with a note that is filled, nobody asks for the write lock", "check", (one, nothing_to_do),
              frozenset({"no_write_lock"}))))
