"""Judging on other machines, by an engine that is there for it. What it finds is kept here, in the ledger, so the engine may die.

dask://HOST:PORT    a Dask scheduler; its workers need this package, of the same version, and a sandbox that works
"""
from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable

from .edition import suite_hash
from .judge import Terms, judge
from .judges import Job, Rules

ALONE = threading.Lock()           # a judge changes what its whole process shares


class NotThere(ValueError):
    """The engine cannot be used; the message says what to do."""


def executor_at(url: str, rules: Rules, sandbox: str | None, trusting: bool) -> Dask:
    """The engine at an address."""
    if not url.startswith("dask://"):
        raise NotThere(f"--executor {url}: write dask://HOST:PORT, the address of a Dask scheduler")
    return Dask("tcp://" + url.removeprefix("dask://"), rules, sandbox, trusting)


class Dask:
    """Judges on the workers of a Dask cluster."""

    def __init__(self, address: str, rules: Rules, sandbox: str | None, trusting: bool):
        try:
            from distributed import Client
        except ImportError:
            raise NotThere("--executor dask://… needs Dask: pip install distributed") from None
        if rules.tests:
            raise NotThere("--tests needs the judges on this machine: leave out --executor, or grade parts with --shard")
        self.client, self.rules, self.sandbox, self.trusting = Client(address), rules, sandbox, trusting

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def judge(self, jobs: Iterable[Job], done: Callable[[Job, dict | None], None]) -> None:
        """Have every job judged; a worker that dies is Dask's business, and what no worker can do is None."""
        from distributed import as_completed
        asked = {}
        for job in jobs:
            future = self.client.submit(judged_there, job.path.read_bytes(), job.name, job.exercise, job.seed, self.rules.seconds,
                                        self.rules.suite, self.sandbox, self.trusting, pure=False, retries=2)
            asked[future] = job
        for future in as_completed(asked):
            if isinstance(future.exception(), NotThere):
                raise future.exception()
            done(asked[future], None if future.exception() else future.result())
            future.release()


def judged_there(data: bytes, name: str, exercise: str | None, seed: int | None, seconds: float, suite: str, sandbox: str | None,
                 trusting: bool) -> dict:
    """The result of a submission, on the machine where this runs."""
    from .batch import answers_elsewhere
    with ALONE, answers_elsewhere():
        if suite != suite_here(seconds):
            raise NotThere("a worker has another version of pfncache-edu: install the same one everywhere")
        terms, name_of_sandbox = terms_here(seconds, suite, sandbox, trusting)
        return {"sandbox": name_of_sandbox, **judge(name, data, exercise, terms, seed).as_dict()}


@functools.cache
def suite_here(seconds: float) -> str:
    return suite_hash(seconds)


@functools.cache
def terms_here(seconds: float, suite: str, sandbox: str | None, trusting: bool) -> tuple[Terms, str]:
    from .batch import own_workplace, sandbox_here
    place, chosen = own_workplace(), sandbox_here(sandbox, trusting)
    return Terms(lambda: chosen.start(place.edition, seconds=3 * seconds, token=place.token), seconds, suite), chosen.name
