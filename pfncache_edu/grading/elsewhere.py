"""Judging on other machines, by an engine that is there for it. What it finds is kept here, in the ledger, so the engine may die.

dask://HOST:PORT    a Dask scheduler; its workers need this package, of the same version, and a sandbox that works
"""
from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError

from .edition import suite_hash
from .judge import Terms, bytes_of, judge
from .judges import Job, Rules
from .submission import NotASubmission

AHEAD = 4                          # submissions that wait at the cluster, for each of its threads: no more are read in advance
SECONDS_TO_ANSWER = 10
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
        self.address, self.rules, self.sandbox, self.trusting = address, rules, sandbox, trusting
        try:
            self.client = Client(address, timeout=SECONDS_TO_ANSWER)
        except (OSError, ValueError) as error:
            raise NotThere(f"no Dask scheduler answers at {address}: start one with `dask scheduler` ({error})") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def judge(self, jobs: Iterable[Job], done: Callable[[Job, dict | None], None]) -> None:
        """Have every job judged. A worker that dies is Dask's business; a submission that no worker survives is None."""
        from distributed import as_completed
        from distributed.comm import CommClosedError
        asked, answers, waiting = {}, as_completed(), self.submitted(jobs, done)

        def hand_out(many: int) -> None:
            for future, job in itertools.islice(waiting, many):
                asked[future] = job
                answers.add(future)
        try:
            hand_out(AHEAD * max(1, sum(self.client.nthreads().values())))
            for future in answers:
                done(asked.pop(future), result_of(future))
                hand_out(1)
        except (CancelledError, CommClosedError) as error:
            raise NotThere(f"the Dask scheduler at {self.address} is gone. What was graded is kept: start the scheduler, and then this again") from error

    def submitted(self, jobs: Iterable[Job], done: Callable[[Job, dict | None], None]) -> Iterator[tuple]:
        """Each job with what will be its answer. A file that cannot be read any more is none."""
        for job in jobs:
            try:
                data = bytes_of(job.path)
            except NotASubmission:
                done(job, None)
                continue
            yield self.client.submit(judged_there, data, job.name, job.exercise, job.seed, self.rules.seconds, self.rules.suite,
                                     self.sandbox, self.trusting, pure=False, retries=2), job


def result_of(future) -> dict | None:
    """What a worker found; None if no worker survives the submission. NotThere if the workers cannot judge at all."""
    from distributed import KilledWorker
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KilledWorker):
        return None
    raise NotThere(f"a worker cannot judge: {error}") from error


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
