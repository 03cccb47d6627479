"""The lab's results as text: tables, and what follows from them in sentences."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from .analysis import LockCalls, Run, Spread, all_lock_calls, all_runs
from .recordings import Boot

HEADS = {"6.1": "Linux 6.1", "6.12": "Linux 6.12", "6.12 stock": "6.12, its own", "6.12 before": "6.12, before", "6.12 after": "6.12, after"}
READERS = {"clock": "kvm-clock", "event-channel": "event channel"}


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Rows of equal length in columns; the first row is the heading. Numbers stand under each other, on the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    right = [all(not row[n] or row[n][0].isdigit() for row in rows[1:]) for n in range(len(widths))]
    lines = ["  ".join(cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in zip(row, widths, right)).rstrip()
             for row in rows]
    return "\n".join(indent + line for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def times(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# --- lock calls -------------------------------------------------------------------------------------------------------

def lock_calls(boots: Iterable[Boot]) -> str:
    """How often the hook takes the caches' locks, a row for each system call and kind of range, a column for each variant."""
    found = all_lock_calls(boots)
    if not found:
        return "no boot, no table"
    first = next(iter(found.values()))[0]
    head = ["system call", "its range is", "hook calls", *(HEADS.get(variant, variant) for variant in found)]
    rows = [[row.cause, "related" if row.related else "unrelated", f"{row.invalidations:,}",
             *(_taken(found[variant], n) for variant in found)] for n, row in enumerate(first)]
    title = f"Locks of caches that the hook takes: {first[0].caches} active caches, {first[0].calls} rounds of each system call"
    repeats = "; ".join(f"{HEADS.get(variant, variant)}: {_repeats(boots)}" for variant, boots in found.items())
    return f"{title}\n\n{table([head, *rows])}\n\n{repeats}"


def _taken(boots: list[list[LockCalls]], row: int) -> str:
    """What the hook took; if boots differ, all that was seen."""
    seen = dict.fromkeys((boot[row].read, boot[row].write) for boot in boots)
    return " or ".join(", ".join([f"{read:,} read"] * bool(read) + [f"{write:,} write"]) for read, write in seen)


def _repeats(boots: list[list[LockCalls]]) -> str:
    alike = sum(boot == boots[0] for boot in boots)
    return f"the same in {alike} of {times(len(boots), 'boot')}"


# --- waits --------------------------------------------------------------------------------------------------------------

def waits(boots: Iterable[Boot]) -> str:
    """Who waited for the lock of a cache, a row for each reader, variant and kind of range, with the spread over runs."""
    found = all_runs(boots)
    head = ["reader", "range", "kernel", "runs", "invalidations", "reads", "writers waited", "readers waited"]
    order = sorted(found, key=lambda key: (key[1], key[2]))              # stable: variants stay in their order
    rows = [[READERS.get(reader, reader), "related" if related else "unrelated", HEADS.get(variant, variant), *_counted(found[key])]
            for key in order for variant, reader, related in [key]]
    return ("Waits for the lock of a cache, one reader on the other CPU: least - median - most in a run (sum)\n\n"
            + table([head, *rows]))


def _counted(runs: list[Run]) -> list[str]:
    return [f"{len(runs)}", f"{sum(run.invalidations for run in runs):,}", f"{sum(run.reads for run in runs):,}",
            _short(Spread(tuple(run.write_waits for run in runs))), _short(Spread(tuple(run.read_waits for run in runs)))]


def _short(spread: Spread) -> str:
    if not spread.total:
        return "0"
    return f"{min(spread.counts):,} - {spread.median:,} - {max(spread.counts):,} ({spread.total:,})"


# --- conclusions --------------------------------------------------------------------------------------------------------

def conclusions(boots: Iterable[Boot]) -> str:
    """What the counts say, in the strongest words that they support."""
    found = all_runs(boots)
    lines = []
    for variant, reader in dict.fromkeys((variant, reader) for variant, reader, _ in found):
        unrelated = found.get((variant, reader, False), [])
        lines.append(_sentence(variant, reader, unrelated, found.get((variant, reader, True), [])))
    return "\n".join(lines)


def _sentence(variant: str, reader: str, unrelated: list[Run], related: list[Run]) -> str:
    waited = sum(run.waits > 0 for run in unrelated)
    where = f"{HEADS.get(variant, variant)}, {READERS.get(reader, reader)}"
    events = f"{sum(run.invalidations for run in unrelated):,} unrelated invalidations"
    if waited:
        return f"{where}: somebody waited in {waited} of {times(len(unrelated), 'run')} ({events}), {sum(run.waits for run in unrelated):,} times."
    control = sum(run.waits for run in related)
    return (f"{where}: nobody waited in any of {times(len(unrelated), 'run')} ({events}); that waits would have been seen is shown by "
            f"{control:,} of them in the runs with related ones.")
