"""Programs: threads of kernel functions, and what must hold while they run.

A Program is what every interpreter takes. It says nothing about order: that is the interpreter's business.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from .steps import Cell, KernelFunction, Step


@dataclass(frozen=True)
class Thread:
    """A role ("vcpu0", "notifier") and the kernel function that plays it.

    `interrupts` names the thread on whose CPU it runs as an interrupt handler, "" for a thread of its own CPU.
    """
    name: str
    function: KernelFunction
    args: tuple = ()
    interrupts: str = ""

    def __post_init__(self):
        object.__setattr__(self, "args", tuple(self.args))


@dataclass(frozen=True)
class Invariant:
    """What must be true in every state. `wrong(*values of cells)` answers the sentence that is wrong, or None."""
    name: str
    cells: tuple[Cell, ...]
    wrong: Callable[..., str | None]
    meaning: str = ""


@dataclass(frozen=True)
class Watch:
    """What must be true of the steps of each thread.

    `after(memory, thread, step, old, result)` gets what it returned after the thread's previous step (`start` for
    the first one) and the values that the step found; it returns what to remember, a small hashable value, or
    raises Violation. `at_end(memory, thread)` may raise one when the thread is done. `about` names the threads that
    it treats differently from others; a thread's name in a sentence is no difference.
    """
    name: str
    after: Callable[[Hashable, str, Step, tuple, object], Hashable]
    start: Hashable = None
    at_end: Callable[[Hashable, str], None] | None = None
    meaning: str = ""
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """Threads, the properties to hold, and the kernel functions that are replaced while it runs.

    `still` names cells that keep their first value in this program: loading one, or storing that value again, is
    answered at once and is no step, since nobody could tell when it happened. Any other store is a Mistake.
    `fair_locks`: a waiting writer holds back later readers, as the kernel's queued rwlock does. Without it they may
    pass: more schedules, so what is proved without it holds with it, deadlocks of readers apart.
    """
    name: str
    threads: tuple[Thread, ...]
    properties: tuple[Invariant | Watch, ...] = ()
    livepatch: dict[KernelFunction, KernelFunction] = field(default_factory=dict)
    still: frozenset[Cell] = frozenset()
    title: str = ""
    fair_locks: bool = False

    def __post_init__(self):
        for original, replacement in self.livepatch.items():
            for function in (original, replacement):
                if not isinstance(function, KernelFunction):
                    raise TypeError(f"a livepatch maps kernel functions to kernel functions, and {function!r} is none: "
                                    "write {the_original: yours}, and mark yours with @kernel")

        names = [thread.name for thread in self.threads]
        for thread in self.threads:
            if thread.interrupts and thread.interrupts not in names:
                raise ValueError(f"{thread.name} interrupts {thread.interrupts!r}, but the threads are {', '.join(names)}")
        interrupted = {thread.interrupts for thread in self.threads} - {""}
        object.__setattr__(self, "_cpus", {name: Cell(f"cpu of {name}", "interrupts on") for name in interrupted})

    def cpu_of(self, thread: Thread) -> Cell | None:
        """The state of the thread's CPU ("interrupts on", …), None if no interrupt ever comes there."""
        return self._cpus.get(thread.interrupts or thread.name) if self._cpus else None

    @property
    def watches(self) -> tuple[Watch, ...]:
        return tuple(p for p in self.properties if isinstance(p, Watch))

    @property
    def twins(self) -> list[list[int]]:
        """Groups of threads (by number) that run the same function on the same arguments: they are interchangeable."""
        special = {name for watch in self.watches for name in watch.about}
        groups: dict = {}
        for n, thread in enumerate(self.threads):
            alone = n if thread.name in special or self.cpu_of(thread) is not None else None
            groups.setdefault((thread.function, thread.args, alone), []).append(n)
        return [group for group in groups.values() if len(group) > 1]

    @property
    def invariants(self) -> tuple[Invariant, ...]:
        return tuple(p for p in self.properties if isinstance(p, Invariant))

    def letters(self) -> dict[str, str]:
        """The letter of each thread in a schedule string: its initial, or the next free letter."""
        letters: dict[str, str] = {}
        for thread in self.threads:
            letter = thread.name[0].lower()
            while letter in letters.values():
                letter = chr((ord(letter) - ord("a") + 1) % 26 + ord("a"))
            letters[thread.name] = letter
        return letters
