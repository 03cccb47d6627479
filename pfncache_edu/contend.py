"""`pfncache contend`: readers and invalidations in virtual time, before and after the patch, side by side.

What is counted follows from the rule of the lock; what is timed follows from the costs of one machine, so believe the
counts first. Exit code: 0 done, 2 called wrongly, 130 interrupted (what was finished is printed).
"""
from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from .calibrate import read_costs
from .contention import AFTER, BEFORE, QUANTILES, RATES, READERS, Estimate, Outcome, Workload, close_up, grid, simulate, sweep
from .interpreters.simulator import FAR, NEAR, Costs

EXAMPLES = """examples:
  pfncache contend --readers 8 --rate 100000 --related 0       readers turned away: many before the patch, none after it
  pfncache contend --readers 0                                 nobody reads, so nobody gains
  pfncache contend --readers 1 --rate back-to-back --related 10% --think 200
                                                               a faster notifier hits more often: readers may lose
  pfncache contend --cpus 1                                    who spins is never put off its CPU, so on one CPU nobody waits
  pfncache contend --sweep                                     8 numbers of readers x 8 rates, before and after
  pfncache contend --figures pictures                          four kinds of pictures, light and dark
"""
BACK_TO_BACK = "back-to-back"
COSTS = {"far": FAR, "near": NEAR}
BAR = 40
LABEL, COLUMN = 34, 22


def add_contend_command(subparsers) -> None:
    """Add `contend` to the commands of a parser. Its `run` takes the parsed arguments and answers the exit code."""
    usual = Workload()
    made = subparsers.add_parser("contend", help="count who waits for an unrelated invalidation, before and after the patch",
                                 description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--readers", type=number, default=usual.readers, metavar="N", help="vCPUs that use a cache (default: %(default)s)")
    made.add_argument("--rate", type=rate, default=usual.rate, metavar="R", help="invalidations per second of each notifier, "
                      f"or {BACK_TO_BACK} (default: %(default)s)")
    made.add_argument("--related", type=share, default=usual.related, metavar="SHARE",
                      help="the share of them that hit a cache, such as 0.1 or 10%% (default: %(default)s)")
    made.add_argument("--caches", type=number, default=usual.caches, metavar="N", help="default: %(default)s")
    made.add_argument("--notifiers", type=number, default=usual.notifiers, metavar="N", help="default: %(default)s")
    made.add_argument("--pause", type=float, default=usual.pause_ns, metavar="NS", help="between invalidations that come back to back "
                      "(default: %(default)s)")
    made.add_argument("--hold", type=float, default=usual.hold_ns, metavar="NS", help="how long a reader uses the cache (default: %(default)s)")
    made.add_argument("--think", type=float, default=usual.think_ns, metavar="NS", help="from one use to the next (default: %(default)s)")
    made.add_argument("--interrupt-readers", type=number, default=0, metavar="N", help="so many of the readers are in interrupt context")
    made.add_argument("--trying-readers", type=number, default=0, metavar="N", help="so many of the others only try the lock")
    made.add_argument("--cpus", type=number, metavar="N", help="that the threads share, except those in interrupt context (default: one for each)")
    made.add_argument("--exact-times", action="store_true", help="think and pace exactly as long as said, not so long on average")
    made.add_argument("--milliseconds", type=float, default=20.0, metavar="MS", help="of virtual time to observe (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    made.add_argument("--costs", default="far", metavar="COSTS", help="of two CPUs far from or near to each other, or a FILE that `pfncache "
                      "calibrate --out FILE` wrote (default: %(default)s)")
    made.add_argument("--sweep", action="store_true", help="many numbers of readers and rates instead of these; Ctrl-C prints what is finished")
    made.add_argument("--jobs", type=number, default=None, metavar="N", help="processes of a sweep (default: one per CPU)")
    made.add_argument("--figures", type=Path, metavar="DIR", help="draw lanes per CPU, stalls, the queue in the lock, and readers turned away over "
                      "readers and rate (it sweeps for that), light and dark, each with a text (needs matplotlib)")
    made.add_argument("--json", action="store_true", help="print everything as JSON instead")
    made.add_argument("--progress", action="store_true", help="draw the progress bar on stderr also if that is no terminal")
    made.set_defaults(run=contend)


def number(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return int(text)


def rate(text: str) -> float | None:
    if text == BACK_TO_BACK:
        return None
    try:
        return float(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate: give invalidations per second, or {BACK_TO_BACK}") from None


def share(text: str) -> float:
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: give 0.1, or 10%") from None


def contend(asked: argparse.Namespace) -> int:
    """Simulate what was asked for and print it; answers the exit code."""
    try:
        workload = Workload(asked.readers, asked.rate, asked.related, asked.caches, asked.notifiers, asked.pause, asked.hold,
                            asked.think, asked.interrupt_readers, asked.trying_readers, not asked.exact_times, asked.cpus)
        if not 0 < asked.milliseconds < math.inf:
            raise ValueError(f"--milliseconds: {asked.milliseconds:g} is no time to observe")
        if asked.jobs == 0:
            raise ValueError("--jobs: at least one process has to do the work")
        costs = COSTS.get(asked.costs) or read_costs(Path(asked.costs))
        if asked.figures:
            _make_folder(asked.figures)
        return _answer(workload, asked, costs)
    except ValueError as problem:
        print(f"pfncache contend: {problem}", file=sys.stderr)
        return 2


def _make_folder(folder: Path) -> None:
    """Make the folder for figures. ValueError if it, or what draws them, cannot be had."""
    if not find_spec("matplotlib"):
        raise ValueError("--figures needs matplotlib, which is not installed: pip install matplotlib")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ValueError(f"--figures: {folder}: {problem.strerror}") from None


def _answer(workload: Workload, asked: argparse.Namespace, costs: Costs) -> int:
    """Simulate and tell; with --figures, draw the one workload and, from a sweep, the surface."""
    if asked.sweep:
        ended, swept = _sweep(workload, asked, costs)
        pair = _both(workload, asked, costs) if asked.figures else []
    else:
        ended, pair = 0, _both(workload, asked, costs)
        _tell(pair, asked, side_by_side(*pair, seed=asked.seed, costs=asked.costs))
        swept = []
    if asked.figures and not ended:
        if not swept:
            ended, swept = _swept(workload, asked, costs)
        for name, draw in drawings(workload, pair, swept, asked.seed, costs).items():
            _write_figure(asked.figures / name, draw)
        print(f"figures: {asked.figures}", file=sys.stderr)
    return ended


def drawings(workload: Workload, pair: Sequence[Outcome], swept: Sequence[Outcome], seed: int, costs: Costs) -> dict[str, Callable]:
    """Name -> a function that draws the figure, light or dark; without outcomes of a sweep there is no surface."""
    from .render import figures

    made: dict[str, Callable] = {"stalls": partial(figures.stalls, *pair)}
    for variant in (BEFORE, AFTER):
        seen = close_up(workload, patched=variant == AFTER, seed=seed, costs=costs)
        made |= {f"lanes-{variant}": partial(figures.lanes, seen), f"queue-{variant}": partial(figures.queue_length, seen)}
    if any(outcome.workload.rate is not None for outcome in swept):
        made["surface"] = partial(figures.surface, swept)
    return made


def _write_figure(path: Path, draw: Callable) -> None:
    for theme in ("light", "dark"):
        drawn = draw(dark=theme == "dark")
        path.with_name(f"{path.name}-{theme}.svg").write_text(drawn.svg(), encoding="utf-8")
    path.with_name(f"{path.name}.txt").write_text(drawn.text + "\n", encoding="utf-8")


def _both(workload: Workload, asked: argparse.Namespace, costs: Costs) -> list[Outcome]:
    """The workload before and after the patch."""
    bar, outcomes = Bar(2, asked.progress), []
    try:
        for patched in (False, True):
            outcomes.append(simulate(workload, patched=patched, seconds=asked.milliseconds / 1e3, seed=asked.seed, costs=costs,
                                     progress=lambda done: bar.at(len(outcomes) + done)))
    finally:
        bar.end()
    return outcomes


def _sweep(workload: Workload, asked: argparse.Namespace, costs: Costs) -> tuple[int, list[Outcome]]:
    """Sweep, and tell what is finished: the exit code, and the outcomes."""
    ended, outcomes = _swept(workload, asked, costs)
    _tell(outcomes, asked, surface(outcomes))
    return ended, outcomes


def _swept(workload: Workload, asked: argparse.Namespace, costs: Costs) -> tuple[int, list[Outcome]]:
    jobs = grid(workload, seed=asked.seed, costs=costs,
                readers=[n for n in READERS if n >= workload.interrupt_readers + workload.trying_readers])
    outcomes: list[Outcome] = []
    bar, ended = Bar(len(jobs), asked.progress), 0
    try:
        bar.at(0)
        for outcome in sweep(jobs, processes=asked.jobs):
            outcomes.append(outcome)
            bar.at(len(outcomes))
    except KeyboardInterrupt:
        ended = 130
    finally:
        bar.end()
    if ended:
        print(f"pfncache contend: interrupted after {len(outcomes)} of {len(jobs)} simulations; these are finished", file=sys.stderr)
    return ended, outcomes


def _tell(outcomes: Sequence[Outcome], asked: argparse.Namespace, text: str) -> None:
    print(json.dumps([as_data(outcome) for outcome in outcomes], indent=2) if asked.json else text)


class Bar:
    """A progress bar on stderr: on a terminal it redraws itself and vanishes, elsewhere it is silent unless asked for."""

    def __init__(self, total: float, asked_for: bool = False, stream=None, clock=time.monotonic):
        self.total, self.stream, self.clock = total, stream or sys.stderr, clock
        self.terminal = self.stream.isatty()
        self.shown = self.terminal or asked_for
        self.last: float | None = None

    def at(self, done: float) -> None:
        """So much of the total is done. It is drawn ten times a second at most, and at the end."""
        if not self.shown or (self.last is not None and done < self.total and self.clock() < self.last + 0.1):
            return
        self.last, full = self.clock(), round(BAR * done / self.total)
        text = f"[{'#' * full}{'-' * (BAR - full)}] {100 * done / self.total:3.0f} %"
        print(f"\r{text}\x1b[K" if self.terminal else text, end="" if self.terminal else "\n", file=self.stream, flush=True)

    def end(self) -> None:
        """Leave no trace of it on a terminal."""
        if self.terminal and self.last is not None:
            print("\r\x1b[K", end="", file=self.stream, flush=True)


# --- as text ----------------------------------------------------------------------------------------------------------

def in_words(workload: Workload) -> str:
    """The workload in one sentence."""
    pace = f"back to back with {workload.pause_ns:,g} ns in between" if workload.rate is None else f"{workload.rate:,g} times a second"
    cpus = f", on {_count(workload.cpus, 'CPU')}" if workload.cpus else ""
    special = [f"{n} of them {what}" for n, what in ((workload.interrupt_readers, "in interrupt context"),
                                                     (workload.trying_readers, "only try the lock")) if n]
    return (f"{_count(workload.readers, 'reader')} of {_count(workload.caches, 'cache')}{''.join(', ' + s for s in special)}: "
            f"use {workload.hold_ns:,g} ns, think {workload.think_ns:,g} ns{cpus}.\n"
            f"{_count(workload.notifiers, 'notifier')}: {pace}, {100 * workload.related:g} % related.")


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def side_by_side(before: Outcome, after: Outcome, *, seed: int = 0, costs: str = "far") -> str:
    """Two outcomes of one workload as a table, a column each, with units."""
    both = (before, after)
    rows = [("", ["before the patch", "after the patch"]),
            ("reads", [f"{o.reads:,}" for o in both]),
            ("readers turned away", [f"{o.turned_away:,}" for o in both])]
    rows += [(f"  {who}", [f"{o.turned_away_by.get(who, 0):,}" for o in both])
             for who in sorted({*before.turned_away_by, *after.turned_away_by})]
    rows.append(("  share of all reads", [_percent(o.share_turned_away) for o in both]))
    if before.workload.trying_readers:
        rows.append(("trylocks that failed", [f"{o.trylock_failures:,}" for o in both]))
    if before.gave_up or after.gave_up:
        rows.append(("reads given up", [f"{o.gave_up:,}" for o in both]))
    rows += [("invalidations", [f"{o.invalidations:,}" for o in both]),
             ("write locks by notifiers", [f"{o.write_locks:,}" for o in both]),
             ("  for nothing", [f"{o.write_locks_for_nothing:,}" for o in both]),
             ("in ..._invalidate_range_start()", [_with_unit(o.hook) for o in both]),
             ("reads per second", [_with_unit(o.throughput, "") for o in both])]
    rows += [(f"{100 * q:g} % of reads take at most" if q < 1 else "the longest read takes",
              [f"{o.latency[q]:,.0f} ns" if o.latency else "-" for o in both]) for q in (*QUANTILES, 1.0)]
    table = "\n".join(f"{label:<{LABEL}}{''.join(f'{cell:>{COLUMN}}' for cell in cells)}".rstrip() for label, cells in rows)
    source = f"two CPUs that are {costs}" if costs in COSTS else costs
    return (f"{in_words(before.workload)}\n\n{table}\n\n{before.seconds * 1e3:g} ms of virtual time, seed {seed}, costs of {source}; "
            f"± is a 95 % interval.\nThe counts follow from the lock's rule, the times from the costs of one machine.")


def _percent(estimate: Estimate) -> str:
    return "-" if math.isnan(estimate.mean) else f"{100 * estimate.mean:.2f} ± {100 * estimate.half_width:.2f} %"


def _with_unit(estimate: Estimate, unit: str | None = None) -> str:
    unit = estimate.unit if unit is None else unit
    return "-" if math.isnan(estimate.mean) else f"{estimate.mean:,.0f} ± {estimate.half_width:,.0f} {unit}".rstrip()


def surface(outcomes: list[Outcome]) -> str:
    """Tables of the share of reads turned away, over readers (down) and rate (across); "-" where there is no outcome yet."""
    return "\n\n".join(_surface(outcomes, variant) for variant in (BEFORE, AFTER))


def _surface(outcomes: list[Outcome], variant: str) -> str:
    cells = {(o.workload.readers, o.workload.rate): o for o in outcomes if o.variant == variant}
    lines = [f"{variant} the patch: % of reads turned away, by readers (down) and invalidations per second (across)",
             f"{'':>8}" + "".join(f"{rate:>11,g}" for rate in RATES)]
    for readers in READERS:
        row = [cells.get((readers, rate)) for rate in RATES]
        lines.append(f"{readers:>8}" + "".join(f"{_away(outcome):>11}" for outcome in row))
    return "\n".join(lines)


def _away(outcome: Outcome | None) -> str:
    if outcome is None or not outcome.reads:
        return "-"
    return f"{100 * outcome.turned_away / outcome.reads:.2f}" if outcome.turned_away else "0"


def as_data(outcome: Outcome) -> dict:
    """The outcome as values that JSON has: what is not a number becomes null, quantiles become text."""
    def plain(value):
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value
    return {key: value for key, value in plain(asdict(outcome)).items() if key != "waits_ns"}
