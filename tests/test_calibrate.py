"""`pfncache calibrate`: what it makes of what the two threads print, and what it says where it cannot measure."""
import json
import os
import shutil
import subprocess
from dataclasses import replace

import pytest

from pfncache_edu import calibrate
from pfncache_edu.calibrate import MEASURED, WORKLOADS, CannotMeasure, Calibration, in_words, read_costs
from pfncache_edu.cli import main
from pfncache_edu.interpreters.simulator import FAR, Costs

CONSTANTS = dict(load=1, miss=50, rmw=2, remote=70, hand_off=80, barrier=0, switch=2000, clock=20)
SEEN = CONSTANTS | dict(ratio=1.1, low=1.05, high=1.2, before=0.3, after=0, slices=40, remote_later=75)


@pytest.fixture
def printed(monkeypatch, tmp_path):
    """Two threads that answer what is in the list, the last of it again and again; and what they were asked."""
    answers, asked = [SEEN], []

    def run(command, **_):
        asked.append(command)
        seen = answers.pop(0) if len(answers) > 1 else answers[0]
        seen = seen if len(command) > 3 else CONSTANTS
        return subprocess.CompletedProcess(command, 0, "".join(f"{name} {number}\n" for name, number in seen.items()), "")
    monkeypatch.setattr(calibrate, "compiled", lambda folder: "two_threads")
    monkeypatch.setattr(calibrate, "two_cpus", lambda: [0, 1])
    monkeypatch.setattr(calibrate.subprocess, "run", run)
    monkeypatch.setattr(calibrate, "SIMULATED", 0.0002)
    return answers, asked


def test_each_workload_is_measured_and_simulated_with_the_constants_of_its_moment(printed):
    _, asked = printed
    found = calibrate.calibrate(WORKLOADS[:2])
    assert [command[3:] for command in asked] == [["100", "0", "10000.0", "100", "0.0", "0.3"], ["500", "0", "10000.0", "100", "0.0", "0.3"]]
    first = found.ratios[0]
    assert first.costs == found.costs == Costs(**{name: CONSTANTS[name] for name in MEASURED})
    assert (first.measured, first.away, first.moved) == (1.1, 0.3, False) and 0.9 < first.simulated < 1.2
    assert found.error(paced=True) == pytest.approx(0.1, abs=0.05)


def test_a_ratio_is_measured_again_if_the_cpus_were_moved_meanwhile(printed):
    answers, asked = printed
    answers[:] = [SEEN | {"remote_later": 12}, SEEN | {"remote_later": 200}, SEEN]
    assert not calibrate.calibrate(WORKLOADS[:1]).ratios[0].moved and len(asked) == 3
    answers[:] = [SEEN | {"remote_later": 12}]
    found = calibrate.calibrate(WORKLOADS[:1])
    assert found.ratios[0].moved and len(asked) == 6 and "left out of these two numbers" in in_words(found)
    assert "off by - where" in in_words(found)


def test_what_it_prints_and_writes_serves_contend(printed, tmp_path, capsys):
    file = tmp_path / "here.json"
    assert main(["calibrate", "--out", str(file)]) == 0
    told = capsys.readouterr().out
    assert told.count("1.050-1.200") == len(WORKLOADS) and "back to back" in told and "remote" in told
    assert read_costs(file).hand_off == 80 and len(json.loads(file.read_text())["ratios"]) == len(WORKLOADS)
    assert main(["contend", "--milliseconds", "0.2", "--costs", str(file)]) == 0
    assert str(file) in capsys.readouterr().out


def test_without_ratios_there_are_the_constants(printed, capsys):
    assert main(["calibrate", "--seconds", "0"]) == 0
    assert "locked add to a line of another CPU" in capsys.readouterr().out and len(printed[1]) == 1


def test_where_nothing_can_be_measured_it_says_why(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main(["calibrate"]) == 1
    assert "no C compiler here (cc, gcc, clang), so nothing was measured" in capsys.readouterr().err
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    with pytest.raises(CannotMeasure, match="two threads need two CPUs"):
        calibrate.two_cpus()
    assert main(["calibrate", "--seconds", "-1"]) == 2
    assert "--seconds" in capsys.readouterr().err


def test_what_the_threads_complain_of_is_passed_on(printed, monkeypatch, capsys):
    monkeypatch.setattr(calibrate.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", "too busy\n"))
    assert main(["calibrate"]) == 1
    assert "too busy" in capsys.readouterr().err

    def late(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)
    monkeypatch.setattr(calibrate.subprocess, "run", late)
    assert main(["calibrate"]) == 1
    assert "not done after 120 s" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"costs": {"speed": 1}}', '{"costs": {"load": "fast"}}', '{"costs": {"load": -1}}'])
def test_a_file_without_costs_is_refused(tmp_path, capsys, text):
    file = tmp_path / "wrong.json"
    file.write_text(text)
    assert main(["contend", "--costs", str(file)]) == 2
    assert "holds no costs" in capsys.readouterr().err
    assert main(["contend", "--costs", str(tmp_path / "missing")]) == 2
    assert "give far, near, or a file" in capsys.readouterr().err


def test_constants_stand_beside_those_of_another_machine():
    lines = in_words(Calibration("a machine", replace(FAR, remote=123.4))).splitlines()
    row = next(line for line in lines if line.startswith("locked add to a line of another"))
    assert row.split()[-2:] == ["123.4", "70.0"]


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, calibrate.COMPILERS)), reason="needs a C compiler (Debian: apt-get install gcc libc6-dev)")
def test_the_program_compiles_without_a_warning_and_says_what_it_measures(tmp_path):
    compiler = next(filter(None, map(shutil.which, calibrate.COMPILERS)))
    subprocess.run([compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-pthread", "-o", tmp_path / "checked",
                    calibrate.SOURCE], check=True)
    try:
        seen = calibrate._run([calibrate.compiled(tmp_path), *map(str, calibrate.two_cpus())])
    except CannotMeasure as reason:
        pytest.skip(str(reason))
    assert set(seen) == {*MEASURED, "clock"} and min(seen.values()) >= 0 and seen["rmw"] > 0
