"""The command: what it prints, how it ends, and what it says when it is called wrongly."""
import pathlib
import subprocess
import sys

import pytest

from pfncache_edu.cli import EXAMPLES, SCENARIOS, main

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
    import shlex
    assert main(shlex.split(last)) == 1
    assert "vcpu0 writes to page A, which was freed" in capsys.readouterr().out


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
    assert main(["grade", str(tmp_path / "class"), "--out", str(tmp_path / "class/grades"), "--jobs", "1"]) == 0
    assert main(["grade", str(tmp_path / "class"), "--out", str(tmp_path / "class/grades"), "--jobs", "1"]) == 0
    captured = capsys.readouterr()
    assert "8.2.ipynb    0 of 25  withdraws" in captured.out and "2 submissions" in captured.out
    assert "8.2.ipynb: 0 of 25 in " in captured.err
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
                                       ["explore", "page_moves_during_use", "--mutant", "a", "--answer", "b"]])
def test_argparse_refuses_the_rest(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage: pfncache" in capsys.readouterr().err


def test_help_shows_examples_that_name_things_that_exist(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    printed = capsys.readouterr().out
    assert stop.value.code == 0 and EXAMPLES.strip() in printed
    for line in EXAMPLES.splitlines()[1:]:
        words = line.split()
        assert words[1] in ("list", "explore", "play", "check", "grade")
        assert words[1] not in ("explore", "play") or words[2] in SCENARIOS


def test_it_runs_as_a_module_without_site_packages():
    root = SAMPLES.parents[3]
    done = subprocess.run([sys.executable, "-S", "-m", "pfncache_edu.cli", "list"], cwd=root, env={"PYTHONPATH": str(root)},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""
