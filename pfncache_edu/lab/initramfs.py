"""An initramfs: the file system that the guest finds in its memory when it starts, as one file.

The format is cpio's "newc": for each file a header of numbers in hexadecimal, its name, its bytes, each filled up to a
multiple of four. The kernel unpacks it and runs /init.
"""
from __future__ import annotations

import gzip
import lzma
from pathlib import Path

MODULES = ("irqbypass", "kvm", "kvm-amd")
FOLDER, PROGRAM, FILE = 0o40755, 0o100755, 0o100644


def initramfs(files: dict[str, tuple[int, bytes]]) -> bytes:
    """The compressed file system with these files: path -> (mode, content). Folders come before what is in them."""
    folders = {str(parent): (FOLDER, b"") for path in files for parent in reversed(Path(path).parents) if str(parent) != "."}
    entries = [_entry(number, path, mode, data) for number, (path, (mode, data)) in enumerate((folders | files).items(), 1)]
    return gzip.compress(b"".join([*entries, _entry(0, "TRAILER!!!", 0, b"")]), 1, mtime=0)


def _entry(inode: int, path: str, mode: int, data: bytes) -> bytes:
    name = path.encode() + b"\0"
    numbers = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    return _filled(b"070701" + b"".join(b"%08X" % number for number in numbers) + name) + _filled(data)


def _filled(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def kvm_modules(kernel: Path) -> dict[str, tuple[int, bytes]]:
    """KVM's modules out of an unpacked kernel package, uncompressed: the guest's insmod reads nothing else."""
    return {f"modules/{name}.ko": (FILE, _uncompressed(next(kernel.rglob(f"{name}.ko*")))) for name in MODULES}


def _uncompressed(file: Path) -> bytes:
    data = file.read_bytes()
    return lzma.decompress(data) if file.suffix == ".xz" else data
