"""The picture of a race: a column per CPU, time downwards, as kernel changelogs draw it.

    vcpu0                        notifier
    -----                        --------
    use_guest_page()
      read_lock_irq(gpc.lock)
                                 move_page()
                                   ...
"""
from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape

from ..verdict import Event, Trace, Verdict
from .words import as_code, in_words, steps_of

MAIL = 72
"""The columns of a mail: `two_cpu_text(trace, width=MAIL)`."""
NARROWEST, SHORTEST = 40, 16
"""The least that a diagram, and a name in it, may be cut to."""


@dataclass(frozen=True)
class Row:
    """A line of the picture: a call (no event) or a step, in the column of its thread."""
    thread: str
    depth: int
    text: str
    event: Event | None = None


def rows_of(trace: Trace) -> list[Row]:
    """The calls and steps of a trace in order. A call stands where its first step happens."""
    rows: list[Row] = []
    stacks: dict[str, tuple] = {}
    for event in trace:
        names = tuple(place.function for place in event.stack)
        before = stacks.get(event.thread, ())
        same = 0
        while same < min(len(names), len(before)) and names[same] == before[same]:
            same += 1
        rows += [Row(event.thread, depth, f"{names[depth]}()") for depth in range(same, len(names))]
        rows.append(Row(event.thread, len(names), as_code(event), event))
        stacks[event.thread] = names
    return rows


def columns_of(rows: list[Row], order: tuple[str, ...] | None) -> list[str]:
    """The threads that appear, in the program's order if it is known, else as they appear."""
    seen = list(dict.fromkeys(row.thread for row in rows))
    return [name for name in order if name in seen] if order else seen


def two_cpu_text(trace: Trace | Verdict, *, hide_last: bool = False, width: int | None = None) -> str:
    """The diagram as text, a column per thread. `hide_last` leaves the last step for the reader to find.

    With `width`, no line is longer: columns move closer, since only one of them speaks in each line; then the indentation
    shrinks, and at last long names are cut in the middle.
    """
    rows = rows_of(steps_of(trace))
    if not rows:
        return "(no step was taken)"
    if hide_last:
        rows[-1] = Row(rows[-1].thread, rows[-1].depth, "?", None)
    columns = columns_of(rows, _order(trace))
    indent, left = _layout(rows, columns, width)
    heads = _heads(columns, left, width)
    lines = [_beside(heads), _beside([(at, "-" * len(head)) for at, head in heads])]
    for row in rows:
        at = left[row.thread] + indent * row.depth
        if width:
            at = max(left[row.thread], min(at, width - SHORTEST))
        lines.append(" " * at + (_cut(row.text, width - at) if width else row.text))
    sentence = _sentence(trace)
    if sentence and not hide_last:
        lines += textwrap.wrap(f"=> {sentence}", width, subsequent_indent="   ") if width else [f"=> {sentence}"]
    return "\n".join(lines)


def _layout(rows: list[Row], columns: list[str], width: int | None) -> tuple[int, dict[str, int]]:
    """By how much a call is indented, and where each column begins, so that everything fits if it can."""
    if width is not None and width < NARROWEST:
        raise ValueError(f"a diagram needs at least {NARROWEST} columns, and {width} is less")
    for indent in (2, 1):
        widest = {name: max(indent * row.depth + len(row.text) for row in rows if row.thread == name) for name in columns}
        apart = [max(len(name), widest[name]) + 2 for name in columns]
        left = dict(zip(columns, _running_sum(apart)))
        if width is None or sum(apart) - 2 <= width:
            return indent, left
        nearest = dict(zip(columns, _running_sum(len(name) + 2 for name in columns)))
        furthest = {name: width - max(len(name), widest[name]) for name in columns}
        if all(nearest[name] <= furthest[name] for name in columns):
            return indent, _spread(columns, nearest, furthest)
    step = min(max(len(name) for name in columns) + 2, (width - SHORTEST) // len(columns))
    return 1, {name: n * step for n, name in enumerate(columns)}


def _spread(columns: list[str], nearest: dict[str, int], furthest: dict[str, int]) -> dict[str, int]:
    """The columns at equal distances, as far as what stands in them fits there."""
    left: dict[str, int] = {}
    for n in reversed(range(len(columns))):
        name = columns[n]
        even = left[columns[n + 1]] * n // (n + 1) if left else furthest[name]
        left[name] = max(nearest[name], min(even, furthest[name]))
    return left


def _heads(columns: list[str], left: dict[str, int], width: int | None) -> list[tuple[int, str]]:
    """The threads' names and where they stand, each cut so that the next one has room."""
    ends = [left[name] - 1 for name in columns[1:]] + [width or left[columns[-1]] + len(columns[-1])]
    return [(left[name], _cut(name, end - left[name])) for name, end in zip(columns, ends)]


def _beside(texts: list[tuple[int, str]]) -> str:
    line = ""
    for at, text in texts:
        line = line.ljust(at) + text
    return line


def _cut(text: str, room: int) -> str:
    """The text, its middle left out if it is longer than there is room for."""
    if len(text) <= room:
        return text
    tail = (room - 1) // 2
    return f"{text[:room - 1 - tail]}…{text[len(text) - tail:]}"


def two_cpu_svg(trace: Trace | Verdict, *, title: str = "", hide_last: bool = False) -> str:
    """The diagram as SVG, with a text alternative that tells every step. The same trace gives the same bytes."""
    rows = rows_of(steps_of(trace))
    if hide_last and rows:
        rows[-1] = Row(rows[-1].thread, rows[-1].depth, "?", None)
    columns = columns_of(rows, _order(trace))
    cell, line, top = 7.3, 19, 58
    widths = [max([len(name) + 2] + [2 * row.depth + len(row.text) for row in rows if row.thread == name]) * cell + 34
              for name in columns]
    lefts = [12 + x for x in _running_sum(widths)]
    sentence = "" if hide_last else _sentence(trace)
    wrapped = _wrap(sentence, max(int(sum(widths) / cell) - 4, 30)) if sentence else []
    width, height = sum(widths) + 24, top + line * (len(rows) + len(wrapped)) + 26
    title = title or "A schedule, one column per CPU, time downwards"
    alternative = ". ".join(in_words(row.event) for row in rows if row.event) or "No step was taken"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
             f'height="{height:.0f}" role="img" aria-label="{escape(title)}" '
             'style="max-width:100%;height:auto;background:#fff" '
             'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="12">',
             f"<title>{escape(title)}</title><desc>{escape(alternative)}</desc>",
             f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#fff" stroke="#c9d1d9"/>']
    for name, x, w in zip(columns, lefts, widths):
        parts.append(f'<text x="{x:.0f}" y="26" font-weight="700" fill="#1b1f24">{escape(name)}</text>'
                     f'<path d="M{x:.0f} 36h{w - 24:.0f}" stroke="#57606a"/>')
    previous = None
    for n, row in enumerate(rows):
        x, y = lefts[columns.index(row.thread)], top + line * n
        if previous and row.thread != previous:
            parts.append(f'<path d="M12 {y - 13.5:.1f}h{width - 24:.0f}" stroke="#8c959f" stroke-dasharray="2 4"/>')
        wrong = row.event is not None and row.event.wrong
        fill, weight = ("#57606a", "400") if row.event is None else ("#b3261e", "700") if wrong else ("#1b1f24", "400")
        mark = "✗ " if wrong else ""
        parts.append(f'<text x="{x + 2 * row.depth * cell:.1f}" y="{y}" fill="{fill}" font-weight="{weight}" '
                     f'xml:space="preserve">{escape(mark + row.text)}</text>')
        previous = row.thread
    for n, text in enumerate(wrapped):
        y = top + line * (len(rows) + n) + 10
        parts.append(f'<text x="12" y="{y}" fill="#b3261e" font-weight="700">{escape(text)}</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def _order(trace: Trace | Verdict) -> tuple[str, ...] | None:
    return tuple(thread.name for thread in trace.program.threads) if isinstance(trace, Verdict) else None


def _sentence(trace: Trace | Verdict) -> str:
    events = steps_of(trace)
    return (events[-1].wrong if events else "") or (trace.sentence if isinstance(trace, Verdict) else "") or ""


def _running_sum(widths) -> list:
    total, sums = 0, []
    for width in widths:
        sums.append(total)
        total += width
    return sums


def _wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
