"""A batch: nothing is graded twice, nothing is lost, and the same submissions give the same bytes, whatever happens meanwhile."""
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from pfncache_edu.cli import main
from pfncache_edu.grading import batch, workplace
from pfncache_edu.grading.batch import grade_folder, sandbox_here
from pfncache_edu.grading.command import Telling
from pfncache_edu.grading.judges import Job, Judges, Rules
from pfncache_edu.grading.ledger import NAME, Ledger, LedgerInUse
from pfncache_edu.grading.sandbox import TOKEN, NoSandbox

ROOT = Path(__file__).parent.parent
STEPS = "from pfncache_edu import *\n@kernel\ndef gfn_to_pfn_cache_invalidate_start(kvm, start, end):\n"
NOTHING = STEPS + "    yield spin_lock(kvm.gpc_lock)\n    yield spin_unlock(kvm.gpc_lock)\n"


@pytest.fixture(autouse=True)
def a_sandbox():
    """Without one there is nothing to test: `pfncache grade doctor` says what to install."""
    try:
        sandbox_here(None, False)
    except NoSandbox as problem:
        pytest.skip(str(problem))


def folder_of(tmp_path, files, name="in"):
    for path, source in files.items():
        (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name / path).write_bytes(source if isinstance(source, bytes) else source.encode())
    return tmp_path / name


def written(out):
    """Every file that a run wrote but the ledger, by path."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != NAME}


# --- the ledger -----------------------------------------------------------------------------------------------------------

def test_a_result_is_written_once_and_never_changed(tmp_path):
    with Ledger(tmp_path / NAME) as ledger:
        ledger.put("s", "one", "bubblewrap", {"points": 1})
        ledger.put("s", "one", "bubblewrap", {"points": 2})
        ledger.put("s", "two", "bubblewrap", {"points": 3})
        assert ledger.get("s", "one") == {"points": 1} and ledger.before("s", "two") == {"points": 1} and len(ledger) == 2
        for change in ("UPDATE results SET sandbox = 'x'", "DELETE FROM results"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                ledger.file.execute(change)
        assert not ledger.has("t", "one") and ledger.get("t", "one") is None


def test_two_graders_do_not_share_a_ledger(tmp_path):
    with Ledger(tmp_path / NAME), pytest.raises(LedgerInUse, match="another `pfncache grade`"):
        Ledger(tmp_path / NAME)


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path):
    (tmp_path / NAME).write_bytes(b"x" * 5000)
    with pytest.raises(LedgerInUse, match="move it away"):
        Ledger(tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == b"x" * 5000


# --- a run ----------------------------------------------------------------------------------------------------------------

@pytest.mark.slow
def test_what_is_in_the_ledger_is_not_graded_again(tmp_path, monkeypatch):
    folder = folder_of(tmp_path, {"ann/8.2.py": NOTHING, "bob/8.2.py": NOTHING, "cyd/8.2.py": "x = 1", "notes.txt": "hello"})
    judged = []
    judge = Judges.judge
    monkeypatch.setattr(Judges, "judge", lambda self, jobs, done: judge(self, judged.extend(jobs := list(jobs)) or jobs, done))
    rows = grade_folder(folder, tmp_path / "out")
    assert len(rows) == 4 and len(judged) == 3, "the same bytes under the same name are judged once"
    before = written(tmp_path / "out")
    grade_folder(folder, tmp_path / "out")
    assert len(judged) == 3 and written(tmp_path / "out") == before
    (folder / "cyd/8.2.py").write_text("x = 2")
    grade_folder(folder, tmp_path / "out")
    assert len(judged) == 4


@pytest.mark.slow
def test_parts_of_a_class_put_together_are_the_whole(tmp_path, capsys):
    folder = folder_of(tmp_path, {f"student{n}/8.2.py": f"x = {n}" for n in range(6)} | {"empty/8.2.py": b""})
    whole = grade_folder(folder, tmp_path / "whole")
    parts = [grade_folder(folder, tmp_path / f"part{n}", shard=(n, 3)) for n in (1, 2, 3)]
    assert sorted(row.submission for part in parts for row in part) == sorted(row.submission for row in whole)
    assert main(["grade", "merge", *(str(tmp_path / f"part{n}") for n in (1, 2, 3)), "--out", str(tmp_path / "all")]) == 0
    assert "7 results" in capsys.readouterr().out
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "executor", lambda asked: pytest.fail("everything is there already"))
        grade_folder(folder, tmp_path / "all")
    assert written(tmp_path / "all") == written(tmp_path / "whole")


@pytest.mark.slow
def test_regrading_lists_whose_mark_changes_and_why(tmp_path, monkeypatch, capsys):
    folder = folder_of(tmp_path, {"ann/8.2.py": NOTHING, "bob/8.2.py": "x = 1"})
    monkeypatch.setattr(batch, "suite_hash", lambda *settings: "an earlier suite")
    grade_folder(folder, tmp_path / "out")
    with Ledger(tmp_path / "out" / NAME) as ledger:             # the earlier suite was more generous to ann
        (key, _, _, _), *_ = [line for line in ledger.lines() if "withdraws" in str(ledger.get(line[0], "an earlier suite"))]
        report = ledger.get(key, "an earlier suite")["report"]
        report["results"][0] |= {"earned": 7, "outcome": "passed"}
        ledger.put(key, "the suite before", "bubblewrap", {"report": report})
    monkeypatch.setattr(batch, "suite_hash", lambda *settings: "this suite")
    assert main(["grade", "regrade", str(folder), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "8.2.py: 7 -> 0" in printed and "1 submissions have another result" in printed
    assert (tmp_path / "out/regrade.csv").read_text().count("\n") == 2


@pytest.mark.slow
def test_a_time_out_is_tried_again_alone_before_it_counts(tmp_path, monkeypatch):
    folder = folder_of(tmp_path, {"ann/8.2.py": "import time; time.sleep(100)", "bob/8.2.py": "x = 1"})
    calls = []
    judge = Judges.judge
    monkeypatch.setattr(Judges, "judge", lambda self, jobs, done: judge(self, calls.append(jobs := list(jobs)) or jobs, done))
    rows = {row.submission: row for row in grade_folder(folder, tmp_path / "out", timeout=1)}
    assert [len(jobs) for jobs in calls] == [2, 1] and calls[1][0].path == folder / "ann/8.2.py"
    assert "not done after 1 seconds" in rows["ann/8.2.py"].reason


@pytest.mark.slow
def test_a_judge_that_dies_is_replaced_and_its_submission_judged_by_another(tmp_path):
    folder = folder_of(tmp_path, {"8.2.py": NOTHING})
    place = batch.own_workplace()
    results = []
    with Judges(1, Rules(20.0), batch.sandbox_here(None, False), place) as judges:
        begin, killed = judges.hand_out, []

        def hand_out_and_kill(waiting):
            begin(waiting)
            if not killed:
                killed.append(judges.at_work()[0].process)
                killed[0].kill()
        judges.hand_out = hand_out_and_kill
        judges.judge([Job("k", folder / "8.2.py", "8.2.py", "8.2")], lambda job, result: results.append(result))
    assert killed and results[0]["report"]["results"][0]["name"] == "withdraws_a_page_in_the_range"


@pytest.mark.slow
def test_a_judge_that_has_grown_is_replaced_and_no_submission_is_judged_twice(tmp_path, monkeypatch):
    monkeypatch.setattr("pfncache_edu.grading.judges.GROWN", 0)
    path = folder_of(tmp_path, {"a/8.2.py": NOTHING}) / "a/8.2.py"
    place, done, processes = batch.own_workplace(), [], set()
    with Judges(2, Rules(20.0), sandbox_here(None, False), place) as judges:
        def finished(job, result):
            done.append((job.key, result["report"]["exercise"]))
            processes.update(judge.process.pid for judge in judges.at_work())
        judges.judge([Job(str(n), path, "8.2.py") for n in range(5)], finished)
        assert not judges.tries
    assert sorted(done) == [(str(n), "8.2") for n in range(5)] and len(processes) == 5


@pytest.mark.slow
def test_a_submission_that_costs_every_judge_its_life_gets_a_row_that_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("pfncache_edu.grading.judges.START", "import os; os._exit(1)")
    (row,) = grade_folder(folder_of(tmp_path, {"8.2.py": NOTHING}), tmp_path / "out")
    assert row.points == 0 and "every judge" in row.reason and len(list((tmp_path / "out/results").iterdir())) == 1
    with Ledger(tmp_path / "out" / NAME) as ledger:
        assert len(ledger) == 0, "the next run tries again"


# --- killed at any time ---------------------------------------------------------------------------------------------------

def grading(folder, out):
    return subprocess.Popen([sys.executable, "-m", "pfncache_edu.cli", "grade", str(folder), "--out", str(out), "--jobs", "2", "--timeout", "20"],
                            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})


def processes_of_runs():
    """The grading processes there are, by run."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for variable in (process / "environ").read_bytes().split(b"\0"):
                if variable.startswith(f"{TOKEN}=".encode()):
                    found.setdefault(variable.split(b"=")[1].decode(), []).append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_killed_again_and_again_the_results_are_the_same_bytes(tmp_path):
    """SIGKILL, at random moments, of the grader or of any process that it has started."""
    folder = folder_of(tmp_path, {f"student{n}/8.2.py": f"# {n}\n" + (NOTHING if n % 3 else "import os; os._exit(0)") for n in range(10)}
                       | {"loop/8.2.py": STEPS + "    while True:\n        yield kvm.mn_active_invalidate_count\n", "broken/8.2.ipynb": b"{", "empty/8.2.py": b""})
    undisturbed = tmp_path / "undisturbed"
    assert grading(folder, undisturbed).wait(timeout=300) == 0
    chance, out, kills, before = random.Random(2), tmp_path / "killed", 0, set(processes_of_runs())
    for _ in range(30):
        grader = grading(folder, out)
        if kills < 6:
            wait_until(lambda: grader.poll() is not None or (out / NAME).exists())
            time.sleep(chance.uniform(0.05, 1.5))              # not to wait for anything: to hit any moment
            mine = [pid for token, pids in processes_of_runs().items() if token not in before for pid in pids]
            victim = grader.pid if kills % 2 == 0 or not mine else chance.choice(mine)
            try:
                os.kill(victim, signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
        code = grader.wait(timeout=300)
        if code == 0 and kills >= 6:
            break
    assert kills == 6 and written(out) == written(undisturbed)
    assert not [token for token in workplace.sweep() if token not in before], "the last run has swept up after those before"


def wait_until(true):
    for _ in range(2000):
        if true():
            return
        time.sleep(0.005)


@pytest.mark.slow
def test_a_workplace_whose_owner_was_killed_is_swept_with_its_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(workplace.tempfile, "gettempdir", lambda: str(tmp_path))
    abandoned = tmp_path / f"{workplace.PREFIX}abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    left = subprocess.Popen(["sleep", "60"], env={TOKEN: abandoned.name, "PATH": os.defpath})
    wait_until(lambda: left.pid in processes_of_runs().get(abandoned.name, ()))
    monkeypatch.setattr(workplace.tempfile, "mkdtemp", lambda prefix: str(made(tmp_path / f"{prefix}mine")))
    with workplace.Workplace() as mine:
        assert left.wait(timeout=10) == -signal.SIGKILL and not abandoned.exists()
        assert workplace.sweep() == [] and mine.folder.exists()
    assert not mine.folder.exists()


def made(folder):
    folder.mkdir()
    return folder


def test_half_written_files_of_a_killed_run_go_away(tmp_path):
    folder = folder_of(tmp_path, {})
    folder.mkdir()
    out = tmp_path / "out"
    (out / "results").mkdir(parents=True)
    (out / "results/.x.json.77.part").touch()
    (out / ".grades.csv.77.part").touch()
    assert grade_folder(folder, out) == []
    assert not [name for name in written(out) if name.endswith(".part")] and (out / "grades.csv").is_file()


# --- what it says -----------------------------------------------------------------------------------------------------------

def test_progress_is_a_line_for_each_tenth_of_the_way():
    stream, clock = io.StringIO(), iter(range(1000))
    telling = Telling(stream, clock=lambda: next(clock))
    for done in range(101):
        telling(done, 100)
    telling.end()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11 and lines[0] == "0 of 100 graded" and lines[5].startswith("50 of 100 graded, about ") and lines[-1] == "100 of 100 graded"


@pytest.mark.parametrize("arguments, words", [
    (["merge"], "name the folders"), (["merge", "nowhere"], "there is no nowhere/ledger.sqlite"), (["regrade"], "name the folder of submissions"),
    (["one", "two"], "one folder at a time"), ([".", "--secret", "x"], "--secret needs --roster"), ([".", "--exercise", "99.9"], "there is no exercise"),
    ([".", "--executor", "ftp://x"], "dask://HOST:PORT")])
def test_a_wrong_call_is_told_what_to_write(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    Path("8.2.py").write_text("x = 1")
    assert main(["grade", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["0/4", "5/4", "4", "a/b", "1/0"])
def test_a_part_is_one_of_as_many_as_there_are(shard):
    with pytest.raises(SystemExit):
        main(["grade", ".", "--shard", shard])


@pytest.mark.slow
def test_doctor_says_which_sandbox_is_taken(capsys):
    assert main(["grade", "doctor"]) == 0
    printed = capsys.readouterr().out
    assert "pfncache grade takes" in printed and "limits      works" in printed


def test_the_autograder_for_gradescope_is_the_same_bytes_each_time(tmp_path):
    for name in ("one", "two"):
        assert main(["grade", "gradescope", "--out", str(tmp_path / name), "--exercise", "8.2"]) == 0
    one, two = ((tmp_path / name / "autograder.zip").read_bytes() for name in ("one", "two"))
    assert one == two
    with zipfile.ZipFile(io.BytesIO(one)) as archive:
        assert "--exercise 8.2" in archive.read("run_autograder").decode() and archive.getinfo("run_autograder").external_attr >> 16 & 0o111
        assert "package/pfncache_edu/grading/judge.py" in archive.namelist()


@pytest.mark.slow
def test_autograde_prints_what_gradescope_reads(tmp_path, capsys):
    folder = folder_of(tmp_path, {"8.2.py": NOTHING, "picture.png": b"\x89PNG"})
    assert main(["grade", "autograde", str(folder)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["score"] == 0 and "withdraws a page in the range" in found["output"]
    assert {test["status"] for test in found["tests"]} == {"failed"} and sum(test["max_score"] for test in found["tests"]) == 25
