"""Kernel traces: the text of /sys/kernel/tracing/trace, as events, in the phases that the test program marked.

The program writes lines into the trace that begin with "lab:", so a trace says by itself what was going on:

    lab: vm vcpus=4                                        the caches initialised from here on belong to a new VM
    lab: begin count hook=stock cause=madvise related=0 …  a phase and its facts
    lab: end …                                             its end, perhaps with more facts
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

EVENT = re.compile(r"^ *[^\[\n]*-(\d+) +\[\d+\] +[\d.]+: (.*)$", re.MULTILINE)
GRAPH = re.compile(r" *\d+\) +\S+-(\d+) +\| (.*)")
COUNTS = re.compile(r"# entries-in-buffer/entries-written: (\d+)/(\d+)")
MARK, GRAPH_MARK = "tracing_mark_write: lab: ", re.compile(r" */\* lab: (.*?) \*/")


class Damaged(Exception):
    """A trace or a recording is not what was once written. The message says where and how."""


class Event(NamedTuple):
    """One line of a trace: what which task did, and the number of the line."""
    pid: int
    text: str
    line: int


@dataclass(frozen=True)
class Phase:
    """What was traced between a "begin" and an "end": what it was, its facts, and its events."""
    kind: str
    facts: dict[str, str]
    events: tuple[Event, ...]
    pid: int
    locks: tuple[str, ...] = ()          # of "wait": the addresses of the caches' locks, in the order they were initialised

    def number(self, fact: str) -> int:
        try:
            return int(self.facts[fact])
        except (KeyError, ValueError):
            raise Damaged(f"a phase {self.kind!r} should say how many {fact}: it says {self.facts}") from None


def events(text: str, name: str) -> list[Event]:
    """Every event of a trace of functions or of tracepoints. Damaged if some are missing or no trace is there at all."""
    counts = COUNTS.search(text)
    if not counts:
        raise Damaged(f"{name}: no line says how many entries the trace has: it is no trace, or its beginning is missing")
    kept, written = map(int, counts.groups())
    if kept != written:
        raise Damaged(f"{name}: the kernel's buffer was too small: {written - kept:,} of {written:,} entries are lost")
    heading = sum(line.startswith("#") for line in text[:2000].splitlines())
    found = [Event(int(pid), what, number) for number, (pid, what) in enumerate(EVENT.findall(text), heading + 1)]
    if len(found) != kept:
        raise Damaged(f"{name}: its first lines promise {kept:,} entries, and {len(found):,} can be read: " + _first_problem(text))
    return found


def _first_problem(text: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#") and not EVENT.match(line):
            return f"line {number} is {line[:80]!r}"
    return "it was cut off, or something was put in"


def graph(text: str, name: str) -> list[Event]:
    """Every line of a call graph (function_graph): the text keeps its indentation."""
    if not text.startswith("# tracer: function_graph"):
        raise Damaged(f"{name}: is no call graph: its first line is {text[:40]!r}")
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        event = GRAPH.match(line)
        if event:
            found.append(Event(int(event[1]), event[2], number))
        elif line.strip(" -") and not line.startswith("#") and "=>" not in line:     # with => it says that tasks changed places
            raise Damaged(f"{name}, line {number}: cannot be read: {line[:80]!r}")
    return found


def phases(found: Iterable[Event], name: str) -> list[Phase]:
    """The phases that the marks make of the events. Damaged if one has no end, or an end no beginning."""
    done, open_phase, inside, locks = [], None, [], []
    for event in found:
        mark = _mark(event)
        if mark is None:
            if open_phase:
                inside.append(event)
            locks.extend(_lock_of_new_cache(event))
        elif mark[0] == "vm":
            locks = []
        elif mark[0] == "begin" and not open_phase:
            open_phase, inside = (event, mark), []
        elif mark[0] == "end" and open_phase:
            begin, (_, kind, facts) = open_phase
            done.append(Phase(kind, facts | mark[2], tuple(inside), begin.pid, tuple(locks)))
            open_phase = None
        else:
            raise Damaged(f"{name}, line {event.line}: {event.text.strip()!r} comes " +
                          ("before the last phase has ended" if open_phase else "without a beginning"))
    if open_phase:
        raise Damaged(f"{name}: the phase that begins in line {open_phase[0].line} has no end: the trace was cut off")
    return done


def _mark(event: Event) -> tuple[str, str, dict[str, str]] | None:
    """A mark's first word, second word and facts, None for any other event."""
    if "lab: " not in event.text:
        return None
    in_graph = GRAPH_MARK.match(event.text)
    if not in_graph and not event.text.startswith(MARK):
        return None
    words = (in_graph[1] if in_graph else event.text.removeprefix(MARK)).split()
    plain = [word for word in words if "=" not in word]
    return plain[0] if plain else "", plain[1] if len(plain) > 1 else "", dict(w.split("=", 1) for w in words if "=" in w)


LOCK_IN_CACHE = 0x38                     # offset of `lock` in struct gfn_to_pfn_cache, in both of Debian's kernels
NEW_CACHE = re.compile(r"gpc_init: .* gpc=0x([0-9a-f]+)")


def _lock_of_new_cache(event: Event) -> list[str]:
    found = event.text.startswith("gpc_init") and NEW_CACHE.match(event.text)
    return [f"{int(found[1], 16) + LOCK_IN_CACHE:x}"] if found else []
