"""An unpacked source of the kernel: its version, its lines, where a function begins and ends, and hashes of lines."""
from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from .ledger import LedgerError, Lines

SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class KernelSource:
    """A folder with a kernel's source, or with those files of it that matter."""
    folder: Path
    version: str
    files: dict[str, tuple[str, ...] | None] = field(default_factory=dict, compare=False, repr=False)      # those that were read

    @classmethod
    def at(cls, folder: Path, version: str = "") -> KernelSource:
        """The source in a folder; its version is read from the Makefile unless it is given."""
        if not folder.is_dir():
            raise LedgerError(f"there is no folder {folder}: unpack a kernel's source, and name the folder that holds virt/ and arch/")
        return cls(folder, version or version_in(folder / "Makefile"))

    def text(self, file: str) -> tuple[str, ...] | None:
        """The lines of a file; None if it is not there."""
        if file not in self.files:
            path = self.folder / file
            self.files[file] = tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()) if path.is_file() else None
        return self.files[file]

    def bounds(self, file: str, name: str) -> Lines | None:
        """First and last line of a function, struct or macro; a function's first line may hold its return type."""
        lines, name = self.text(file) or (), name.split()[-1]
        for number, line in enumerate(lines, 1):
            if begins(name, line, lines[number:number + 12]):
                first = number - 1 if number > 1 and re.fullmatch(r"(static |inline |__always_inline )*[\w ]+\**", lines[number - 2]) else number
                return first, end_of(lines, number)
        return None

    def hash(self, file: str, lines: Lines) -> str:
        """A hash of lines that does not change with their indentation."""
        return hash_of(self.text(file)[lines[0] - 1:lines[1]])

    def place_of(self, file: str, length: int, wanted: str) -> Lines | None:
        """Where lines with this hash stand now, or None."""
        lines = self.text(file) or ()
        return next(((n + 1, n + length) for n in range(len(lines) - length + 1) if hash_of(lines[n:n + length]) == wanted), None)


def version_in(makefile: Path) -> str:
    found = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL) = (\d+)$", makefile.read_text(), re.M)) if makefile.is_file() else {}
    if len(found) < 3:
        raise LedgerError(f"{makefile} does not say which Linux this is: add --version, such as --version 6.12.117")
    return "{VERSION}.{PATCHLEVEL}.{SUBLEVEL}".format(**found)


def begins(name: str, line: str, following: tuple[str, ...]) -> bool:
    """Whether a definition of this name begins in this line: not indented, and a body before any semicolon."""
    word = re.escape(name)
    if re.match(rf"#\s*define\s+{word}\b", line) or re.match(rf"config {word}$", line):
        return True
    if not re.match(rf"(?!\s|#|/)(.*\W)?{word}\b", line) or line.startswith("EXPORT_"):
        return False
    head = " ".join((line[re.search(rf"\b{word}\b", line).start():], *following))
    return re.match(rf"{word}\s*(\([^;{{]*\)\s*|)\{{", head) is not None


def end_of(lines: tuple[str, ...], number: int) -> int:
    """The last line of the definition that begins in line `number`."""
    if lines[number - 1].startswith(("#", "config ")):
        while lines[number - 1].endswith("\\"):
            number += 1
        return number
    return next((n for n in range(number, len(lines) + 1) if lines[n - 1].startswith("}") or lines[n - 1].endswith("{ }")), number)


def hash_of(lines: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(SPACE.sub(" ", line).strip() for line in lines).encode()).hexdigest()[:16]
