"""The command: what it prints, how it ends, and what it says when it is called wrongly."""
import io
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys

import pytest

from pfncache_edu import cli
from pfncache_edu.cli import EXAMPLES, SCENARIOS, Progress, main

SAMPLES = pathlib.Path(__file__).parent.parent / "exercises/ch08/8.2-write-the-patch/samples"


def test_list_names_every_scenario_mutant_and_exercise(capsys):
    from pfncache_edu.grading import EXERCISES
    from pfncache_edu.mutants import MUTANTS
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in [*SCENARIOS, *MUTANTS, *EXERCISES])
    assert "page_moves_during_use" in SCENARIOS


def test_explore_proves_the_real_function(capsys):
    assert main(["explore", "page_moves_during_use"]) == 0
    assert capsys.readouterr().out == "holds: 627 states, all of them\n"


def test_explore_draws_what_breaks_a_mutant_and_says_how_to_play_it(capsys):
    assert main(["explore", "page_moves_during_use", "--mutant", "clears_under_the_read_lock"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("violated after 18 steps (v2 n14 v2): vcpu0 writes to page A")
    assert "vcpu0                      notifier\n" in printed
    last = printed.splitlines()[-1].removeprefix("step by step: pfncache ")
    assert main(shlex.split(last)) == 1
    assert "vcpu0 writes to page A, which was freed" in capsys.readouterr().out


def test_the_patch_is_proved_by_its_name_and_a_wrong_refresh_is_drawn_as_two_columns(capsys):
    assert main(["explore", "read_lock_first"]) == 0
    assert capsys.readouterr().out.startswith("holds: ")
    assert main(["explore", "read_lock_first", "--mutant", "forgets_the_count", "--width", "72"]) == 1
    printed = capsys.readouterr()
    heads = printed.out.splitlines()[2]
    assert heads.split() == ["vcpu0", "notifier"] and printed.err == ""
    assert max(map(len, printed.out.splitlines()[2:-2])) <= 72


def test_explore_says_what_to_install_for_a_back_end_and_takes_one(monkeypatch, capsys):
    assert main(["explore", "page_moves_during_use", "--backend", "auto"]) == 0
    assert capsys.readouterr().out == "holds: 627 states, all of them\n"
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "pfncache_edu.interpreters.accelerated", raising=False)
    assert main(["explore", "page_moves_during_use", "--backend", "numba"]) == 2
    assert "--backend numba needs numba, which is not installed: pip install pfncache-edu[fast]" in capsys.readouterr().err


WRONG = ["explore", "page_moves_during_use", "--mutant", "clears_under_the_read_lock"]


def test_explore_tells_a_story_with_its_source_in_place_of_the_diagram_or_beside_it(capsys):
    main([*WRONG, "--story"])
    told = capsys.readouterr().out
    assert "  notifier  stores False in gpc.valid" in told and "^^^^" not in told and "-----" not in told
    main([*WRONG, "--source", "--diagram"])
    told = capsys.readouterr().out
    assert "yield gpc.valid.set(False)\n" + 15 * " " + "^" * len("yield gpc.valid.set(False)") + "\n" in told and "-----" in told
    assert main(["play", *WRONG[1:], "--schedule", "v2", "--source"]) == 0
    assert "return (yield gpc.valid)" in capsys.readouterr().out


def test_explore_prints_json_with_every_step(capsys):
    assert main([*WRONG, "--json", "--evidence"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["outcome"], data["schedule"], len(data["steps"])) == ("violated", "v2 n14 v2", 18)
    cleared = data["steps"][9]
    assert (cleared["thread"], cleared["verb"], cleared["cells"], cleared["argument"]) == ("notifier", "store", ["gpc.valid"], False)
    assert cleared["changed"] == [["gpc.valid", True, False]] and cleared["file"] == "mutants.py"
    assert data["steps"][-1]["wrong"] == data["sentence"] and len(data["evidence"]["runs"]) == 5
    assert str(pathlib.Path(cli.__file__).parent) not in json.dumps(data)


def test_explore_shows_what_stands_behind_a_proof(capsys):
    assert main(["explore", "unrelated_range", "--evidence"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("holds: ") and "guest_writes_reach_the_guest: never put to the test in" in printed


def test_an_incomplete_search_is_no_success(capsys):
    assert main(["explore", "page_moves_during_use", "--max-states", "100"]) == 3
    assert capsys.readouterr().out.startswith("incomplete: stopped after 1")
    assert main(["explore", "page_moves_during_use", "--max-states", "100", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["outcome"] == "incomplete"


@pytest.fixture
def ctrl_c_at_depth_10(monkeypatch):
    real = cli.explore

    def interrupted(program, *, progress, **options):
        def and_stop(depth, states):
            progress(depth, states)
            if depth == 10:
                signal.raise_signal(signal.SIGINT)
        return real(program, progress=and_stop, **options)
    monkeypatch.setattr(cli, "explore", interrupted)


@pytest.mark.parametrize("options", [[], ["--json"], ["--evidence"]])
def test_ctrl_c_gives_what_is_known_by_then(options, ctrl_c_at_depth_10, capsys):
    assert main(["explore", "page_moves_during_use", *options]) == 130
    printed = capsys.readouterr().out
    text = json.loads(printed)["text"] if options == ["--json"] else printed.strip()
    words = text.split()
    assert words[:3] == ["incomplete:", "interrupted", "after"] and words[4:] == ["states"] and 1 < int(words[3]) < 627


def test_a_search_that_was_done_before_ctrl_c_keeps_its_verdict(monkeypatch, capsys):
    monkeypatch.setattr(cli, "evidence", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    assert main(["explore", "page_moves_during_use", "--evidence"]) == 130
    assert capsys.readouterr().out == "holds: 627 states, all of them\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def search_of(seconds, **options):
    """What a search writes that calls for progress every 0.03 seconds, by a clock of our own."""
    now = [0.0]
    progress = Progress(clock=lambda: now[0], **options)
    for n in range(int(seconds / 0.03)):
        progress(n, n * 1000)
        now[0] += 0.03
    progress.end()
    return progress.stream.getvalue()


def test_progress_is_a_line_on_a_terminal_that_changes_ten_times_a_second_at_most_and_vanishes():
    written = search_of(3, stream=Terminal())
    assert 20 <= written.count(" states, ") <= 30 and "\n" not in written and written.endswith("\r\x1b[K")
    assert search_of(0.1, stream=Terminal()) == ""


def test_progress_is_silent_elsewhere_unless_it_is_asked_for():
    assert search_of(3, stream=io.StringIO()) == ""
    lines = search_of(3, stream=io.StringIO(), asked_for=True).splitlines()
    assert lines[0] == "0 states, 0 steps deep" and 20 <= len(lines) <= 31


def test_progress_goes_to_stderr(capsys):
    assert main(["explore", "unrelated_range", "--progress"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "holds: 78 states, all of them\n" and captured.err.startswith("1 state, 0 steps deep\n")


def test_explore_takes_an_answer_from_a_notebook(capsys):
    assert main(["explore", "page_moves_during_use", "--answer", str(SAMPLES / "upgrades_the_read_lock/8.2.ipynb")]) == 1
    assert capsys.readouterr().out.startswith("deadlock after 7 steps (n7)")


def test_play_tells_the_steps_of_a_schedule(capsys):
    assert main(["play", "page_moves_during_use", "--schedule", "v2 n3"]) == 0
    printed = capsys.readouterr().out
    assert "  5  notifier  drops kvm.mn_invalidate_lock" in printed


def test_check_prints_the_report_of_an_answer(capsys):
    assert main(["check", "8.2", str(SAMPLES / "does_nothing/8.2.ipynb")]) == 1
    assert capsys.readouterr().out.startswith("8.2 Write the patch: 0 of 25 points: withdraws a page in the range: ")


def test_grade_writes_a_table_and_ends_well_even_if_marks_are_low(tmp_path, capsys):
    (tmp_path / "class").mkdir()
    (tmp_path / "class/8.2.ipynb").write_bytes((SAMPLES / "does_nothing/8.2.ipynb").read_bytes())
    (tmp_path / "class/photo.jpg").write_bytes(b"\xff\xd8")
    assert main(["grade", str(tmp_path / "class"), "--out", str(tmp_path / "class/grades"), "--jobs", "1", "--i-trust-these-students"]) == 0
    assert main(["grade", str(tmp_path / "class"), "--out", str(tmp_path / "class/grades"), "--jobs", "1", "--i-trust-these-students"]) == 0
    captured = capsys.readouterr()
    assert "8.2.ipynb    0 of 25  withdraws" in captured.out and "2 submissions" in captured.out
    assert "0 of 2 graded" in captured.err and captured.err.endswith("2 of 2 graded\n")
    assert (tmp_path / "class/grades/index.html").is_file()


@pytest.mark.parametrize("arguments, words", [
    (["explore", "page_moves"], "there is no scenario 'page_moves'; did you mean page_moves_during_use?"),
    (["explore", "page_moves_during_use", "--mutant", "none"], "there is no mutant 'none'"),
    (["explore", "page_moves_during_use", "--answer", "none.ipynb"], "none.ipynb: No such file"),
    (["explore", "page_moves_during_use", "--answer", str(SAMPLES / "has_another_name/8.2.ipynb")], "rename it"),
    (["explore", "page_moves_during_use", "--answer", str(SAMPLES / "has_no_step/8.2.ipynb")], "has no `yield`"),
    (["explore", "page_moves_during_use", "--answer", str(SAMPLES / "raises_an_exception/8.2.ipynb")], "NameError"),
    (["play", "page_moves_during_use", "--schedule", "x7"], "'x7' is not a part of a schedule"),
    (["play", "page_moves_during_use", "--schedule", "n900"], "cannot run"),
    (["check", "9.9", "x.py"], "there is no exercise '9.9'"),
    (["check", "8.2", "none.py"], "there is no file none.py"),
    (["grade", "none"], "there is no folder none"),
    (["grade", str(SAMPLES), "--out", str(SAMPLES)], "name another one"),
    (["grade", str(SAMPLES), "--exercise", "9.9"], "there is no exercise"),
])
def test_a_wrong_call_ends_with_2_and_says_what_to_write(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err and captured.err.startswith("pfncache: ") and captured.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["sing"], ["grade", "x", "--jobs", "0"], ["grade", "x", "--timeout", "soon"],
                                       ["explore", "page_moves_during_use", "--mutant", "a", "--answer", "b"],
                                       ["explore", "page_moves_during_use", "--max-states", "0"],
                                       ["explore", "page_moves_during_use", "--width", "39"]])
def test_argparse_refuses_the_rest(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage: pfncache" in capsys.readouterr().err


def test_help_shows_examples_that_name_things_that_exist(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    printed = capsys.readouterr().out
    assert stop.value.code == 0 and EXAMPLES.strip() in printed
    commands = re.findall(r"^    (\w+) ", printed, re.M)
    for line in EXAMPLES.partition("\n\n")[0].splitlines()[1:]:
        words = line.split()
        assert words[1] in commands
        assert words[1] not in ("explore", "play") or words[2] in SCENARIOS


def test_help_says_what_each_exit_code_means():
    codes = [line.split()[0] for line in EXAMPLES.partition("exit codes:\n")[2].splitlines()]
    assert codes == ["0", "1", "2", "3", "130"]


def test_it_runs_as_a_module_without_site_packages():
    root = SAMPLES.parents[3]
    done = subprocess.run([sys.executable, "-S", "-m", "pfncache_edu.cli", "list"], cwd=root, env={"PYTHONPATH": str(root)},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("arguments", [["list"], ["progress"], ["grade", "doctor"]], ids=" ".join)
def test_a_reader_who_leaves_early_is_no_error(arguments, tmp_path):
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as nobody:
        left = subprocess.run([sys.executable, "-m", "pfncache_edu.cli", *arguments], stdout=nobody, stderr=subprocess.PIPE, cwd=tmp_path,
                              env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(pathlib.Path(cli.__file__).parents[1])})
    assert left.returncode == 1 and not left.stderr
