"""Values, worlds and steps as JSON, and back: all that the judge and the process of a student's code say to each other.

Scalars and lists are themselves. Everything else is an object with one letter: t a tuple, d a dict, s a set, f a
frozenset, b bytes, n a named tuple of the package, o an object of the world (a struct, a cell or a table of cells) by its
number, c a cell of a table by its key, ? something that cannot be sent. An object of the world is described once, when
the world is sent: by names and kinds, never by what its cells hold.

The judge reads with the same functions what a student's process wrote. So they believe nothing: a depth is counted, a
number has so many bits, a class must be one of the package's named tuples, and a step is made of a verb and cells that
fit together. ValueError is the answer to all the rest.
"""
from __future__ import annotations

import json
from functools import cache

from .. import lock_words, locks, steps
from ..kvm import before_the_patch, bug, host_mm, host_pages, memslots, mmu_notifier, pfncache, structs, v6_1
from ..kvm.structs import Cells
from ..steps import Cell, KernelFunction, Step, Struct, Verb

MAX_LINE = 1_000_000               # bytes of a reply
MAX_DEPTH = 24
MAX_BITS = 14_000                  # as many as a number that JSON writes in digits has
ROOMS = {module.__name__: module for module in (
    before_the_patch, bug, host_mm, host_pages, memslots, mmu_notifier, pfncache, structs, v6_1, lock_words)}
LOCK_KINDS = {"read": "rwlock", "write": "rwlock", "mutex": "mutex", "spin": "spinlock"}


class Opaque:
    """Stands for something that cannot be sent: of a class of the same name. It equals nothing, not even itself."""

    def __eq__(self, other):
        return False

    __hash__ = object.__hash__


def opaque(kind: str) -> object:
    """What stands for a thing of this kind."""
    if kind == "generator":
        return (nothing for nothing in ())
    return type(kind or "object", (Opaque,), {})()


class Objects:
    """The structs, cells and tables of cells of one world, by number; the same world gets the same numbers on both sides."""

    def __init__(self):
        self.known: list[object] = []
        self.numbers: dict[int, int] = {}
        self.described: list[dict] = []

    def number_of(self, value) -> int:
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.known)
            self.known.append(value)
            place = len(self.described)
            self.described.append({})
            self.described[place] = self.description(value)
        return self.numbers[id(value)]

    def description(self, value) -> dict:
        """What the other side needs to make one like it."""
        if isinstance(value, Cell):
            guard = None if value.guard is None else self.number_of(value.guard)
            for struct in structs_in(value.initial):
                self.number_of(struct)
            return {"cell": value.name, "kind": value.kind, "guard": guard, "declared": value.declared}
        if isinstance(value, Cells):
            return {"table": value.name, "cells": [[key, self.number_of(cell)] for key, cell in value.items()]}
        kind = type(value)
        return {"struct": [kind.__module__, kind.__qualname__],
                "has": {key: encoded(attribute, self) for key, attribute in vars(value).items()}}

    def add(self, value, description: dict) -> None:
        """Take an object over with the next number: on the side that has only been told of it."""
        self.numbers[id(value)] = len(self.known)
        self.known.append(value)
        self.described.append(description)

    def of_number(self, number) -> object:
        if type(number) is not int or not 0 <= number < len(self.known):
            raise ValueError("no such object")
        return self.known[number]

    def table_of(self, cell: Cell) -> tuple[int, object]:
        """The table and the key of a cell that was made when it was first asked for."""
        for number, table in enumerate(self.known):
            if isinstance(table, Cells):
                for key, value in table.items():
                    if value is cell:
                        return number, key
        raise ValueError(f"{cell.name} is not of this world")


def structs_in(value):
    """The structs in a value, wherever in its tuples."""
    if isinstance(value, Struct):
        yield value
    elif isinstance(value, (tuple, frozenset)):
        for item in value:
            yield from structs_in(item)


def is_of_a_world(value) -> bool:
    return isinstance(value, (Struct, Cell, Cells))


# --- out ----------------------------------------------------------------------------------------------------------------

def encoded(value, objects: Objects | None = None, *, new: bool = True, depth: int = 0):
    """A value as what json.dumps takes. What cannot be sent is said to be so. With `new`, unknown objects get numbers."""
    def items(values):
        return [encoded(item, objects, new=new, depth=depth + 1) for item in values]

    def in_order(values):
        return sorted(items(values), key=json.dumps)
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is float or kind is int and value.bit_length() <= MAX_BITS:
        return value
    if depth > MAX_DEPTH:
        return {"?": kind.__name__[:100]}
    if kind is list:
        return items(value)
    if kind is tuple:
        return {"t": items(value)}
    if isinstance(value, dict):
        return {"d": [[*items(pair)] for pair in value.items()]}
    if kind is set or kind is frozenset:
        return {"s" if kind is set else "f": in_order(value)}
    if kind is bytes:
        return {"b": value.hex()}
    if isinstance(value, tuple) and kind in named_tuples().values():
        return {"n": [kind.__module__, kind.__qualname__, *items(value)]}
    if objects is not None and is_of_a_world(value):
        if id(value) in objects.numbers or new:
            return {"o": objects.number_of(value)}
        return {"c": list(objects.table_of(value))}
    for plain in (int, float, str, list, tuple):          # one of its subclasses is what JSON would make of it
        if isinstance(value, plain) and kind is not plain:
            return encoded(plain(value), objects, new=new, depth=depth + 1)
    return {"?": kind.__name__[:100]}


def encoded_step(step: Step, objects: Objects) -> dict:
    return {"v": step.verb.name, "c": [encoded(cell, objects, new=False) for cell in step.cells],
            "a": encoded(step.argument, objects, new=False)}


# --- in -----------------------------------------------------------------------------------------------------------------

def decoded(data, objects: Objects | None = None, depth: int = 0):
    """The value that some JSON stands for. ValueError if it stands for none."""
    kind = type(data)
    if data is None or kind is bool or kind is float:
        return data
    if kind is int:
        if data.bit_length() > MAX_BITS:
            raise ValueError("a number with too many digits")
        return data
    if kind is str:
        return clean(data)
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if kind is list:
        return [decoded(item, objects, depth + 1) for item in data]
    if kind is not dict or len(data) != 1:
        raise ValueError("not a value")
    (letter, inside), = data.items()
    if letter == "?":
        return opaque(text(inside, 100))
    if letter == "b":
        return bytes.fromhex(text(inside, MAX_LINE))
    if letter == "o":
        return of_world(objects).of_number(inside)
    if type(inside) is not list:
        raise ValueError("not a list")
    if letter == "c":
        return cell_of_table(inside, of_world(objects))
    items = [decoded(item, objects, depth + 1) for item in inside]
    return made(letter, items)


def made(letter: str, items: list):
    """A collection of decoded items."""
    try:
        if letter == "t":
            return tuple(items)
        if letter == "d":
            return {key: value for key, value in items}
        if letter in "sf":
            return set(items) if letter == "s" else frozenset(items)
        if letter == "n":
            kind = named_tuples()[tuple(items[:2])]
            if len(items) - 2 == len(kind._fields):
                return tuple.__new__(kind, items[2:])
    except (TypeError, KeyError):
        pass
    raise ValueError(f"not a collection: {letter[:10]!r}")


def of_world(objects: Objects | None) -> Objects:
    if objects is None:
        raise ValueError("there is no world here")
    return objects


def cell_of_table(place: list, objects: Objects) -> Cell:
    number, key = place if len(place) == 2 else (None, None)
    table = objects.of_number(number)
    if not isinstance(table, Cells) or type(key) not in (int, str) or type(key) is str and len(key) > 100:
        raise ValueError("no such cell")
    return table[key]


def decoded_step(data: dict, objects: Objects) -> Step:
    """A step whose verb, cells and argument fit together. ValueError otherwise."""
    if type(data) is not dict or data.keys() != {"v", "c", "a"} or type(data["c"]) is not list or len(data["c"]) > 100:
        raise ValueError("not a step")
    verb = verbs().get(data["v"]) if type(data["v"]) is str else None
    cells = tuple(decoded(cell, objects) for cell in data["c"])
    if verb is None or not all(isinstance(cell, Cell) for cell in cells):
        raise ValueError("not a step")
    argument = decoded(data["a"], objects)
    why_not = misfit(verb, cells, argument)
    if why_not:
        raise ValueError(why_not)
    step = Step(verb, cells, argument)
    step.yielded = True
    return step


def misfit(verb: Verb, cells: tuple[Cell, ...], argument) -> str:
    """Why no function of ours makes a step of these; "" if one does."""
    if verb.takes or verb.releases:
        kind = LOCK_KINDS.get(verb.name.split("_")[0])
        fits = len(cells) == 1 and cells[0].kind == kind and (argument is None or type(argument) is str and argument == "irq")
        return "" if fits else f"{verb.name} of something that is no {kind}"
    if verb in (steps.SMP_RMB, steps.SMP_WMB, steps.COND_RESCHED):
        return "" if not cells and argument is None else f"{verb.name} touches nothing"
    if verb is steps.CMPXCHG:
        fits = len(cells) == 1 and cells[0].kind == "data" and type(argument) is tuple and len(argument) == 2
        return "" if fits and not any(isinstance(one, Opaque) for one in argument) else "cmpxchg takes a cell, what it holds, and what to store"
    if verb in (steps.LOAD, steps.STORE, steps.ADD, steps.WAIT_UNTIL):
        fits = len(cells) == 1 and (verb is not steps.LOAD or cells[0].kind == "data" and argument is None)
        return "" if fits and not isinstance(argument, Opaque) else f"{verb.name} of {len(cells)} cells"
    return ""


def text(value, longest: int = 1000) -> str:
    """The value if it is a text, cleaned of what no file can hold and cut off where it is too long. ValueError if it is none."""
    if type(value) is not str:
        raise ValueError("not a text")
    return clean(value[:longest])


def clean(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


# --- what the package has to offer ----------------------------------------------------------------------------------------

@cache
def verbs() -> dict[str, Verb]:
    """Every kind of step that the package has, by its name."""
    return {thing.name: thing for module in (steps, locks, *ROOMS.values()) for thing in vars(module).values() if isinstance(thing, Verb)}


@cache
def named_tuples() -> dict[tuple[str, str], type]:
    """The named tuples of the package that a value may be, by module and name."""
    return {(thing.__module__, thing.__qualname__): thing for module in ROOMS.values() for thing in vars(module).values()
            if isinstance(thing, type) and issubclass(thing, tuple) and hasattr(thing, "_fields") and thing.__module__ in ROOMS}


def kernel_function(module: str, name: str) -> KernelFunction | None:
    """The kernel function of this name that the package shows to everybody; None if there is none."""
    found = vars(ROOMS[module]).get(name) if module in ROOMS else None
    return found if isinstance(found, KernelFunction) else None


# --- lines -----------------------------------------------------------------------------------------------------------------

def line_of(message: dict) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def message_of(line: bytes) -> dict:
    """The message in a line. ValueError if it is none."""
    try:
        message = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(message) is not dict:
        raise ValueError("not a message")
    return message
