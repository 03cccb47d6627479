"""What a chapter shows: our functions as they are in the tested source, their differences, tables and pictures.

Each answers an object that a notebook and the built book know how to draw, so a chapter contains no pasted copy.
"""
from __future__ import annotations

import difflib
import inspect
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from ..verdict import Trace, Verdict
from .diagram import two_cpu_svg

PACKAGE = Path(__file__).parent.parent


class Shown:
    """A piece of Markdown, with a name for readers of plain text."""

    def __init__(self, name: str, markdown: str):
        self.name, self.markdown = name, markdown

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __repr__(self):
        return self.name


class Picture:
    """An SVG picture that says itself what it shows."""

    def __init__(self, name: str, svg: str):
        self.name, self.svg = name, svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self):
        return self.name


def listing(*functions) -> Shown:
    """Functions as they stand in the package, under the name of their file."""
    parts = [f"`{function.__name__}()` in `{file_of(function)}`:\n\n```python\n{source_of(function)}```" for function in functions]
    return Shown("the source of " + ", ".join(f"{function.__name__}()" for function in functions), "\n\n".join(parts))


def changes(old, new) -> Shown:
    """What became of one function on the way to another: removed lines, added lines, and what stayed."""
    lines = list(difflib.unified_diff(source_of(old).splitlines(), source_of(new).splitlines(), lineterm="", n=99))[3:]
    name = f"`{old.__name__}()` from `{file_of(old)}` to `{file_of(new)}`"
    return Shown(f"the difference between two versions of {old.__name__}()", f"{name}:\n\n```diff\n" + "\n".join(lines) + "\n```")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], name: str = "a table") -> Shown:
    """Rows under a head; numbers stand on the right."""
    rows = [list(row) for row in rows]
    right = [all(isinstance(row[n], int) for row in rows) for n in range(len(head))]
    lines = [head, ["--:" if number else ":--" for number in right],
             *[[f"{value:,}" if isinstance(value, int) else str(value) for value in row] for row in rows]]
    return Shown(name, "\n".join("| " + " | ".join(line) + " |" for line in lines))


def drawn(trace: Trace | Verdict, title: str = "") -> Picture:
    """A trace, or a verdict's failing schedule, as a picture with a column per CPU."""
    name = title or (str(trace) if isinstance(trace, Verdict) else "a schedule")
    return Picture(f"picture: {name}", two_cpu_svg(trace, title=title))


def source_of(function) -> str:
    """The source of a function, a kernel function's too, at the left margin."""
    return textwrap.dedent(inspect.getsource(getattr(function, "function", function)))


def file_of(function) -> str:
    """The file of a function, from the package's folder on: "kvm/pfncache.py"."""
    file = PurePath(inspect.getsourcefile(getattr(function, "function", function)))
    return file.relative_to(PACKAGE).as_posix() if file.is_relative_to(PACKAGE) else file.name
