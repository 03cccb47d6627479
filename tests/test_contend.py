"""`pfncache contend`: what it prints, how it ends, and what it says when it is called wrongly."""
import io
import json
import math
import re

import pytest

from pfncache_edu import contend as command
from pfncache_edu.cli import main
from pfncache_edu.contend import Bar, in_words
from pfncache_edu.contention import Workload, grid, simulate

SHORT = ["--milliseconds", "1"]


def row(printed, label):
    """The cells of a line of the table."""
    line = next(line for line in printed.splitlines() if line.startswith(label))
    return re.split(r"\s{2,}", line[len(label):].strip())


@pytest.mark.slow
def test_before_and_after_stand_side_by_side(capsys):
    assert main(["contend", "--readers", "8", "--rate", "100000", "--related", "0"]) == 0
    printed = capsys.readouterr().out
    before, after = row(printed, "readers turned away")
    assert int(before) > 0 and after == "0"
    assert row(printed, "  for nothing") == [row(printed, "write locks by notifiers")[0], "0"]
    assert row(printed, "invalidations")[0] == row(printed, "invalidations")[1]
    assert "ns" in row(printed, "in ..._invalidate_range_start()")[0]
    assert max(map(len, printed.splitlines())) <= 110


def test_special_readers_are_named_and_counted(capsys):
    assert main(["contend", *SHORT, "--interrupt-readers", "2", "--trying-readers", "3", "--related", "10%", "--rate", "1e6"]) == 0
    printed = capsys.readouterr().out
    assert "8 readers of 1 cache, 2 of them in interrupt context, 3 of them only try the lock" in printed
    assert int(row(printed, "trylocks that failed")[0]) > 0 and row(printed, "reads given up")


def test_without_readers_there_is_no_share(capsys):
    assert main(["contend", *SHORT, "--readers", "0"]) == 0
    assert row(capsys.readouterr().out, "  share of all reads") == ["-", "-"]


def test_a_workload_is_told_in_a_sentence():
    assert in_words(Workload(rate=None, related=0.1)).splitlines() == [
        "8 readers of 1 cache: use 500 ns, think 10,000 ns.", "1 notifier: back to back with 100 ns in between, 10 % related."]


def test_json_has_everything_and_is_json(capsys):
    assert main(["contend", *SHORT, "--readers", "0", "--json"]) == 0
    before, after = json.loads(capsys.readouterr().out)
    assert (before["variant"], after["variant"]) == ("before", "after")
    assert before["share_turned_away"]["mean"] is None and before["workload"]["readers"] == 0


@pytest.mark.parametrize("arguments, says", [
    (["--related", "2"], "between 0 and 1"),
    (["--rate", "0"], "no rate"),
    (["--rate", "nan"], "no rate"),
    (["--caches", "0"], "at least one cache"),
    (["--hold", "-1"], "0 ns or more"),
    (["--milliseconds", "0"], "--milliseconds"),
    (["--interrupt-readers", "9"], "some of the 8 readers"),
    (["--sweep", "--jobs", "0"], "--jobs"),
    (["--cpus", "0"], "0 CPUs"),
])
def test_a_wrong_call_says_what_to_write(capsys, arguments, says):
    assert main(["contend", *arguments]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--rate", "often"], ["--related", "some"], ["--readers", "-1"]])
def test_what_is_no_number_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["contend", *arguments])
    assert ended.value.code == 2 and "is no" in capsys.readouterr().err


def sweep_of_two(jobs, **_):
    for job in list(jobs)[:2]:
        yield simulate(job.workload, patched=job.patched, seconds=1e-5)


def test_a_sweep_prints_a_table_of_each_variant(monkeypatch, capsys):
    monkeypatch.setattr(command, "sweep", sweep_of_two)
    assert main(["contend", "--sweep"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("% of reads turned away, by readers") == 2 and row(printed.split("after the patch")[1], "     128") == ["-"] * 8


def test_an_interrupted_sweep_prints_what_is_finished(monkeypatch, capsys):
    def interrupted(jobs, **_):
        yield from sweep_of_two(jobs)
        raise KeyboardInterrupt
    monkeypatch.setattr(command, "sweep", interrupted)
    assert main(["contend", "--sweep", "--json"]) == 130
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)) == 2 and "after 2 of 128 simulations" in printed.err


def test_figures_are_drawn_light_and_dark_each_with_its_text(monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(command, "sweep", sweep_of_two)
    for n, more in enumerate(([], ["--sweep"])):
        folder = tmp_path / str(n) / "pictures"
        assert main(["contend", "--milliseconds", "0.3", "--rate", "500000", "--figures", str(folder), *more]) == 0
        kinds = ["lanes-before", "lanes-after", "queue-before", "queue-after", "stalls", "surface"]
        assert {file.name for file in folder.iterdir()} == {f"{kind}{end}" for kind in kinds for end in ("-light.svg", "-dark.svg", ".txt")}
        assert (folder / "lanes-before.txt").read_text().splitlines()[0] in (folder / "lanes-before-dark.svg").read_text()
    assert "figures: " in capsys.readouterr().err


def test_figures_need_matplotlib_and_a_folder(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["contend", "--figures", str(tmp_path / "file")]) == 2
    assert "--figures: " in capsys.readouterr().err
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert main(["contend", "--figures", str(tmp_path)]) == 2
    assert "pip install matplotlib" in capsys.readouterr().err


def test_the_number_of_cpus_is_told(capsys):
    assert main(["contend", *SHORT, "--cpus", "1"]) == 0
    printed = capsys.readouterr().out
    assert "think 10,000 ns, on 1 CPU." in printed and row(printed, "readers turned away") == ["0", "0"]


def test_the_sweep_is_two_variants_of_eight_by_eight():
    assert len(grid(Workload())) == 128 and len({(j.workload, j.patched) for j in grid(Workload())}) == 128


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_redraws_itself_on_a_terminal_and_vanishes():
    stream, times = Terminal(), iter((0, 0.05, 0.2, 0.2, 0.3))
    bar = Bar(4, stream=stream, clock=lambda: next(times, math.inf))
    for done in (0, 1, 2, 4):
        bar.at(done)
    bar.end()
    drawn = stream.getvalue().split("\r")
    assert [re.search(r"(\d+) %", text).group(1) for text in drawn[1:-1]] == ["0", "50", "100"]
    assert drawn[-1] == "\x1b[K"


def test_the_bar_is_silent_elsewhere_unless_asked_for():
    quiet, loud = io.StringIO(), io.StringIO()
    for stream, asked_for in ((quiet, False), (loud, True)):
        bar = Bar(2, asked_for, stream=stream)
        bar.at(2)
        bar.end()
    assert quiet.getvalue() == "" and loud.getvalue() == f"[{'#' * 40}] 100 %\n"
