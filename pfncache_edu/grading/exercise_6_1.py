"""Exercise 6.1, "A lock with a queue": the lock made of one word, written anew so that a writer that waits is not passed.

What is given lets readers pass. It shares, excludes and never loses anybody, and it earns nothing, because the one thing that
is asked for is missing.
"""
from __future__ import annotations

from ..interpreters.stepper import Stepper
from ..lock_words import lock_for_read, lock_for_write, unlock_for_read, unlock_for_write, word_lock
from ..program import Invariant, Program, Thread
from ..scenarios import Livepatch
from ..steps import Mistake, Steps, Struct, field, kernel, wait_until
from ..verdict import Verdict
from .answers import AnswerFailed, Answers, kernel_function
from .exercise import Exercise, Finding, Gate, Judged, Property
from .trial import RunsForEver, Situation, limited_instructions

MUTUAL, SHARING, ORDER, LEAVING = "exclusion", "sharing", "the turn", "the hand-over"
STUCK = frozenset({"no_deadlock", "no_endless_loop"})
SETTLED = 60                      # steps after which a thread that still looks again and again is taken to wait
REPEATS = 8                       # the longest loop of steps that is recognised as looking again and again


class hall(Struct):
    """What the lock protects: who is inside, and signs that threads give to each other."""
    readers = field(0)
    writers = field(0)
    first_is_in = field(False)
    second_was_in = field(False)
    may_leave = field(False)


# --- who asks for the lock --------------------------------------------------------------------------------------------

@kernel
def reads(lock: word_lock, hall: hall, in_interrupt: bool = False, times: int = 1) -> Steps[None]:
    for _ in range(times):
        yield from lock_for_read(lock, in_interrupt)
        yield hall.readers.add(1)
        yield hall.readers.add(-1)
        yield from unlock_for_read(lock)


@kernel
def writes(lock: word_lock, hall: hall, times: int = 1) -> Steps[None]:
    for _ in range(times):
        yield from lock_for_write(lock)
        yield hall.writers.add(1)
        yield hall.writers.add(-1)
        yield from unlock_for_write(lock)


@kernel
def stays_until_another_was_in(lock: word_lock, hall: hall) -> Steps[None]:
    yield from lock_for_read(lock, False)
    yield hall.first_is_in.set(True)
    yield wait_until(hall.second_was_in, True)
    yield from unlock_for_read(lock)


@kernel
def comes_second(lock: word_lock, hall: hall) -> Steps[None]:
    yield wait_until(hall.first_is_in, True)
    yield from lock_for_read(lock, False)
    yield hall.second_was_in.set(True)
    yield from unlock_for_read(lock)


@kernel
def tells_to_leave(hall: hall) -> Steps[None]:
    yield hall.may_leave.set(True)


@kernel
def stays_until_told(lock: word_lock, hall: hall) -> Steps[None]:
    yield from lock_for_read(lock, False)
    yield hall.readers.add(1)
    yield wait_until(hall.may_leave, True)
    yield hall.readers.add(-1)
    yield from unlock_for_read(lock)


def alone_or_readers(hall: hall) -> Invariant:
    """A writer is alone inside; readers may be many."""
    def wrong(readers, writers):
        if writers > 1:
            return f"{writers} writers are inside at the same time"
        if writers and readers:
            return f"a writer is inside, and so {'is a reader' if readers == 1 else f'are {readers} readers'}"
    return Invariant("a_writer_is_alone", (hall.readers, hall.writers), wrong, "a writer is alone inside")


# --- in which situations ------------------------------------------------------------------------------------------------

def crowd(name: str, title: str, *roles: tuple, watched: bool = True) -> Situation:
    """A situation of threads at one lock: roles are (name, function, more arguments…), a fourth item "on NAME" interrupts."""
    def situation(livepatch: Livepatch) -> Program:
        lock, inside = word_lock("lock"), hall("hall")
        threads = tuple(Thread(who, function, (lock, inside, *more), interrupts) for who, function, more, interrupts in roles)
        return Program(name, threads, (alone_or_readers(inside),) if watched else (), livepatch, title=title)
    situation.__name__ = name
    return situation


def role(who: str, function, *more, on: str = "") -> tuple:
    return who, function, more, on


reader_and_writer = crowd("reader_and_writer", "A reader and a writer", role("reader", reads), role("writer", writes))
two_writers_and_a_reader = crowd("two_writers_and_a_reader", "Two writers and a reader", role("writer", writes), role("other", writes),
                                 role("reader", reads))
two_readers_and_a_writer = crowd("two_readers_and_a_writer", "Two readers and a writer", role("reader", reads), role("late", reads),
                                 role("writer", writes))
reader_writer_and_handler = crowd("reader_writer_and_handler", "A reader, a writer, and a reader in interrupt context on a CPU of its own",
                                  role("reader", reads), role("writer", writes), role("handler", reads, True))
readers_meet = crowd("readers_meet", "A reader stays inside until another one was there", role("first", stays_until_another_was_in),
                     role("second", comes_second))
interrupted_reader = crowd("interrupted_reader", "A reader is interrupted by a reader while a writer wants the lock", role("reader", reads),
                           role("writer", writes), role("handler", reads, True, on="reader"))
twice_each = crowd("twice_each", "A reader and a writer, twice each", role("reader", reads, False, 2), role("writer", writes, 2))


# --- the turn: one schedule, judged step by step ------------------------------------------------------------------------

def keeps_the_turn(answers: Answers) -> Finding:
    """Let a reader in, let a writer wait, let a late reader come, then let the first one leave: does the writer get its turn?"""
    lock, inside = word_lock("lock"), hall("hall")
    machine = Stepper(late_reader(lock, inside, answers.livepatch))
    try:
        with limited_instructions():
            go_on(machine, inside, "reader", "writer")
            if machine.next_step("writer") is None:
                return failed(machine, "reader is inside, and the writer does not wait for it")
            go_on(machine, inside, "late")
            if machine.value(inside.readers) > 1:
                return failed(machine, "late came after the writer had begun to wait, and is inside before it")
            go_on(machine, inside, "host", "reader", "writer", "late", "writer")
    except (Mistake, RunsForEver) as problem:
        raise AnswerFailed(str(problem)) from None
    if machine.next_step("writer") is not None:
        return failed(machine, "reader has left, and the writer still does not get in")
    return Finding(4)


def late_reader(lock: word_lock, inside: hall, livepatch: Livepatch) -> Program:
    return Program("late_reader", (Thread("reader", stays_until_told, (lock, inside)), Thread("writer", writes, (lock, inside)),
                                   Thread("late", reads, (lock, inside)), Thread("host", tells_to_leave, (inside,))), (), livepatch,
                   title="A reader is inside, a writer waits, and a late reader comes")


def go_on(machine: Stepper, inside: hall, *threads: str) -> None:
    """Let one thread after the other run until it waits, looks again and again, or is inside too early."""
    for who in threads:
        begin = len(machine.trace)
        while len(machine.trace) < begin + SETTLED and not machine.waits(who) and not repeats(machine, begin):
            machine.step(who)
            if who == "late" and machine.value(inside.readers) > 1:
                return


def repeats(machine: Stepper, begin: int) -> bool:
    """Whether the last steps were the same as the ones before them: a thread looks again and again."""
    own = [(event.step.verb, event.step.cells, event.step.argument, event.result) for event in machine.trace[begin:]]
    return any(len(own) >= 2 * n and own[-n:] == own[-2 * n:-n] for n in range(1, REPEATS + 1))


def failed(machine: Stepper, sentence: str) -> Finding:
    """What is wrong, with the schedule that showed it."""
    steps = tuple(event.thread for event in machine.trace)
    verdict = Verdict(machine.program, "violated", len(steps) + 1, len(steps), "writer_progress", sentence, steps, tuple(machine.trace))
    return Finding(0, sentence, situation=machine.program.name, schedule=verdict.schedule, verdict=verdict)


# --- the exercise ---------------------------------------------------------------------------------------------------------

exclusion = Property("exclusion", 5, "a writer is alone inside, in every schedule of two or three threads, one of them perhaps in interrupt context", MUTUAL,
                     (reader_and_writer, two_readers_and_a_writer, two_writers_and_a_reader, reader_writer_and_handler), frozenset({"a_writer_is_alone"}))
writer_progress = Judged("writer_progress", 4, "a writer that waits holds back a reader who comes later, and gets in when the readers are out",
                         ORDER, keeps_the_turn, hint="let the writer run until it only looks again and again; what does the late reader find?")

PROPERTIES = (
    exclusion,
    Property("readers_share", 3, "a reader gets in while another one stays inside, and nobody writes", SHARING, (readers_meet,), STUCK),
    writer_progress,
    Property("interrupt_readers_pass", 2, "a reader in interrupt context never waits for the reader that it interrupted, whatever a writer does",
             ORDER, (interrupted_reader,), STUCK, alone=True),
    Property("no_lost_hand_over", 2, "whoever waits gets in, and the lock can be taken again", LEAVING,
             (two_writers_and_a_reader, two_readers_and_a_writer, twice_each), STUCK, alone=True),
)

EXERCISE = Exercise(
    "6.1", "A lock with a queue",
    tuple(kernel_function(function) for function in (lock_for_read, unlock_for_read, lock_for_write, unlock_for_write)), PROPERTIES,
    (Gate(writer_progress, "a writer that waits does not get its turn, which is what this exercise is about, so nothing else counts yet"),))
