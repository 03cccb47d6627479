"""A trace as prose: a line per step, with who, what and where."""
from __future__ import annotations

import linecache
from os.path import basename

from ..steps import ADD, LOAD, STORE
from ..verdict import Event, Place, Trace, Verdict

CAN_SPAN = 60


def story(trace: Trace | Verdict, *, source: bool = False) -> str:
    """The steps of a trace (or of a verdict's shortest failing schedule), one line each, and what went wrong.

        4  notifier  takes gpc.lock for read        gfn_to_pfn_cache_invalidate_start, pfncache.py:22

    With `source`, each step is followed by its line of code, and carets under the part of it that is the step. Code
    whose text is not known, from `exec` say, has no such lines.
    """
    events = steps_of(trace)
    if not events:
        return str(trace) if isinstance(trace, Verdict) else "no step was taken"
    who = max(len(event.thread) for event in events)
    what = min(max(len(event.words) for event in events), CAN_SPAN)
    lines = []
    for event in events:
        lines.append(f"{event.number:>3}  {event.thread:<{who}}  {event.words:<{what}}  {where(event)}")
        if source:
            lines += [f"{'':<{who + 7}}{line}" for line in pointed_at(event.place)]
    if events[-1].wrong:
        lines.append(f"     ^ {events[-1].wrong}")
    elif isinstance(trace, Verdict) and trace.sentence:
        lines.append(f"     ^ {trace.sentence}")
    return "\n".join(lines)


def steps_of(trace: Trace | Verdict) -> Trace:
    """The events of a trace, or of the schedule that a verdict found."""
    return trace.trace if isinstance(trace, Verdict) else tuple(trace)


def where(event: Event) -> str:
    """The function, file and line of a step."""
    return f"{event.place.function}, {basename(event.place.file)}:{event.place.line}"


def pointed_at(place: Place) -> list[str]:
    """The line of code at a place, without its indentation, and carets under the expression; [] if its text is unknown."""
    line = linecache.getline(place.file, place.line).rstrip()
    text = line.lstrip()
    if not text:
        return []
    indentation = len(line) - len(text)
    start = len(_before(line, place.column)) - indentation
    end = len(text) if place.end_line > place.line else len(_before(line, place.end_column)) - indentation
    if not 0 <= start < end:                     # the interpreter does not say where in the line, or it is another line
        return [text]
    return [text, " " * start + "^" * (end - start)]


def _before(line: str, column: int) -> str:
    """What stands in front of a column, which counts bytes."""
    return line.encode()[:column - 1].decode(errors="ignore")


def as_code(event: Event) -> str:
    """The step as a C programmer would jot it down: `gpc.valid = False`, `read_lock_irq(gpc.lock)`."""
    step, cells = event.step, ", ".join(cell.name for cell in event.step.cells)
    if step.verb is LOAD:
        return f"{cells} -> {event.result}"
    if step.verb is STORE:
        return f"{cells} = {step.argument}"
    if step.verb is ADD:
        return f"{cells} {'+' if step.argument > 0 else '-'}= {abs(step.argument)}"
    if step.verb.name == "write_guest":
        return f"*khva({step.argument}) = …"
    name = step.verb.name + ("_irq" if step.argument == "irq" else "")
    return f"{name}({cells})" + (f" -> {event.result}" if step.verb.tries else "")


def in_words(event: Event) -> str:
    """The step as a sentence, for a screen reader: "step 4, notifier: takes gpc.lock for read"."""
    wrong = f". Wrong: {event.wrong}" if event.wrong else ""
    return f"step {event.number}, {event.thread}: {event.words}{wrong}"
