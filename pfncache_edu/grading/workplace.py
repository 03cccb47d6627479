"""Where a grading run keeps what it needs for a while, and how the next one clears up after one that was killed.

A workplace is a folder for temporary files, locked while its owner lives, with the edition that students' processes see.
Each process that is started for a run carries the folder's name in its environment. Whoever opens a workplace ends
what runs for one that nobody holds the lock of any more, and removes its folder.
"""
from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .edition import make_edition
from .sandbox import TOKEN

PREFIX = "pfncache-run-"


class Workplace:
    """A folder of a run's own, until it is closed."""

    def __init__(self):
        sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.edition = make_edition(self.folder / "edition")
        self.folder.chmod(0o755)

    @property
    def token(self) -> str:
        return self.folder.name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        end_processes_of(self.token)
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            os.close(self.lock)


def sweep() -> list[str]:
    """Clear up after runs that were killed; the names of their folders."""
    swept = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.stat().st_uid == os.geteuid() and is_abandoned(folder):
                end_processes_of(folder.name)
                shutil.rmtree(folder, ignore_errors=True)
                swept.append(folder.name)
    return swept


def is_abandoned(folder: Path) -> bool:
    """Whether nobody holds the lock of a workplace: its owner is dead."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > 3600      # it is just being made, or removed, unless that is long ago
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(lock)


def end_processes_of(token: str) -> int:
    """End every process that was started for a run; how many there were."""
    mark, ended = f"{TOKEN}={token}".encode(), 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(process.name) != os.getpid() and mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
                ended += 1
    return ended
