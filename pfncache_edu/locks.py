"""Locks: rwlock, mutex and spinlock, as steps.

The value of a lock's cell is a number: 0 free, n > 0 held for read by n, -1 held for write (or, for a mutex and a
spinlock, held). Who holds it follows from each thread's own steps: see `held_after`.

The rwlock here is *unfair*: a reader may enter while a writer waits. Every schedule of a fair lock is also a
schedule of this one, so what is proved safe with it is safe with the kernel's queued rwlock too. A program can ask for
the fair rule (`Program(fair_locks=True)`, interpreters/taking.py), which adds deadlocks of its own.
"""
from __future__ import annotations

from .steps import Cell, Field, Step, Verb, Violation, keep, kept_steps

FREE, WRITER = 0, -1


def rwlock_t():
    """Declares a reader-writer spinlock in a struct."""
    return Field(FREE, kind="rwlock")


def mutex():
    """Declares a mutex in a struct: may sleep while it waits, so never inside a spinlock or rwlock."""
    return Field(FREE, kind="mutex")


def spinlock_t():
    """Declares a spinlock in a struct."""
    return Field(FREE, kind="spinlock")


def _enter_for_read(_, value):
    return None if value == WRITER else (None, value + 1)


def _leave_as_reader(_, value):
    return None, value - 1


def _enter_alone(_, value):
    return (None, WRITER) if value == FREE else None


def _leave_alone(_, value):
    return None, FREE


def _try_for_read(_, value):
    return (False, value) if value == WRITER else (True, value + 1)


def _try_alone(_, value):
    return (True, WRITER) if value == FREE else (False, value)


READ_LOCK = Verb("read_lock", "takes {cells} for read", _enter_for_read, takes="read")
READ_UNLOCK = Verb("read_unlock", "drops {cells} (read)", _leave_as_reader, releases="read")
WRITE_LOCK = Verb("write_lock", "takes {cells} for write", _enter_alone, takes="write")
WRITE_UNLOCK = Verb("write_unlock", "drops {cells} (write)", _leave_alone, releases="write")
READ_TRYLOCK = Verb("read_trylock", "tries {cells} for read -> {result}", _try_for_read, takes="read", tries=True)
WRITE_TRYLOCK = Verb("write_trylock", "tries {cells} for write -> {result}", _try_alone, takes="write", tries=True)
MUTEX_LOCK = Verb("mutex_lock", "takes {cells}", _enter_alone, takes="write")
MUTEX_TRYLOCK = Verb("mutex_trylock", "tries {cells} -> {result}", _try_alone, takes="write", tries=True)
MUTEX_UNLOCK = Verb("mutex_unlock", "drops {cells}", _leave_alone, releases="write")
SPIN_LOCK = Verb("spin_lock", "takes {cells}", _enter_alone, takes="write")
SPIN_UNLOCK = Verb("spin_unlock", "drops {cells}", _leave_alone, releases="write")


def _lock_step(verb: Verb, kind: str, doc: str, irq: str | None = None):
    name, made = verb.name + (f"_{irq}" if irq else ""), kept_steps()

    def step(lock: Cell) -> Step:
        if made and type(lock) is Cell and lock in made:
            return made[lock]
        if not isinstance(lock, Cell) or lock.kind != kind:
            found = f"{lock.name} is a {lock.kind}" if isinstance(lock, Cell) else f"got {lock!r}"
            raise TypeError(f"{name}() takes a {kind}, but {found}")
        return keep(made, Step(verb, (lock,), irq))
    step.__name__ = step.__qualname__ = name
    step.__doc__ = doc
    return step


read_lock = _lock_step(READ_LOCK, "rwlock", "Waits while a writer holds the lock, then shares it with other readers.")
read_unlock = _lock_step(READ_UNLOCK, "rwlock", "Leaves a read section.")
write_lock = _lock_step(WRITE_LOCK, "rwlock", "Waits until nobody holds the lock, then holds it alone.")
write_unlock = _lock_step(WRITE_UNLOCK, "rwlock", "Leaves a write section.")
read_lock_irq = _lock_step(READ_LOCK, "rwlock", "read_lock() with interrupts off on this CPU.", "irq")
read_unlock_irq = _lock_step(READ_UNLOCK, "rwlock", "read_unlock(), and interrupts on again.", "irq")
write_lock_irq = _lock_step(WRITE_LOCK, "rwlock", "write_lock() with interrupts off on this CPU.", "irq")
write_unlock_irq = _lock_step(WRITE_UNLOCK, "rwlock", "write_unlock(), and interrupts on again.", "irq")
read_trylock = _lock_step(READ_TRYLOCK, "rwlock", "Takes the lock for read if no writer holds it; answers whether it did.")
write_trylock = _lock_step(WRITE_TRYLOCK, "rwlock", "Takes the lock for write if nobody holds it; answers whether it did.")
mutex_lock = _lock_step(MUTEX_LOCK, "mutex", "Waits until the mutex is free, then holds it.")
mutex_trylock = _lock_step(MUTEX_TRYLOCK, "mutex", "Takes the mutex if it is free; answers whether it did.")
mutex_unlock = _lock_step(MUTEX_UNLOCK, "mutex", "Gives the mutex back.")
spin_lock = _lock_step(SPIN_LOCK, "spinlock", "Spins until the lock is free, then holds it.")
spin_unlock = _lock_step(SPIN_UNLOCK, "spinlock", "Gives the spinlock back.")

Held = tuple[tuple[Cell, str], ...]
"""The locks that a thread holds, oldest first: `((kvm.gpc_lock, "write"), (gpc.lock, "read"))`."""


def held_after(held: Held, step: Step, result) -> Held:
    """The locks a thread holds after `step` answered `result`. Violation if it releases one it does not hold."""
    verb = step.verb
    if verb.takes and (result or not verb.tries):
        return (*held, (step.cells[0], verb.takes))
    if verb.releases:
        entry = (step.cells[0], verb.releases)
        if entry not in held:
            raise Violation("only_the_holder_unlocks", f"{verb.name}({step.cells[0].name}) by a thread that "
                            f"does not hold it{' for ' + verb.releases if step.cells[0].kind == 'rwlock' else ''}")
        last = len(held) - 1 - held[::-1].index(entry)
        return held[:last] + held[last + 1:]
    return held


def conflicts(wanted: str, mode: str) -> bool:
    """Whether a lock held in `mode` keeps somebody who wants it in mode `wanted` waiting."""
    return "write" in (wanted, mode)
