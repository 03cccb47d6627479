"""Steps: what a kernel function yields each time it touches something that another CPU can touch too.

    value = yield gpc.valid              loads
    yield gpc.valid.set(False)           stores
    yield write_lock(gpc.lock)           takes a lock (locks.py), and waits while it cannot
    done = yield from f(gpc)             calls another kernel function; the call itself is no step

Between two yields no other CPU runs, so every `yield` is a place where one may.

A `Cell` is a name for a shared variable: it holds no value. Values live in the interpreter that runs the
functions, so a function depends only on what its steps answered, and an interpreter can run it again, from the
start, to the same place. That is what makes undo, replay and exhaustive search possible.
"""
from __future__ import annotations

import functools
import gc
import sys
import threading
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os.path import basename
from types import CodeType, GeneratorType
from typing import Any, TypeVar

Result = TypeVar("Result")
Steps = Generator["Step | Cell", Any, Result]
"""The type of a kernel function: `Steps[bool]` yields steps and returns a bool."""


class Violation(Exception):
    """A property does not hold here. `property` is its name, `sentence` says what is wrong."""

    def __init__(self, property: str, sentence: str):
        super().__init__(f"{property}: {sentence}")
        self.property, self.sentence = property, sentence


class Mistake(Exception):
    """The program is not a program of steps: an exception, a forgotten `yield`, a function that is not repeatable.

    It is never a verdict: a race is a Violation, a Mistake is something to repair first.
    """


# --- what can be yielded -----------------------------------------------------------------------------------------

@dataclass(frozen=True, eq=False)
class Verb:
    """A kind of step.

    `effect(argument, *old)` gets the values of the step's cells and returns `(result, *new)`, or None while the
    step must wait. `words` is how a trace tells it; `takes` and `releases` name a lock mode ("read", "write").
    """
    name: str
    words: str
    effect: Callable[..., tuple | None]
    takes: str | None = None
    releases: str | None = None
    tries: bool = False


forgotten: list[str] = []
"""Steps and calls that were made and then dropped without a `yield`, with the line that did it."""


class Step:
    """One access to shared state: a verb, the cells it touches, and what it does to them."""
    __slots__ = ("verb", "cells", "argument", "yielded", "at")

    def __init__(self, verb: Verb, cells: tuple[Cell, ...], argument: Hashable = None):
        self.verb = verb
        self.cells = cells
        self.argument = argument
        self.yielded = False
        self.at: tuple[CodeType, int] | None = None         # who yielded it, and in which line

    @property
    def function(self) -> str:
        """The name of the kernel function that yielded it."""
        return self.at[0].co_name if self.at else "?"

    @property
    def where(self) -> str:
        """The kernel function that yielded it, with file and line."""
        return f"{self.function}, {basename(self.at[0].co_filename)}:{self.at[1]}" if self.at else "?"

    def effect(self, *old):
        """`(result, *new)` for the values `old` of the cells, or None: the step has to wait."""
        return self.verb.effect(self.argument, *old)

    def same_as(self, other: Step) -> bool:
        return (self.verb is other.verb and self.cells == other.cells
                and type(self.argument) is type(other.argument) and self.argument == other.argument)

    def __bool__(self):
        raise TypeError(f"{self!r} is a step: write `yield` in front of it to make it happen")

    def __repr__(self):
        argument = "" if self.argument is None else f", {self.argument!r}"
        return f"{self.verb.name}({', '.join(c.name for c in self.cells)}{argument})"

    def __del__(self):
        if not self.yielded:
            note_forgotten(f"`{self!r}` was made but not yielded: write `yield` in front of it")


_note_forgotten_step = Step.__del__
_guarded = True
_kept: list[dict] = []


@contextmanager
def unguarded():
    """While it is open, nobody notes what was forgotten, and steps and calls take less time.

    For interpreters that run long, on programs that are known to be programs of steps.
    """
    global _guarded
    before, _guarded = _guarded, False
    if before:
        del Step.__del__
    try:
        yield
    finally:
        _guarded = before
        if before:
            Step.__del__ = _note_forgotten_step
            for steps in _kept:
                steps.clear()


def kept_steps() -> dict[Cell, Step]:
    """A place for steps that need not be made anew each time while nobody is on guard; after that it is emptied."""
    steps: dict[Cell, Step] = {}
    _kept.append(steps)
    return steps


def keep(steps: dict[Cell, Step], step: Step) -> Step:
    """The step, which is put among those `kept_steps` if nobody is on guard."""
    if not _guarded:
        steps[step.cells[0]] = step
    return step


@contextmanager
def without_collecting():
    """While it is open, nobody looks for garbage in cycles: interpreters make none, and looking costs a fifth of their time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def note_forgotten(what: str) -> None:
    frame = sys._getframe(2) if sys._getframe(1).f_back else None
    where = f" ({frame.f_code.co_name}, line {frame.f_lineno})" if frame else ""
    forgotten.append(what + where)


LOAD = Verb("load", "reads {cells} -> {result}", lambda _, old: (old, old))
STORE = Verb("store", "stores {argument} in {cells}", lambda new, old: (None, new))
ADD = Verb("add", "adds {argument} to {cells} -> {result}", lambda n, old: (old + n, old + n))
CMPXCHG = Verb("cmpxchg", "puts {argument} (old, new) in {cells} if it is old -> {result}",
               lambda change, old: (True, change[1]) if old == change[0] else (False, old))
SMP_RMB = Verb("smp_rmb", "orders its loads (smp_rmb)", lambda _: (None,))
SMP_WMB = Verb("smp_wmb", "orders its stores (smp_wmb)", lambda _: (None,))
WAIT_UNTIL = Verb("wait_until", "sleeps until {cells} is {argument}", lambda value, old: (old, old) if old == value else None)
COND_RESCHED = Verb("cond_resched", "offers the CPU to others (cond_resched)", lambda _: (None,))


def smp_rmb() -> Step:
    """Loads before it happen before loads after it. In this model memory is sequentially consistent: it only marks the place."""
    return Step(SMP_RMB, ())


def smp_wmb() -> Step:
    """Stores before it happen before stores after it. In this model it only marks the place."""
    return Step(SMP_WMB, ())


def cmpxchg(cell: Cell, old: Hashable, new: Hashable) -> Step:
    """Store `new` if the cell holds `old`, and answer whether it did, in one step: C's atomic_try_cmpxchg()."""
    return Step(CMPXCHG, (cell,), (old, new))


def wait_until(cell: Cell, value: Hashable) -> Step:
    """Sleep until the cell holds `value`. C's wait queues, rcuwait and synchronize_srcu() are made of it."""
    return Step(WAIT_UNTIL, (cell,), value)


def cond_resched() -> Step:
    """Let somebody else run, if anybody wants to. Every step of this model does so anyway."""
    return Step(COND_RESCHED, ())


def _must_yield(kind: str):
    def refuse(self, *_):
        raise TypeError(f"{self.name} is shared: write `(yield {self.name})` to read it")
    refuse.__name__ = kind
    return refuse


class Cell:
    """A shared variable: a name, the value it starts with, and the lock that guards it. Yield it to load it.

    `guard` is the Cell of the lock that must be held to touch it (for read to load, for write to store), or None.
    `kind` is "rwlock", "mutex" or "spinlock" for a lock, and "data" for everything else.
    `unguarded` has the functions that touch it without its lock on purpose, with the reasons.
    `declared` is the field of the struct that it stands for ("gfn_to_pfn_cache.lock"): locks of one field are of one class.
    """
    __slots__ = ("name", "initial", "guard", "kind", "unguarded", "declared", "__weakref__")

    def __init__(self, name: str, initial: Hashable = None, guard: Cell | None = None, kind: str = "data",
                 unguarded: dict[str, str] | None = None, declared: str = ""):
        self.name, self.initial, self.guard, self.kind = name, initial, guard, kind
        self.unguarded, self.declared = unguarded or {}, declared or name

    def set(self, value: Hashable) -> Step:
        """The step that stores `value`."""
        if isinstance(value, Cell):
            raise TypeError(f"{value.name} is shared: write `{self.name}.set((yield {value.name}))`")
        return Step(STORE, (self,), value)

    def add(self, n: int) -> Step:
        """The step that adds `n` and answers the sum: C's `++` and `--` on a field that only we may write."""
        return Step(ADD, (self,), n)

    def __repr__(self):
        return self.name

    for _name in ("__bool__", "__lt__", "__le__", "__gt__", "__ge__", "__add__", "__radd__", "__sub__", "__rsub__",
                  "__and__", "__rand__", "__or__", "__ror__", "__int__", "__index__", "__len__", "__iter__",
                  "__getitem__", "__contains__", "__call__"):
        locals()[_name] = _must_yield(_name)
    del _name

    def __eq__(self, other):
        if self is other or isinstance(other, Cell):
            return self is other
        raise TypeError(f"{self.name} is shared: write `(yield {self.name})` to compare it")

    __hash__ = object.__hash__


def as_step(yielded: Any) -> Step:
    """What was yielded, as a Step; TypeError with the remedy if it is none."""
    if isinstance(yielded, Step):
        yielded.yielded = True
        return yielded
    if isinstance(yielded, Cell):
        if yielded.kind != "data":
            raise TypeError(f"{yielded.name} is a lock: yield read_lock({yielded.name}), write_lock({yielded.name}), …")
        step = Step(LOAD, (yielded,))
        step.yielded = True
        return step
    if isinstance(yielded, Call):
        yielded.started = True
        raise TypeError(f"{yielded.name}() is a kernel function: call it with `yield from`, not with `yield`")
    raise TypeError(f"a kernel function yielded {yielded!r}, which is no step: yield a field to load it, "
                    "field.set(value) to store, or a lock step such as read_lock(lock)")


# --- structs: fields grouped under the lock that guards them ------------------------------------------------------

@dataclass(eq=False)
class Field:
    """A declaration in a struct: a shared variable, the value it starts with and the lock that guards it."""
    initial: Hashable = None
    under: Field | None = None
    kind: str = "data"
    unguarded: dict[str, str] | None = None
    name: str = ""

    def __set_name__(self, owner, name):
        self.name = name


def field(initial: Hashable = None, *, under: Field | None = None, unguarded: dict[str, str] | None = None) -> Any:
    """A shared variable of a struct, guarded by the lock field `under`.

    `unguarded` lists the functions that touch it without the lock on purpose, each with its reason.
    """
    return Field(initial, under, unguarded=unguarded)


def fixed() -> Any:
    """A pointer or number that never changes once the struct exists: reading it is no step."""
    return Field(kind="fixed")


class Struct:
    """A C struct: its fields are cells, its `fixed()` fields are plain values.

    `Struct("gpc", kvm=kvm, valid=True)` names it and overrides what fields start with.
    """

    def __init__(self, struct_name: str, **initial: Any):
        cells: dict[str, Cell] = {}
        put = functools.partial(object.__setattr__, self)
        put("name", struct_name)
        for key, declared in self.fields().items():
            value = initial.pop(key, declared.initial)
            if declared.kind == "fixed":
                put(key, value)
            else:
                guard = cells[declared.under.name] if declared.under else None
                cells[key] = Cell(f"{struct_name}.{key}", value, guard, declared.kind, declared.unguarded,
                                  f"{type(self).__name__}.{key}")
                put(key, cells[key])
        if initial:
            raise TypeError(f"struct {type(self).__name__} has no field {', '.join(initial)}; "
                            f"it has {', '.join(self.fields())}")

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """Every field of the struct, in the order of the declaration."""
        return {key: value for owner in reversed(cls.__mro__) for key, value in vars(owner).items()
                if isinstance(value, Field)}

    def __setattr__(self, key, value):
        raise TypeError(f"{self.name}.{key} is shared: write `yield {self.name}.{key}.set(…)` to store in it")

    def __repr__(self):
        return self.name


# --- kernel functions ---------------------------------------------------------------------------------------------

class Call:
    """A call of a kernel function that waits for its `yield from`."""
    __slots__ = ("name", "steps", "started")

    def __init__(self, name: str, steps: Generator):
        self.name, self.steps, self.started = name, steps, False

    def __iter__(self) -> Iterator:
        self.started = True
        return self.steps

    def __bool__(self):
        self.started = True
        raise TypeError(f"{self.name}() is a kernel function: call it with `yield from {self.name}(…)`")

    def __repr__(self):
        return f"{self.name}(…)"

    def __del__(self):
        if not self.started:
            note_forgotten(f"{self.name}() was called without `yield from`, so none of its steps happened")


class KernelFunction:
    """What `@kernel` makes of a function: calling it gives a Call, and a livepatch can replace it."""

    def __init__(self, function: Callable[..., Generator]):
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args, **kwargs) -> Call | Generator:
        """The call, for a `yield from`; `unguarded` it is the generator itself."""
        steps = (_livepatches[self] if self in _livepatches else self).function(*args, **kwargs)
        if type(steps) is not GeneratorType and not isinstance(steps, Generator):     # the judge's proxies are of the second kind
            steps = _returns(steps)
        return Call(self.__name__, steps) if _guarded else steps

    def __repr__(self):
        return f"<kernel function {self.__name__}>"


def _returns(value):
    """A function without a `yield`, as a kernel function of no steps."""
    return value
    yield


def kernel(function: Callable[..., Steps[Result]]) -> Callable[..., Steps[Result]]:
    """Marks a generator function as kernel code: called with `yield from`, replaceable, checked for misuse."""
    return KernelFunction(function)


_livepatches: dict[KernelFunction, KernelFunction] = {}
_one_at_a_time = threading.RLock()


@contextmanager
def livepatched(replacements: dict[KernelFunction, KernelFunction]):
    """While it is open, calls of these kernel functions reach their replacements, as with the kernel's livepatch.

    A replacement reaches the original as `original.function(…)`. Of several threads one at a time gets in.
    """
    global _livepatches
    with _one_at_a_time:
        before, _livepatches = _livepatches, replacements
        try:
            yield
        finally:
            _livepatches = before
