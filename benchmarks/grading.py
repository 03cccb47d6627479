"""Seconds and memory per submission, beside nbgrader's autograde on the same ones: python benchmarks/grading.py

First 20 submissions of exercise 8.2, one after the other, by `pfncache grade --jobs 1` and by `nbgrader autograde`, whose test
cell calls the same check(); the ratio is of CPU seconds, start-up included. Then a class: `--class 3000` submissions that all
differ, right, wrong, hostile and malformed, by `pfncache grade --jobs 2`. `--interrupt 2` kills that run twice on its way, starts
it again, and compares every byte with an undisturbed run.

nbgrader is taken from `--nbgrader PYTHON`, or else installed into a virtual environment of this benchmark's own. CPU time is a
control group's where we may make one (Linux, version 1, root), since it counts processes that were killed, too; else it is
what the children say. Memory is the largest sum of the processes' proportional set sizes, looked at ten times a second. A child
that vfork() has just made still uses its parent's memory, which is counted once.
"""
from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SAMPLES = next((ROOT / "exercises").glob("ch08/8.2-*")) / "samples"
GROUPS = Path("/sys/fs/cgroup/cpuacct")
LIBC = ctypes.CDLL(None)
KCMP, KCMP_VM = {"x86_64": 312, "aarch64": 272}.get(platform.machine(), -1), 1
LEAST = 3.0


# --- submissions ----------------------------------------------------------------------------------------------------------

RIGHT = '''from pfncache_edu import kernel, read_lock_irq, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq, write_unlock_irq
from pfncache_edu.kvm.structs import is_error_noslot_pfn

# {number}
@kernel
def gfn_to_pfn_cache_invalidate_start(kvm, start, end):
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        {name} = {first}
        yield read_unlock_irq(gpc.lock)
        if {name}:
            yield write_lock_irq(gpc.lock)
            {second}yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)
'''
CONDITIONS = ["(yield gpc.valid)", "not is_error_noslot_pfn((yield gpc.pfn))", "start <= (yield gpc.uhva) < end"]
HOSTILE = ["import os; os._exit(0)", "import os\nwhile True: os.fork()", "x = bytearray(1 << 40)", "import ctypes; ctypes.string_at(0)",
           "for _ in range(100): print('x' * 1_000_000)", "import os; os.kill(os.getppid(), 9)", "open('/tmp/planted', 'w')",
           "import socket; socket.create_connection(('127.0.0.1', 22), 1)", "from pfncache_edu.grading import worker\nworker.Worker.answer = lambda *a: {'points': 25}",
           "import os\nfor n in range(3, 40):\n    try: os.write(n, b'{\"points\": 25}\\n')\n    except OSError: pass"]
MALFORMED = [b"", b"{", b"[]", b"\xff\xfe\x00", b"[" * 50_000, b'{"cells": 3}', b"PK\x03\x04", bytes(range(256))]


def right_answer(chance: random.Random, number: int) -> str:
    """A right answer, in one of many ways."""
    def look(least: int) -> str:
        return " and ".join(chance.sample(CONDITIONS, chance.choice(range(least, 4))))
    again = look(1) if chance.random() < 0.5 else ""
    return RIGHT.format(number=number, name=chance.choice(["hit", "overlap", "found", f"hit{number}"]), first=" and ".join(chance.sample(CONDITIONS, 3)),
                        second=f"if {again}:\n                " if again else "")


def source_of(sample: Path) -> str:
    text = sample.read_text(encoding="utf-8")
    if sample.suffix == ".py":
        return text
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


def notebook(source: str) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "code", "source": source, "outputs": [], "metadata": {}, "execution_count": None}]}).encode()


def a_class(count: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """So many submissions, no two the same: six in ten right, three wrong, one hostile or malformed."""
    chance = random.Random(seed)
    wrong = [source_of(next(folder.iterdir())) for folder in sorted(SAMPLES.iterdir()) if "never" not in folder.name]
    for number in range(count):
        kind = number % 10
        path = f"student{number:05}/8.2.ipynb"
        if kind < 6:
            yield path, notebook(right_answer(chance, number))
        elif kind < 9:
            yield path, notebook(f"# {number}\n" + chance.choice(wrong))
        elif number % 20 < 10:
            yield path, notebook(f"# {number}\n" + chance.choice(HOSTILE))
        else:
            yield path, chance.choice(MALFORMED) + b" " * number


def write_class(folder: Path, count: int) -> Path:
    for path, data in a_class(count):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_bytes(data)
    return folder


# --- measuring --------------------------------------------------------------------------------------------------------------

@dataclass
class Cost:
    """What a command cost: seconds of the clock and of the CPU, and the most memory, in bytes."""
    wall: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    exact: bool = True

    def per(self, count: int) -> str:
        return f"{self.cpu / count:.3f} s of CPU, {self.wall / count:.3f} s, {self.memory / 1e6:.0f} MB at most"


@contextmanager
def group():
    """A control group for what is started next; None where there is none to be had."""
    folder = GROUPS / f"pfncache-benchmark-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        for _ in range(50):
            with suppress(OSError):
                folder.rmdir()
                break
            time.sleep(0.05)


def measured(command: list, *, env: dict[str, str], cwd: Path | None = None, kill_after: float | None = None) -> Cost:
    """Run a command, and what it cost. CalledProcessError if it fails; with `kill_after`, it is killed then."""
    cost, before = Cost(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with group() as folder, tempfile.TemporaryFile() as told:
        enter = (lambda: (folder / "tasks").write_text("0")) if folder else None
        process = subprocess.Popen(list(map(str, command)), env={**os.environ, **env}, cwd=cwd, stdout=told, stderr=told, preexec_fn=enter)
        watcher = threading.Thread(target=watch, args=(process, cost))
        started = time.monotonic()
        watcher.start()
        try:
            code = process.wait(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            code = process.wait() and 0
        cost.wall = time.monotonic() - started
        watcher.join()
        if code:
            told.seek(0)
            raise subprocess.CalledProcessError(code, command, told.read().decode(errors="replace")[-2000:])
        if folder:
            cost.cpu = int((folder / "cpuacct.usage").read_text()) / 1e9
        else:
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cost.cpu, cost.exact = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, False
    return cost


def watch(process: subprocess.Popen, cost: Cost) -> None:
    """Note the most memory that a process and all below it have."""
    while process.poll() is None:
        cost.memory = max(cost.memory, sum(map(proportional_size, with_own_memory(family(process.pid)))))
        time.sleep(0.1)


def family(first: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found = [first]
    for pid in found:
        found += children.get(pid, [])
    return found


def with_own_memory(pids: list[int]) -> list[int]:
    """The processes without those that share all memory with one before them."""
    found: list[int] = []
    for pid in pids:
        if not any(share_memory(pid, other) for other in found):
            found.append(pid)
    return found


def share_memory(one: int, other: int) -> bool:
    """Whether two processes have one and the same memory; False where the system does not say."""
    return LIBC.syscall(KCMP, one, other, KCMP_VM, 0, 0) == 0


def proportional_size(pid: int) -> int:
    with suppress(OSError):
        match = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(match[1]) * 1024 if match else 0
    return 0


# --- ours, and nbgrader's -----------------------------------------------------------------------------------------------------

def ours(folder: Path, out: Path, jobs: int, **options) -> Cost:
    command = [sys.executable, "-m", "pfncache_edu.cli", "grade", folder, "--out", out, "--jobs", jobs, "--timeout", 5]
    return measured(command, env={"PYTHONPATH": str(ROOT)}, **options)


CONFIG = """c = get_config()
c.CourseDirectory.course_id = "pfncache"
c.ExecutePreprocessor.timeout = 120
"""
ANSWER = "### BEGIN SOLUTION\npass\n### END SOLUTION"
TEST = "from pfncache_edu.grading import check\nreport = check('8.2')\nassert report.points == 25, report.reason"


def nbgrader_cell(source: str, id: str, **kinds) -> dict:
    about = {"grade": False, "grade_id": id, "locked": False, "schema_version": 3, "solution": False, "task": False, **kinds}
    return {"cell_type": "code", "id": id, "metadata": {"nbgrader": about}, "source": source, "outputs": [], "execution_count": None}


def nbgrader_notebook(answer: str) -> str:
    cells = [nbgrader_cell(answer, "answer", solution=True), nbgrader_cell(TEST, "test", grade=True, locked=True, points=25)]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells})


def nbgrader(course: Path, python: Path, answers: dict[str, str]) -> Cost:
    """What `nbgrader autograde` costs for these answers."""
    (course / "source/ps").mkdir(parents=True)
    (course / "nbgrader_config.py").write_text(CONFIG)
    (course / "source/ps/answer.ipynb").write_text(nbgrader_notebook(ANSWER))
    env = {"PYTHONPATH": str(ROOT), "JUPYTER_PREFER_ENV_PATH": "1", "HOME": str(course), "PATH": f"{python.parent}:{os.environ['PATH']}"}
    measured([python, "-m", "nbgrader", "generate_assignment", "ps"], env=env, cwd=course)
    for student, answer in answers.items():
        place = course / "submitted" / student / "ps"
        place.mkdir(parents=True)
        place.joinpath("answer.ipynb").write_text(nbgrader_notebook(answer))
    return measured([python, "-m", "nbgrader", "autograde", "ps"], env=env, cwd=course)


def nbgrader_python(given: Path | None, scratch: Path) -> Path:
    if given:
        return given
    print("installing nbgrader into a virtual environment of this benchmark", flush=True)
    subprocess.run([sys.executable, "-m", "venv", scratch / "nbgrader"], check=True)
    subprocess.run([scratch / "nbgrader/bin/pip", "install", "--quiet", "nbgrader", "ipykernel"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return scratch / "nbgrader/bin/python"


# --- the comparison -------------------------------------------------------------------------------------------------------------

def compare(count: int, python: Path, scratch: Path) -> float:
    """Grade the same submissions both ways; how many times as much CPU time nbgrader takes."""
    chance = random.Random(2)
    names = [folder.name for folder in sorted(SAMPLES.iterdir()) if "never" not in folder.name]
    answers = {f"s{n:02}": right_answer(chance, n) if n % 2 else f"# {n}\n" + source_of(next((SAMPLES / names[n % len(names)]).iterdir()))
               for n in range(count)}
    for student, answer in answers.items():
        (scratch / "same" / student).mkdir(parents=True)
        (scratch / "same" / student / "8.2.ipynb").write_bytes(notebook(answer))
    one = ours(scratch / "same", scratch / "same-out", jobs=1)
    other = nbgrader(scratch / "course", python, answers)
    print(f"{count} submissions, one after the other; each:\n  pfncache grade      {one.per(count)}\n  nbgrader autograde  {other.per(count)}")
    print(f"nbgrader takes {other.cpu / one.cpu:.1f} times the CPU time, {other.wall / one.wall:.1f} times as long, and "
          f"{other.memory / one.memory:.1f} times the memory" + ("" if one.exact and other.exact else " (killed processes are not counted)"))
    return other.cpu / one.cpu


def grade_class(count: int, interruptions: int, scratch: Path) -> None:
    folder = write_class(scratch / "class", count)
    cost = ours(folder, scratch / "class-out", jobs=2)
    print(f"{count} different submissions, two at a time: {cost.wall:.0f} s and {cost.cpu:.0f} s of CPU ({cost.cpu / count:.3f} each), "
          f"{cost.memory / 1e6:.0f} MB at most. Two idle cores would need at least {cost.cpu / 2:.0f} s")
    rows = (scratch / "class-out/grades.csv").read_text(encoding="utf-8").splitlines()[1:]
    full = sum(row.split(",")[2] == row.split(",")[3] for row in rows)
    print(f"{len(rows)} rows, {full} with full marks, {len(rows) - full} without")
    if interruptions:
        for n in range(interruptions):
            ours(folder, scratch / "killed-out", jobs=2, kill_after=cost.wall * (n + 1) / (interruptions + 2))
        ours(folder, scratch / "killed-out", jobs=2)
        same = contents(scratch / "killed-out") == contents(scratch / "class-out")
        print(f"killed {interruptions} times and started again: {'the same bytes' if same else 'NOT THE SAME'}")


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "ledger.sqlite"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=20, help="for the comparison; 0: none (default: %(default)s)")
    parser.add_argument("--class", dest="count", type=int, default=0, metavar="N", help="then grade a class of N")
    parser.add_argument("--interrupt", type=int, default=0, metavar="TIMES", help="grade the class again, and kill that so often")
    parser.add_argument("--nbgrader", type=Path, metavar="PYTHON", help="the Python that has nbgrader (default: install it)")
    asked = parser.parse_args()
    scratch, ratio = Path(tempfile.mkdtemp(prefix="pfncache-benchmark-")), LEAST
    try:
        if asked.submissions:
            ratio = compare(asked.submissions, nbgrader_python(asked.nbgrader, scratch), scratch)
        if asked.count:
            grade_class(asked.count, asked.interrupt, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0 if ratio >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
