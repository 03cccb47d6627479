"""The experiment: fetch, build, boot, and write down what came out."""
from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import machine, packages
from .initramfs import FILE, PROGRAM, initramfs, kvm_modules
from .packages import Missing, Unpacked
from .recordings import SCHEMA, Boot
from .traces import Damaged

SOURCES = Path(__file__).resolve().parents[2] / "lab"        # lab.c, init and the module stand in the repository
GUEST = ("lab.c", "init", "swap_hook/swap_hook.c", "swap_hook/Kbuild")
SETTINGS = {"CALLS": 200, "CACHES": 4, "WAIT_CALLS": 20_000, "WAIT_RUNS": 5}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """A kernel that is ready to boot: its package, and the names of its files in the working folder."""
    series: str
    package: Unpacked
    kernel: str
    initrd: str
    module: bool
    settings: dict[str, int]


def check_it_can_run_here() -> None:
    """Missing, with what is missing, if this machine or this copy of the project cannot run the lab at all."""
    if problem := packages.why_not_here():
        raise Missing(problem)
    if not (SOURCES / "lab.c").exists():
        raise Missing("the test program lab/lab.c is not here: run the lab in a clone of the repository")


def prepare(series: str, folder: Path, say: Say, module: bool = False, settings: dict[str, int] = SETTINGS) -> Prepared:
    """Everything that one boot needs, in the working folder; Missing says what cannot be had."""
    check_it_can_run_here()
    packages.install(packages.missing_packages(module), say)
    package = packages.unpacked(packages.newest_kernel(series, say), folder / "packages", say)
    files = guest_files(folder, say, settings) | kvm_modules(package.folder)
    if module:
        built = packages.build_module(SOURCES / "swap_hook", package, folder / "packages", say)
        files["modules/swap_hook.ko"] = (FILE, built.read_bytes())
    kernel, initrd = f"vmlinuz-{series}", f"initramfs-{series}{'-swapped' * module}.gz"
    shutil.copy(next((package.folder / "boot").glob("vmlinuz-*")), folder / kernel)
    (folder / initrd).write_bytes(initramfs(files))
    return Prepared(series, package, kernel, initrd, module, dict(settings))


def guest_files(folder: Path, say: Say, settings: dict[str, int]) -> dict[str, tuple[int, bytes]]:
    """What every guest has: the script, its settings, a shell, and the test program, freshly compiled."""
    busybox = packages.unpacked("busybox-static", folder / "packages", say)
    packages.compile_program(SOURCES / "lab.c", folder / "lab")
    return {"init": (PROGRAM, (SOURCES / "init").read_bytes()),
            "settings": (FILE, "".join(f"{name}={value}\n" for name, value in settings.items()).encode()),
            "bin/busybox": (PROGRAM, (busybox.folder / "bin/busybox").read_bytes()),
            "bin/lab": (PROGRAM, (folder / "lab").read_bytes())}


def once(prepared: Prepared, folder: Path, say: Say, limit: float = machine.LIMIT) -> Boot:
    """One boot and its recording; machine.Failed or Damaged if it came to nothing."""
    command = machine.command_line(prepared.kernel, prepared.initrd)
    began, busy = datetime.datetime.now(datetime.timezone.utc), os.getloadavg()[0]
    brought = machine.boot(command, folder, say, limit)
    release = re.search(r"Linux (\S+) is up", brought.console)
    if not release:
        raise Damaged("the guest never said which kernel it runs")
    about = {"schema": SCHEMA, "kernel": prepared.series, "release": release[1], "settings": prepared.settings,
             "module": prepared.module, "date": began.strftime("%Y-%m-%d %H:%M UTC"), "seconds": round(brought.seconds, 1),
             "command": command, "packages": versions(prepared.package), "machine": about_machine(busy)}
    return Boot(about, brought.traces, sources(prepared.module), brought.console)


def again_if_it_fails(prepared: Prepared, folder: Path, say: Say, limit: float = machine.LIMIT) -> Boot:
    """As once(), with one more try: on a busy machine a boot may be too slow, and emulated kernels do panic now and then."""
    try:
        return once(prepared, folder, say, limit)
    except (machine.Failed, Damaged) as problem:
        say(f"that boot came to nothing, trying once more: {problem}")
        return once(prepared, folder, say, limit)


def sources(module: bool) -> dict[str, str]:
    """What ran in the guest, as it stands in the repository."""
    return {name: (SOURCES / name).read_text() for name in GUEST if module or not name.startswith("swap_hook")}


def versions(kernel: Unpacked) -> dict[str, str]:
    """The versions of the packages that matter."""
    found = {name: packages.installed_version(name) for name in ("qemu-system-x86", "seabios", "gcc", "libc6-dev")}
    return {kernel.name: kernel.version, **{name: version for name, version in found.items() if version}}


def about_machine(busy: float) -> dict[str, object]:
    """The machine that QEMU ran on: what could matter for the counts, and nothing that names it."""
    cpus = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return {"cpu": cpus[1] if cpus else platform.machine(), "cpus": len(os.sched_getaffinity(0)), "system": system,
            "python": platform.python_version(), "load average when it began": round(busy, 2)}
