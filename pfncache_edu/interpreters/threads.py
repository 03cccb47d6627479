"""One thread of a program: a generator that is advanced a step at a time, and what identifies it while suspended."""
from __future__ import annotations

import gc
import types
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, replace
from itertools import count, islice
from operator import length_hint
from typing import Any, NamedTuple

from ..locks import Held, held_after
from ..program import Thread, Watch
from ..steps import LOAD, STORE, Cell, KernelFunction, Mistake, Step, Struct, Verb, Violation, as_step, forgotten
from ..verdict import ARRIVES, QUEUES, Place

UNKNOWN = count()


@dataclass(frozen=True)
class Memory:
    """What is remembered of a thread's own steps: the locks it holds, what each watch asked to remember, whether it
    stands in line for the write lock that it wants, and whether, as an interrupt handler, it has arrived."""
    held: Held = ()
    watched: tuple[Hashable, ...] = ()
    queued: bool = False
    arrived: bool = False


class Elsewhere(Generator):
    """A generator that runs in another process, as far as it can be seen from here.

    `stack` is where it is suspended, and two of them with equal `identity` have the same future. What they raise as a
    MistakeElsewhere is told as if it had been raised here.
    """
    identity: Hashable = None
    stack: tuple[Place, ...] = ()

    def throw(self, kind, value=None, traceback=None):
        raise value or kind


class MistakeElsewhere(Exception):
    """What a generator in another process did wrong, with its own place in it: "f, line 3: KeyError: 'x'"."""


class Suspended:
    """A thread between two of its steps: `step` is the one it takes next, None when the thread is done."""

    def __init__(self, thread: Thread, still: frozenset[Cell] = frozenset()):
        self.thread, self.still = thread, still
        self.generator: Generator = _start(thread)
        self.step: Step | None = None
        self.result: object = None
        self._advance(None)
        self._note_where()

    def send(self, *values) -> None:
        """Answer the current step with a value and run to the next one, and so on. Mistake if the code is at fault."""
        for value in values:
            if self.step is not None:
                self._advance(value)
        self._note_where()

    def _note_where(self) -> None:
        if self.step is not None:
            note_where(self.step, self.generator)

    def _advance(self, value) -> None:
        forgotten.clear()
        try:
            self.step = as_step(self.generator.send(value))
            while self.step.cells and self.step.cells[0] in self.still:
                self.step = as_step(self.generator.send(self._answer_of_a_still_cell()))
        except StopIteration as stop:
            self.step, self.result = None, stop.value
        except (Violation, Mistake):
            raise
        except MistakeElsewhere as mistake:
            raise Mistake(f"{self.thread.name}: {mistake}") from None
        except Exception as error:
            raise _mistake(self.thread, error, self.stack) from error
        if forgotten:
            raise Mistake(f"{self.thread.name}: {forgotten[0]}")

    def _answer_of_a_still_cell(self):
        cell = self.step.cells[0]
        if self.step.verb is LOAD:
            return cell.initial
        if self.step.verb is STORE and self.step.argument == cell.initial:
            return None
        raise Mistake(f"{self.thread.name}: {self.step!r}, but in this program {cell.name} stays {cell.initial!r}")

    @property
    def stack(self) -> tuple[Place, ...]:
        """Where it is suspended, outermost call first."""
        return _stack(self.generator)

    def key(self) -> Hashable:
        """What its future depends on: two threads of one program with equal keys behave alike from here on."""
        if self.step is None:
            return ("finished", freeze(self.result, {}))
        return freeze((self.step, self.generator), {})       # what it yielded is no longer on its stack

    def locals(self) -> dict[str, object]:
        """The local variables of the suspended calls, as `function.name`."""
        return {f"{g.gi_code.co_name}.{name}": value
                for g in _chain(self.generator)[0] if g.gi_frame for name, value in g.gi_frame.f_locals.items()}

    def close(self) -> None:
        """Drop it. A generator that yields while it is closed (in a `finally`) is only silenced."""
        forgotten.clear()
        try:
            self.generator.close()
        except RuntimeError:
            pass
        forgotten.clear()


def _start(thread: Thread) -> Generator:
    try:
        return iter(thread.function(*thread.args))
    except Exception as error:
        raise _mistake(thread, error, ()) from error


def _mistake(thread: Thread, error: Exception, stack: tuple[Place, ...]) -> Mistake:
    """The error as a Mistake that names the reader's own line: the innermost one outside the package, if there is one."""
    places = [place for place in _traceback_places(error) if not place.file.startswith(_MACHINERY)] or list(stack)
    own = [place for place in places if not place.file.startswith(_PACKAGE)] or places
    where = f"{own[-1].function}, line {own[-1].line}" if own else thread.function.__name__
    return Mistake(f"{thread.name}: {where}: {type(error).__name__}: {error}")


_PACKAGE = __file__.rsplit("interpreters", 1)[0]
_MACHINERY = (_PACKAGE + "interpreters", _PACKAGE + "steps.py", _PACKAGE + "locks.py")


def memory_at_start(watches: tuple[Watch, ...]) -> Memory:
    return Memory((), tuple(watch.start for watch in watches))


def memory_after(memory: Memory, watches: tuple[Watch, ...], thread: str, step: Step, old: tuple, result) -> Memory:
    """What to remember after a step. Violation if a watch, or the lock rules, say that the step is wrong."""
    if result in (QUEUES, ARRIVES):
        return replace(memory, queued=result == QUEUES, arrived=memory.arrived or result == ARRIVES)
    old = old[:len(step.cells)]
    held = held_after(memory.held, step, result)
    return Memory(held, tuple(watch.after(remembered, thread, step, old, result)
                              for watch, remembered in zip(watches, memory.watched)), arrived=memory.arrived)


def check_end(memory: Memory, watches: tuple[Watch, ...], thread: str) -> None:
    """Violation if a finished thread leaves a lock held, or a watch is not satisfied."""
    if memory.held:
        lock, mode = memory.held[-1]
        how = f" for {mode}" if lock.kind == "rwlock" else ""
        raise Violation("locks_are_released", f"{thread} is done and still holds {lock.name}{how}")
    for watch, remembered in zip(watches, memory.watched):
        if watch.at_end:
            watch.at_end(remembered, thread)


# --- where a generator is ------------------------------------------------------------------------------------------

def _chain(generator) -> tuple[list[types.GeneratorType], object]:
    """The generators that wait for each other, outermost first, and what the innermost one waits for."""
    chain = []
    while isinstance(generator, types.GeneratorType):
        chain.append(generator)
        generator = generator.gi_yieldfrom
    return chain, generator


def _stack(generator) -> tuple[Place, ...]:
    chain, last = _chain(generator)
    return *map(_place, chain), *(last.stack if isinstance(last, Elsewhere) else ())


class CodeElsewhere(NamedTuple):
    """What a step's `at` tells of a function in another process, by the names that code objects have for it."""
    co_name: str
    co_filename: str


def note_where(step: Step, generator: Generator) -> None:
    """Note with a step which function of a suspended generator yielded it, and in which line."""
    chain, last = _chain(generator)
    if isinstance(last, Elsewhere):
        place = last.stack[-1]
        step.at = CodeElsewhere(place.function, place.file), place.line
    else:
        step.at = chain[-1].gi_code, chain[-1].gi_frame.f_lineno


def _place(generator: types.GeneratorType) -> Place:
    code, frame = generator.gi_code, generator.gi_frame
    if frame is None:
        return Place(code.co_name, code.co_filename, code.co_firstlineno, 1, 1)
    line, end_line, column, end_column = next(islice(code.co_positions(), max(frame.f_lasti, 0) // 2, None))
    line = line or frame.f_lineno
    return Place(code.co_name, code.co_filename, line, (column or 0) + 1, (end_column or 0) + 1, end_line or line)


def _traceback_places(error: BaseException) -> list[Place]:
    places, tb = [], error.__traceback__
    while tb:
        code = tb.tb_frame.f_code
        places.append(Place(code.co_name, code.co_filename, tb.tb_lineno, 1, 1))
        tb = tb.tb_next
    return places


# --- what a suspended generator is, as a value ---------------------------------------------------------------------

_SCALARS = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis))
_BY_IDENTITY = (type, types.CodeType, types.ModuleType, types.BuiltinFunctionType, Cell, Struct, Verb, KernelFunction)
_ITERATORS = tuple(type(it) for it in (
    iter([]), iter(()), iter(range(0)), iter(""), iter(b""), iter({}), iter({}.values()), iter({}.items()),
    iter(set()), reversed([]), reversed(range(0)), enumerate(()), zip(), map(int, ()), filter(None, ()),
    reversed({}), iter(range(1 << 70))))


def freeze(value, seen: dict[int, tuple[int, object]]) -> Hashable:
    """A hashable stand-in for a value: equal stand-ins mean that code holding the values behaves alike.

    Lists, dicts, sets, closures and iterators are compared by what they hold *and* by who shares them: `seen` numbers
    each one when it is first met. A type that is not known here never equals anything: then a search is longer than
    it need be, or incomplete, but never wrong.
    """
    kind = type(value)
    if kind in _FLAT or kind not in _DEEP and _is_flat(kind):
        return _FLAT[kind](value, seen)
    if id(value) in seen:
        return "again", seen[id(value)][0]
    seen[id(value)] = len(seen), value
    return _DEEP[kind](value, seen)


def _is_flat(kind: type) -> bool:
    """Whether a type that is met for the first time has no identity of its own; from now on it is known."""
    if issubclass(kind, _BY_IDENTITY):
        _FLAT[kind] = _itself
    elif issubclass(kind, Elsewhere):
        _DEEP[kind] = lambda value, seen: ("elsewhere", value.identity)
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        _FLAT[kind] = lambda value, seen: (kind, *(freeze(item, seen) for item in tuple(value)))
    elif issubclass(kind, BaseException):
        _DEEP[kind] = lambda value, seen: (kind, freeze(value.args, seen))
    elif getattr(kind, "__dataclass_params__", None) and kind.__dataclass_params__.frozen:
        _DEEP[kind] = lambda value, seen: (kind, *(freeze(getattr(value, name), seen) for name in kind.__dataclass_fields__))
    else:
        _DEEP[kind] = lambda value, seen: ("unlike anything", next(UNKNOWN))
    return kind in _FLAT


def _itself(value, seen) -> Hashable:
    _keep[id(value)] = value
    return "is", id(value)


def _freeze_closure(value, seen) -> Hashable:
    try:
        return "closure", freeze(value.cell_contents, seen)
    except ValueError:
        return "closure", "empty"


def _freeze_function(value, seen) -> Hashable:
    return ("function", freeze(value.__code__, seen), freeze(value.__defaults__, seen),
            freeze(value.__kwdefaults__, seen), freeze(value.__closure__, seen))


def _freeze_bounds(value, seen) -> Hashable:
    return type(value), freeze(value.start, seen), freeze(value.stop, seen), freeze(value.step, seen)


_keep: dict[int, object] = {}
"""Objects that a frozen value names by their address: kept alive, so that no other object can get that address."""


def _freeze_generator(generator: types.GeneratorType, seen: dict[int, int]) -> Hashable:
    frame = generator.gi_frame
    if frame is None:
        return "exhausted", freeze(generator.gi_code, seen)
    variables = frame.f_locals
    bound = tuple(variables)           # referents leave unbound variables out, so say which ones are bound
    contents = [item for item in gc.get_referents(generator)
                if not isinstance(item, types.FrameType) and item is not variables]
    return ("generator", frame.f_lasti, bound, *(freeze(item, seen) for item in contents))


_FLAT: dict[type, Callable[[Any, dict], Hashable]] = {
    **dict.fromkeys(_SCALARS, lambda value, seen: (type(value), value)),
    **dict.fromkeys(_BY_IDENTITY, _itself),
    tuple: lambda value, seen: ("tuple", *[freeze(item, seen) for item in value]),
    frozenset: lambda value, seen: ("frozenset", frozenset([freeze(item, seen) for item in value])),
}
_DEEP: dict[type, Callable[[Any, dict], Hashable]] = {
    list: lambda value, seen: ("list", *[freeze(item, seen) for item in value]),
    dict: lambda value, seen: ("dict", *[(freeze(k, seen), freeze(v, seen)) for k, v in value.items()]),
    set: lambda value, seen: ("set", frozenset([freeze(item, seen) for item in value])),
    types.GeneratorType: lambda value, seen: _freeze_generator(value, seen),
    types.FunctionType: _freeze_function,
    types.CellType: _freeze_closure,
    types.MethodType: lambda value, seen: ("method", freeze(value.__func__, seen), freeze(value.__self__, seen)),
    slice: _freeze_bounds,
    range: _freeze_bounds,
    Step: lambda value, seen: ("step", freeze(value.verb, seen), freeze(value.cells, seen), freeze(value.argument, seen)),
    **dict.fromkeys(_ITERATORS, lambda value, seen: (type(value), freeze(value.__reduce__()[1:], seen), length_hint(value, -1))),
}
