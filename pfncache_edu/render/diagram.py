"""The picture of a race: a column per CPU, time downwards, as kernel changelogs draw it.

    vcpu0                        notifier
    -----                        --------
    use_guest_page()
      read_lock_irq(gpc.lock)
                                 move_page()
                                   ...
"""
from __future__ import annotations

from dataclasses import dataclass
from html import escape

from ..verdict import Event, Trace, Verdict
from .words import as_code, in_words, steps_of


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


def two_cpu_text(trace: Trace | Verdict, *, hide_last: bool = False) -> str:
    """The diagram as text, a column per thread. `hide_last` leaves the last step for the reader to find."""
    rows = rows_of(steps_of(trace))
    if not rows:
        return "(no step was taken)"
    if hide_last:
        rows[-1] = Row(rows[-1].thread, rows[-1].depth, "?", None)
    columns = columns_of(rows, _order(trace))
    width = {name: max(len(name), *(2 * row.depth + len(row.text) for row in rows if row.thread == name)) + 2
             for name in columns}
    left = dict(zip(columns, _running_sum(width[name] for name in columns)))
    lines = ["".join(name.ljust(width[name]) for name in columns).rstrip(),
             "".join(("-" * len(name)).ljust(width[name]) for name in columns).rstrip()]
    lines += [" " * (left[row.thread] + 2 * row.depth) + row.text for row in rows]
    sentence = _sentence(trace)
    return "\n".join(lines + ([f"=> {sentence}"] if sentence and not hide_last else []))


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
