"""Judges at work: several processes that judge one submission at a time, and what to do when one of them dies.

A judge that dies costs nobody anything: another one takes over its submission. So does one that works for too long.
"""
from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import wire
from .sandbox import MEMORY, TOKEN, Sandbox
from .workplace import Workplace

ROOT = str(Path(__file__).parent.parent.parent)
START = "import sys; sys.path.insert(0, sys.argv[2]); from pfncache_edu.grading.judge import main; main(sys.argv[1])"
TRIES = 3
PATIENCE = 60                      # times the seconds of one test, for all of a submission
GROWN = 64 << 20                   # bytes of a judge's memory, of which a search left it more than it needs: another one goes on


@dataclass(frozen=True)
class Job:
    """A submission to be judged: where it is, what it is called, and under which key its result is kept."""
    key: str
    path: Path
    name: str
    exercise: str | None = None
    seed: int | None = None

    def as_dict(self) -> dict:
        return {"key": self.key, "path": os.fsencode(self.path.resolve()).hex(), "name": self.name, "exercise": self.exercise,
                "seed": self.seed}


@dataclass(frozen=True)
class Rules:
    """What all submissions of a run are judged by: the seconds of each test, the folder of hidden tests, the suite's hash."""
    seconds: float
    tests: Path | None = None
    suite: str = ""


class Judge:
    """A process that judges one job at a time."""

    def __init__(self, rules: Rules, sandbox: Sandbox, place: Workplace):
        arguments = json.dumps({
            "sandbox": sandbox.name, "edition": str(place.edition), "seconds": rules.seconds, "memory": MEMORY, "token": place.token,
            "tests": str(rules.tests.resolve()) if rules.tests else None, "suite": rules.suite, "parent": os.getpid()})
        self.process = subprocess.Popen([sys.executable, "-I", "-c", START, arguments, ROOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, bufsize=0, env={**os.environ, TOKEN: place.token})
        self.job: Job | None = None
        self.since = 0.0
        self.received = bytearray()

    def begin(self, job: Job) -> None:
        self.job, self.since = job, time.monotonic()
        with suppress(BrokenPipeError):                # it is gone, which its output tells next
            self.process.stdin.write(wire.line_of(job.as_dict()))

    def read(self) -> dict | None:
        """What it answered, if it has by now. EOFError if it is dead."""
        part = os.read(self.process.stdout.fileno(), 1 << 16)
        if not part:
            raise EOFError
        self.received += part
        if not self.received.endswith(b"\n"):
            return None
        line, self.received, self.job = bytes(self.received), bytearray(), None
        return json.loads(line)

    @property
    def is_grown(self) -> bool:
        """Whether it has more memory than a judge between two jobs needs, where the system tells."""
        with suppress(OSError):
            return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > GROWN
        return False

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Judges:
    """As many judges as there are to be, while they are needed."""

    def __init__(self, many: int, rules: Rules, sandbox: Sandbox, place: Workplace):
        self.many, self.rules, self.sandbox, self.place = many, rules, sandbox, place
        self.ready = selectors.DefaultSelector()
        self.tries: dict[Job, int] = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for judge in self.at_work():
            self.dismiss(judge)
        self.ready.close()

    def at_work(self) -> list[Judge]:
        return [entry.data for entry in list(self.ready.get_map().values())]

    def judge(self, jobs: Iterable[Job], done: Callable[[Job, dict | None], None]) -> None:
        """Have every job judged; `done(job, result)` is called for each, with None for one that no judge survives."""
        waiting = deque(jobs)
        while waiting or any(judge.job for judge in self.at_work()):
            self.hand_out(waiting)
            for judge in self.those_ready():
                job = judge.job
                try:
                    result = judge.read()
                except EOFError:
                    self.dismiss(judge)
                    if job and not self.give_up(job):
                        waiting.appendleft(job)
                    elif job:
                        done(job, None)
                    continue
                if result is not None:
                    done(job, result)
                    if judge.is_grown:
                        self.dismiss(judge)

    def hand_out(self, waiting: deque[Job]) -> None:
        for judge in [judge for judge in self.at_work() if judge.job is None][:len(waiting)]:
            judge.begin(waiting.popleft())
        while waiting and len(self.ready.get_map()) < self.many:
            judge = Judge(self.rules, self.sandbox, self.place)
            self.ready.register(judge.process.stdout, selectors.EVENT_READ, judge)
            judge.begin(waiting.popleft())

    def those_ready(self) -> list[Judge]:
        found = [entry.data for entry, _ in self.ready.select(1.0)]
        for judge in self.at_work():
            if judge.job and time.monotonic() - judge.since > PATIENCE * self.rules.seconds:
                judge.process.kill()                   # which its output tells next
        return found

    def give_up(self, job: Job) -> bool:
        """Whether a job has cost so many judges that no other one is to have it."""
        self.tries[job] = self.tries.get(job, 0) + 1
        return self.tries[job] >= TRIES

    def dismiss(self, judge: Judge) -> None:
        self.ready.unregister(judge.process.stdout)
        judge.end()
