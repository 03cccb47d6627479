"""Recordings: what the lab brought home from one boot of one kernel, and where, when and how that was.

A recording is a .tar.xz: `about.json` (versions of packages, machine, date, command line), the traces as the kernel wrote
them (`traces/`), what the console said, and the sources of everything that ran (`sources/`).
"""
from __future__ import annotations

import functools
import io
import json
import lzma
import re
import tarfile
from dataclasses import dataclass, field
from importlib import resources

from .traces import Damaged

SCHEMA = "two-kernel-lab/1"
NEEDED = ("lock-calls", "graph", "waits")


@dataclass(frozen=True)
class Boot:
    """One boot: facts about it, the text of each trace by name, and the sources by name."""
    about: dict
    traces: dict[str, str]
    sources: dict[str, str] = field(default_factory=dict)
    console: str = ""
    name: str = ""

    @property
    def kernel(self) -> str:
        """The series, "6.1" or "6.12"; `about["release"]` has all of it."""
        return self.about["kernel"]

    @property
    def swapped(self) -> bool:
        """Whether the module was loaded that swaps the hook."""
        return "lock-calls-before" in self.traces


def shipped(swapped: bool | None = None) -> tuple[Boot, ...]:
    """The recordings that come with the package: 6.1, 6.12, then 6.12 with the hook swapped; all, or only such ones or others."""
    files = (resources.files(__package__) / "recordings").iterdir()
    names = sorted((file.name for file in files if file.name.endswith(".tar.xz")), key=_in_order)
    return tuple(_shipped(name) for name in names if swapped is None or swapped == ("swapped" in name))


@functools.cache
def _shipped(name: str) -> Boot:
    return read((resources.files(__package__) / "recordings" / name).read_bytes(), name)


def _in_order(name: str) -> tuple:
    """Names sorted as people do: 6.1 before 6.12, boot 2 before boot 10."""
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name))


def read(data: bytes, name: str) -> Boot:
    """The boot in a file's bytes; Damaged says what is wrong with them."""
    try:
        with tarfile.open(fileobj=io.BytesIO(lzma.decompress(data))) as archive:
            texts = {member.name: archive.extractfile(member).read().decode() for member in archive if member.isfile()}
    except (lzma.LZMAError, EOFError, tarfile.TarError, UnicodeDecodeError) as error:
        raise Damaged(f"{name}: is no recording, or a damaged one: {error}") from error
    try:
        about = json.loads(texts["about.json"])
    except (KeyError, ValueError):
        raise Damaged(f"{name}: has no about.json that can be read: it is no recording of the lab") from None
    if not isinstance(about, dict) or about.get("schema") != SCHEMA:
        raise Damaged(f"{name}: about.json does not say that its schema is {SCHEMA!r}")
    traces = _inside(texts, "traces/")
    missing = [part for part in NEEDED if part not in traces]
    if missing or "kernel" not in about:
        raise Damaged(f"{name}: lacks {', '.join(missing) or 'the kernel version'}")
    return Boot(about, traces, _inside(texts, "sources/"), texts.get("console.txt", ""), name)


def _inside(texts: dict[str, str], folder: str) -> dict[str, str]:
    return {name.removeprefix(folder).removesuffix(".txt"): text for name, text in texts.items() if name.startswith(folder)}


def as_bytes(boot: Boot) -> bytes:
    """The boot as a file; the same boot always makes the same bytes."""
    texts = {"about.json": json.dumps(boot.about, indent=2) + "\n", "console.txt": boot.console,
             **{f"traces/{name}.txt": text for name, text in boot.traces.items()},
             **{f"sources/{name}": text for name, text in boot.sources.items()}}
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name in sorted(texts):
            data = texts[name].encode()
            member = tarfile.TarInfo(name)           # its date is 1970, always: the true one stands in about.json
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return lzma.compress(held.getvalue(), preset=2)          # higher ones take ten times as long and gain little
