"""The stall meter: how many readers an invalidation turns away and for how long, before the patch and after it.

    StallMeter()                                                     the situations of the chapter on unrelated invalidations
    StallMeter(situations=[{"title": "…", "rate": 100_000, "related": 0, "readers": 8, "kind": "threads"}])

The reader places the 99th percentile of the wait on its scale, before and after the patch, then sees both, and turns the four
knobs. What they can be turned to was simulated before (`measure`, contention.py) and lies in stall_meter.json:

    python -m pfncache_edu.widgets.stall_meter                       writes that file anew: about two minutes
"""
from __future__ import annotations

import html
import itertools
import json
import math
import pathlib
import sys
from functools import lru_cache

import traitlets

from ..contention import Outcome, Workload, simulate
from .live_widget import LiveWidget, in_order, module, styles

FILE = pathlib.Path(__file__).with_suffix(".json")
KNOBS = {"rate": (10_000, 100_000, 1_000_000, None), "related": (0, 0.1, 0.5), "readers": (0, 1, 2, 8),
         "kind": ("threads", "half in interrupt context", "half only try")}
"""What the knobs can be turned to; a rate of None is back to back."""

SECONDS, THINK_NS, HOLD_NS = 0.002, 200, 500
EDGES = (0, 50, 100, 200, 400, 800, 1600, 3200, math.inf)
"""Bins of waits, in ns; place 0 on the scale is "no wait", place n the bin that ends at EDGES[n]."""

FIELDS = ("reads", "turned_away", "behind_a_holder", "behind_a_waiter", "trylock_failures", "gave_up", "invalidations",
          "write_locks", "for_nothing", "hook_ns", "reads_per_s", "reads_per_s_half_width", "p99_wait_ns")

SITUATIONS = (
    {"title": "Unrelated, and often", "rate": 1_000_000, "related": 0, "readers": 8, "kind": "threads",
     "story": "Eight vCPUs use one cache nearly all the time. The VMM causes a million events a second, none of which concerns it."},
    {"title": "Nobody reads", "rate": 1_000_000, "related": 0, "readers": 0, "kind": "threads",
     "story": "The same events, and nobody uses the cache. Who gains by the patch?"},
    {"title": "Half of them are related", "rate": 100_000, "related": 0.5, "readers": 8, "kind": "threads",
     "story": "Fewer events, but every second one is about the page of the cache."},
    {"title": "As fast as it can", "rate": None, "related": 0.1, "readers": 1, "kind": "threads",
     "story": "One vCPU, and a notifier that begins the next event as soon as the last one is over; one in ten hits the cache. Compare the "
              "reads per second, not only the waits."},
)


class StallMeter(LiveWidget):
    """Counts and waits of a workload before and after the patch; the four knobs are set by the reader."""

    _esm = module("stall_meter.js")
    _css = styles("stall_meter.css")

    situations = traitlets.List().tag(sync=True)      # title, story, rate, related, readers, kind
    knobs = in_order()
    fields = traitlets.List().tag(sync=True)
    edges = traitlets.List().tag(sync=True)           # the last bin has no end: None
    outcomes = traitlets.Dict().tag(sync=True)        # see measure()

    situation = traitlets.Int(0).tag(sync=True)
    setting = traitlets.List(traitlets.Int()).tag(sync=True)      # the place of each knob, in their order
    predictions = traitlets.Dict().tag(sync=True)     # {title of a situation: [place before, place after]}

    def __init__(self, situations=None, *, model_id=None, **params):
        """`situations`: dicts with title, rate, related, readers, kind and perhaps story, of what the knobs can be turned to."""
        super().__init__(model_id, **({"situations": situations} if situations is not None else {}), **params)
        self.situations = [situation_of(given) for given in (SITUATIONS if situations is None else situations)]
        if not self.situations:
            raise ValueError("a StallMeter needs a situation: a dict with title, " + ", ".join(KNOBS))
        if not 0 <= self.situation < len(self.situations):
            raise ValueError(f"there is no situation {self.situation}: they count from 0 to {len(self.situations) - 1}")
        self.knobs = {name: list(values) for name, values in KNOBS.items()}
        self.fields, self.edges = list(FIELDS), [edge if edge < math.inf else None for edge in EDGES]
        self.outcomes = measured()
        self.setting = self.setting or setting_of(self.situations[self.situation])

    def static_svg(self) -> str:
        """The first situation as a still: the waits of its readers, before and after the patch."""
        return still_picture(self.situations[0])


def situation_of(given: dict) -> dict:
    """A situation with all of its fields."""
    if not isinstance(given, dict) or not {"title", *KNOBS} <= given.keys() or given.keys() - {"title", "story", *KNOBS}:
        raise TypeError(f"{given!r} is not a situation: it has title, {', '.join(KNOBS)}, and perhaps story")
    for name, values in KNOBS.items():
        if given[name] not in values:
            raise ValueError(f"{name} is {given[name]!r}, which was not simulated: take one of {', '.join(map(repr, values))}")
    return {"story": "", **given}


def setting_of(situation: dict) -> list[int]:
    return [values.index(situation[name]) for name, values in KNOBS.items()]


# --- what is simulated --------------------------------------------------------------------------------------------------

def workload_of(rate: float | None, related: float, readers: int, kind: str) -> Workload:
    """The workload that the knobs describe. Half of the readers is rounded down, and the others are threads."""
    special = {"half in interrupt context": "interrupt_readers", "half only try": "trying_readers"}.get(kind)
    return Workload(readers=readers, rate=rate, related=related, hold_ns=HOLD_NS, think_ns=THINK_NS, **({special: readers // 2} if special else {}))


def settings() -> list[tuple]:
    """Every setting of the knobs that differs from the others: half of one reader is none."""
    return [setting for setting in itertools.product(*KNOBS.values()) if setting[2] > 1 or setting[3] == "threads"]


def key_of(setting: tuple) -> str:
    return "".join(str(values.index(value)) for values, value in zip(KNOBS.values(), setting))


def numbers_of(outcome: Outcome) -> list[int]:
    """An outcome as the page carries it: FIELDS, then how many reads waited for how long, by EDGES."""
    away = outcome.turned_away_by
    behind = [sum(n for who, n in away.items() if who.endswith(how)) for how in ("holds", "waits")]
    ordered = sorted(outcome.waits_ns)
    rank = math.ceil(0.99 * outcome.reads) - (outcome.reads - len(ordered)) if outcome.reads else 0
    p99 = ordered[rank - 1] if rank > 0 else 0
    means = [0 if math.isnan(x) else round(x) for x in (outcome.hook.mean, outcome.throughput.mean, outcome.throughput.half_width)]
    bins = [0] * (len(EDGES) - 1)
    for wait in outcome.waits_ns:
        bins[place_of(wait) - 1] += 1
    return [outcome.reads, outcome.turned_away, *behind, outcome.trylock_failures, outcome.gave_up, outcome.invalidations,
            outcome.write_locks, outcome.write_locks_for_nothing, *means, round(p99), *bins]


def place_of(wait_ns: float) -> int:
    """Where a wait is on the scale: 0 for none, else the number of its bin, from 1 on."""
    return next(n for n, edge in enumerate(EDGES) if wait_ns <= edge)


def measure(chosen: list[tuple] | None = None) -> dict[str, list[list[int]]]:
    """key of a setting -> the numbers before and after the patch. Simulates all settings, or those that are chosen."""
    return {key_of(setting): [numbers_of(simulate(workload_of(*setting), patched=patched, seconds=SECONDS)) for patched in (False, True)]
            for setting in (settings() if chosen is None else chosen)}


@lru_cache(1)
def measured() -> dict[str, list[list[int]]]:
    """What `measure` found, from its file."""
    return json.loads(FILE.read_text(encoding="utf-8"))


# --- the still picture --------------------------------------------------------------------------------------------------

BEFORE, AFTER, INK = "#8f4300", "#0a58a8", "#1b2230"


def scale_words() -> list[str]:
    """The places on the scale in words."""
    return ["no wait", *(f"to {edge:,}" for edge in EDGES[1:-1]), "longer"]


def still_picture(situation: dict) -> str:
    """How many reads waited how long, in a situation: a row for each place of the scale, a bar before and one after."""
    numbers = measured()["".join(map(str, setting_of(situation)))]
    told = [told_in_words(situation, name, each) for name, each in zip(("Before the patch", "After the patch"), numbers)]
    rows = list(zip(scale_words(), *([each[0] - each[1], *each[len(FIELDS):]] for each in numbers)))
    most, parts, top = max((max(row[1:]) for row in rows), default=1) or 1, [], 66
    for words, *counts in rows:
        parts.append(f'<text x="12" y="{top + 18}">{words}{"" if words == "no wait" else " ns"}</text>')
        for place, (count, colour) in enumerate(zip(counts, (BEFORE, "url(#pfn-after)"))):
            parts.append(f'<rect x="110" y="{top + 13 * place}" width="{max(460 * count / most, 1.5 if count else 0):.1f}" height="11" fill="{colour}"/>'
                         f'<text x="{116 + 460 * count / most:.1f}" y="{top + 13 * place + 10}" font-size="11">{count:,}</text>')
        top += 34
    title = f"{situation['title']}: how long reads wait in the lock"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 {top + 8}" width="660" height="{top + 8}" role="img" '
            f'style="max-width:100%;height:auto;background:#fff" font-family="system-ui,sans-serif" font-size="13.5" fill="{INK}">'
            f"<title>{html.escape(title)}</title><desc>{html.escape(' '.join(told))}</desc>"
            f'<defs><pattern id="pfn-after" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" '
            f'fill="#fff"/><rect width="4" height="6" fill="{AFTER}"/></pattern></defs><rect width="100%" height="100%" fill="#fff"/>'
            f'<text x="12" y="24" font-weight="700">{html.escape(title)}</text><rect x="12" y="38" width="20" height="12" fill="{BEFORE}"/>'
            f'<text x="38" y="49">before the patch</text><rect x="160" y="38" width="20" height="12" fill="url(#pfn-after)"/>'
            f'<text x="186" y="49">after the patch; the number of reads at each bar</text>{"".join(parts)}</svg>\n')


def told_in_words(situation: dict, when: str, numbers: list[int]) -> str:
    """An outcome in a sentence."""
    of = dict(zip(FIELDS, numbers))
    return (f"{when}: {of['turned_away']:,} of {of['reads']:,} reads were turned away, 99 % of the reads waited for at most {of['p99_wait_ns']:,} ns, "
            f"and {of['for_nothing']:,} write locks were taken for nothing.")


def main() -> int:
    """Simulate everything and write the file."""
    found = {}
    for n, setting in enumerate(settings(), start=1):
        found.update(measure([setting]))
        print(f"\r{n} of {len(settings())}", end="", file=sys.stderr, flush=True)
    lines = ",\n".join(f'"{key}": {json.dumps(numbers, separators=(",", ":"))}' for key, numbers in found.items())
    FILE.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
