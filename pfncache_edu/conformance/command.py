"""`pfncache conform`: our functions against recordings of the real ones; a recording as a story; a file of your own.

Exit code: 0 everything agrees, 1 something differs, 2 the file or the call is wrong.
"""
from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from ..properties import LockOrder
from .compare import Count, conforms
from .recordings import VERSIONS, Impossible, Recording, Unreadable, read, shipped
from .story import Story

EXAMPLES = """examples:
  pfncache conform                                          all recordings that come with the package
  pfncache conform --api 6.12                               those of Linux 6.12
  pfncache conform --trace unrelated_invalidation           named ones, as a story; the beginning of the name will do
  pfncache conform --file mine.jsonl.gz                     recordings of your own
"""
BAR = 40


def add_conform_command(subparsers) -> None:
    """Add `conform` to the commands of a parser. Its `run` takes the parsed arguments and answers the exit code."""
    parser = subparsers.add_parser("conform", help="replay recordings of the real pfncache.c", description=__doc__, epilog=EXAMPLES,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    _arguments(parser)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trace", metavar="NAME", help="tell this recording as a story; the beginning of its name will do")
    parser.add_argument("--api", choices=VERSIONS, help="only recordings of this version of Linux")
    parser.add_argument("--file", metavar="FILE", help="replay this file of recordings instead of those in the package")
    parser.set_defaults(run=conform)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command alone: `python -m pfncache_edu.conformance`."""
    parser = argparse.ArgumentParser(prog="pfncache conform", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    _arguments(parser)
    asked = parser.parse_args(arguments)
    return asked.run(asked)


def conform(asked: argparse.Namespace) -> int:
    """Replay what was asked for, and say what came out of it."""
    try:
        recordings = _chosen(asked)
        return _tell(recordings) if asked.trace else _compare(recordings)
    except (Unreadable, Impossible) as problem:
        print(f"pfncache conform: {problem}", file=sys.stderr)
        return 2


def _chosen(asked: argparse.Namespace) -> list[Recording]:
    wanted = asked.trace.rstrip("….") if asked.trace else ""
    recordings = _in_file(asked.file) if asked.file else shipped(wanted) or shipped()
    if asked.api:
        recordings = [r for r in recordings if r.version == asked.api]
        if not recordings:
            raise Unreadable(f"{asked.file}: has no recording of Linux {asked.api}")
    if asked.trace:
        found = [r for r in recordings if r.name == wanted] or [r for r in recordings if r.name.startswith(wanted)]
        if not found:
            names = difflib.get_close_matches(wanted, {r.name for r in recordings}, 3, 0.3)
            raise Unreadable(f"there is no recording {asked.trace!r}" + (f"; did you mean {' or '.join(names)}?" if names else ""))
        return found
    return recordings


def _in_file(name: str) -> list[Recording]:
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise Unreadable(f"{name}: cannot be read: {error.strerror}") from error
    return list(read(data, name))


def _compare(recordings: list[Recording]) -> int:
    count, order = Count(), LockOrder()
    for number, recording in enumerate(recordings, 1):
        if not conforms(recording, count, order=order):
            _progress("")
            print(f"differs: {count.divergences[-1]}")
        if number % 8 == 0 or number == len(recordings):
            done = BAR * number // len(recordings)
            _progress(f"[{'#' * done}{'.' * (BAR - done)}] {number} of {len(recordings)} recordings")
    _progress("")
    print(count)
    return 1 if count.divergences else 0


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{line:<80}" + ("" if line else "\r"), end="", file=sys.stderr, flush=True)


def _tell(recordings: list[Recording]) -> int:
    count = Count()
    for recording in recordings:
        story = Story(recording)
        conforms(recording, count, also=story)
        print(story)
        for difference in count.divergences:
            print(f"Here it differs from the recording: {difference}")
    agree = "and our functions did exactly that, field for field" if not count.divergences else "but our functions differ"
    print(f"This is what the real kernel code was recorded to do, {agree}: {count.core:,} core fields and "
          f"{count.second:,} others compared.")
    return 1 if count.divergences else 0
