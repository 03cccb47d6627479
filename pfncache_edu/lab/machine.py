"""One boot in QEMU: start it, follow its console, keep it on two CPUs, end it, and take its traces.

QEMU emulates the CPU in software, so no virtualisation is needed, and shows the guest a CPU that has it: KVM runs in there.
"""
from __future__ import annotations

import base64
import binascii
import ctypes
import gzip
import os
import signal
import subprocess
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .traces import Damaged

LIMIT = 600                              # seconds for a boot; it takes 10 to 40 when nobody else wants the CPUs
LAST_LINE = "lab: done"
KERNEL_ARGUMENTS = (
    "console=ttyS0", "quiet", "panic=-1",
    "maxcpus=1",                         # the second CPU wakes when lab/init says so, and why is told there
    "noreplace-smp", "no_timer_check",   # no patching of code when it wakes; no test of the timer, which a busy host fails
    "tsc=reliable",                      # KVM writes guest clocks only from a clock that it trusts
    "no_hash_pointers",                  # addresses of locks as they are
    "mitigations=off")


class Failed(Exception):
    """A boot that did not come to its end. The message has the last lines of its console."""


@dataclass(frozen=True)
class Brought:
    """What a finished boot left behind."""
    traces: dict[str, str]
    console: str
    seconds: float


def command_line(kernel: str, initrd: str) -> list[str]:
    """The command that boots, with file names relative to the folder that it runs in."""
    return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "qemu64,+svm,+npt", "-smp", "2", "-m", "1G",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-name", "lab,debug-threads=on",
            "-serial", "file:console", "-serial", "file:traces",
            "-kernel", kernel, "-initrd", initrd, "-append", " ".join(KERNEL_ARGUMENTS)]


def boot(command: list[str], folder: Path, say: Callable[[str], None], limit: float = LIMIT) -> Brought:
    """Run the command to its end. Failed if the guest does not say its last line in time: QEMU's exit code is 0 anyway."""
    for name in ("console", "traces"):
        (folder / name).write_bytes(b"")
    started, told, placed = time.monotonic(), 0, set()
    with open(folder / "messages", "wb") as messages:
        machine = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages,
                                   preexec_fn=dies_with_us())
    try:
        while machine.poll() is None and time.monotonic() - started < limit:
            time.sleep(0.1)
            place_on_cpus(machine.pid, placed)
            told = _tell_news(folder / "console", told, say)
        in_time = machine.poll() is not None
    finally:
        _end(machine)
    _tell_news(folder / "console", told, say)
    console = text_of(folder / "console")
    if LAST_LINE not in console.splitlines():
        why = "ended before its work was done" if in_time else f"was not done after {limit:g} seconds"
        last = (text_of(folder / "messages") + console).strip().splitlines()[-12:]
        raise Failed(f"the guest {why}; the last lines of its console:\n  " + "\n  ".join(last))
    return Brought(parts_of(text_of(folder / "traces")), console, time.monotonic() - started)


def dies_with_us() -> Callable[[], object]:
    """What a child calls before it becomes QEMU: Linux then ends it when we end, even if somebody kills us."""
    prctl, PR_SET_PDEATHSIG = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(machine: subprocess.Popen) -> None:
    """No QEMU is left behind, whatever happened."""
    if machine.poll() is None:
        machine.terminate()
        try:
            machine.wait(5)
        except subprocess.TimeoutExpired:
            machine.kill()
            machine.wait()


def text_of(file: Path) -> str:
    """A serial port's output: lines end as they do in files."""
    return file.read_bytes().decode(errors="replace").replace("\r", "")


def _tell_news(console: Path, told: int, say: Callable[[str], None]) -> int:
    """Pass on the complete lines that the guest has said since; how many lines have been passed on."""
    lines = text_of(console).split("\n")[:-1]
    for line in lines[told:]:
        if line.startswith("lab: "):
            say(line.removeprefix("lab: "))
    return len(lines)


def place_on_cpus(process: int, placed: set[str]) -> None:
    """Give each emulated CPU a CPU of its own. Two on one take turns, and those who take turns never meet at a lock."""
    cpus = sorted(os.sched_getaffinity(0))
    try:
        for task in Path(f"/proc/{process}/task").iterdir():
            name = (task / "comm").read_text().strip()       # "CPU 0/TCG"
            if name.startswith("CPU ") and name not in placed:
                os.sched_setaffinity(int(task.name), {cpus[int(name[4]) % len(cpus)]})
                placed.add(name)
    except OSError:                                          # a thread that has just ended
        pass


def parts_of(sent: str) -> dict[str, str]:
    """The parts that the guest sent: name -> text. Damaged if one was cut off or altered on the way."""
    parts, name, body = {}, None, []
    for line in sent.splitlines():
        if line.startswith("@@ begin ") and name is None:
            name, body = line.removeprefix("@@ begin "), []
        elif name is not None and line == f"@@ end {name}":
            parts[name] = _unpacked(name, "".join(body))
            name = None
        elif name is not None and not line.startswith("@@"):
            body.append(line)
        elif line.strip():
            raise Damaged(f"between the parts of the traces, or where {name!r} should end, there is {line[:60]!r}")
    if name is not None:
        raise Damaged(f"the part {name!r} was cut off after {len(body):,} lines")
    return parts


def _unpacked(name: str, body: str) -> str:
    try:
        return gzip.decompress(base64.b64decode(body, validate=True)).decode()
    except (binascii.Error, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise Damaged(f"the part {name!r} is damaged: {error}") from error
