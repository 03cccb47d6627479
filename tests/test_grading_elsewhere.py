"""Judging on a Dask cluster: the same bytes as here, whichever of its processes dies. Scheduler and workers are processes on the loopback address."""
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from pfncache_edu.grading import elsewhere
from pfncache_edu.grading.batch import grade_folder, sandbox_here
from pfncache_edu.grading.elsewhere import NotThere, executor_at, judged_there
from pfncache_edu.grading.judges import Rules
from pfncache_edu.grading.ledger import NAME, Ledger
from pfncache_edu.grading.sandbox import NoSandbox

ROOT = Path(__file__).parent.parent
STEPS = "from pfncache_edu import *\n@kernel\ndef gfn_to_pfn_cache_invalidate_start(kvm, start, end):\n"
NOTHING = STEPS + "    yield spin_lock(kvm.gpc_lock)\n    yield spin_unlock(kvm.gpc_lock)\n"
MANY = 30
pytestmark = pytest.mark.slow


@pytest.fixture
def distributed():
    try:
        sandbox_here(None, False)
    except NoSandbox as problem:
        pytest.skip(str(problem))
    return pytest.importorskip("distributed", reason="a cluster needs Dask: pip install distributed")


class Cluster:
    """A scheduler and two workers, each in a folder of its own."""

    def __init__(self, folder):
        self.scheduler = self.process(folder / "scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0")
        self.address = next(found[0].decode() for line in self.scheduler.stderr if (found := re.search(rb"tcp://\S+", line)))
        self.workers = [self.process(folder / name, "worker", self.address, "--nthreads", "1", "--no-nanny") for name in "ab"]

    def process(self, folder, *command):
        folder.mkdir(parents=True)
        return subprocess.Popen([sys.executable, "-m", "dask", *command, "--no-dashboard"], cwd=folder, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE if command[0] == "scheduler" else subprocess.DEVNULL,
                                env={**os.environ, "PYTHONPATH": str(ROOT)})

    @property
    def url(self):
        return self.address.replace("tcp", "dask")

    def end(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self.scheduler.stderr.close()


@contextmanager
def cluster(folder):
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.end()


def grading(folder, out, url):
    return subprocess.Popen([sys.executable, "-m", "pfncache_edu.cli", "grade", str(folder), "--out", str(out), "--executor", url], cwd=ROOT,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def wait_for(grader, many):
    """Read what it says until so many are graded."""
    return next(line for line in grader.stderr if (found := re.match(r"(\d+) of", line)) and int(found[1]) >= many)


def written(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != NAME}


def test_a_cluster_finds_the_same_bytes_though_a_worker_and_the_scheduler_die(distributed, tmp_path):
    folder = tmp_path / "in"
    for n in range(MANY):
        (folder / f"student{n:02}").mkdir(parents=True)
        (folder / f"student{n:02}/8.2.py").write_text(f"# {n}\n" + (NOTHING if n % 3 else "x = 1"))
    (folder / "student00/8.2.ipynb").write_bytes(b"{")
    here, there = tmp_path / "here", tmp_path / "there"
    grade_folder(folder, here)

    with cluster(tmp_path / "first") as first, grading(folder, there, first.url) as grader:
        wait_for(grader, 4)
        first.workers[0].send_signal(signal.SIGKILL)
        wait_for(grader, 12)
        first.scheduler.send_signal(signal.SIGKILL)
        assert "is gone" in grader.stderr.read() and grader.wait() == 2
    with Ledger(there / NAME) as ledger:
        kept = len(ledger)
    assert 12 <= kept <= MANY

    with cluster(tmp_path / "second") as second, grading(folder, there, second.url) as grader:
        assert f"{kept} of {MANY + 1}" in grader.stderr.readline()
        assert grader.stderr.read() and grader.wait() == 0
    with Ledger(there / NAME) as ledger:
        assert len(ledger) == MANY + 1
    assert written(there) == written(here)


@pytest.mark.filterwarnings("ignore")
def test_where_no_scheduler_answers_the_grader_says_what_to_start(distributed, monkeypatch):
    monkeypatch.setattr(elsewhere, "SECONDS_TO_ANSWER", 0.2)
    with pytest.raises(NotThere, match="dask scheduler"):
        executor_at("dask://127.0.0.1:1", Rules(20.0), None, False)


def test_a_worker_of_another_version_judges_nothing():
    with pytest.raises(NotThere, match="the same one everywhere"):
        judged_there(NOTHING.encode(), "8.2.py", None, None, 20.0, "another suite", None, False)
