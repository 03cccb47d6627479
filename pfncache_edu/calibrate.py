"""`pfncache calibrate`: what steps cost on this machine, measured with two real threads, and how far the simulator is from it.

A small C program (two_threads.c) is compiled and run: first it measures the constants of `Costs`, then a reader beside a
notifier, with the hook before and after the patch in turns. The same workloads are then simulated with these constants.

Exit code: 0 done, 1 it cannot be measured here (the message says what is missing), 2 called wrongly.
"""
from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import fmean

from .contention import Workload, simulate
from .interpreters.simulator import FAR, Costs

EXAMPLES = """examples:
  pfncache calibrate --out here.json
  pfncache contend --costs here.json                    simulate with what this machine takes for a step
"""
SOURCE = Path(__file__).parent / "two_threads.c"
COMPILERS = ("cc", "gcc", "clang")
MEASURED = ("load", "miss", "rmw", "remote", "hand_off", "barrier", "switch")      # fields of Costs; `resched` is assumed
SIMULATED = 0.005                     # virtual seconds of each ratio
TRIES, SAME_PLACE = 3, 1.5             # a ratio is measured again if `remote` was another one afterwards, by this factor
TIMEOUT = 120                          # seconds that one run of the program may take on a busy machine
ALONE = Workload(readers=1, random_times=False)
WORKLOADS = (
    replace(ALONE, hold_ns=100, think_ns=0, rate=1e5),
    replace(ALONE, hold_ns=500, think_ns=0, rate=1e5),
    replace(ALONE, hold_ns=500, think_ns=0, rate=1e6),
    replace(ALONE, hold_ns=500, think_ns=0, rate=1e6, related=0.1),
    replace(ALONE, hold_ns=500, think_ns=200, rate=1e6),
    replace(ALONE, hold_ns=500, think_ns=200, rate=1e6, related=0.1),
    replace(ALONE, hold_ns=500, think_ns=0, rate=None),
    replace(ALONE, hold_ns=500, think_ns=200, rate=None, related=0.1),
)


class CannotMeasure(Exception):
    """Something that it takes is missing on this machine; the message says what."""


@dataclass(frozen=True)
class Ratio:
    """A reader's reads per second after the patch by those before it, as two real threads and as the simulator have it.

    costs              what was measured just before, and simulated with
    moved              whether `remote` was another one afterwards: a hypervisor gave the threads other CPUs
    measured           the median of many turns, and `low` and `high`, its quartiles
    away, away_after   the measured shares of reads that had to wait, before and after the patch
    simulated_away     the same before the patch in the simulator
    """
    workload: Workload
    costs: Costs
    moved: bool
    measured: float
    low: float
    high: float
    away: float
    away_after: float
    simulated: float
    simulated_away: float


@dataclass(frozen=True)
class Calibration:
    """The costs of a machine, and what came of the workloads."""
    machine: str
    costs: Costs
    ratios: tuple[Ratio, ...] = ()

    def error(self, *, paced: bool) -> float:
        """How far simulated ratios are from the measured ones, root mean square, where the threads stayed on their CPUs."""
        errors = [(r.simulated - r.measured) ** 2 for r in self.ratios if not r.moved and paced == (r.workload.rate is not None)]
        return math.sqrt(fmean(errors)) if errors else math.nan


# --- measuring --------------------------------------------------------------------------------------------------------

def calibrate(workloads: Iterable[Workload] = WORKLOADS, *, seconds: float = 0.3,
              progress: Callable[[int], None] = lambda _: None) -> Calibration:
    """The constants of this machine, and each workload measured for so many seconds, or longer on a busy machine.

    `progress` hears how many of the workloads are done. CannotMeasure says what is missing here.
    """
    ratios: list[Ratio] = []
    with tempfile.TemporaryDirectory() as folder:
        program = [compiled(Path(folder)), *map(str, two_cpus())]
        for workload in workloads:
            ratios.append(_ratio(program, workload, seconds))
            progress(len(ratios))
        seen = [ratio.costs for ratio in ratios] or [_costs(_run(program))]
    return Calibration(machine(), sorted(seen, key=lambda costs: costs.remote)[len(seen) // 2], tuple(ratios))


def compiled(folder: Path) -> str:
    """The program, made by the first C compiler that is here."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise CannotMeasure(f"there is no C compiler here ({', '.join(COMPILERS)}), so nothing was measured. "
                            "Debian: apt-get install gcc libc6-dev")
    target = str(folder / "two_threads")
    made = subprocess.run([compiler, "-std=gnu11", "-O2", "-pthread", "-o", target, str(SOURCE)], capture_output=True, text=True)
    if made.returncode:
        raise CannotMeasure(f"{compiler} does not compile {SOURCE.name}:\n{made.stderr}")
    return target


def two_cpus() -> list[int]:
    """The first and the last CPU that we may use."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    if len(usable) < 2:
        raise CannotMeasure("two threads need two CPUs, and there is one here")
    return [usable[0], usable[-1]]


def _run(command: list[str]) -> dict[str, float]:
    """What the program printed, name by name."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise CannotMeasure(f"the two threads were not done after {TIMEOUT} s: try again when the machine is quiet") from None
    if run.returncode:
        raise CannotMeasure(run.stderr.strip() or f"{SOURCE.name} ended with {run.returncode}")
    return {name: float(number) for name, number in (line.split() for line in run.stdout.splitlines())}


def _costs(seen: dict[str, float]) -> Costs:
    return Costs(**{name: seen[name] for name in MEASURED})


def _ratio(program: list[str], workload: Workload, seconds: float) -> Ratio:
    gap = 1e9 / workload.rate if workload.rate else 0
    asked = workload.hold_ns, workload.think_ns, gap, workload.pause_ns, workload.related, seconds
    for _ in range(TRIES):
        seen = _run([*program, *map(str, asked)])
        moved = not 1 / SAME_PLACE < (seen["remote_later"] + 1) / (seen["remote"] + 1) < SAME_PLACE
        if not moved:
            break
    same = replace(workload, think_ns=workload.think_ns + seen["clock"])      # the real reader looks at the clock, too
    before, after = (simulate(same, patched=patched, seconds=SIMULATED, costs=_costs(seen)) for patched in (False, True))
    return Ratio(workload, _costs(seen), moved, seen["ratio"], seen["low"], seen["high"], seen["before"], seen["after"],
                 after.throughput.mean / before.throughput.mean, before.turned_away / before.reads)


def machine() -> str:
    """The processor's name, as far as the system tells it, and its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return ", ".join(filter(None, [names[0] if names else platform.processor(), platform.machine()]))


# --- as a file ----------------------------------------------------------------------------------------------------------

def as_json(found: Calibration) -> str:
    """Everything about a calibration, for people and for `read_costs`."""
    return json.dumps(asdict(found), indent=2) + "\n"


def read_costs(file: Path) -> Costs:
    """The costs in a file that `pfncache calibrate --out` wrote. ValueError says what is wrong with it."""
    try:
        costs = json.loads(file.read_text())["costs"]
        return Costs(**{name: float(value) for name, value in costs.items()})
    except OSError as problem:
        raise ValueError(f"{file}: {problem.strerror}: give far, near, or a file that `pfncache calibrate --out` wrote") from None
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise ValueError(f"{file} holds no costs ({problem}): `pfncache calibrate --out {file}` writes such a file") from None


# --- as text --------------------------------------------------------------------------------------------------------------

WORDS = {
    "load": "load or store in its own cache", "miss": "load of a line that another CPU wrote", "rmw": "locked add to a line of its own",
    "remote": "locked add to a line of another CPU", "hand_off": "from a release until the next in line is inside",
    "barrier": "smp_rmb() or smp_wmb()", "switch": "from one thread to the next on a CPU, by way of a pipe",
}


def in_words(found: Calibration) -> str:
    """The constants beside those of the machine that FAR is from, and the ratios, measured and simulated."""
    lines = [found.machine, "", f"{'ns':<52}{'here':>8}{'far':>8}"]
    lines += [f"{words:<52}{getattr(found.costs, name):>8,.1f}{getattr(FAR, name):>8,.1f}" for name, words in WORDS.items()]
    if found.ratios:
        lines += ["", "reads per second after the patch / before it, one reader and one notifier",
                  f"{'use':>5}{'think':>7}{'invalidations':>15}{'related':>9}{'remote':>8}{'measured':>10}{'quartiles':>15}{'simulated':>11}"
                  f"{'turned away':>13}{'simulated':>11}"]
        lines += map(_row, found.ratios)
        lines += ["", "Turned away: reads that had to wait before the patch. Nothing was fitted to the measured ratios. Root mean square, the",
                  f"simulated ratios are off by {_percent(found.error(paced=True))} where the notifier is paced, and by "
                  f"{_percent(found.error(paced=False))} where it is not."]
        if any(ratio.moved for ratio in found.ratios):
            lines.append("* The threads' CPUs were moved meanwhile (`remote` was another one afterwards): left out of these two numbers.")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f} %"


def _row(ratio: Ratio) -> str:
    workload = ratio.workload
    pace = "back to back" if workload.rate is None else f"{workload.rate:,.0f}/s"
    return (f"{workload.hold_ns:>5,g}{workload.think_ns:>7,g}{pace:>15}{100 * workload.related:>7g} %{ratio.costs.remote:>7.0f}"
            f"{'*' if ratio.moved else ' '}{ratio.measured:>10.3f}{f'{ratio.low:.3f}-{ratio.high:.3f}':>15}{ratio.simulated:>11.3f}"
            f"{100 * ratio.away:>11.1f} %{100 * ratio.simulated_away:>9.1f} %")


# --- the command ----------------------------------------------------------------------------------------------------------

def add_calibrate_command(subparsers) -> None:
    """Add `calibrate` to the commands of a parser. Its `run` takes the parsed arguments and answers the exit code."""
    made = subparsers.add_parser("calibrate", help="measure what steps cost on this machine, for `contend --costs FILE`",
                                 description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--out", type=Path, metavar="FILE", help="write everything there as JSON")
    made.add_argument("--seconds", type=float, default=0.3, metavar="S", help="to measure each ratio, longer on a busy machine; "
                      "0: only the constants (default: %(default)s)")
    made.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Measure, and print what came of it; answers the exit code."""
    if not 0 <= asked.seconds < 60:
        print(f"pfncache calibrate: --seconds: {asked.seconds:g} is no time to measure: give 0 to 60", file=sys.stderr)
        return 2
    try:
        found = calibrate(WORKLOADS if asked.seconds else (), seconds=asked.seconds, progress=_tell_progress)
        print(in_words(found))
        if asked.out:
            asked.out.write_text(as_json(found))
    except (CannotMeasure, OSError) as problem:
        print(f"pfncache calibrate: {problem}", file=sys.stderr)
        return 1
    return 0


def _tell_progress(done: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {len(WORKLOADS)} ratios" if done < len(WORKLOADS) else "\r\x1b[K", end="", file=sys.stderr, flush=True)
