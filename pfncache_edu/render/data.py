"""A verdict as plain data, for programs that read what we print: everything in it is text, numbers, lists and dicts.

    as_data(verdict) -> {"program", "outcome", "states", "searched", "depth", "broken", "sentence", "schedule", "switches",
                         "text", "properties": [{"name", "meaning"}, …], "steps": [step, …]}
    step = {"number", "thread", "words", "verb", "cells", "argument", "result", "changed": [[cell, old, new], …],
            "calls": [function, …], "file", "line", "column", "end_line", "end_column", "wrong"}
"""
from __future__ import annotations

from os.path import basename

from ..verdict import Event, Verdict


def as_data(verdict: Verdict) -> dict:
    """The verdict and, if it found a failing schedule, each step of it, JSON-able."""
    return {"program": verdict.program.name, "outcome": verdict.outcome, "states": verdict.states, "searched": verdict.searched,
            "depth": verdict.depth, "broken": verdict.broken, "sentence": verdict.sentence, "schedule": verdict.schedule,
            "switches": verdict.switches, "text": str(verdict),
            "properties": [{"name": p.name, "meaning": p.meaning} for p in verdict.program.properties],
            "steps": [_step(event) for event in verdict.trace]}


def _step(event: Event) -> dict:
    place = event.place
    return {"number": event.number, "thread": event.thread, "words": event.words, "verb": event.step.verb.name,
            "cells": [cell.name for cell in event.step.cells], "argument": _plain(event.step.argument),
            "result": _plain(event.result), "changed": [[name, _plain(old), _plain(new)] for name, old, new in event.changed],
            "calls": [at.function for at in event.stack], "file": basename(place.file), "line": place.line,
            "column": place.column, "end_line": place.end_line, "end_column": place.end_column, "wrong": event.wrong}


def _plain(value):
    return value if value is None or type(value) in (bool, int, str) else str(value)
