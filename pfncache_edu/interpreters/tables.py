"""What the explorer learned of a program, as plain data: enough to play every schedule without Python.

    tables(program) -> {
      "threads":  [{"name", "letter", "nodes": [node, …]}, …]
      "cells":    [{"name", "kind", "guard", "values": [text, …]}, …]       value 0 is the first value
      "files":    [{"file", "function", "first", "lines": [text, …]}, …]    the source of every function that is seen
      "verdict":  {"outcome", "states", "depth", "schedule", "steps", "broken", "sentence", "text"}
      "program":  {"name", "title", "properties": [{"name", "meaning"}, …]}
      "invariants": [{"name", "cells": [cell, …], "wrong": {"3,0": sentence, …}}, …]
    }
    node = {
      "words":  the step that comes next, "" when the thread is done
      "verb":   its kind ("load", "read_lock", …); "wants": [cell, mode] if it may wait for a lock
      "stack":  [[file, line, column, end column], …] outermost call first; columns count from 1
      "holds":  [[cell, mode], …]
      "cells":  [cell, …] the cells that the step touches
      "moves":  {"1,0": move, …} by the values of these cells, comma-separated; "" for a step that touches no cell
    }
    move = {"to": node, "set": [value, …], "words": what happened}     the new values of the node's cells
         | {"wrong": sentence, "broken": property, "words": …}         the step breaks a property
         | 0                                                            the step has to wait

Thread i starts at node 0, cell i at value 0. All numbers are indices into the lists above.
"""
from __future__ import annotations

import inspect
import linecache

from ..program import Program
from ..verdict import Event, Place, Verdict
from .explorer import Node, Role, Row, Search, Slot, explore
from .taking import cells_of


def tables(program: Program, *, max_states: int = 5_000) -> dict:
    """The program's automata, cells, source lines and verdict, JSON-able. Mistake if it has too many states to publish."""
    verdict = explore(program)
    search = Search(program, max_states).learn_everything()
    return _Tables(search).as_dict(verdict)


class _Tables:
    def __init__(self, search: Search):
        self.search = search
        self.cells = list(search.slots)
        self.number = {cell: i for i, cell in enumerate(self.cells)}
        self.codes = {slot: {code: i for i, code in enumerate(slot.values)} for slot in search.slots.values()}
        self.files: dict[tuple[str, str], dict] = {}

    def as_dict(self, verdict: Verdict) -> dict:
        program = self.search.program
        letters = program.letters()
        threads = [{"name": role.thread.name, "letter": letters[role.thread.name],
                    "nodes": [self.node(role, row) for row in role.rows.values()]} for role in self.search.roles]
        return {
            "program": {"name": program.name, "title": program.title,
                        "properties": [{"name": p.name, "meaning": p.meaning} for p in program.properties]},
            "threads": threads,
            "cells": [{"name": cell.name, "kind": cell.kind, "guard": "" if cell.guard is None else cell.guard.name,
                       "values": [str(value) for value in self.search.slots[cell].values.values()]} for cell in self.cells],
            "invariants": [self.invariant(*entry) for entry in self.search.invariants],
            "files": list(self.files.values()),
            "verdict": {"outcome": verdict.outcome, "states": verdict.states, "depth": verdict.depth,
                        "schedule": verdict.schedule, "steps": len(verdict.threads), "broken": verdict.broken or "",
                        "sentence": verdict.sentence or "", "text": str(verdict)},
        }

    def node(self, role: Role, row: Row) -> dict:
        node = row.node
        if node.step is None:
            return {"words": "", "verb": "", "stack": [], "holds": self.holds(node), "cells": [], "moves": {}}
        verb = node.step.verb
        record = {"words": Event(0, "", node.step, "…", (), ()).words, "verb": verb.name,
                  "stack": [self.place(place) for place in node.stack], "holds": self.holds(node),
                  "cells": [self.number[cell] for cell in cells_of(self.search.program, role.thread, node.step)],
                  "moves": {self.key(row, part): self.move(role, row, part) for part in sorted(row)}}
        if verb.takes and not verb.tries:
            record["wants"] = [record["cells"][0], verb.takes]
        return record

    def holds(self, node: Node) -> list:
        return [[self.number[cell], mode] for cell, mode in node.memory.held]

    def key(self, row: Row, part: int) -> str:
        return ",".join(str(self.codes[slot][part & slot.mask]) for slot in row.slots)

    def move(self, role: Role, row: Row, part: int) -> dict | int:
        if part in row.waits:
            return 0
        step = row.node.step
        words = Event(0, "", step, row.results[part], (), ()).words
        if part in row.wrong:
            return {"wrong": row.wrong[part].sentence, "broken": row.wrong[part].property, "words": words}
        after = row.code + part + row[part]
        to = role.slot.values[after & role.slot.mask]
        return {"to": to.number, "set": [self.codes[slot][after & slot.mask] for slot in row.slots], "words": words}

    def invariant(self, invariant, slots: list[Slot], known: dict) -> dict:
        return {"name": invariant.name, "cells": [self.number[cell] for cell in invariant.cells],
                "wrong": {",".join(str(self.codes[slot][part & slot.mask]) for slot in slots): sentence
                          for part, sentence in known.items() if sentence}}

    def place(self, place: Place) -> list:
        key = place.file, place.function
        if key not in self.files:
            first, lines = _source_of(self.search, place)
            short = place.file.rsplit("pfncache_edu", 1)[-1].lstrip("/\\").replace("\\", "/")
            self.files[key] = {"file": short or place.file, "function": place.function, "first": first, "lines": lines}
        return [list(self.files).index(key), place.line, place.column, place.end_column]


def _source_of(search: Search, place: Place) -> tuple[int, list[str]]:
    """The lines of the function around a place, from its own file or the notebook cell it came from."""
    lines = linecache.getlines(place.file)
    if not lines:
        return place.line, []
    start = place.line - 1
    while start > 0 and not lines[start].startswith("def "):
        start -= 1
    first = start - 1 if start and lines[start - 1].startswith("@") else start
    block = inspect.getblock(lines[first:])
    return first + 1, [line.rstrip("\n") for line in block]
