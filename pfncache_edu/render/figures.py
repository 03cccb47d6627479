"""Figures of contention: pure functions from what was simulated to a picture, each with a text that says the same.

    lanes(close_up(Workload(), patched=False)).svg()       a lane per CPU: who holds the lock, who waits, and why
    stalls(before, after)                                  how long readers who were turned away waited
    surface(outcomes)                                      the share of readers turned away, over readers and rate
    queue_length(close_up(...))                            how many stand in line at the lock, over time

All take `dark=True` for a dark page. What is told by colour is also told by hatching, and by `text`. Needs matplotlib
(`pip install matplotlib`), which is imported only when a figure is drawn; where it cannot be had, as in a browser, the text is shown.
"""
from __future__ import annotations

import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from ..contention import AFTER, BEFORE, CloseUp, Outcome
from ..interpreters.simulator import Wait

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Theme(NamedTuple):
    """The colours of a page: its ground, its ink, and lines that guide the eye."""
    ground: str
    ink: str
    faint: str


LIGHT, DARK = Theme("#ffffff", "#1b1b1b", "#d0d0d0"), Theme("#14181e", "#e8e8e8", "#4a5058")


class Look(NamedTuple):
    """How a cause is drawn, so that it is told apart without colours, too."""
    colour: str
    hatch: str
    words: str


# Colours by Okabe and Ito ("Color Universal Design", 2008), which colour-blind readers can tell apart.
HOLDS = {"read": Look("#009E73", "", "holds it for read"), "write": Look("#CC79A7", "", "holds it for write")}
WAITS = {"reader, writer holds": Look("#D55E00", "////", "turned away: a writer holds it"),
         "reader, writer waits": Look("#E69F00", "xxx", "turned away: a writer waits for it"),
         "writer": Look("#56B4E9", "\\\\\\\\", "a writer waits until readers are out")}
NOT_DRAWN = "This figure is not drawn: it needs matplotlib (pip install matplotlib), which the Python in a browser cannot have."
VARIANTS = {BEFORE: Look("#D55E00", "////", "before the patch"), AFTER: Look("#0072B2", "\\\\\\\\", "after the patch")}


@dataclass(frozen=True, repr=False)
class Drawn:
    """A figure, and a text that says what can be seen in it; the text alone where there is no matplotlib."""
    figure: Figure | None
    text: str

    def svg(self) -> str:
        """The figure as SVG, an image with its title and the text as its description. The same figure gives the same SVG."""
        if self.figure is None:
            raise ModuleNotFoundError(NOT_DRAWN, name="matplotlib")
        import matplotlib

        with matplotlib.rc_context({"svg.hashsalt": "pfncache", "svg.fonttype": "none"}):
            stream = io.StringIO()
            self.figure.savefig(stream, format="svg", metadata={"Date": None})
        head, picture = stream.getvalue().split("<svg ", 1)
        attributes, content = picture.split(">", 1)
        return (f'{head}<svg role="img" style="max-width:100%;height:auto" {attributes}>\n <title>{escape(self.title)}</title>\n <desc>{escape(self.text)}</desc>{content}')

    @property
    def title(self) -> str:
        """What the picture is of: the titles of its panels."""
        return "; ".join(axes.get_title() for axes in self.figure.axes)

    def _repr_svg_(self) -> str | None:
        return self.svg() if self.figure else None

    def __repr__(self):
        return self.text if self.figure else f"{NOT_DRAWN} What it would show:\n\n{self.text}"


def _can_draw() -> bool:
    return find_spec("matplotlib") is not None


# --- a lane per CPU -----------------------------------------------------------------------------------------------------

def lanes(seen: CloseUp, *, dark: bool = False) -> Drawn:
    """A lane per CPU over time in ns: green and pink who holds the lock, hatched who waits for it and why."""
    if not _can_draw():
        return Drawn(None, lanes_text(seen))
    figure, axes = _figure(dark, height=1.2 + 0.32 * len(seen.threads))
    row = {name: n for n, name in enumerate(seen.threads)}
    used: dict[str, Look] = {}
    for hold in seen.holds:
        _bar(axes, seen, row[hold.thread], hold.entered, hold.left, HOLDS[hold.mode], dark, used)
    for wait in seen.waits:
        _bar(axes, seen, row[wait.thread], wait.asked, wait.entered, WAITS[cause(wait)], dark, used)
    axes.set_yticks(range(len(seen.threads)), seen.threads)
    axes.set_ylim(len(seen.threads) - 0.4, -0.6)
    axes.set_xlim(seen.begin, seen.end)
    axes.set_xlabel("time in ns")
    axes.set_title(f"Who holds the cache's lock and who waits, {VARIANTS[seen.variant].words}")
    _legend(axes, used.values(), dark)
    return Drawn(figure, lanes_text(seen))


def cause(wait: Wait) -> str:
    """Why somebody waits, as a key of WAITS."""
    return "writer" if wait.mode == "write" else f"reader, writer {'waits' if wait.waiting else 'holds'}"


def lanes_text(seen: CloseUp) -> str:
    """Each wait of a close-up in a line, in the order in which they began."""
    lines = [f"From {seen.begin:,.0f} to {seen.end:,.0f} ns, {VARIANTS[seen.variant].words}: "
             f"{len(seen.holds)} times somebody was in the lock, {len(seen.waits)} times somebody waited for it."]
    for wait in sorted(seen.waits, key=lambda w: w.asked):
        how = "still waits" if wait.entered is None else f"waits {wait.entered - wait.asked:,.0f} ns"
        lines.append(f"At {wait.asked:,.0f} ns {wait.thread} {how} to {wait.mode}, behind {wait.behind}, "
                     f"which {'waits itself' if wait.waiting else 'is in it'}.")
    return "\n".join(lines)


def _bar(axes, seen: CloseUp, row: int, begin: float, end: float | None, look: Look, dark: bool, used: dict) -> None:
    begin, end = max(begin, seen.begin), seen.end if end is None else min(end, seen.end)
    axes.barh(row, end - begin, left=begin, height=0.7, color=look.colour, hatch=look.hatch, edgecolor=_theme(dark).ground, linewidth=0)
    used[look.words] = look


# --- how long readers were stalled --------------------------------------------------------------------------------------

def stalls(before: Outcome, after: Outcome, *, dark: bool = False, bins: int = 24) -> Drawn:
    """How many reads were turned away for how long, before and after the patch: ns across, reads up."""
    text = "\n".join(map(stalls_text, (before, after)))
    if not _can_draw():
        return Drawn(None, text)
    figure, axes = _figure(dark)
    longest = max((*before.waits_ns, *after.waits_ns), default=1.0) or 1.0
    edges = [longest * n / bins for n in range(bins + 1)]
    for outcome, place in ((before, -0.22), (after, 0.22)):
        look, counted = VARIANTS[outcome.variant], histogram(outcome.waits_ns, edges)
        wide = longest / bins
        axes.bar([edge + wide * (0.5 + place) for edge in edges[:-1]], counted, width=0.42 * wide, color=look.colour, hatch=look.hatch,
                 edgecolor=_theme(dark).ground, linewidth=0)
    axes.set_xlabel("how long it waited in the lock, in ns")
    axes.set_ylabel("reads that were turned away")
    axes.set_title("How long readers were turned away")
    _legend(axes, [VARIANTS[o.variant]._replace(words=f"{VARIANTS[o.variant].words}: {o.turned_away:,} of {o.reads:,} reads")
                   for o in (before, after)], dark)
    return Drawn(figure, text)


def histogram(values: Iterable[float], edges: list[float]) -> list[int]:
    """How many values lie from each edge to the next one; the last edge belongs to the last interval."""
    counted = [0] * (len(edges) - 1)
    for value in values:
        counted[min(int((value - edges[0]) / (edges[-1] - edges[0]) * len(counted)), len(counted) - 1)] += 1
    return counted


def stalls_text(outcome: Outcome) -> str:
    """The stalls of an outcome in a sentence."""
    told = f"{VARIANTS[outcome.variant].words}: {outcome.turned_away:,} of {outcome.reads:,} reads were turned away"
    if not outcome.waits_ns:
        return told + "."
    ordered = sorted(outcome.waits_ns)
    return f"{told}, half of them for up to {ordered[(len(ordered) - 1) // 2]:,.0f} ns, the longest for {ordered[-1]:,.0f} ns."


# --- readers and rate ---------------------------------------------------------------------------------------------------

def surface(outcomes: Iterable[Outcome], *, dark: bool = False) -> Drawn:
    """The share of reads turned away over rate (across) and readers (up), a panel per variant; the number is in each cell.

    ValueError if there is no outcome of a paced notifier.
    """
    cells = {(o.variant, o.workload.readers, o.workload.rate): o for o in outcomes if o.workload.rate is not None}
    if not cells:
        raise ValueError("there is nothing to draw: give outcomes of paced notifiers, as sweep(grid(Workload())) yields them")
    readers, rates = sorted({key[1] for key in cells}), sorted({key[2] for key in cells})
    text = "\n".join(_row_text(cells, variant, n, rates) for variant in (BEFORE, AFTER) for n in readers)
    if not _can_draw():
        return Drawn(None, text)
    theme = _theme(dark)
    figure, panels = _figure(dark, width=11, height=1.6 + 0.42 * len(readers), panels=2)
    for axes, variant in zip(panels, (BEFORE, AFTER)):
        shares = [[_share(cells.get((variant, n, rate))) for rate in rates] for n in readers]
        axes.imshow(shares, cmap="cividis", vmin=0, vmax=1, origin="lower", aspect="auto")
        for y, row in enumerate(shares):
            for x, share in enumerate(row):
                axes.text(x, y, "-" if math.isnan(share) else f"{100 * share:.3g}", ha="center", va="center", fontsize=8,
                          color=theme.ink if math.isnan(share) else "#000000" if share > 0.5 else "#ffffff")
        axes.set_xticks(range(len(rates)), [f"{rate:,.0f}" for rate in rates], rotation=45, ha="right")
        axes.set_yticks(range(len(readers)), [str(n) for n in readers])
        axes.set_xlabel("invalidations per second")
        axes.set_ylabel("readers")
        axes.set_title(f"% of reads turned away, {VARIANTS[variant].words}")
    return Drawn(figure, text)


def _share(outcome: Outcome | None) -> float:
    return outcome.turned_away / outcome.reads if outcome and outcome.reads else math.nan


def _row_text(cells: dict, variant: str, readers: int, rates: list[float]) -> str:
    shares = ((rate, _share(cells.get((variant, readers, rate)))) for rate in rates)
    told = ", ".join(f"{100 * share:.3g} % at {rate:,.0f}/s" for rate, share in shares if not math.isnan(share))
    return f"{VARIANTS[variant].words}, {readers} reader{'s' * (readers != 1)} turned away: {told or 'not simulated'}"


# --- the queue ----------------------------------------------------------------------------------------------------------

def queue_length(seen: CloseUp, *, dark: bool = False) -> Drawn:
    """How many wait for the lock over time in ns; where the queue is not empty it is hatched."""
    if not _can_draw():
        return Drawn(None, queue_text(seen))
    figure, axes = _figure(dark, height=3)
    steps = queue_steps(seen)
    look = VARIANTS[seen.variant]
    axes.fill_between([time for time, _ in steps], [n for _, n in steps], step="post", facecolor=look.colour, hatch=look.hatch,
                      edgecolor=_theme(dark).ground, linewidth=0)
    axes.set_xlim(seen.begin, seen.end)
    axes.set_ylim(0, max(n for _, n in steps) + 1)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("time in ns")
    axes.set_ylabel("threads in the queue")
    axes.set_title(f"The queue in the cache's lock, {look.words}")
    return Drawn(figure, queue_text(seen))


def queue_steps(seen: CloseUp) -> list[tuple[float, int]]:
    """(time, how many wait from then on), from the begin to the end of the close-up."""
    changes = [(max(wait.asked, seen.begin), 1) for wait in seen.waits]
    changes += [(wait.entered, -1) for wait in seen.waits if wait.entered is not None and wait.entered < seen.end]
    steps, waiting = [(seen.begin, 0)], 0
    for time, change in sorted(changes):
        waiting += change
        steps.append((time, waiting))
    return [*steps, (seen.end, waiting)]


def queue_text(seen: CloseUp) -> str:
    """The queue in a sentence: the longest, and the mean over time."""
    steps = queue_steps(seen)
    area = sum(n * (later - time) for (time, n), (later, _) in zip(steps, steps[1:]))
    return (f"{VARIANTS[seen.variant].words}: at most {max(n for _, n in steps)} wait for the lock at a time, "
            f"{area / (seen.end - seen.begin):.2f} on average over {seen.end - seen.begin:,.0f} ns.")


# --- paper and ink ------------------------------------------------------------------------------------------------------

def _theme(dark: bool) -> Theme:
    return DARK if dark else LIGHT


def _figure(dark: bool, width: float = 9, height: float = 4, panels: int = 1):
    """An empty figure, and its axes or a list of them. No pyplot: nothing is left behind."""
    from matplotlib.figure import Figure

    theme = _theme(dark)
    figure = Figure(figsize=(width, height), facecolor=theme.ground, layout="constrained")
    made = [figure.add_subplot(1, panels, n + 1, facecolor=theme.ground) for n in range(panels)]
    for axes in made:
        axes.tick_params(colors=theme.ink)
        for part in (axes.xaxis.label, axes.yaxis.label, axes.title):
            part.set_color(theme.ink)
        for name, spine in axes.spines.items():
            spine.set_color(theme.faint)
            spine.set_visible(name in ("left", "bottom"))
    return figure, made[0] if panels == 1 else made


def _legend(axes, looks: Iterable[Look], dark: bool) -> None:
    from matplotlib.patches import Patch

    theme = _theme(dark)
    patches = [Patch(facecolor=look.colour, hatch=look.hatch, edgecolor=theme.ground, linewidth=0, label=look.words) for look in looks]
    if patches:
        axes.figure.legend(handles=patches, loc="outside lower center", ncols=2, frameon=False, labelcolor=theme.ink)
