"""Fetching, building and booting: what is asked of the system, and what is said when it cannot be had."""
import gzip
import subprocess

import pytest

from pfncache_edu import cli
from pfncache_edu.lab import command, experiment, machine, packages, recordings
from pfncache_edu.lab.initramfs import FILE, PROGRAM, initramfs
from pfncache_edu.lab.packages import Missing
from pfncache_edu.lab.traces import Damaged


# --- the initramfs ------------------------------------------------------------------------------------------------------------

def files_in(archive):
    """{path: (mode, content)} of a cpio in the form "newc", read by its description and not by our writer."""
    found, place = {}, 0
    while True:
        assert archive[place:place + 6] == b"070701" and place % 4 == 0
        numbers = [int(archive[place + 6 + 8 * n:place + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = numbers[1], numbers[6], numbers[11]
        name = archive[place + 110:place + 110 + name_size - 1].decode()
        start = (place + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found[name], place = (mode, archive[start:start + size]), (start + size + 3) & ~3


def test_an_initramfs_holds_its_files_in_folders_that_come_first():
    files = {"init": (PROGRAM, b"#!"), "bin/deep/lab": (PROGRAM, b"x" * 5), "settings": (FILE, b"")}
    found = files_in(gzip.decompress(initramfs(files)))
    assert {name: found[name] for name in files} == files
    assert list(found)[:2] == ["bin", "bin/deep"] and all(found[name][0] == 0o40755 for name in ("bin", "bin/deep"))


# --- packages ---------------------------------------------------------------------------------------------------------------

def test_the_newest_kernel_is_the_one_with_the_highest_number(monkeypatch):
    known = ["linux-image-6.1.0-9-cloud-amd64-unsigned", "linux-image-6.1.0-56-cloud-amd64-unsigned", "linux-image-6.1.0-99-amd64",
             "linux-image-6.1.0-57-cloud-amd64-dbg"]
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "\n".join(known), ""))
    assert packages.newest_kernel("6.1", print) == "linux-image-6.1.0-56-cloud-amd64-unsigned"


def test_a_series_that_apt_does_not_have_is_named(monkeypatch):
    updates = []
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
    monkeypatch.setattr(packages, "update", updates.append)
    with pytest.raises(Missing, match="no cloud kernel of Linux 6.1: Debian 12 with its updates has both"):
        packages.newest_kernel("6.1", print)
    assert len(updates) == 1                                 # it looked again in a fresh list first


def test_a_package_that_cannot_be_fetched_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 100))
    monkeypatch.setattr(packages, "update", lambda say: None)
    with pytest.raises(Missing, match="linux-image-x: `apt-get download -qq linux-image-x` fails. Is there a network"):
        packages.unpacked("linux-image-x", tmp_path, lambda text: None)


def test_who_is_not_root_is_told_what_to_type(monkeypatch):
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    with pytest.raises(Missing, match="Run `sudo apt-get install -y -qq --no-install-recommends qemu-system-x86 seabios`"):
        packages.install(["qemu-system-x86", "seabios"], print)


@pytest.mark.parametrize("system, cpu, has, reason", [
    ("Darwin", "arm64", True, "this is Darwin"),
    ("Windows", "AMD64", True, "this is Windows, .* WSL 2"),
    ("Linux", "aarch64", True, "this CPU is aarch64"),
    ("Linux", "x86_64", False, "no apt-get here"),
])
def test_elsewhere_it_says_what_is_missing(monkeypatch, system, cpu, has, reason):
    monkeypatch.setattr(packages.platform, "system", lambda: system)
    monkeypatch.setattr(packages.platform, "machine", lambda: cpu)
    monkeypatch.setattr(packages.shutil, "which", lambda name: name if has else None)
    with pytest.raises(Missing, match=reason):
        experiment.prepare("6.1", None, print)


def test_a_package_without_the_repository_cannot_boot(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "why_not_here", lambda: None)
    monkeypatch.setattr(experiment, "SOURCES", tmp_path)
    with pytest.raises(Missing, match="run the lab in a clone of the repository"):
        experiment.prepare("6.1", tmp_path, print)


# --- one boot, with a shell in QEMU's place -----------------------------------------------------------------------------------

posix = pytest.mark.skipif(not hasattr(machine.os, "sched_setaffinity"), reason="the lab boots on Linux only")
GUEST = r"printf 'lab: Linux 6.1 is up\r\nlab: done\r\n' > console; printf '@@ begin waits\nH4sIAAAAAAACA0vkAgAHoerdAgAAAA==\n@@ end waits\n' > traces"


@posix
def test_a_boot_brings_its_traces_and_tells_what_the_guest_says(tmp_path):
    said = []
    brought = machine.boot(["sh", "-c", GUEST], tmp_path, said.append)
    assert said == ["Linux 6.1 is up", "done"] and brought.traces == {"waits": "a\n"}


@posix
@pytest.mark.parametrize("script, reason", [
    ("echo 'Kernel panic - not syncing' > console", "(?s)ended before its work was done.*Kernel panic"),
    ("echo 'cannot open the file' >&2; exit 1", "(?s)ended before its work was done.*cannot open the file"),
    ("echo 'lab: done, nearly' > console", "ended before its work was done"),
])
def test_a_boot_that_does_not_say_its_last_line_has_failed_whatever_the_exit_code(tmp_path, script, reason):
    with pytest.raises(machine.Failed, match=reason):
        machine.boot(["sh", "-c", script], tmp_path, print)


@posix
def test_a_guest_that_hangs_is_ended(tmp_path):
    with pytest.raises(machine.Failed, match="was not done after 0.2 seconds"):
        machine.boot(["sh", "-c", "echo $$ > pid; exec sleep 600"], tmp_path, print, limit=0.2)
    with pytest.raises(ProcessLookupError):
        machine.os.kill(int((tmp_path / "pid").read_text()), 0)


@posix
def test_ctrl_c_leaves_no_machine_behind(tmp_path):
    def interrupt(line):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        machine.boot(["sh", "-c", "echo $$ > pid; echo 'lab: up' > console; exec sleep 600"], tmp_path, interrupt)
    with pytest.raises(ProcessLookupError):
        machine.os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_boot_that_fails_is_tried_once_more_and_not_twice(monkeypatch):
    outcomes = [machine.Failed("too slow"), "a boot"]

    def once(*_):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
    monkeypatch.setattr(experiment, "once", once)
    assert experiment.again_if_it_fails(None, None, lambda text: None) == "a boot"
    outcomes += [Damaged("cut off"), machine.Failed("again")]
    with pytest.raises(machine.Failed, match="again"):
        experiment.again_if_it_fails(None, None, lambda text: None)


# --- the command ------------------------------------------------------------------------------------------------------------

@pytest.mark.slow
def test_show_prints_the_recorded_table_offline(capsys):
    assert cli.main(["lab", "show"]) == 0
    printed = capsys.readouterr().out
    assert "800 write      800 read, 0 write" in printed and "nobody waited for it in any of" in printed


@pytest.mark.slow
@pytest.mark.parametrize("options, shown", [
    (["--runs"], "boot.run"), (["--about"], "qemu-system-x86_64 -accel"), (["--walk"], "_raw_read_lock_irq();  "),
    (["--swapped"], "6.12, hook before")])
def test_show_can_show_more(capsys, options, shown):
    assert cli.main(["lab", "show", *options]) == 0
    assert shown in capsys.readouterr().out


@pytest.mark.slow
def test_show_reads_recordings_of_your_own_and_says_what_is_wrong_with_them(capsys, tmp_path, stock):
    mine = tmp_path / "mine.tar.xz"
    mine.write_bytes(recordings.as_bytes(stock[0]))
    assert cli.main(["lab", "show", str(mine)]) == 0
    assert "same in 1 of 1 boot" in capsys.readouterr().out
    mine.write_bytes(mine.read_bytes()[:5_000])
    assert cli.main(["lab", "show", str(mine)]) == 1
    assert "mine.tar.xz: is no recording, or a damaged one" in capsys.readouterr().err
    assert cli.main(["lab", "show", str(tmp_path / "none")]) == 2
    assert "none: cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.slow
def test_run_falls_back_to_the_recordings_where_it_cannot_boot(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "why_not_here", lambda: "there is no apt-get here")
    assert cli.main(["lab", "run", "--folder", str(tmp_path / "new")]) == 3
    assert not (tmp_path / "new").exists()
    printed = capsys.readouterr()
    assert "cannot run here: there is no apt-get here" in printed.err and "800 read, 0 write" in printed.out


@pytest.mark.slow
def test_run_prints_and_keeps_what_is_finished_when_it_is_stopped(capsys, monkeypatch, tmp_path, stock):
    def one_and_then_ctrl_c(asked, say):
        yield stock[0]
        raise KeyboardInterrupt
    monkeypatch.setattr(command, "_boots", one_and_then_ctrl_c)
    assert cli.main(["lab", "run", "--folder", str(tmp_path)]) == 130
    assert "800 write" in capsys.readouterr().out
    kept, = (tmp_path / "recordings").iterdir()
    assert kept.name == "6.1-boot-1.tar.xz" and recordings.read(kept.read_bytes(), "it").traces == stock[0].traces


@pytest.mark.slow
def test_run_never_writes_over_a_recording(monkeypatch, tmp_path, stock):
    monkeypatch.setattr(command, "_boots", lambda asked, say: stock[:1])
    for expected in (1, 2):
        assert cli.main(["lab", "run", "--folder", str(tmp_path)]) == 0
        assert len(list((tmp_path / "recordings").iterdir())) == expected


@posix
def test_two_labs_do_not_run_in_one_folder(capsys, tmp_path):
    with command._alone_in(tmp_path):
        assert cli.main(["lab", "run", "--folder", str(tmp_path)]) == 3
    assert "another `pfncache lab run` is at work" in capsys.readouterr().err
