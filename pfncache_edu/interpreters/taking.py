"""Taking a step: what it needs, what it answers and what it changes, under the program's rules for locks and interrupts.

Every interpreter takes steps through here, so that all of them mean the same by a lock.

A rwlock is *unfair* by default: a reader may enter while a writer waits. With `Program(fair_locks=True)` it is the
kernel's queued rwlock: a writer that cannot enter announces itself (a step of its own), and from then on readers wait,
except readers in interrupt context. The value of a lock that writers wait for is the pair (value, how many wait).

A thread with `interrupts="vcpu0"` is an interrupt handler on vcpu0's CPU: it arrives (a step of its own) when interrupts
are on there, and until it is done vcpu0 does not move. `_irq` lock steps switch interrupts off and on.
"""
from __future__ import annotations

from typing import NamedTuple

from ..locks import FREE, READ_LOCK, READ_TRYLOCK, WRITE_LOCK, WRITE_TRYLOCK, WRITER
from ..program import Program, Thread
from ..steps import Cell, Step
from ..verdict import ARRIVES, QUEUES
from .threads import Memory

IRQS_ON, IRQS_OFF, IN_INTERRUPT = "interrupts on", "interrupts off", "in an interrupt"


class Taken(NamedTuple):
    """A step that happened: what it answered, and the new values of its cells."""
    result: object
    new: tuple


def cells_of(program: Program, thread: Thread, step: Step | None) -> tuple[Cell, ...]:
    """The cells that decide whether a thread can take a step, and that the step may change."""
    if step is None:
        return ()
    cpu = program.cpu_of(thread)
    return step.cells if cpu is None else (*step.cells, cpu)


def take(program: Program, thread: Thread, memory: Memory, step: Step, old: tuple) -> Taken | None:
    """What the step does to the values `old` of `cells_of`; None if the thread has to wait.

    The step that ends an interrupt handler is corrected by `leave_interrupt`.
    """
    cpu = program.cpu_of(thread)
    if cpu is None:
        return _take(program, thread, memory, step, old)
    *own, state = old
    if thread.interrupts and not memory.arrived:
        return Taken(ARRIVES, (*own, IN_INTERRUPT)) if state == IRQS_ON else None
    if not thread.interrupts and state == IN_INTERRUPT:
        return None
    taken = _take(program, thread, memory, step, tuple(own))
    if taken and step.argument == "irq" and not thread.interrupts and taken.result != QUEUES:
        state = IRQS_OFF if step.verb.takes else IRQS_ON
    return taken and Taken(taken.result, (*taken.new, state))


def leave_interrupt(program: Program, thread: Thread, done: bool, new: tuple) -> tuple:
    """The new values of `cells_of` once it is known whether the thread is done: a handler that is, gives the CPU back."""
    return (*new[:-1], IRQS_ON) if done and thread.interrupts else new


def _take(program: Program, thread: Thread, memory: Memory, step: Step, old: tuple) -> Taken | None:
    if program.fair_locks and step.cells and step.cells[0].kind == "rwlock":
        return _take_fair(step, memory.queued, bool(thread.interrupts), old[0])
    outcome = step.effect(*old)
    return outcome and Taken(outcome[0], outcome[1:])


def _take_fair(step: Step, queued: bool, in_interrupt: bool, old) -> Taken | None:
    value, waiting = old if isinstance(old, tuple) else (old, 0)
    verb = step.verb
    if verb is READ_LOCK and waiting and not in_interrupt:
        return None
    if verb in (READ_TRYLOCK, WRITE_TRYLOCK) and waiting:
        return Taken(False, (old,))
    if verb is WRITE_LOCK:
        if queued and value == FREE:
            return Taken(None, (_fair(WRITER, waiting - 1),))
        if queued:
            return None
        if value != FREE or waiting:
            return Taken(QUEUES, (_fair(value, waiting + 1),))
    outcome = step.effect(value)
    return outcome and Taken(outcome[0], (_fair(outcome[1], waiting),))


def _fair(value: int, waiting: int):
    return (value, waiting) if waiting else value
