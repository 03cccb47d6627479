"""`pfncache lab`: two real Linux kernels, the patch before and after, counted by the kernels' own tracers.

`run` fetches both kernels through apt, boots them in QEMU without hardware virtualisation, and prints what it counted.
`show` prints the same from recordings that come with the package, offline. Exit codes: 0 done; 1 a boot failed twice, or a
recording is damaged; 2 called wrongly; 3 run cannot work here (it says why, and shows the recordings); 130 interrupted.
"""
from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..arguments import at_least_one
from . import experiment, machine, recordings, tables, walk
from .packages import SERIES, Missing
from .recordings import Boot
from .traces import Damaged

EXAMPLES = """examples:
  pfncache lab show                      the recorded counts: locks that the hook takes, and who waited
  pfncache lab show --runs               each run of each boot
  pfncache lab show --swapped            one kernel, with the hook replaced at run time: a controlled experiment
  pfncache lab show --walk               what the kernels were seen to call, line by line beside our functions
  pfncache lab run                       boot both kernels here (Debian 12, x86-64; about two minutes)
  pfncache lab run --boots 5 --swapped   more boots, and the controlled experiment
"""
FOLDER = experiment.SOURCES.parent / "_build/lab"
SHOWN_INSTEAD = "These are the counts that were recorded elsewhere, as `pfncache lab show` prints them:"


def add_lab_command(subparsers) -> None:
    """Add `lab` to the commands of a parser. Its `run` takes the parsed arguments and answers the exit code."""
    made = subparsers.add_parser("lab", help="boot the kernels from before and after the patch, and count",
                                 description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = made.add_subparsers(required=True, metavar="run|show")
    run = actions.add_parser("run", help="boot both kernels here, and print what was counted")
    run.add_argument("--boots", type=at_least_one, default=1, metavar="N", help="of each kernel (default: %(default)s)")
    run.add_argument("--swapped", action="store_true", help="also boot 6.12 with the module that swaps the hook")
    run.add_argument("--limit", type=at_least_one, default=machine.LIMIT, metavar="SECONDS", help="for each boot (default: %(default)s)")
    run.add_argument("--folder", type=Path, default=FOLDER, help="where downloads and recordings go (default: _build/lab)")
    run.set_defaults(run=_run)
    show = actions.add_parser("show", help="print the recorded counts, offline")
    show.add_argument("files", nargs="*", type=Path, metavar="FILE", help="recordings of your own, instead of those of the package")
    show.add_argument("--swapped", action="store_true", help="the boots with the hook swapped, instead of the stock kernels")
    show.add_argument("--runs", action="store_true", help="a row for each run")
    show.add_argument("--walk", action="store_true", help="a related invalidation, call by call, beside the steps of our functions")
    show.add_argument("--about", action="store_true", help="when, where and with what each boot was recorded")
    show.set_defaults(run=_show)


# --- show -------------------------------------------------------------------------------------------------------------

def _show(asked) -> int:
    try:
        boots = [recordings.read(file.read_bytes(), file.name) for file in asked.files] or \
            list(recordings.shipped(asked.swapped))
        told = "\n\n".join(_what_is_asked_for(asked, boots))
    except OSError as problem:
        print(f"pfncache: {problem.filename}: cannot be read: {problem.strerror}", file=sys.stderr)
        return 2
    except Damaged as problem:
        print(f"pfncache: {problem}", file=sys.stderr)
        return 1
    print(told)
    return 0


def _what_is_asked_for(asked, boots: list[Boot]) -> Iterator[str]:
    if asked.about:
        yield tables.about(boots)
    if asked.runs:
        yield tables.each_run(boots)
    if asked.walk:
        for boot in {boot.kernel: boot for boot in reversed(boots)}.values():
            yield f"Linux {boot.kernel}: what its tracer saw of one related invalidation, and the step of ours that it is"
            yield walk.as_text(walk.walk(boot))
    if not (asked.about or asked.runs or asked.walk):
        yield tables.results(boots)
        yield tables.conclusions(boots)


# --- run --------------------------------------------------------------------------------------------------------------

def _run(asked) -> int:
    say, boots = _Progress(), []
    try:
        experiment.check_it_can_run_here()               # before a folder is made that nobody needs
        with _alone_in(asked.folder):
            for boot in _boots(asked, say):
                boots.append(boot)
                say(f"kept as {_keep(boot, asked.folder)}")
    except Missing as problem:
        print(f"pfncache: the lab cannot run here: {problem}.\n{SHOWN_INSTEAD}\n", file=sys.stderr)
        _print(recordings.shipped(swapped=False))
        return 3
    except (machine.Failed, Damaged) as problem:
        print(f"pfncache: twice a boot came to nothing: {problem}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"pfncache: {problem.filename or asked.folder}: {problem.strerror}", file=sys.stderr)
        return 1
    finally:
        _print(boots)                        # also after Ctrl-C: what is finished is worth seeing
    return 0


def _boots(asked, say) -> Iterator[Boot]:
    """One boot after the other: kernels take turns, so that what changes with time changes for both."""
    kinds = [(series, False) for series in SERIES] + [(SERIES[-1], True)] * asked.swapped
    prepared = [experiment.prepare(series, asked.folder, say, module) for series, module in kinds]
    for number in range(1, asked.boots + 1):
        for kind in prepared:
            say(f"booting Linux {kind.series}{' with the hook swapped' * kind.module}, {number} of {asked.boots}: {kind.package.name}")
            yield experiment.again_if_it_fails(kind, asked.folder, say, asked.limit)


def _print(boots: Sequence[Boot]) -> None:
    for swapped in (False, True):
        if chosen := [boot for boot in boots if boot.swapped == swapped]:
            print(f"{tables.results(chosen)}\n\n{tables.conclusions(chosen)}\n", flush=True)


def _keep(boot: Boot, folder: Path) -> str:
    """Write the recording, and never over an older one; the name of its file."""
    made = folder / "recordings"
    made.mkdir(parents=True, exist_ok=True)
    begin = f"{boot.kernel}-{'swapped-' * boot.swapped}boot-"
    file = next(path for n in range(1, 10_000) if not (path := made / f"{begin}{n}.tar.xz").exists())
    file.write_bytes(recordings.as_bytes(boot))
    return f"recordings/{file.name}"


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One lab at a time in this folder: two would take the CPUs from each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        with contextlib.suppress(ImportError):               # no fcntl on Windows, where the lab says so before it boots
            import fcntl
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Missing(f"another `pfncache lab run` is at work in {folder}: wait for it, or name another --folder") from None
        yield


class _Progress:
    """Lines on stderr that say what is going on, and after how many seconds."""

    def __init__(self):
        self.began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:4.0f} s] {text}", file=sys.stderr, flush=True)
