"""When does an event meet a refresh so that a stale page is published? A map of all the places where its halves can fall.

    RetryMap()                                                        the variants of the chapter "When refresh meets invalidate"
    RetryMap(variants=["page_moves_during_refresh/forgets_the_count", "page_moves_during_refresh"])

The event is cut in two. Its first part runs when the refresh has taken `x` steps, its second part when it has taken `y`;
what has to wait for a lock runs as soon as it gets it. Every such schedule is run here, on the tables of the tested
functions (`interpreters/tables.py`), and its outcome is one letter of a map. The module draws, and looks up. In a notebook,
`widget.place` is where the reader is, and `run(widget.program, widget.schedule)` runs that schedule again.
"""
from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import traitlets

from ..interpreters.explorer import explore
from ..interpreters.tables import tables
from ..kvm.pfncache import mmu_notifier_retry_cache
from ..program import Program
from ..verdict import Verdict
from .live_widget import LiveWidget, in_order, module, styles
from .scheduler import AS_IN_LINUX, mutant_named, scenario_named
from .subgoals import LADDERS, subgoal

VARIANTS = ("page_moves_during_refresh", "page_moves_during_refresh/forgets_the_count",
            "page_moves_during_refresh/forgets_the_sequence", "page_moves_during_refresh/snapshots_after_the_lookup",
            "page_moves_during_refresh/decides_before_it_retakes_the_lock", "page_moves_during_refresh/announces_after_the_walk",
            "page_moves_during_refresh/asks_the_count_of_the_page_faults",
            "page_moves_during_refresh/retires_before_it_leaves_a_trace", "page_outside_memslots_moves_during_refresh")
"""What `RetryMap()` offers."""

CUTS = {
    "move": "after start, before the page moves",
    "start": "in the middle of start, when the caches were visited",
    "end": "in the middle of end, before its last part",
}
"""Where the event can be cut in two."""

PUBLISH, COUNT, SEQUENCE, WITHDRAWN, STALE = "pcswX"
OUTCOMES = {
    PUBLISH: ("publish", "the two do not meet, and the page that is published is the right one"),
    COUNT: ("retry: count", "the refresh finds the event count up, and looks again"),
    SEQUENCE: ("retry: sequence", "the refresh finds another sequence number, and looks again"),
    WITHDRAWN: ("withdrawn", "published in time for the event to withdraw it; its user refreshes again"),
    STALE: ("STALE", "a page that has moved is published, and stays valid"),
}
"""The letters of a map: what each is called, and what happened."""

REFRESHER, EVENT = 0, 1


class RetryMap(LiveWidget):
    """Sliders for the two parts of an event, the schedule that they make, and the map of all such schedules."""

    _esm = module("retry_map.js")
    _css = styles("retry_map.css")

    variants = traitlets.List().tag(sync=True)
    maps = traitlets.List().tag(sync=True)            # one dict per variant: see `mapped`
    outcomes = in_order()
    cuts = in_order()
    rungs = traitlets.List().tag(sync=True)
    place = traitlets.Unicode().tag(sync=True)        # "VARIANT~CUT~x~y": where the reader is

    def __init__(self, model_id=None, **params):
        """`variants`: a list of "scenario" or "scenario/variant", all of a vcpu0 that refreshes and a notifier."""
        given = params.get("variants", list(VARIANTS))
        if isinstance(given, str):
            raise TypeError(f"variants is a list: write RetryMap(variants=[{given!r}])")
        if not given:
            raise ValueError(f"a RetryMap needs a variant: name one, such as {VARIANTS[0]!r}")
        maps = [mapped(name) for name in given]
        super().__init__(model_id, **params)
        self.variants = list(given)
        self.maps = maps
        self.outcomes = {letter: list(told) for letter, told in OUTCOMES.items()}
        self.cuts = CUTS
        self.rungs = list(LADDERS["refresh"])

    @traitlets.validate("place")
    def _place_exists(self, proposal):
        given = self._params.get("variants", list(VARIANTS))
        name, cut, x, y = place_of(proposal["value"]) if proposal["value"] else (given[0], "move", 0, 0)
        if name not in given or cut not in CUTS or not 0 <= x <= y <= len(mapped(name)["steps"]):
            raise traitlets.TraitError(f"there is no place {proposal['value']!r}: write VARIANT~CUT~x~y, with a variant of {', '.join(given)}, "
                                       f"a cut of {', '.join(CUTS)}, and numbers of steps x <= y, such as {given[0]}~move~9~12")
        return proposal["value"]

    @property
    def program(self) -> Program:
        """What runs at the reader's place."""
        return program_named(place_of(self.place)[0])

    @property
    def schedule(self) -> str:
        """The schedule at the reader's place, as a string that replays anywhere."""
        name, cut, x, y = place_of(self.place)
        play, begin = played(name)
        paused = paused_at(play, begin, parts_of_the_event(play, cut)[0], x)
        return play.schedule(ended(play, run_refresher_to(play, paused, y, begin)))

    def static_svg(self) -> str:
        """The maps of the first variants beside each other, with what their patterns mean."""
        return still_picture(self.maps)


# --- the maps ---------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Moment:
    """Where both threads and all cells are, and what has happened so far, on tables."""
    nodes: tuple[int, ...]
    cells: tuple[int, ...]
    threads: tuple[int, ...] = ()                     # who took the steps
    wrong: str = ""
    asked: str = ""                                   # COUNT or SEQUENCE once a retry was decided by it
    withdrawn: bool = False                           # whether the event has cleared `valid`


class Play:
    """A program of a refresher and an event as tables, and how to run it. `retry_tests` names the functions that decide."""

    def __init__(self, given: dict, retry_tests: set[str]):
        self.tables, self.retry_tests = given, retry_tests
        self.names = [cell["name"] for cell in given["cells"]]
        functions = [file["function"] for file in given["files"]]
        self.stacks = [[[functions[frame[0]] for frame in node["stack"]] for node in thread["nodes"]] for thread in given["threads"]]
        self.moves = [[{numbers(key): move for key, move in node["moves"].items()} for node in thread["nodes"]] for thread in given["threads"]]
        self.invariants = [(one["cells"], {numbers(key): sentence for key, sentence in one["wrong"].items()}) for one in given["invariants"]]
        self.start = Moment(tuple(0 for _ in given["threads"]), tuple(0 for _ in given["cells"]))

    def node(self, moment: Moment, thread: int) -> dict:
        return self.tables["threads"][thread]["nodes"][moment.nodes[thread]]

    def calls(self, moment: Moment, thread: int) -> list[str]:
        """The functions that the thread is in, outermost first; none when it is done."""
        return self.stacks[thread][moment.nodes[thread]]

    def move(self, moment: Moment, thread: int):
        node = self.node(moment, thread)
        return node["verb"] and self.moves[thread][moment.nodes[thread]][tuple(moment.cells[cell] for cell in node["cells"])]

    def step(self, moment: Moment, thread: int) -> Moment:
        """One step later. What is wrong with it is in `wrong`."""
        node, move, calls = self.node(moment, thread), self.move(moment, thread), self.calls(moment, thread)
        threads = (*moment.threads, thread)
        if "wrong" in move:
            return Moment(moment.nodes, moment.cells, threads, move["wrong"], moment.asked, moment.withdrawn)
        after = self.after(moment, thread, move)
        changed = self.names[node["cells"][0]] if node["cells"] else ""
        return Moment(after.nodes, after.cells, threads, self.broken(after),
                      moment.asked or self.decided(calls, changed, after, thread),
                      moment.withdrawn or thread == EVENT and changed.endswith(".valid") and node["verb"] == "store")

    def broken(self, moment: Moment) -> str:
        return next((sentence for cells, wrong in self.invariants if (sentence := wrong.get(tuple(moment.cells[cell] for cell in cells)))), "")

    def decided(self, calls: list[str], cell: str, after: Moment, thread: int) -> str:
        """Whether this step, of the retry test, was its last one and sends the refresh round again; and by what it was decided."""
        if thread != REFRESHER or not self.retry_tests.intersection(calls) or self.retry_tests.intersection(self.calls(after, thread)):
            return ""
        return (SEQUENCE if cell.endswith("_seq") else COUNT) if self.goes_round(after) else ""

    def goes_round(self, moment: Moment) -> bool:
        """Whether the refresh, left alone, looks the page up once more before it drops refresh_lock."""
        while self.calls(moment, REFRESHER)[-1:] != ["kvm_gpc_refresh"] and self.move(moment, REFRESHER):
            if "hva_to_pfn" in self.calls(moment, REFRESHER):
                return True
            moment = self.after(moment, REFRESHER, self.move(moment, REFRESHER))
        return False

    def after(self, moment: Moment, thread: int, move: dict) -> Moment:
        """Where everybody is after a move that breaks nothing."""
        cells, nodes = list(moment.cells), list(moment.nodes)
        for cell, value in zip(self.node(moment, thread)["cells"], move["set"]):
            cells[cell] = value
        nodes[thread] = move["to"]
        return Moment(tuple(nodes), tuple(cells))

    def run(self, moment: Moment, thread: int, until=lambda moment: False) -> Moment:
        """Let a thread go on until it is done, until something is wrong, or until `until`; where it waits, the other one goes on."""
        while not moment.wrong and not until(moment) and self.node(moment, thread)["verb"]:
            moment = self.step(moment, thread if self.move(moment, thread) else 1 - thread)
        return moment

    def schedule(self, moment: Moment) -> str:
        return " ".join(f"{self.tables['threads'][thread]['letter']}{len(list(run))}" for thread, run in groupby(moment.threads))


def numbers(key: str) -> tuple[int, ...]:
    """The values in the key of a move or of an invariant: "3,0"."""
    return tuple(map(int, key.split(","))) if key else ()


@cache
def mapped(name: str) -> dict:
    """A variant with its maps, as the module gets it.

    steps    [[words, rung], …] the steps of a refresh that nobody disturbs, each with its sub-goal
    parts    {cut: [words, words]} what the two parts of the event do
    maps     {cut: letters} row by row: y = 0, 1, …, in each row x = 0 … y
    stale    {cut: {"x,y": schedule}} the schedules behind the letter X
    """
    scenario, _, variant = name.partition("/")
    program = program_named(name)
    verdict = explore(program)
    play, begin = played(name)
    steps = refresh_steps(play, begin)
    maps, stale, parts = {}, {}, {}
    for cut in CUTS:
        sizes = parts_of_the_event(play, cut)
        parts[cut] = [told(play, 0, sizes[0]), told(play, sizes[0], sizes[1])]
        maps[cut], stale[cut] = one_map(play, begin, len(steps), sizes[0])
    return {"name": name, "title": variant.replace("_", " ") or ("Linux 6.12" if scenario == "page_moves_during_refresh" else "Linux 6.12, outside all memslots"),
            "difference": (mutant_named(variant).difference if variant else AS_IN_LINUX) + ".", "situation": program.title + ".", "verdict": told_verdict(verdict),
            "holds": verdict.holds, "steps": steps, "parts": parts, "maps": maps, "stale": stale}


def program_named(name: str) -> Program:
    """The program of "scenario" or "scenario/variant"."""
    scenario, _, variant = name.partition("/")
    return scenario_named(scenario)(mutant_named(variant).livepatch if variant else {})


def place_of(text: str) -> tuple[str, str, int, int]:
    """The variant, the cut and the two numbers of a place; a cut that does not exist if it cannot be read."""
    match = re.fullmatch(r"(.*)~(\w+)~(\d+)~(\d+)", text)
    return (match[1], match[2], int(match[3]), int(match[4])) if match else (text, "", 0, 0)


@cache
def played(name: str) -> tuple[Play, Moment]:
    """A variant, and the moment at which its refresh begins."""
    variant = name.partition("/")[2]
    replaces = variant and mutant_named(variant).replaces is mmu_notifier_retry_cache
    play = Play(tables(program_named(name)), {mmu_notifier_retry_cache.__name__, *([variant] if replaces else [])})
    begin = play.run(play.start, REFRESHER, lambda moment: "kvm_gpc_refresh" in play.calls(moment, REFRESHER))
    if not begin.threads or not play.calls(begin, REFRESHER):
        raise ValueError(f"{name!r} has no refresh in it: choose a scenario in which vcpu0 refreshes")
    return play, begin


def told_verdict(verdict: Verdict) -> str:
    if verdict.holds:
        return f"The explorer says that it holds: {verdict.states:,} states, all of them."
    return f"The explorer says that it is broken; the shortest schedule has {len(verdict.threads)} steps: {verdict.schedule}."


def refresh_steps(play: Play, moment: Moment) -> list:
    """The steps of an undisturbed refresh, in words, each with the number of its sub-goal."""
    steps = []
    while "kvm_gpc_refresh" in play.calls(moment, REFRESHER):
        node = play.node(moment, REFRESHER)
        steps.append([play.move(moment, REFRESHER)["words"], LADDERS["refresh"].index(subgoal(play.tables, node)[1])])
        moment = play.step(moment, REFRESHER)
    return steps


def phases_of_the_event(play: Play) -> list[str]:
    """Which part each step of an event belongs to that nobody disturbs: announce, walk, begin, move, trace or retire."""
    phases, moment = [], play.start
    while play.node(moment, EVENT)["verb"]:
        calls, node = play.calls(moment, EVENT), play.node(moment, EVENT)
        cell = play.names[node["cells"][0]] if node["cells"] else ""
        ends = any("range_end" in call or call == "retires_before_it_leaves_a_trace" for call in calls)
        phases.append("move" if calls == ["move_page"] else
                      ("retire" if ends else "announce") if "mn_" in cell else
                      "trace" if ends else "walk" if "gfn_to_pfn_cache_invalidate_start" in calls else "begin")
        moment = play.step(moment, EVENT)
    return phases


def parts_of_the_event(play: Play, cut: str) -> tuple[int, int]:
    """How many steps an undisturbed event takes before the cut, and in all."""
    phases = phases_of_the_event(play)
    runs = [(phase, len(list(run))) for phase, run in groupby(phases)]
    move = next(n for n, (phase, _) in enumerate(runs) if phase == "move")
    walk = next(n for n, (phase, _) in enumerate(runs) if phase == "walk")
    before = {"start": walk + 1, "move": move, "end": min(move + 2, len(runs) - 1)}[cut]
    return sum(size for _, size in runs[:before]), len(phases)


def told(play: Play, first: int, last: int) -> str:
    """What an event does from one of its steps to another, in a few words."""
    words = {"announce": "raises the count", "walk": "visits the caches", "begin": "begins the zap", "move": "the page moves",
             "trace": "raises the sequence number", "retire": "lowers the count"}
    return ", ".join(words[phase] for phase, _ in groupby(phases_of_the_event(play)[first:last]))


def paused_at(play: Play, begin: Moment, first: int, x: int) -> Moment:
    """The moment after the event's first part, of `first` steps, which begins when the refresh has taken x."""
    return play.run(run_refresher_to(play, begin, x, begin), EVENT, lambda moment: moment.threads.count(EVENT) == first)


def one_map(play: Play, begin: Moment, steps: int, first: int) -> tuple[str, dict[str, str]]:
    """The letters of a map, and the schedules that end stale. `first` is the size of the event's first part."""
    letters, stale = [], {}
    paused = [paused_at(play, begin, first, x) for x in range(steps + 1)]
    for y in range(steps + 1):
        for x in range(y + 1):
            moment = ended(play, run_refresher_to(play, paused[x], y, begin))
            letters.append(letter_of(moment))
            if moment.wrong:
                stale[f"{x},{y}"] = play.schedule(moment)
    return "".join(letters), stale


def run_refresher_to(play: Play, moment: Moment, steps: int, begin: Moment) -> Moment:
    """Let the refresher go on until it has taken so many steps of its refresh."""
    wanted = begin.threads.count(REFRESHER) + steps
    return play.run(moment, REFRESHER, lambda moment: moment.threads.count(REFRESHER) >= wanted)


def ended(play: Play, moment: Moment) -> Moment:
    """Let the event end, then the refresher."""
    return play.run(play.run(moment, EVENT), REFRESHER)


def letter_of(moment: Moment) -> str:
    return STALE if moment.wrong else WITHDRAWN if moment.withdrawn else moment.asked or PUBLISH


# --- the still picture --------------------------------------------------------------------------------------------

CELL, GAP, TOP, BELOW, SHOWN = 11, 40, 50, 34, 4
PAINT = {PUBLISH: "#e7f5ea", COUNT: "#dbe8f7", SEQUENCE: "#f3e3bd", WITHDRAWN: "#e9e9ee", STALE: "#a8201a"}
SIGNS = {PUBLISH: "", COUNT: "c", SEQUENCE: "s", WITHDRAWN: "w", STALE: "✕"}


def still_picture(maps: list[dict]) -> str:
    """A deterministic SVG: the first maps and the last one, where the event pauses before the page moves, and a legend."""
    shown = maps[:SHOWN - 1] + maps[-1:] if len(maps) > SHOWN else maps
    size = (max(len(one["steps"]) for one in shown) + 1) * CELL
    width, row = 2 * (size + GAP) + 20, size + TOP + BELOW
    height = (len(shown) + 1) // 2 * row
    parts = [still_map(one, GAP + n % 2 * (size + GAP), TOP + n // 2 * row, size) for n, one in enumerate(shown)]
    legend = [f'<rect x="{GAP}" y="{height + 6 + 20 * n}" width="12" height="12" fill="{PAINT[letter]}" stroke="#505a69"/>'
              f'{sign(letter, GAP + 6, height + 15.5 + 20 * n)}<text x="{GAP + 20}" y="{height + 16 + 20 * n}">'
              f'<tspan font-weight="700">{html.escape(name)}</tspan>: {html.escape(what)}</text>'
              for n, (letter, (name, what)) in enumerate(OUTCOMES.items())]
    rungs = ", ".join(f"{n} {name}" for n, name in enumerate(LADDERS["refresh"], start=1))
    whole = height + 20 * len(OUTCOMES) + 30
    told = "; ".join(f"{one['title']}: {stale_places(one)}" for one in shown)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole}" width="{width}" height="{whole}" role="img" '
            f'style="max-width:100%;height:auto;background:#fff" font-family="system-ui,sans-serif" font-size="11.5" fill="#1b2230">'
            f"<title>Where the two parts of an event fall into a refresh, and what comes of it</title><desc>{html.escape(told)}</desc>"
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}{"".join(legend)}'
            f'<text x="{GAP}" y="{whole - 8}" font-size="10.5">{rungs}</text></svg>')


def stale_places(one: dict) -> str:
    stale, all_ = one["maps"]["move"].count(STALE), len(one["maps"]["move"])
    return f"{stale} of {all_} places end stale" if stale else f"none of {all_} places ends stale"


def still_map(one: dict, left: float, top: float, size: int) -> str:
    """One map with its title; below and beside it, the sub-goals of the refresh by their numbers."""
    letters, cells, bottom = iter(one["maps"]["move"]), [], top + size
    for y in range(len(one["steps"]) + 1):
        x, over = left, bottom - (y + 1) * CELL
        for letter, run in groupby(next(letters) for _ in range(y + 1)):
            count = len(list(run))
            cells.append(f'<rect x="{x}" y="{over}" width="{count * CELL}" height="{CELL - 1}" fill="{PAINT[letter]}"/>'
                         f"{sign(letter, x + CELL / 2, over + CELL - 3, count)}")
            x += count * CELL
    places = [[n for n, (_, rung) in enumerate(one["steps"]) if rung == wanted] for wanted in range(len(LADDERS["refresh"]))]
    middles = [(number, (sum(at) / len(at) + 0.5) * CELL) for number, at in enumerate(places, start=1) if at]
    axes = "".join(f'<text x="{left + at:.1f}" y="{bottom + 11}" text-anchor="middle" font-size="9">{number}</text>'
                   f'<text x="{left - 8}" y="{bottom - at + 3:.1f}" text-anchor="middle" font-size="9">{number}</text>' for number, at in middles)
    return (f'<text x="{left}" y="{top - 24}" font-weight="700">{html.escape(one["title"])}</text><text x="{left}" y="{top - 9}">{stale_places(one)}</text>'
            + "".join(cells) + axes + f'<text x="{left}" y="{bottom + 24}" font-size="10.5">first part later →</text>'
            f'<text transform="translate({left - 18} {bottom}) rotate(-90)" font-size="10.5">second part later →</text>')


def sign(letter: str, x: float, y: float, count: int = 1) -> str:
    """The sign of a place of the map, or of several beside each other, so that no meaning rests on colour."""
    fill, at = "#ffffff" if letter == STALE else "#505a69", " ".join(f"{x + n * CELL:g}" for n in range(count))
    return f'<text x="{at}" y="{y}" font-size="8" text-anchor="middle" fill="{fill}">{SIGNS[letter] * count}</text>' if SIGNS[letter] else ""
