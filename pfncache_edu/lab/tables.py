"""The lab's results as text: one table with a column for each kernel, and what follows from it in sentences."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from .analysis import LockCalls, Run, Spread, all_lock_calls, all_runs
from .recordings import Boot

HEADS = {"6.1": "Linux 6.1", "6.12": "Linux 6.12",
         "6.12 stock": "6.12, its own hook", "6.12 before": "6.12, hook before", "6.12 after": "6.12, hook after"}
READERS = {"clock": "kvm-clock", "event-channel": "event channel"}
RANGE = {False: "unrelated", True: "related"}
NOT_TRIED = "-"

Rows = list[list[str]]


def results(boots: Iterable[Boot]) -> str:
    """One table of everything: locks that the hook takes, then who waited for whom; a column for each variant."""
    boots = tuple(boots)
    return "\n\n".join([lock_calls(boots), waits(boots)])


# --- lock calls -------------------------------------------------------------------------------------------------------

def lock_calls(boots: Iterable[Boot]) -> str:
    """How often the hook takes the caches' locks, as text."""
    rows = lock_call_rows(boots)
    return table(rows) if rows else "there is no boot, so there is no table"


def lock_call_rows(boots: Iterable[Boot], hook_calls: bool = True) -> Rows:
    """The heading, a row for each system call and kind of range, and how many boots agree."""
    found = all_lock_calls(boots)
    if not found:
        return []
    first = next(iter(found.values()))[0]
    rows = [[f"{row.cause}, {RANGE[row.related]} range", f"{row.invalidations:,}",
             *(_taken(found[variant], n) for variant in found)] for n, row in enumerate(first)]
    title = f"locks of {first[0].caches} caches, {first[0].calls} times each"
    every = [[title, "hook calls", *_heads(found)], *rows, ["", "", *(_repeats(boots) for boots in found.values())]]
    return every if hook_calls else [row[:1] + row[2:] for row in every]


def _heads(variants: Iterable[str]) -> list[str]:
    return [HEADS.get(variant, variant) for variant in variants]


def _taken(boots: list[list[LockCalls]], row: int) -> str:
    """What the hook took; if boots differ, all that was seen."""
    seen = dict.fromkeys((boot[row].read, boot[row].write) for boot in boots)
    return " or ".join(", ".join([f"{read:,} read"] * bool(read) + [f"{write:,} write"]) for read, write in seen)


def _repeats(boots: list[list[LockCalls]]) -> str:
    alike = sum(boot == boots[0] for boot in boots)
    return f"same in {alike} of {counted(len(boots), 'boot')}"


# --- waits --------------------------------------------------------------------------------------------------------------

def waits(boots: Iterable[Boot]) -> str:
    """Who waited for the lock of a cache, as text, with the spread over all runs of all boots."""
    blocks = wait_blocks(boots)
    heads = blocks[0][0][1:] if blocks else []
    rows = [row for (title, *_), *block in blocks for row in [[title, *[""] * len(heads)], *([f"  {name}", *cells] for name, *cells in block)]]
    return table([["waits: least - median - most in a run (sum)", *heads], *rows])


def wait_blocks(boots: Iterable[Boot]) -> list[Rows]:
    """A table for each reader and kind of range: its heading, then what its runs counted, a column for each variant."""
    found = all_runs(boots)
    variants = list(dict.fromkeys(variant for variant, _, _ in found))
    return [[[f"{READERS.get(reader, reader)}, {RANGE[related]} range", *_heads(variants)],
             *_rows_of_waits([found.get((variant, reader, related), []) for variant in variants])]
            for reader in dict.fromkeys(reader for _, reader, _ in found) for related in RANGE]


def _rows_of_waits(columns: list[list[Run]]) -> Rows:
    quantities = {
        "runs": lambda runs: f"{len(runs)}",
        "invalidations": lambda runs: f"{sum(run.invalidations for run in runs):,}",
        "uses of the cache": lambda runs: f"{sum(run.reads for run in runs):,}",
        "a writer waited": lambda runs: _spread(run.write_waits for run in runs),
        "a reader waited": lambda runs: _spread(run.read_waits for run in runs)}
    return [[name, *(quantity(runs) if runs else NOT_TRIED for runs in columns)] for name, quantity in quantities.items()]


def _spread(counts: Iterable[int]) -> str:
    spread = Spread(tuple(counts))
    if not spread.total:
        return "0"
    return f"{min(spread.counts):,} - {spread.median:,} - {max(spread.counts):,} ({spread.total:,})"


def each_run(boots: Iterable[Boot]) -> str:
    """A row for each run of each boot: nothing is summed up."""
    rows = [[HEADS.get(run.variant, run.variant), READERS.get(run.reader, run.reader), RANGE[run.related], f"{boot}.{run.number}",
             f"{run.invalidations:,}", f"{run.reads:,}", f"{run.write_waits:,}", f"{run.read_waits:,}"]
            for (_, _, _), of_all in all_runs(boots).items() for boot, run in _numbered(of_all)]
    return table([["kernel", "reader", "range", "boot.run", "invalidations", "uses", "writer waited", "reader waited"], *rows], left=3)


def _numbered(of_all: list[Run]) -> Iterable[tuple[int, Run]]:
    """Each run with the number of its boot: a boot's runs count from 1."""
    boot = 0
    for run in of_all:
        boot += run.number == 1
        yield boot, run


def about(boots: Iterable[Boot]) -> str:
    """When, where and with what each boot was made, a block for each."""
    return "\n\n".join("\n".join([f"{boot.name}: Linux {boot.about['release']}, {boot.about['date']}",
                                   *(f"  {name:<26} {value}" for name, value in _facts(boot).items())]) for boot in boots)


def _facts(boot: Boot) -> dict[str, object]:
    about = boot.about
    return {**about["packages"], **about["machine"], **about["settings"], "seconds": about["seconds"],
            "command": " ".join(f"'{word}'" if " " in word else word for word in about["command"])}


# --- conclusions --------------------------------------------------------------------------------------------------------

def conclusions(boots: Iterable[Boot]) -> str:
    """What the counts say, in the strongest words that they support."""
    found = all_runs(boots)
    pairs = dict.fromkeys((variant, reader) for variant, reader, _ in found)
    return "\n".join(_sentence(variant, reader, found.get((variant, reader, False), []), found.get((variant, reader, True), []))
                     for variant, reader in pairs)


def _sentence(variant: str, reader: str, unrelated: list[Run], related: list[Run]) -> str:
    where = f"{HEADS.get(variant, variant)}, {READERS.get(reader, reader)}:"
    waited = [run for run in unrelated if run.waits]
    events = f"{sum(run.invalidations for run in unrelated):,} unrelated invalidations"
    control = sum(run.waits for run in related)
    if waited:
        return (f"{where} somebody waited for the cache's lock in {len(waited)} of {counted(len(unrelated), 'run')}, "
                f"{sum(run.waits for run in unrelated):,} times in {events}.")
    if not control:
        return (f"{where} no wait was seen, neither in {events} nor in the related ones, where there should be some: "
                "this says nothing. Two quiet CPUs make it more likely to see them.")
    return (f"{where} nobody waited for it in any of {counted(len(unrelated), 'run')}, {events}; in the runs with related ones, "
            f"which show that waits are seen, somebody waited {control:,} times.")


# --- text ---------------------------------------------------------------------------------------------------------------

def counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of equal length in columns, the first row as heading; all but the first `left` columns are set to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if n < left else cell.rjust(width)
                       for n, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
