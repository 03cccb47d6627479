"""The process in which one submission runs and is assessed: a request comes through one pipe, a report goes through another.

Started by batch.py, which ends it when its time is up and makes a row of whatever it answers, or does not.
"""
from __future__ import annotations

import json
import os
from dataclasses import replace

import pfncache_edu

from .. import grading
from .answers import NoAnswer
from .exercise import assess, refused
from .exercises import exercise_named
from .notebook import answers_in, seed_in
from .report import Report
from .submission import NotASubmission, exercise_of, read_submission, run_cells

MAX_NOTES = 5


def main(request: int, answer: int) -> None:
    """Read a request from one file descriptor, assess, and write the report to the other as a line of JSON."""
    with os.fdopen(request, "rb") as pipe:
        asked = json.loads(pipe.read())
    os.set_inheritable(answer, False)
    limit_resources(asked["memory"], asked["seconds"])
    with open(asked["file"], "rb") as file:
        data = file.read()
    report = report_on_bytes(asked["name"], data, asked["exercise"])
    line = json.dumps({"nonce": asked["nonce"], "report": report.as_dict()}).encode() + b"\n"
    while line:
        line = line[os.write(answer, line):]
    os._exit(0)                      # not sys.exit(): a submission may have left threads and exit handlers behind


def limit_resources(memory: int, seconds: float) -> None:
    """Limits on memory, processor time, written files and core dumps, where the system has them."""
    import resource
    for name, value in (("RLIMIT_AS", memory), ("RLIMIT_CPU", int(seconds) + 1), ("RLIMIT_FSIZE", 1 << 20),
                        ("RLIMIT_NOFILE", 64), ("RLIMIT_CORE", 0)):
        limit = getattr(resource, name, None)
        try:
            if limit is not None:
                resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):            # a stricter limit is set already, or the system does not let us
            pass


def report_on_bytes(name: str, data: bytes, exercise: str | None) -> Report:
    """The report on a submission's bytes, whatever they are."""
    try:
        submission = read_submission(name, data)
        asked = exercise_named(exercise or exercise_of(name, submission))
    except NotASubmission as problem:
        return Report(exercise or "", "", 0, problem=str(problem))
    pfncache_edu.check = grading.check = lambda *_, **__: None       # the notebook's own check() would only cost time
    namespace = {"__name__": "__main__"}
    complaints = run_cells(submission, namespace)
    given = answers_in(asked, namespace)
    if complaints and all(isinstance(value, NoAnswer) for value in given.values()):
        return refused(asked, f"{given[asked.names[0]].text} ({complaints[0]})")
    notes = tuple(f"a cell failed and was passed over: {complaint}" for complaint in complaints[:MAX_NOTES])
    try:
        report = assess(asked, given, seed=seed_in(namespace))
    except ValueError as problem:
        return refused(asked, str(problem))
    return replace(report, remarks=report.remarks + notes)
