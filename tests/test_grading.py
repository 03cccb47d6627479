"""Grading: points follow from what holds, and from nothing else; whatever is handed in, there is an answer to it."""
import csv
import io
import json
import os
import re
import time
from dataclasses import replace

import pytest

from pfncache_edu import (Thread, check, kernel, read_lock_irq, read_unlock_irq, scenarios, spin_lock, spin_unlock, write_lock_irq,
                          write_unlock_irq)
from pfncache_edu.grading import EXERCISES, assess, hints, record
from pfncache_edu.grading.batch import as_csv, grade_folder, key_of
from pfncache_edu.grading.exports import cell
from pfncache_edu.grading.pages import clean_svg
from pfncache_edu.grading.report import Report, Result, as_html, as_text
from pfncache_edu.grading.submission import NotASubmission, exercise_of, read_submission, run_cells, without_magics
from pfncache_edu.grading.instructions import RunsForEver, limited_instructions
from pfncache_edu.grading.trial import attempt
from pfncache_edu.kvm import v6_1
from pfncache_edu.kvm.pfncache import gfn_to_pfn_cache_invalidate_start as finished
from pfncache_edu.program import Watch
from pfncache_edu.steps import Violation

EXERCISE = EXERCISES["8.2"]
NAME, = EXERCISE.names


def hits(gpc, start, end):
    return (yield gpc.valid) and start <= (yield gpc.uhva) < end


@kernel
def looks_once(kvm, start, end):
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        hit = yield from hits(gpc, start, end)
        yield read_unlock_irq(gpc.lock)
        if hit:
            yield write_lock_irq(gpc.lock)
            yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


@kernel
def clears_under_the_read_lock(kvm, start, end):
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        if (yield from hits(gpc, start, end)):
            yield gpc.valid.set(False)
        yield read_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


@kernel
def does_nothing(kvm, start, end):
    yield spin_lock(kvm.gpc_lock)
    yield spin_unlock(kvm.gpc_lock)


@kernel
def before_the_patch(kvm, start, end):
    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield write_lock_irq(gpc.lock)
        if (yield from hits(gpc, start, end)):
            yield gpc.valid.set(False)
        yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)


def earned(report):
    return {result.name: result.earned for result in report.results}


# --- points -----------------------------------------------------------------------------------------------------------

def test_the_points_of_8_2_are_the_ones_the_book_promises():
    assert [(p.name, p.points) for p in EXERCISE.properties] == [
        ("safe_with_three_threads", 7), ("safe_with_two_users_and_two_caches", 4), ("deadlock_free", 3),
        ("far_range_takes_no_write_lock", 4), ("adjacent_ranges_take_no_write_lock", 2),
        ("relevant_range_takes_one_write_lock", 3), ("write_hold_is_no_longer_than_before", 2)]
    assert EXERCISE.points == 25


@pytest.mark.slow
def test_looking_only_once_costs_no_points_and_earns_a_remark():
    """The second look is precision, never safety."""
    started = time.process_time()
    report = assess(EXERCISE, {NAME: looks_once})
    print(f"a right answer takes {time.process_time() - started:.2f} s of processor time to assess; the budget is 2 s")
    assert report.points == 25
    assert "precision" in report.remarks[0]


@pytest.mark.parametrize("answer, outcome", [(does_nothing, "withdraws_a_page_in_the_range"),
                                             (before_the_patch, "far_range_takes_no_write_lock")])
def test_what_is_safe_but_useless_scores_nothing(answer, outcome):
    """Each safety property is gated on a useful one: doing nothing is perfectly safe."""
    report = assess(EXERCISE, {NAME: answer})
    assert report.points == 0
    assert report.failures[0].name == outcome
    assert {r.outcome for r in report.results} == {"failed", "not counted"}
    assert "nothing else counts" in as_text(report)


@pytest.mark.slow
def test_a_failed_property_says_what_was_expected_what_happened_where_and_how_to_see_it_again():
    report = assess(EXERCISE, {NAME: clears_under_the_read_lock})
    failed = report.failures[0]
    assert failed.name == "safe_with_three_threads"
    assert failed.happened == "vcpu0 writes to page A, which was freed: the guest's page is B"
    assert failed.where.endswith("`yield gpc.valid.set(False)`")
    assert (failed.situation, failed.schedule) == ("page_moves_during_use", "v2 n13 v2")
    assert "vcpu0" in failed.diagram.splitlines()[0] and "notifier" in failed.diagram.splitlines()[0]
    assert failed.svg.startswith("<svg") and "<desc>" in failed.svg
    assert "Scheduler" in as_text(report)


def test_a_report_is_the_same_every_time():
    assert assess(EXERCISE, {NAME: before_the_patch}).as_dict() == assess(EXERCISE, {NAME: before_the_patch}).as_dict()


# --- what is no verdict -------------------------------------------------------------------------------------------------

def answer_of(body):
    """A function of the right name whose loop over the caches has this body."""
    source = ("@kernel\ndef gfn_to_pfn_cache_invalidate_start(kvm, start, end):\n    yield spin_lock(kvm.gpc_lock)\n"
              "    for gpc in (yield kvm.gpc_list):\n" + "".join(f"        {line}\n" for line in body.splitlines())
              + "    yield spin_unlock(kvm.gpc_lock)\n")
    namespace = dict(globals(), __name__="__main__")
    exec(compile(source, "<answer>", "exec"), namespace)
    return namespace["gfn_to_pfn_cache_invalidate_start"]


@pytest.mark.slow
@pytest.mark.parametrize("body, outcome, words", [
    ("read_lock_irq(gpc.lock)\nyield gpc.valid", "mistake", "write `yield` in front of it"),
    ("if gpc.valid:\n    yield gpc.valid.set(False)", "mistake", r"write `\(yield gpc.valid\)` to read it"),
    ("raise KeyError('lost')", "mistake", "line 5: KeyError: 'lost'"),
    ("yield 42", "mistake", "yielded 42, which is no step"),
    ("yield hits(gpc, start, end)", "mistake", "which is no step"),
    ("exit(3)", "mistake", "SystemExit"),
    ("while True: pass", "incomplete", "100,000 instructions without a step"),
    ("sum(1 for _ in iter(int, 1))", "incomplete", "instructions without a step"),
    ("while True: yield gpc.lock and None or read_lock_irq(gpc.lock)", "mistake", "gpc.lock is shared"),
    ("while True:\n    yield read_lock_irq(gpc.lock)\n    yield read_unlock_irq(gpc.lock)", "incomplete", "500 steps"),
    ("def f(n): return f(n + 1)\nf(0)\nyield gpc.valid", "mistake", "RecursionError"),
])
def test_an_error_of_the_program_is_neither_a_violation_nor_a_pass(body, outcome, words):
    report = assess(EXERCISE, {NAME: answer_of(body)})
    assert report.points == 0
    assert report.failures[0].outcome == outcome
    assert re.search(words, report.failures[0].happened)


@pytest.mark.parametrize("answer, words", [
    (finished, "the kernel's finished function"),
    (v6_1.gfn_to_pfn_cache_invalidate_start, "a finished function of the package"),
    (None, "NoneType"), (42, "an int, not a function"), (dict, "not a function"),
    (lambda kvm, start, end: None, "has no `yield`"), (answer_of("pass").function.__call__, "has no `yield`|not a function")])
def test_what_is_no_kernel_function_is_answered_with_what_to_write(answer, words):
    report = assess(EXERCISE, {NAME: answer})
    assert report.points == 0
    assert re.search(words, report.problem)


def test_an_async_function_is_told_to_be_a_plain_one():
    async def gfn_to_pfn_cache_invalidate_start(kvm, start, end):
        pass
    assert "plain `def`" in assess(EXERCISE, {NAME: gfn_to_pfn_cache_invalidate_start}).problem


def test_calling_the_finished_function_is_no_answer():
    @kernel
    def answer(kvm, start, end):
        yield from finished.function(kvm, start, end)
    assert "write the steps yourself" in assess(EXERCISE, {NAME: answer}).problem


def test_a_plain_generator_function_may_do_without_the_decorator():
    assert assess(EXERCISE, {NAME: does_nothing.function}).as_dict() == assess(EXERCISE, {NAME: does_nothing}).as_dict()


def test_an_endless_loop_is_stopped_even_if_it_catches_exceptions():
    loop = "while True:\n    try:\n        x = 1\n    except Exception:\n        pass\n"
    with pytest.raises(RunsForEver), limited_instructions(1000):
        exec(compile(loop, "<endless>", "exec"), {})


# --- check() ----------------------------------------------------------------------------------------------------------

def test_check_finds_the_function_of_the_notebook_by_its_name():
    namespace = dict(globals(), __name__="__main__", gfn_to_pfn_cache_invalidate_start=does_nothing)
    exec("report = check('8.2')", namespace)
    assert namespace["report"].failures[0].name == "withdraws_a_page_in_the_range"


def test_check_says_which_name_was_probably_meant():
    namespace = {"check": check, "gfn_to_pfn_cache_invalidate_strat": does_nothing, "__name__": "__main__"}
    exec("report = check('8.2')", namespace)
    assert "there is gfn_to_pfn_cache_invalidate_strat: rename it" in repr(namespace["report"])
    exec("report = check('8.2')", {"check": check, "__name__": "__main__"}, namespace)
    assert "run the cell that defines it first" in repr(namespace["report"])


@pytest.mark.parametrize("id, words", [("8.9", "did you mean '8"), (8.2, r'write check\("8.2"\)'), ("", "there are 0.1")])
def test_check_names_the_exercises_there_are(id, words):
    with pytest.raises(ValueError, match=words):
        check(id, does_nothing)


def test_there_is_no_hint_of_another_size():
    with pytest.raises(ValueError, match="no hint 9"):
        check("8.2", does_nothing, hint=9)


# --- hints --------------------------------------------------------------------------------------------------------------

@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "IN_MEMORY", {})
    return tmp_path


@pytest.mark.slow
def test_each_hint_says_more_than_the_one_before(own_folder):
    one, two, three, four = [check("8.2", clears_under_the_read_lock, hint=size) for size in (1, 2, 3, 4)]
    assert "safe with three threads" in repr(one) and "withdraw and drain" in repr(one) and "freed" not in repr(one)
    assert two.diagram.splitlines()[-1].strip() == "?" and "freed" not in repr(two)
    assert three.diagram.splitlines()[:-2] == two.diagram.splitlines()[:-1] and "freed" in repr(three)
    assert "def gfn_to_pfn_cache_invalidate_start" in four.diagram


def test_an_instructor_can_keep_the_solution_closed(own_folder, monkeypatch):
    monkeypatch.setenv(hints.FORBIDS_SOLUTIONS, "1")
    assert "closed" in repr(check("8.2", does_nothing, hint=4)) and check("8.2", does_nothing, hint=4).diagram == ""


# --- submissions --------------------------------------------------------------------------------------------------------

def notebook(*cells):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "code", "source": source, "outputs": [], "metadata": {}, "execution_count": None} for source in cells]}).encode()


@pytest.mark.parametrize("name, data, words", [
    ("8.2.ipynb", b"", "empty"), ("8.2.ipynb", b"\xff\xfe\x00", "text in UTF-16"), ("8.2.ipynb", b"{\"cells\": [", "not JSON"),
    ("8.2.ipynb", b"[" * 100_000, "nested too deeply|not JSON"), ("8.2.ipynb", b"[]", "no list of cells"),
    ("8.2.ipynb", b'{"cells": 3}', "no list of cells"), ("8.2.zip", b"PK", r"not \.zip"), ("8", b"x", "without a suffix")])
def test_what_is_no_submission_is_told_why(name, data, words):
    with pytest.raises(NotASubmission, match=words):
        read_submission(name, data)


def test_odd_cells_do_not_cost_the_answer():
    odd = json.dumps({"cells": [3, None, {"cell_type": "code"}, {"cell_type": "code", "source": ["x = 1\n", 7, "y = 2"]},
                                {"cell_type": "code", "source": {"a": 1}}, {"cell_type": "markdown", "source": "z = 3"}]}).encode()
    namespace = {}
    assert len(run_cells(read_submission("8.2.ipynb", odd), namespace)) == 0
    assert (namespace["x"], namespace["y"], "z" in namespace) == (1, 2, False)


def test_a_cell_that_fails_is_named_and_the_next_one_runs():
    namespace = {}
    complaints = run_cells(read_submission("8.2.ipynb", notebook("a = 1\nb = 1 / 0", "def f(:", "c = 3", "import sys; sys.exit(1)")), namespace)
    assert namespace["c"] == 3
    assert [c.split(":")[0] for c in complaints] == ["code cell 1, line 2", "code cell 2, line 1", "code cell 4, line 1"]


@pytest.mark.parametrize("source, python", [
    ("%matplotlib inline\nx = 1", "pass\nx = 1"), ("!ls\n  !ls", "pass\n  pass"), ("files = !ls", "pass"), ("x?\nprint??", "pass\npass"),
    ("%%timeit\nx", ""), ("y = (17\n% 5)", "y = (17\n% 5)"), ("x = 1", "x = 1")])
def test_magics_are_left_out_and_python_stays(source, python):
    assert without_magics(source) == python


@pytest.mark.parametrize("path, cells, id", [
    ("8.2.ipynb", "", "8.2"), ("anna/8.2-write-the-patch.py", "", "8.2"), ("8.2/answer.ipynb", "", "8.2"), ("x.ipynb", "check('8.2')", "8.2"),
    ("18.2.ipynb", "", None), ("8.21.ipynb", "", None), ("8.2.1.ipynb", "", None), ("x.ipynb", "", None)])
def test_the_exercise_is_found_by_name_or_by_its_check(path, cells, id):
    submission = read_submission("x.ipynb", notebook(cells))
    if id:
        assert exercise_of(path, submission) == id
    else:
        with pytest.raises(NotASubmission, match="Name the file after it"):
            exercise_of(path, submission)


# --- reports ------------------------------------------------------------------------------------------------------------

NASTY = '<script>alert(1)</script>&"\''


def test_nothing_of_an_answer_reaches_a_page_unescaped():
    result = Result("far_range_takes_no_write_lock", 4, 0, "failed", happened=NASTY, where=NASTY, situation=NASTY, schedule=NASTY, diagram=NASTY)
    page = as_html(Report("8.2", "Write the patch", 25, (result,), remarks=(NASTY,)))
    assert "<script" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize("svg", [
    "<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>", "<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>",
    "<svg xmlns='http://www.w3.org/2000/svg'><foreignObject><a href='javascript:x'/></foreignObject></svg>",
    "<svg xmlns='http://www.w3.org/2000/svg'><rect fill='url(http://x)'/></svg>",
    "<!DOCTYPE svg [<!ENTITY a 'x'>]><svg xmlns='http://www.w3.org/2000/svg'>&a;</svg>", "<html/>", "<svg", "x" * 100])
def test_a_picture_that_is_not_ours_is_stripped_of_what_ours_do_not_have(svg):
    clean = clean_svg(Result("x", 1, 0, "failed", svg=svg))
    assert not re.search("script|onload|foreignObject|url\\(|ENTITY|<html|xxx", clean)


def test_our_own_picture_stays_readable():
    svg = assess(EXERCISE, {NAME: before_the_patch}).failures[0].svg
    clean = clean_svg(Result("x", 1, 0, "failed", svg=svg))
    assert clean.count("<text") == svg.count("<text") and "<desc>" in clean and "aria-label" in clean and "viewBox" in clean


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_a_formula(text):
    assert cell(text).startswith("'")


# --- a folder -----------------------------------------------------------------------------------------------------------

ANSWER = notebook("""
from pfncache_edu import kernel, spin_lock, spin_unlock
@kernel
def gfn_to_pfn_cache_invalidate_start(kvm, start, end):
    yield spin_lock(kvm.gpc_lock)
    yield spin_unlock(kvm.gpc_lock)
""")
ODD = {
    "empty/8.2.ipynb": (b"", "the file is empty"),
    "random/8.2.ipynb": (bytes(range(256)) * 40, "not text in UTF-8"),
    "cut_off/8.2.ipynb": (ANSWER[:100], "not JSON"),
    "archive/8.2.zip": (b"PK\x03\x04", "a ZIP archive is not opened here: hand in the notebook"),
    "notes.txt": (b"hello", "a submission is a notebook"),
    "unnamed.py": (b"x = 1", "Name the file after it"),
    "nothing/8.2.py": (b"x = 1", "run the cell that defines it first"),
    "syntax/8.2.py": (b"def f(:", r"8\.2\.py, line 1: SyntaxError"),
    "os_exit/8.2.py": (b"import os; os._exit(0)", "ended before it was assessed"),
    "crash/8.2.py": (b"import ctypes; ctypes.string_at(0)", "crashed .SIGSEGV."),
    "kills_itself/8.2.py": (b"import os; os.kill(os.getpid(), 9)", "ended before it was assessed"),
    "sys_exit/8.2.ipynb": (notebook("import sys; sys.exit()"), "SystemExit"),
    "loop/8.2.py": (b"while True: pass", "not done after 2 seconds|processor time"),
    "sleeps/8.2.py": (b"import time; time.sleep(100)", "not done after 2 seconds"),
    "asks/8.2.py": (b"input('your name? ')", "EOFError"),
    "prints/8.2.py": (b"for _ in range(1000): print('x' * 100_000)", "run the cell that defines it first"),
    "eats_memory/8.2.py": (b"x = bytearray(1 << 34)", "MemoryError"),
    "forges/8.2.py": (b"import os\nfor n in range(3, 40):\n    try: os.write(n, b'{\"nonce\": 1, \"report\": {}}\\n')\n    except OSError: pass\nos._exit(0)",
                      "an answer to another question"),
    "floods/8.2.py": (b"import os\nfor n in range(3, 40):\n    try:\n        while True: os.write(n, b'x' * 10000)\n    except OSError: pass",
                      "longer than"),
    "leaves_children/8.2.py": (b"import subprocess; subprocess.Popen(['sleep', '60'], close_fds=False)", "run the cell that defines it first"),
    "=HYPERLINK(1)/8.2.ipynb": (ANSWER, "still valid"),
    "<script>alert(1)</8.2.ipynb": (ANSWER, "still valid"),
    "two\nlines/8.2.ipynb": (ANSWER, "still valid"),
    "a-b/8.2.ipynb": (ANSWER, "still valid"),
    "a/b-8.2.ipynb": (ANSWER, "still valid"),
}


@pytest.mark.slow
def test_every_file_that_is_put_in_gets_a_row_with_a_result_or_a_reason(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    for name, (data, _) in ODD.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "link.ipynb").symlink_to("/etc/hostname")
    (folder / "folder_link").symlink_to("/etc")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / os.fsdecode(b"caf\xe9-8.2.ipynb")).write_bytes(ANSWER)
    with open(folder / "big.ipynb", "wb") as big:
        big.truncate(11_000_000)
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints/8.2.ipynb").write_bytes(ANSWER)

    rows = grade_folder(folder, out, jobs=2, timeout=2, trusting=True)
    reasons = {row.submission: row.report.reason for row in rows}
    expected = {name.replace("\n", "\\n"): words for name, (_, words) in ODD.items()} | {
        "link.ipynb": "symbolic link", "folder_link": "symbolic link", "pipe.ipynb": "not a regular file",
        "caf\\xe9-8.2.ipynb": "still valid", "big.ipynb": "11,000,000 bytes"}
    assert reasons.keys() == expected.keys()
    assert {name: reason for name, reason in reasons.items() if not re.search(expected[name], reason)} == {}

    table = list(csv.DictReader(io.StringIO((out / "grades.csv").read_text(encoding="utf-8"))))
    assert [line["submission"].lstrip("'") for line in table] == [row.submission for row in rows]
    assert all(line["points"] == "0" and line["reason"] for line in table)
    assert not any(value.startswith(("=", "+", "-", "@")) for line in table for value in line.values())
    pages = {row.page for row in rows}
    assert len(pages) == len(rows) and all((out / page).is_file() for page in pages)
    for page in [*(out / "pages").iterdir(), out / "index.html"]:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text and "Content-Security-Policy" in text and not re.search(r"(src|href)=[\"']?(https?:)?//", text)


def test_no_two_paths_share_a_page():
    from pathlib import Path
    assert len({key_of(Path(name)) for name in ("a/b.ipynb", "a-b.ipynb", "A/b.ipynb", "a//b .ipynb", "ä/b.ipynb")}) == 5


@pytest.mark.slow
def test_grading_twice_gives_the_same_bytes(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/8.2.ipynb").write_bytes(ANSWER)
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        grade_folder(tmp_path / "in", out, trusting=True)
    files = sorted(p.relative_to(outs[0]) for p in outs[0].rglob("*") if p.is_file() and p.name != "ledger.sqlite")
    assert len(files) == 5 and all((outs[0] / f).read_bytes() == (outs[1] / f).read_bytes() for f in files)


def test_an_empty_folder_gives_an_empty_table():
    assert as_csv([]) == "submission,exercise,points,max,reason\n"


def test_a_thread_that_ends_before_its_first_step_is_asked_what_it_left_undone():
    """No step of it makes the search ask, so an answer that leaves at once would be perfectly safe."""
    def raises(memory, thread):
        if thread == "idler":
            raise Violation("does_its_work", "nothing was done")

    @kernel
    def leaves_at_once(kvm):
        return
        yield

    program = scenarios.page_moves_during_use()
    watch = Watch("does_its_work", lambda memory, *_: memory, at_end=raises)
    idle = replace(program, threads=(*program.threads, Thread("idler", leaves_at_once, (None,))), properties=(*program.properties, watch))
    trial = attempt(idle)
    assert trial.outcome == "mistake" and trial.sentence == "idler is done before it has taken a single step: nothing was done"
    assert attempt(replace(idle, properties=program.properties)).outcome == "holds"
