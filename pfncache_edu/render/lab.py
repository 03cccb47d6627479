"""What the two-kernel lab found, to be looked at: its runs as a picture, and a kernel's trace beside our steps."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ..lab.analysis import Run
from ..lab.tables import HEADS, READERS, counted
from ..lab.walk import Row, as_text
from .page import Picture

WIDTH, LEFT, RIGHT, LINE, TOP = 660, 246, 20, 34, 48
AT_ZERO, AT_ONE, ABREAST = LEFT + 40, LEFT + 112, 9      # zero has a place of its own: a logarithm has none for it
PALE, DARK, BEFORE, AFTER = "#57606a", "#1b1f24", "#b3261e", "#0b6e4f"


def waits_by_run(runs: Mapping[tuple[str, str, bool], Sequence[Run]], related: bool = False) -> Picture:
    """A row for each kernel and reader, a dot for each of its runs. Takes what analysis.all_runs() answers."""
    rows = {(variant, reader): found for (variant, reader, kind), found in runs.items() if kind == related}
    most = max((run.waits for found in rows.values() for run in found), default=1)
    title = f"Waits for a cache's lock in each run, {'related' if related else 'unrelated'} invalidations"
    return Picture(f"picture: {title}. {_in_words(rows)}", "\n".join(_svg(rows, max(most, 10), title)) + "\n")


def _in_words(rows: Mapping[tuple[str, str], Sequence[Run]]) -> str:
    return " ".join(f"{_name(key)}: {counted(len(found), 'run')}, {_range([run.waits for run in found])}." for key, found in rows.items())


def _range(waits: list[int]) -> str:
    return f"{min(waits):,} to {max(waits):,} waits" if any(waits) else "no wait in any"


def _name(key: tuple[str, str]) -> str:
    return f"{HEADS.get(key[0], key[0])}, {READERS.get(key[1], key[1])}"


def _place(waits: int, most: int) -> float:
    """How far right a number of waits stands: zero at its own place, then a tenfold is always as far."""
    return AT_ZERO if not waits else AT_ONE + (WIDTH - RIGHT - AT_ONE) * math.log10(waits) / math.log10(most)


def _svg(rows: Mapping[tuple[str, str], Sequence[Run]], most: int, title: str) -> list[str]:
    height = TOP + LINE * len(rows) + 12
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
             f'aria-label="{escape(title)}" style="max-width:100%;height:auto;background:#fff" font-family="system-ui,sans-serif" '
             'font-size="13">', f"<title>{escape(title)}</title><desc>{escape(_in_words(rows))}</desc>",
             f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff" stroke="#c9d1d9"/>',
             f'<text x="12" y="22" font-weight="700" fill="{DARK}">Waits in each run</text>']
    for mark in [0] + [10 ** n for n in range(int(math.log10(most)) + 1)]:
        x = _place(mark, most)
        parts.append(f'<path d="M{x:.1f} 40V{height - 10}" stroke="#d0d7de"/>'
                     f'<text x="{x:.1f}" y="34" text-anchor="middle" fill="{PALE}">{mark:,}</text>')
    for n, (key, found) in enumerate(rows.items()):
        y = TOP + LINE * n + LINE / 2
        parts.append(f'<text x="12" y="{y + 4:.1f}" fill="{DARK}">{escape(_name(key))}</text>')
        parts += [_dot(*_spot(run.waits, i, most), y, run.waits) for i, run in enumerate(found)]
    return [*parts, "</svg>"]


def _spot(waits: int, number: int, most: int) -> tuple[float, float]:
    """Where a run's dot goes, across and up or down: dots at one place have to be told apart, so zeros form ranks."""
    if waits:
        return _place(waits, most), (number * 7 % 11 - 5) * 1.8
    return AT_ZERO + (number % ABREAST - ABREAST // 2) * 9, (number // ABREAST - 1) * 9


def _dot(x: float, aside: float, y: float, waits: int) -> str:
    """A ring for a run without a wait, a full dot for one with some: colour is not all that tells them apart."""
    paint = f'fill="{BEFORE}" fill-opacity=".55"' if waits else f'fill="none" stroke="{AFTER}" stroke-width="1.4"'
    return f'<circle cx="{x:.1f}" cy="{y + aside:.1f}" r="3.4" {paint}/>'


@dataclass(frozen=True)
class Walk:
    """A kernel's trace beside our steps, as a table that fits a phone; plain text gets the same lines."""
    rows: tuple[Row, ...]

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{text}</th>' for text in ("the kernel's tracer saw", "our step, and where it stands"))
        return "\n".join(['<table class="pfn-table" style="font-size:0.85rem">', f"<thead><tr>{head}</tr></thead>", "<tbody>",
                          *map(_walked, self.rows), "</tbody></table>"])

    def __repr__(self):
        return as_text(list(self.rows))


def beside(rows: Sequence[Row]) -> Walk:
    """What walk.walk() answers, line by line."""
    return Walk(tuple(rows))


def _walked(row: Row) -> str:
    """A line of the table. Indentation is a margin, and names may break anywhere, so that it stays narrow."""
    indent = len(row.traced) - len(row.traced.lstrip())
    cell = 'style="text-align:left;padding:0.1rem 0.4rem;overflow-wrap:anywhere'
    traced = f'<code style="margin-left:{indent / 2:g}em">{escape(row.traced.strip())}</code>' if row.traced else ""
    place = f" <small>{escape(row.place)}</small>" if row.place else ""
    return f'<tr><td {cell};width:48%">{traced}</td><td {cell}">{escape(row.ours)}{place}</td></tr>'
