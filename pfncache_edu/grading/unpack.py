"""What a course system gives out, as a folder that can be graded: one ZIP archive of everybody's files, or a folder with such archives in it.

    pfncache grade unpack submissions.zip --out submissions

An archive inside becomes a folder of its name, one level deep. Nothing is written outside of the new folder, and nothing that is no
plain file. An archive that breaks a limit stays an archive: grading then gives it a row with the reason.
"""
from __future__ import annotations

import os
import shutil
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MAX_FILES = 20_000                  # of a class
MAX_FILES_OF_ONE = 200              # of an archive that one student handed in
MAX_BYTES = 4_000_000_000
MAX_BYTES_OF_ONE = 50_000_000
MAX_RATIO = 200                     # bytes out of one byte in
MAX_NAME = 200
BLOCK = 1 << 16
SYSTEMS_OWN = ("__MACOSX", ".DS_Store", ".ipynb_checkpoints")


class NotUnpacked(Exception):
    """The archive breaks a limit or is none; the message says which."""


def unpack(download: Path, out: Path) -> list[str]:
    """Write the files of an archive or a folder into a new folder; what could not be unpacked, in a line each."""
    if out.exists():
        raise NotUnpacked(f"{out} is there already: name a new folder")
    if not download.exists():
        raise NotUnpacked(f"there is no {download}: name the archive or the folder that the course system gave you")
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        if download.is_dir():
            shutil.copytree(download, part, symlinks=True)
        else:
            unpack_one(download, part, MAX_FILES, MAX_BYTES)
        complaints = list(unpack_inner(part))
        os.replace(part, out)                  # the folder is there as a whole or not at all
        return complaints
    finally:
        shutil.rmtree(part, ignore_errors=True)


def unpack_inner(folder: Path) -> Iterator[str]:
    """Put a folder in the place of each archive that somebody handed in; why not, where that is not possible."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() != ".zip" or path.is_symlink() or not path.is_file():
            continue
        whole = path.with_name(f".{path.name}.part")
        try:
            unpack_one(path, whole, MAX_FILES_OF_ONE, MAX_BYTES_OF_ONE, path.stat().st_mtime)
            path.unlink()
            os.replace(whole, path)
        except NotUnpacked as problem:
            yield f"{path.relative_to(folder)}: {problem}"
        finally:
            shutil.rmtree(whole, ignore_errors=True)


def unpack_one(archive: Path, out: Path, files: int, size: int, when: float | None = None) -> None:
    """Write the files of an archive into a new folder. NotUnpacked if it breaks a limit.

    Files are as old as the archive says, or `when`: what a student's own archive says of its files proves nothing about late days.
    """
    try:
        with open(archive, "rb") as file, zipfile.ZipFile(file) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir() and not is_systems_own(entry.filename)]
            if len(entries) > files:
                raise NotUnpacked(f"it holds {len(entries):,} files, and at most {files:,} are unpacked")
            left = min(size, max(1, archive.stat().st_size) * MAX_RATIO)
            out.mkdir(parents=True)
            for entry in entries:
                left -= write_entry(packed, entry, out, left, changed(entry) if when is None else when)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, OverflowError) as problem:
        raise NotUnpacked(f"it cannot be unpacked ({problem})") from None
    except zipfile.zlib.error as problem:
        raise NotUnpacked(f"it is damaged ({problem})") from None


def is_systems_own(name: str) -> bool:
    return any(part in SYSTEMS_OWN for part in PurePosixPath(name).parts)


def changed(entry: zipfile.ZipInfo) -> float:
    """When a file was last changed; an archive tells it in local time."""
    return time.mktime((*entry.date_time, 0, 0, -1))


def write_entry(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, out: Path, left: int, when: float) -> int:
    """Write one file of an archive, counting what comes out and not what the archive says; its bytes."""
    path = place_of(entry, out)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with packed.open(entry) as source, open(path, "xb") as file:
        while block := source.read(BLOCK):
            written += len(block)
            if written > left:
                raise NotUnpacked(f"it holds more than {MAX_RATIO} times its own size, or too much: it is not unpacked")
            file.write(block)
    os.utime(path, (when, when))
    return written


def place_of(entry: zipfile.ZipInfo, out: Path) -> Path:
    """Where a file of an archive goes. NotUnpacked for a name that leads elsewhere, and for what is no plain file."""
    name = PurePosixPath(entry.filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise NotUnpacked(f"{entry.filename[:80]!r} is no plain file: hand in the file itself")
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or len(entry.filename) > MAX_NAME:
        raise NotUnpacked(f"{entry.filename[:80]!r} is no name of a file in the archive")
    return out.joinpath(*name.parts)
