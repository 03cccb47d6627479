"""You are the scheduler: the reader decides which CPU runs next, and tries to break the real functions.

    Scheduler()                                                       the levels of the chapter "Look before you lock"
    Scheduler(levels=["page_moves_during_use/clears_under_the_read_lock", "page_moves_during_use"])
    Scheduler(program=page_moves_during_use({gfn_to_pfn_cache_invalidate_start: mine}))
    Scheduler(program=mine, schedule="v2 n14 v2")                     opens with that schedule, and asks for no prediction

A level is "scenario" (the functions as they are in Linux), "scenario/mutant", a Program, or a dict:
`{"scenario": …, "mutant": … or None, "title": …, "goal": …, "hint": …}`, where all but the scenario may be left out.

What a level is made of is searched when the widget is made (`interpreters/tables.py`), so that its module can play
every schedule without Python; and in a notebook `widget.schedule` is what the reader has scheduled, and
`run(widget.program, widget.schedule)` runs it again.
"""
from __future__ import annotations

import difflib
import html
import inspect
import re
import textwrap
import zlib

import traitlets

from .. import scenarios
from ..former_bugs import FORMER_BUGS
from ..interpreters.chances import chance
from ..interpreters.explorer import explore
from ..interpreters.stepper import Stepper
from ..interpreters.tables import tables
from ..mutants import MUTANTS
from ..program import Program
from ..render.diagram import two_cpu_svg
from ..steps import Mistake
from ..verdict import Trace, parse_schedule
from .live_widget import LiveWidget, module, styles
from .sharing import compact, share
from .subgoals import LADDERS, subgoal

MAX_STATES = 5_000
"""The most states that a level may have: its tables travel with the page."""

AS_IN_LINUX = "The functions as they are in Linux 6.12"
NOT_LINUX = {"page_is_taken_without_a_lock"}
"""Scenarios whose threads run no function of the kernel."""

LEVELS = (
    {"scenario": "page_moves_during_use", "mutant": "clears_under_the_read_lock", "title": "A bool needs no write lock"},
    {"scenario": "page_moves_during_use", "mutant": "upgrades_the_read_lock", "title": "Why drop it first?"},
    {"scenario": "page_moves_during_use", "mutant": None, "title": "The patch"},
    {"scenario": "page_moves_during_refresh", "mutant": "looks_without_a_lock", "title": "Only looking"},
    {"scenario": "page_moves_during_use", "mutant": "forgets_the_second_check", "title": "One look is enough"},
    {"scenario": "page_moves_during_refresh", "mutant": "skips_a_busy_cache", "title": "Busy? Next!"},
    {"scenario": "page_moves_during_refresh", "mutant": None, "title": "The patch meets a refresh"},
)
"""What `Scheduler()` offers."""

GOALS = {
    "guest_writes_reach_the_guest": "a guest write lands in a page that was freed",
    "valid_cache_maps_current_page": "a valid cache maps a page that is no longer there",
}
DEADLOCK = "somebody waits or loops for ever"


class Scheduler(LiveWidget):
    """A game of schedules over one or more levels; `schedule` is what the reader has done in `level`."""

    _esm = module("scheduler.js")
    _css = styles("scheduler.css")

    levels = traitlets.List().tag(sync=True)          # one dict per level: its name, title, difference, goal, hint
    data = traitlets.Dict().tag(sync=True)            # the tables of all levels, shared (sharing.py)
    name = traitlets.Unicode().tag(sync=True)         # tells widgets apart in links and in the reader's browser
    predict = traitlets.Bool(True).tag(sync=True)     # whether a level asks for a prediction first

    level = traitlets.Int(0).tag(sync=True)
    schedule = traitlets.Unicode().tag(sync=True)
    predictions = traitlets.Dict().tag(sync=True)     # {level: "breaks" or "holds"}
    claims = traitlets.Dict().tag(sync=True)          # {level: "holds"}, when the reader claimed it
    found = traitlets.Dict().tag(sync=True)           # {level: the shortest schedule that broke it so far}
    hints = traitlets.Dict().tag(sync=True)           # {level: how many were opened}

    def __init__(self, levels=None, *, program: Program | None = None, model_id: str | None = None, **params):
        """`levels`: see the module; `program` is short for one level; `schedule` and `level` say where it opens."""
        if levels is not None and program is not None:
            raise TypeError("give Scheduler either levels or a program, not both")
        if isinstance(levels, (str, Program)):
            raise TypeError(f"levels is a list: write Scheduler(levels=[{levels!r}])")
        given = list(LEVELS) if levels is None and program is None else levels if program is None else [program]
        if not given:
            raise ValueError("a Scheduler needs a level: name one of " + ", ".join(scenario_names()))
        made = [Level(level) for level in given]
        self._programs = [level.program for level in made]
        start = params.pop("level", 0)
        if not (isinstance(start, int) and 0 <= start < len(made)):
            raise ValueError(f"there is no level {start!r}: they count from 0 to {len(made) - 1}")
        schedule = params.pop("schedule", "")
        parse_schedule(self._programs[start], schedule)
        if levels is not None:
            params = {"levels": [level.given for level in made], **params}
        super().__init__(model_id, **params)
        self._params = {**({"program": made[0].name} if program is not None else {}), **self._params,
                        **({"level": start} if start else {}), **({"schedule": schedule} if schedule else {})}
        self.levels = [level.described() for level in made]
        self.data = share(tables_of(made))
        self.name = self.name or f"{zlib.crc32(compact(self.levels).encode()):08x}"
        self.predict = params.get("predict", not schedule)
        self.level = start
        self.schedule = schedule

    @property
    def program(self) -> Program:
        """The program of the level that is open."""
        return self._programs[self.level]

    @property
    def trace(self) -> Trace:
        """What the reader's schedule does, step by step."""
        return tuple(Stepper(self.program, self.schedule).trace)

    @traitlets.validate("level")
    def _level_exists(self, proposal):
        if not 0 <= proposal["value"] < max(len(self._programs), 1):
            raise traitlets.TraitError(f"there is no level {proposal['value']}: they count from 0 to {len(self._programs) - 1}")
        return proposal["value"]

    @traitlets.observe("level")
    def _level_opened(self, change):
        if self.schedule and "schedule" not in self._property_lock:    # else the reader's side has set both
            self.schedule = ""

    @traitlets.validate("schedule")
    def _schedule_can_be_read(self, proposal):
        parse_schedule(self.program, proposal["value"])
        return proposal["value"]

    def static_svg(self) -> str:
        """The first level as a still: the shortest schedule that breaks it, or what was searched in vain."""
        return still_picture(self._programs[0], self.levels[0])


class Level:
    """One level, from the form in which it was given."""

    FIELDS = ("scenario", "mutant", "title", "goal", "hint")

    def __init__(self, given):
        if isinstance(given, Program):
            self.program, self.given, fields = given, given.name, {"title": given.title}
            self.name, self.stored, self.difference = given.name, False, ""
        else:
            fields = self._fields(given)
            scenario, mutant = fields["scenario"], fields.get("mutant")
            self.given = given if isinstance(given, str) else {key: value for key, value in fields.items()}
            self.name, self.stored = f"{scenario}/{mutant}" if mutant else scenario, True
            self.program = scenario_named(scenario)(mutant_named(mutant).livepatch if mutant else {})
            self.difference = mutant_named(mutant).difference if mutant else "" if scenario in NOT_LINUX else AS_IN_LINUX
        self.title = fields.get("title") or self.program.title or self.program.name
        self.goal = fields.get("goal") or "Make it go wrong: " + ", or ".join(
            [GOALS.get(p.name, f"it is no longer true that {p.meaning or p.name}") for p in self.program.properties
             if p.name not in seen_before(self.program.properties, p)] + [DEADLOCK])
        self.hint = fields.get("hint", "")
        try:
            self.tables = tables(self.program, max_states=MAX_STATES)
        except Mistake as mistake:
            if "stopped after" not in str(mistake):
                raise
            raise ValueError(f"level {self.name!r} is too large for a page: {mistake}. A level may have {MAX_STATES:,} "
                             "states: choose a scenario with fewer threads or caches") from None
        if self.tables["verdict"]["outcome"] != "holds":
            found = chance(self.program)
            self.tables["verdict"]["chance"] = {"text": str(found), "runs": found.runs_needed()}

    def _fields(self, given) -> dict:
        if isinstance(given, str):
            scenario, _, mutant = given.partition("/")
            return {"scenario": scenario, "mutant": mutant or None}
        if not isinstance(given, dict) or "scenario" not in given:
            raise TypeError(f"{given!r} is not a level: write \"scenario\", \"scenario/mutant\", a Program, "
                            f"or a dict with {', '.join(self.FIELDS)}")
        unknown = [key for key in given if key not in self.FIELDS]
        if unknown:
            raise TypeError(f"a level has no {unknown[0]!r}: it has {', '.join(self.FIELDS)}")
        return dict(given)

    def described(self) -> dict:
        """What the page says about the level before anybody has played it."""
        return {"name": self.name, "title": self.title, "situation": self.program.title, "difference": self.difference,
                "goal": self.goal, "hint": self.hint, "stored": self.stored}


def seen_before(properties, one) -> list[str]:
    """The names of the properties in front of this one: two caches have the same property, once each."""
    return [p.name for p in properties[:properties.index(one)]]


def scenario_names() -> list[str]:
    """Every scenario that a level can name."""
    return [name for name, function in vars(scenarios).items()
            if inspect.isfunction(function) and function.__module__ == scenarios.__name__
            and "livepatch" in inspect.signature(function).parameters and not name.startswith("_")]


def scenario_named(name: str):
    if name not in scenario_names():
        raise ValueError(f"there is no scenario {name!r}{like(name, scenario_names())}; there are {', '.join(scenario_names())}")
    return getattr(scenarios, name)


def mutant_named(name: str):
    """A variant, or a bug that the kernel once had."""
    known = MUTANTS | FORMER_BUGS
    if name not in known:
        raise ValueError(f"there is no mutant {name!r}{like(name, known)}; there are {', '.join(known)}. "
                         "Leave it out for the functions as they are")
    return known[name]


def like(name, known) -> str:
    near = difflib.get_close_matches(str(name), list(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def tables_of(levels: list[Level]) -> dict:
    """The tables of all levels over one list of source files, each node with its rung of a sub-goal ladder."""
    files: list[dict] = []
    for level in levels:
        numbers = []
        for file in level.tables["files"]:
            if file not in files:
                files.append(file)
            numbers.append(files.index(file))
        for thread in level.tables["threads"]:
            for node in thread["nodes"]:
                rung = subgoal(level.tables, node)
                if rung:
                    node["subgoal"] = [rung[0], LADDERS[rung[0]].index(rung[1])]
        for thread in level.tables["threads"]:
            for node in thread["nodes"]:
                node["stack"] = [[numbers[file], *place] for file, *place in node["stack"]]
    return {"files": files, "ladders": {name: list(rungs) for name, rungs in LADDERS.items()},
            "levels": [{key: value for key, value in level.tables.items() if key != "files"} for level in levels]}


# --- the still picture --------------------------------------------------------------------------------------------

def still_picture(program: Program, level: dict) -> str:
    """A deterministic SVG: the shortest schedule that breaks the level; if none does, one that ran to its end."""
    verdict = explore(program)
    title = f"{level['title']}. {level['difference'] or level['situation']}".replace("`", "")
    ending = (f"Goes wrong after {len(verdict.trace)} steps: the shortest schedule that breaks it" if verdict.trace
              else f"It {verdict}. Here is one of its schedules")
    return with_caption([title, ending], two_cpu_svg(verdict if verdict.trace else one_after_the_other(program), title=title))


def with_caption(lines: list[str], svg: str) -> str:
    """A picture with lines of text above it, the first one bold."""
    width, height = (float(number) for number in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
    lines = [(part, weight) for line, weight in zip(lines, ("700", "400")) for part in textwrap.wrap(line, int(width / 8.6))]
    top = 22 * len(lines) + 14
    texts = "".join(f'<text x="12" y="{22 * n + 24}" font-weight="{weight}" fill="#1b1f24">{html.escape(line)}</text>'
                    for n, (line, weight) in enumerate(lines))
    whole = html.escape(" ".join(line for line, _ in lines))
    described, drawing = svg[svg.index("<desc>"):svg.rindex("</svg>")].split("</desc>", 1)
    font = re.search(r'font-family="[^"]*" font-size="[^"]*"', svg)[0]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height + top:.0f}" width="{width:.0f}" '
            f'height="{height + top:.0f}" role="img" style="max-width:100%;height:auto;background:#fff" font-family="system-ui,sans-serif" '
            f'font-size="13.5"><title>{whole}</title>{described}</desc><rect width="100%" height="100%" fill="#fff"/>{texts}'
            f'<g transform="translate(0 {top})" {font}>{drawing}</g></svg>\n')


def one_after_the_other(program: Program) -> Trace:
    """A run in which every thread goes on for as long as it can, the first one first."""
    machine = Stepper(program)
    while machine.choices():
        machine.step(machine.choices()[0])
    return tuple(machine.trace)
