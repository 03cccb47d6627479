"""What the lab needs from Debian: which packages are missing here, and files out of packages that are not installed.

QEMU and a C compiler have to be installed. The kernels are only downloaded and unpacked: nothing of the running system
changes. Old kernel packages vanish from the archive, so the newest of each series is looked up, never a fixed name.
"""
from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SERIES = ("6.1", "6.12")
TOOLS = {                                # a program, and the Debian packages that bring it and what it needs
    "qemu-system-x86_64": ("qemu-system-x86", "seabios"),
    "gcc": ("gcc", "libc6-dev"),
}
MODULE_TOOLS = {"make": ("make",), "gcc-12": ("gcc-12",)}
Progress = Callable[[str], None]


class Missing(Exception):
    """The lab cannot run here. The message says what is missing, and what to do about it."""


@dataclass(frozen=True)
class Unpacked:
    """A Debian package whose files lie in a folder."""
    name: str
    version: str
    folder: Path


def why_not_here() -> str | None:
    """Why this machine cannot run the lab at all, None if it may be able to."""
    if platform.system() != "Linux":
        return f"this is {platform.system()}, and the lab takes its kernels from Debian's packages: run it on Debian 12, in a VM or WSL 2"
    if platform.machine() != "x86_64":
        return f"this CPU is {platform.machine()}, and apt fetches kernels for its own machine only: the lab needs x86_64"
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return "there is no apt-get here: the lab takes its kernels from Debian 12's packages"
    return None


def missing_packages(module: bool = False) -> list[str]:
    """The Debian packages that have to be installed before the lab can run."""
    wanted = TOOLS | (MODULE_TOOLS if module else {})
    return [package for tool, packages in wanted.items() if not shutil.which(tool) for package in packages]


def install(packages: list[str], say: Progress) -> None:
    """Install packages as root; Missing, with the command to type, if we are not root or apt cannot."""
    if not packages:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if os.geteuid() != 0:
        raise Missing(f"{', '.join(packages)}: not installed. Run `sudo {' '.join(command)}`, then try again")
    say(f"installing {', '.join(packages)} with apt-get")
    update(say)
    if _apt(command):
        raise Missing(f"{', '.join(packages)}: apt-get could not install them, its message is above")


def update(say: Progress) -> None:
    """Ask Debian's archive what there is, as root; an error is no end, since the lists may be there already."""
    if os.geteuid() == 0 and _apt(["apt-get", "update", "-qq"]):
        say("apt-get update failed: going on with the lists that are here")


def _apt(command: list[str]) -> int:
    return subprocess.call(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdin=subprocess.DEVNULL,
                           stdout=sys.stderr)                # what apt does takes a minute: let it be seen


def newest_kernel(series: str, say: Progress) -> str:
    """The name of the newest cloud kernel of a series, such as linux-image-6.1.0-56-cloud-amd64-unsigned."""
    kernels = _kernels(series)
    if not kernels:
        update(say)
        kernels = _kernels(series)
    if not kernels:
        raise Missing(f"apt knows no cloud kernel of Linux {series}: Debian 12 with its updates has both (6.1 and 6.12). "
                      "If this is Debian 12, run `sudo apt-get update`, then try again")
    return max(kernels, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def _kernels(series: str) -> list[str]:
    names = subprocess.run(["apt-cache", "pkgnames", f"linux-image-{series}."], capture_output=True, text=True).stdout.split()
    return [name for name in names if name.endswith("-cloud-amd64-unsigned")]


def unpacked(name: str, where: Path, say: Progress) -> Unpacked:
    """The files of a package, downloaded once and unpacked below `where`."""
    where.mkdir(parents=True, exist_ok=True)
    folder = where / name
    if not (folder / "unpacked").exists():
        say(f"fetching {name}")
        archive = _download(name, where, say)
        shutil.rmtree(folder, ignore_errors=True)
        _must(["dpkg-deb", "-x", archive, folder], f"{archive.name} could not be unpacked")
        version = subprocess.run(["dpkg-deb", "-f", archive, "Version"], capture_output=True, text=True).stdout.strip()
        archive.unlink()
        (folder / "unpacked").write_text(version)            # last of all: a folder without it is unpacked again
    return Unpacked(name, (folder / "unpacked").read_text(), folder)


def _download(name: str, where: Path, say: Progress) -> Path:
    """The package's file. What apt knows may be older than the archive, so a failure is answered with an update first."""
    for old in where.glob(f"{name}_*.deb"):
        old.unlink()
    command = ["apt-get", "download", "-qq", name]
    for _ in ("as things are", "after an update"):
        if not subprocess.run(command, cwd=where, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            return next(where.glob(f"{name}_*.deb"))
        update(say)
    raise Missing(f"{name}: `{' '.join(command)}` fails. Is there a network? Without root, `sudo apt-get update` may be due")


def _must(command: list, message: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{message}: {(done.stderr or done.stdout).strip()[-800:]}")


def compile_program(source: Path, target: Path) -> None:
    """The test program, with everything in it: in the guest there is no library."""
    _must(["gcc", "-O2", "-Wall", "-static", "-pthread", "-o", target, source], f"{source.name} could not be compiled")


def build_module(source: Path, kernel: Unpacked, where: Path, say: Progress) -> Path:
    """The module that swaps the hook, built for this kernel with Debian's headers."""
    release = kernel.name.removeprefix("linux-image-").removesuffix("-unsigned")
    base = release.removesuffix("-cloud-amd64")
    headers = where / f"headers-{release}"
    if not (headers / "unpacked").exists():
        for name in (f"linux-headers-{release}", f"linux-headers-{base}-common", f"linux-kbuild-{base}"):
            shutil.copytree(unpacked(name, where, say).folder / "usr", headers / "usr", symlinks=True, dirs_exist_ok=True)
        makefile = headers / f"usr/src/linux-headers-{release}/Makefile"      # it names the place where apt would put it
        makefile.write_text(makefile.read_text().replace("/usr/src", str(headers / "usr/src")))
        (headers / "unpacked").touch()
    build = where / "swap_hook"
    shutil.rmtree(build, ignore_errors=True)
    shutil.copytree(source, build)
    say("building the module that swaps the hook")
    _must(["make", "-C", headers / f"usr/src/linux-headers-{release}", f"M={build}", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"],
          "the module could not be built")
    return build / "swap_hook.ko"


def installed_version(package: str) -> str:
    """The version of an installed package, "" if it is not installed."""
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True).stdout.strip()
