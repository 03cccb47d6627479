"""Walk the trace: what the kernel was seen to call while it handled one invalidation, beside the steps of our functions.

The kernel's tracer sees calls. So a lock that is taken is a line of the trace; a field that is read or written is none.
Our function makes a step of each. In the same situation both must take and drop the same locks in the same order, and
walk() pairs them line by line, or says where they part.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from ..interpreters.sequential import run
from ..kvm import mmu_notifier, v6_1
from ..kvm.structs import PAGE_SIZE
from ..program import Program, Thread
from ..scenarios import ELSEWHERE, FIRST_PAGE, World, invalidate
from ..verdict import Event as Taken
from ..verdict import Trace
from .recordings import Boot
from .traces import Damaged, Event, Phase, graph, phases

CALL = re.compile(r"(?P<indent> *)(?P<name>\w+)(?: \[\w+\])?\(\)(?P<body> \{|;)")
INTERRUPTS = ("__do_softirq", "handle_softirqs")             # what 6.1 and 6.12 run when an interrupt is over
START = mmu_notifier.kvm_mmu_notifier_invalidate_range_start
LIVEPATCH = {"6.1": {START: v6_1.kvm_mmu_notifier_invalidate_range_start}, "6.12": {}}


@dataclass(frozen=True)
class Row:
    """A line of the kernel's trace, and the step of ours that it is; one of them is "" where only the other can be seen."""
    traced: str
    ours: str
    file: str = ""
    line: int = 0
    function: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


def walk(boot: Boot, related: bool = True) -> list[Row]:
    """The call graph of one invalidation that this boot recorded, paired with our functions in the same situation.

    Damaged, with the place, if they do not do the same.
    """
    phase = excerpt(boot, related)
    return list(_pair(phase, our_steps(boot.kernel, phase.number("caches"), related)))


def excerpt(boot: Boot, related: bool) -> Phase:
    """The recorded call graph: the lines that the tracer wrote for one madvise() of an unrelated or a related page."""
    where = f"{boot.name or boot.kernel}, graph"
    for phase in phases(graph(boot.traces["graph"], where), where):
        if phase.kind == "graph" and phase.number("related") == related:
            return phase
    raise Damaged(f"{where}: there is no {'related' if related else 'unrelated'} invalidation in it")


def our_steps(kernel: str, caches: int, related: bool) -> Trace:
    """What our functions of that kernel do: so many caches of as many pages, and the last one's page is withdrawn, or none.

    The list of caches has the newest first, and the test program withdraws the page of the oldest: of the last in the list.
    """
    world = World(caches)
    start = FIRST_PAGE + (caches - 1) * PAGE_SIZE if related else ELSEWHERE
    notifier = Thread("notifier", invalidate, (world.kvm, start, start + PAGE_SIZE))
    plain = frozenset({world.kvm.memslots, world.kvm.mn_memslots_update_rcuwait})
    return run(Program("walk", (notifier,), livepatch=LIVEPATCH[kernel], still=plain))


def _pair(phase: Phase, steps: Trace) -> Iterator[Row]:
    """Go along both: a lock in the trace must be the next lock of ours, and what lies between is ours alone."""
    left = list(steps)
    for event, interrupted in _lines(phase):
        call = CALL.match(event.text)
        if interrupted:
            yield Row(event.text.rstrip(), "(an interrupt came: this is its work)")
        elif not call:
            yield Row(event.text.rstrip(), "")               # the } at the end of a call
        elif call["name"].startswith("_raw_"):
            yield from _lock(event, call["name"], left)
        else:
            yield from _call(event, call["name"], call["body"] == ";", left)
    yield from _quiet(left, lambda step: not _traced_name(step))
    if left:
        raise Damaged(f"the trace ends, and our function still {left[0].words}, {_row('', left[0]).place}")


def _lines(phase: Phase) -> Iterator[tuple[Event, bool]]:
    """The lines of the program's own calls, and whether each belongs to an interrupt that came in between."""
    until = ""
    for event in phase.events:
        if event.pid != phase.pid:           # somebody else had the CPU for a moment
            continue
        call = CALL.match(event.text)
        begins = not until and bool(call) and call["name"] in INTERRUPTS
        yield event, bool(until) or begins
        if begins and call["body"] == " {":
            until = call["indent"] + "}"     # its end is the } as far to the right as its call
        elif event.text.rstrip() == until:
            until = ""


def _lock(event: Event, name: str, left: list[Taken]) -> Iterator[Row]:
    """A lock in the trace, after those steps of ours that the tracer cannot see."""
    yield from _quiet(left, lambda step: not _traced_name(step))
    if not left or _traced_name(left[0]) != name:
        raise Damaged(f"line {event.line} of the trace is {name}(), and our next step is "
                      + (f"{left[0].words!r}, {_row('', left[0]).place}" if left else "none: our function is done"))
    yield _row(event.text, left.pop(0))


def _call(event: Event, name: str, calls_nothing: bool, left: list[Taken]) -> Iterator[Row]:
    """A call in the trace: our call stands in the line of the caller."""
    yield from _quiet(left, lambda step: not _traced_name(step) and not _is_in(step, name))
    if not left or not _is_in(left[0], name):
        raise Damaged(f"line {event.line} of the trace calls {name}(), and our next step is not in it")
    depth = [place.function for place in left[0].stack].index(name)
    caller = left[0].stack[max(depth - 1, 0)]
    yield Row(event.text.rstrip(), f"calls {name}()", PurePath(caller.file).name, caller.line, caller.function)
    if calls_nothing:
        yield from _quiet(left, lambda step: _is_in(step, name))


def _quiet(left: list[Taken], as_long_as) -> Iterator[Row]:
    """Our steps that the tracer cannot see, taken off the list."""
    while left and as_long_as(left[0]):
        yield _row("", left.pop(0))


def _traced_name(taken: Taken) -> str:
    """The C function that the tracer would show for this step: _raw_read_lock_irq; "" for what is no lock."""
    verb = taken.step.verb
    irq = "_irq" if taken.step.argument == "irq" else ""
    return f"_raw_{verb.name}{irq}" if verb.takes or verb.releases else ""


def _is_in(taken: Taken, function: str) -> bool:
    return any(place.function == function for place in taken.stack)


def _row(traced: str, taken: Taken) -> Row:
    return Row(traced.rstrip(), taken.words, PurePath(taken.place.file).name, taken.place.line, taken.place.function)


def as_text(rows: list[Row]) -> str:
    """Both beside each other: left what the kernel's tracer saw, right our step and where it stands."""
    left = max(len(row.traced) for row in rows)
    right = max(len(row.ours) for row in rows)
    return "\n".join(f"{row.traced:<{left}}  {row.ours:<{right}}  {row.place}".rstrip() for row in rows)
