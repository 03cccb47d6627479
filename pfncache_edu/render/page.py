"""What a chapter shows: our functions as they are in the tested source, their differences, tables and pictures.

Each answers an object that a notebook and the built book know how to draw, so a chapter contains no pasted copy.
"""
from __future__ import annotations

import difflib
import inspect
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePath

from ..verdict import Trace, Verdict
from .diagram import two_cpu_svg

PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Code:
    """Source in Markdown: whoever shows it colours it."""
    name: str
    markdown: str

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __repr__(self):
        return self.name


@dataclass(frozen=True)
class Table:
    """Rows under a head, in HTML; plain text gets them too."""
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(text)}</th>' for text in self.head)
        rows = ["".join(f'<td style="text-align:right">{value:,}</td>' if isinstance(value, int) else f"<td>{escape(value)}</td>"
                        for value in row) for row in self.rows]
        return "\n".join([f'<table class="pfn-table"><thead><tr>{head}</tr></thead>', "<tbody>",
                          *(f"<tr>{row}</tr>" for row in rows), "</tbody></table>"])

    def __repr__(self):
        return "\n".join(" | ".join(map(str, row)) for row in (self.head, *self.rows))


@dataclass(frozen=True)
class Picture:
    """An SVG picture that says itself what it shows."""
    name: str
    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self):
        return self.name


def listing(*functions) -> Code:
    """Functions as they stand in the package, under the name of their file."""
    parts = [f"`{function.__name__}()` in `{file_of(function)}`:\n\n```python\n{source_of(function)}```" for function in functions]
    return Code("the source of " + ", ".join(f"{function.__name__}()" for function in functions), "\n\n".join(parts))


def changes(old, new) -> Code:
    """What became of one function on the way to another: removed lines, added lines, and what stayed."""
    lines = list(difflib.unified_diff(source_of(old).splitlines(), source_of(new).splitlines(), lineterm="", n=99))[3:]
    name = f"`{old.__name__}()` from `{file_of(old)}` to `{file_of(new)}`"
    return Code(f"the difference between two versions of {old.__name__}()", f"{name}:\n\n```diff\n" + "\n".join(lines) + "\n```")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Rows under a head; whole numbers stand on the right."""
    return Table(tuple(head), tuple(tuple(row) for row in rows))


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
