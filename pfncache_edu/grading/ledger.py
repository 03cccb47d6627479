"""The ledger: every result there ever was, in one SQLite file, by the submission's hash and the suite's.

A result is written once, as a whole, and never changed: the file itself refuses. So whoever grades can be killed at any
time, and goes on where it was; and what several machines found for parts of a class is put together by copying lines.
"""
from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

NAME = "ledger.sqlite"
TABLE = """
CREATE TABLE IF NOT EXISTS results (number INTEGER PRIMARY KEY AUTOINCREMENT, submission TEXT NOT NULL, suite TEXT NOT NULL,
                                    sandbox TEXT NOT NULL, result BLOB NOT NULL, UNIQUE (submission, suite));
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON results BEGIN SELECT RAISE(ABORT, 'a result is never changed'); END;
CREATE TRIGGER IF NOT EXISTS never_deleted BEFORE DELETE ON results BEGIN SELECT RAISE(ABORT, 'a result is never deleted'); END;
"""


class LedgerInUse(Exception):
    """Somebody else writes in this ledger now."""


class Ledger:
    """The results in a file. Only one process at a time can have it open."""

    def __init__(self, path: Path):
        self.path = path
        self.file = sqlite3.connect(path, isolation_level=None, timeout=1)
        try:
            self.file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self.file.execute("PRAGMA journal_mode = WAL")
            self.file.execute("PRAGMA synchronous = FULL")
            self.file.executescript(TABLE)
        except sqlite3.OperationalError as error:
            self.file.close()
            raise LedgerInUse(f"{path} cannot be used now ({error}): is another `pfncache grade` at work on it?") from None
        except sqlite3.DatabaseError as error:
            self.file.close()
            raise LedgerInUse(f"{path} is no ledger ({error}): move it away, and everything is graded anew") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def put(self, submission: str, suite: str, sandbox: str, result: dict) -> None:
        """Keep a result, unless there is one already."""
        packed = zlib.compress(json.dumps(result, sort_keys=True).encode())
        self.file.execute("INSERT OR IGNORE INTO results (submission, suite, sandbox, result) VALUES (?, ?, ?, ?)",
                          (submission, suite, sandbox, packed))

    def get(self, submission: str, suite: str) -> dict | None:
        """The result of a submission by a suite."""
        return unpacked(self.file.execute("SELECT result FROM results WHERE submission = ? AND suite = ?", (submission, suite)).fetchone())

    def has(self, submission: str, suite: str) -> bool:
        return self.file.execute("SELECT 1 FROM results WHERE submission = ? AND suite = ?", (submission, suite)).fetchone() is not None

    def before(self, submission: str, suite: str) -> dict | None:
        """The latest result of a submission by any other suite."""
        return unpacked(self.file.execute("SELECT result FROM results WHERE submission = ? AND suite != ? ORDER BY number DESC LIMIT 1",
                                          (submission, suite)).fetchone())

    def lines(self) -> Iterator[tuple[str, str, str, bytes]]:
        """Everything in it, in the order in which it came."""
        yield from self.file.execute("SELECT submission, suite, sandbox, result FROM results ORDER BY number")

    def __len__(self):
        return self.file.execute("SELECT count(*) FROM results").fetchone()[0]


def unpacked(row: tuple | None) -> dict | None:
    return None if row is None else json.loads(zlib.decompress(row[0]))


def merge(sources: list[Path], into: Path) -> int:
    """Copy what other ledgers have into one; how many results it has then."""
    with Ledger(into) as ledger:
        for source in sources:
            with Ledger(source) as other:
                ledger.file.execute("BEGIN")
                ledger.file.executemany("INSERT OR IGNORE INTO results (submission, suite, sandbox, result) VALUES (?, ?, ?, ?)", other.lines())
                ledger.file.execute("COMMIT")
        return len(ledger)
