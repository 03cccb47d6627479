"""Answers: what an exercise asks for, and what was given, in one form for a notebook and for the judge.

An exercise asks for names. Behind each is a kernel function that replaces one of the kernel's, a plain function, or plain
data. In a notebook they are the student's own objects. The judge gives proxies in their place, which ask the process that
holds the student's code. So whatever a plain function returns, and all plain data, is taken as JSON would carry it:
tuples become lists, keys of a dict become texts, and anything else is refused with what to write instead.
"""
from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..steps import KernelFunction, kernel
from .instructions import RunsForEver, limited_instructions

MAX_TEXT = 100_000            # characters of a piece of plain data
MAX_CALL = 1_000_000          # bytecode instructions of one call of a plain function


@dataclass(frozen=True)
class Asked:
    """A name that an answer must define. `kind` is "steps", "function" or "data"; `says` completes "NAME is …"."""
    name: str
    kind: str
    says: str
    replaces: KernelFunction | None = None


def kernel_function(original: KernelFunction) -> Asked:
    """Ask for a kernel function in the place of this one, under its name."""
    return Asked(original.__name__, "steps", f"a kernel function: `@kernel` and `def {original.__name__}(…):`", original)


def plain_function(name: str, says: str) -> Asked:
    """Ask for a function of plain values, such as `a function of (slots, gfn) that returns a user address`."""
    return Asked(name, "function", says)


def data(name: str, says: str) -> Asked:
    """Ask for plain data, such as `a list of six letters`."""
    return Asked(name, "data", says)


class AnswerFailed(Exception):
    """An answer, or a part of it, cannot be judged; the message says what to write instead."""


class Answers:
    """The values that were given for the names that were asked for; `seed` chooses a generated variant."""

    def __init__(self, asks: tuple[Asked, ...], given: Mapping[str, object], seed: int = 0):
        self.asks = {asked.name: asked for asked in asks}
        self.given = given
        self.seed = seed

    def problem(self, name: str) -> str:
        """Why there is no answer under this name, "" if there is one."""
        asked = self.asks[name]
        if name not in self.given:
            return f"there is no {'function ' if asked.kind != 'data' else ''}{name} here: run the cell that defines it first"
        value = self.given[name]
        if isinstance(value, NoAnswer):
            return value.text
        if asked.kind == "steps":
            return why_no_kernel_function(asked, value)
        if asked.kind == "function" and (not callable(value) or inspect.isclass(value)):
            return f"{name} is {article(type(value).__name__)}, not a function: it must be {asked.says}"
        return ""

    @property
    def livepatch(self) -> dict[KernelFunction, KernelFunction]:
        """The given kernel functions in the place of the kernel's own."""
        return {asked.replaces: as_kernel_function(self.given[asked.name]) for asked in self.asks.values()
                if asked.kind == "steps" and not self.problem(asked.name)}

    def call(self, name: str, *arguments: object) -> object:
        """What a plain function returns for these arguments, which are plain data. AnswerFailed if it does not return."""
        call = f"{name}({', '.join(map(shown_value, arguments))})"
        copies = json.loads(json.dumps(arguments))           # it may change what it is given
        try:
            with limited_instructions(MAX_CALL):
                value = self.given[name](*copies)
        except (RunsForEver, RecursionError):
            raise AnswerFailed(f"{call} does not come to an end") from None
        except AnswerFailed:
            raise
        except Exception as error:
            raise AnswerFailed(f"{call} raised {type(error).__name__}: {error}"[:500]) from None
        except (SystemExit, GeneratorExit) as error:
            raise AnswerFailed(f"{call} raised {type(error).__name__}: let it return instead") from None
        if inspect.isgenerator(value):
            raise AnswerFailed(f"{name}() has a `yield` in it: write a plain function that returns its result")
        return self.plain(f"{call} returned", value)

    def value(self, name: str) -> object:
        """The plain data under a name."""
        return self.plain(f"{name} is", self.given[name])

    def number(self, name: str) -> int | float:
        return self.of_type(name, (int, float), "a number")

    def text(self, name: str) -> str:
        return self.of_type(name, str, "a text")

    def items(self, name: str) -> list:
        return self.of_type(name, list, "a list")

    def table(self, name: str) -> dict[str, object]:
        """The dict under a name; its keys are texts, whatever they were."""
        return self.of_type(name, dict, "a dict")

    def of_type(self, name: str, types, wanted: str):
        value = self.value(name)
        if not isinstance(value, types) or isinstance(value, bool):
            was = "not answered yet" if value is None else shown_value(value)
            raise AnswerFailed(f"{name} is {was}: write {wanted} ({self.asks[name].says})")
        return value

    @staticmethod
    def plain(what: str, value: object) -> object:
        """The value as JSON carries it. AnswerFailed if it cannot."""
        try:
            text = json.dumps(value, allow_nan=False)
            if len(text) <= MAX_TEXT:
                return json.loads(text)
        except (TypeError, ValueError, RecursionError):
            raise AnswerFailed(f"{what} {article(type(value).__name__)}: use numbers, texts, True, False, None, lists and dicts of them") from None
        raise AnswerFailed(f"{what} longer than {MAX_TEXT:,} characters")


class NoAnswer:
    """There is nothing of the right name; `text` says what to do about it."""

    def __init__(self, text: str):
        self.text = text


def as_kernel_function(given: object) -> KernelFunction:
    return given if isinstance(given, KernelFunction) else kernel(given)


def why_no_kernel_function(asked: Asked, answer: object) -> str:
    """What to write instead, if this cannot be a kernel function; "" if it can."""
    name = asked.name
    if answer is asked.replaces:
        return f"{name} is the kernel's finished function, which you imported: write your own under this name"
    function = getattr(answer, "function", answer)
    if not callable(function) or inspect.isclass(function):
        return f"{name} is {article(type(answer).__name__)}, not a function: define it with `@kernel` and `def {name}(…):`"
    if getattr(function, "__module__", "").split(".")[0] == "pfncache_edu":
        return f"{name} is a finished function of the package: write your own under this name"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return f"{name} is an `async` function: write a plain `def` that yields its steps"
    if not inspect.isgeneratorfunction(inspect.unwrap(function)):
        return (f"{name}() has no `yield` in it, so it takes no step at all: write `yield` in front of every step, "
                "such as `yield read_lock_irq(gpc.lock)`")
    return ""


def article(noun: str) -> str:
    return f"an {noun}" if noun[0].lower() in "aeiou" else f"a {noun}"


def shown_value(value: object) -> str:
    """A value in a sentence: short, whatever it is."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
