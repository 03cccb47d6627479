"""Lanes: who waits at one reader-writer lock, for whom, and under which rule. A lane is a CPU, time goes to the right.

    Lanes()                                                      the situations of the chapter on the reader-writer lock
    Lanes(situations=[{"title": "…", "rule": "queued", "asks": [0, 1, 2, 3]}])
    Lanes(lanes=[{"who": "vcpu0", "mode": "read", "stays": 4}, …], situations=…)

The reader says who will have to wait, sees it, and then moves the requests about. Every turn that can come out of that was
taken by the simulator's lock when the widget was made (turns.py); the module looks it up.
"""
from __future__ import annotations

import html
import itertools
import textwrap

import traitlets

from ..turns import INTERRUPTS_PASS, QUEUED, READERS_FIRST, RULES, Request, Turn, take_turns, told
from .live_widget import LiveWidget, in_order, module, styles

SLOTS = 8
"""A request is made at one of the times 0 to SLOTS - 1."""

MAX_LANES = 4

LANES = ({"who": "vcpu0", "mode": "read", "stays": 5}, {"who": "notifier", "mode": "write", "stays": 2},
         {"who": "vcpu1", "mode": "read", "stays": 3}, {"who": "handler", "mode": "read", "stays": 2, "in_interrupt": True})

SITUATIONS = (
    {"title": "One slow reader", "rule": QUEUED, "asks": [0, 1, 2, 3], "goal": "vcpu1",
     "story": "vcpu0 is in the lock and takes its time. The notifier asks for it at 1, and nobody writes yet when vcpu1 and the handler come."},
    {"title": "The same, readers first", "rule": READERS_FIRST, "asks": [0, 1, 2, 3], "goal": "notifier",
     "story": "The same four requests. This lock lets every reader in as long as no writer is inside."},
    {"title": "An interrupt comes", "rule": INTERRUPTS_PASS, "asks": [0, 1, 2, 3], "goal": "vcpu1",
     "story": "The same four requests at Linux's lock. The handler asks from interrupt context."},
    {"title": "The interrupt comes later", "rule": INTERRUPTS_PASS, "asks": [0, 1, 2, 6], "goal": "handler",
     "story": "The handler asks at 6, when vcpu0 has left."},
)

RULE_WORDS = {READERS_FIRST: "Readers first: a reader waits only while a writer is inside",
              QUEUED: "Queued: whoever cannot enter stands in line",
              INTERRUPTS_PASS: "Queued, interrupts pass: as queued, but a reader in interrupt context does not stand in line (Linux)"}

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Lanes(LiveWidget):
    """Requests at one lock on lanes; `asks` is when each comes, `rule` is the lock's, both set by the reader."""

    _esm = module("lanes.js")
    _css = styles("lanes.css")

    lanes = traitlets.List().tag(sync=True)           # who, mode, stays, in_interrupt
    situations = traitlets.List().tag(sync=True)      # title, rule, asks, story, goal (whom to make wait), best (how long)
    rules = in_order()                                # rule -> its words
    turns = traitlets.Dict().tag(sync=True)           # what every request can come to: see turns_of()

    situation = traitlets.Int(0).tag(sync=True)
    rule = traitlets.Unicode().tag(sync=True)
    asks = traitlets.List(traitlets.Int()).tag(sync=True)
    predictions = traitlets.Dict().tag(sync=True)     # {title of a situation: who the reader said will wait}

    def __init__(self, lanes=None, situations=None, *, model_id=None, **params):
        """`lanes`: at most four dicts with who, mode, stays and, if it is so, in_interrupt; `situations`: see the module."""
        given = {**({"lanes": lanes} if lanes is not None else {}), **({"situations": situations} if situations is not None else {})}
        super().__init__(model_id, **given, **params)
        self.lanes = [lane_of(lane) for lane in (LANES if lanes is None else lanes)]
        if not 2 <= len(self.lanes) <= MAX_LANES:
            raise ValueError(f"Lanes has 2 to {MAX_LANES} lanes, not {len(self.lanes)}: every order of their requests travels with the page")
        self.rules = RULE_WORDS
        self.turns = turns_of(self.lanes)
        self.situations = [self.situation_of(one) for one in (SITUATIONS if situations is None else situations)]
        if not self.situations:
            raise ValueError("Lanes needs a situation: a dict with title, rule and asks")
        if not 0 <= self.situation < len(self.situations):
            raise ValueError(f"there is no situation {self.situation}: they count from 0 to {len(self.situations) - 1}")
        opened = self.situations[self.situation]
        self.rule, self.asks = self.rule or opened["rule"], self.asks or opened["asks"]

    def situation_of(self, given: dict) -> dict:
        """A situation with all of its fields, and the longest wait that its goal can reach."""
        unknown = [key for key in given if key not in ("title", "rule", "asks", "story", "goal")]
        if unknown or not {"title", "rule", "asks"} <= given.keys():
            raise TypeError(f"{given!r} is not a situation: it has title, rule, asks, and perhaps story and goal")
        names = [lane["who"] for lane in self.lanes]
        if given["rule"] not in RULES:
            raise ValueError(f"there is no rule {given['rule']!r}: there are {', '.join(map(repr, RULES))}")
        if len(given["asks"]) != len(names) or not all(isinstance(at, int) and 0 <= at < SLOTS for at in given["asks"]):
            raise ValueError(f"asks is a time from 0 to {SLOTS - 1} for each of {', '.join(names)}, not {given['asks']}")
        goal = given.get("goal", "")
        if goal and goal not in names:
            raise ValueError(f"the goal names who shall wait, one of {', '.join(names)}, not {goal!r}")
        best = longest_wait(self.turns, names.index(goal), given["rule"]) if goal else 0
        return {"story": "", **given, "asks": list(given["asks"]), "goal": goal, "best": best}

    def static_svg(self) -> str:
        """The first situation under each rule, as a still."""
        return still_picture(self.lanes, self.situations[0])


def lane_of(given: dict) -> dict:
    """A lane with all of its fields."""
    lane = {"in_interrupt": False, **given}
    if lane.keys() != {"who", "mode", "stays", "in_interrupt"} or not isinstance(lane["stays"], int):
        raise TypeError(f"{given!r} is not a lane: it has who, mode (\"read\" or \"write\"), stays (a whole number) and perhaps in_interrupt")
    request_of(lane, 0)
    return lane


def request_of(lane: dict, asks: int) -> Request:
    return Request(lane["who"], lane["mode"], asks, lane["stays"], lane["in_interrupt"])


def orders(lanes: int) -> list[tuple[int, ...]]:
    """The times at which so many requests can be made, the first at 0: later ones only move everything to the right."""
    return [asks for asks in itertools.product(range(SLOTS), repeat=lanes) if min(asks) == 0]


def turns_of(lanes: list[dict]) -> dict:
    """What comes out of every order of requests, under each rule, as text that travels well.

    outcomes   the different ones, a pair of characters for each lane: how long it waits, and behind whom: "." nobody,
               else 2 * lane + (1 if that one waited itself)
    of         rule -> for each of `orders` the number of its outcome, in two digits of base 62
    """
    numbers: dict[str, int] = {}
    of = {}
    for rule in RULES:
        found = [numbers.setdefault(written(lanes, take_turns(map(request_of, lanes, asks), rule)), len(numbers))
                 for asks in orders(len(lanes))]
        of[rule] = "".join(DIGITS[n // 62] + DIGITS[n % 62] for n in found)
    return {"slots": SLOTS, "outcomes": list(numbers), "of": of}


def written(lanes: list[dict], turns: list[Turn]) -> str:
    names = [lane["who"] for lane in lanes]
    return "".join(DIGITS[round(turn.waits)] + (DIGITS[2 * names.index(turn.behind) + turn.waiting] if turn.behind else ".")
                   for turn in turns)


def longest_wait(turns: dict, lane: int, rule: str) -> int:
    """The longest that a lane can be made to wait under a rule."""
    of = turns["of"][rule]
    numbers = {DIGITS.index(of[n]) * 62 + DIGITS.index(of[n + 1]) for n in range(0, len(of), 2)}
    return max(DIGITS.index(turns["outcomes"][n][2 * lane]) for n in numbers)


# --- the still picture --------------------------------------------------------------------------------------------------

LEFT, TICK, ROW = 92, 34, 30
INK, FAINT, READS, WRITES = "#1b2230", "#d5dae2", "#0a58a8", "#8f4300"


def still_picture(lanes: list[dict], situation: dict) -> str:
    """The requests of a situation under each rule: filled who is inside, hatched who waits, with the reason beside it."""
    turns = {rule: take_turns(map(request_of, lanes, situation["asks"]), rule) for rule in RULES}
    end = round(max(turn.leaves for each in turns.values() for turn in each))
    width, top, parts = LEFT + TICK * end + 14, 14, []
    for rule, each in turns.items():
        parts.append(f'<text x="12" y="{top + 14}" font-weight="700">{html.escape(RULE_WORDS[rule].partition(":")[0])}</text>')
        top += 24
        for lane, turn in zip(lanes, each):
            parts.append(lane_picture(lane, turn, top, end))
            top += ROW
        top += 10
    key = (f'<rect x="12" y="{top}" width="20" height="14" fill="url(#pfn-waits)" stroke="{INK}"/>'
           f'<text x="38" y="{top + 12}">waits, and whom it met when it came; time goes to the right</text>')
    said = " ".join(f"{rule.capitalize()}: {'; '.join(map(told, each))}." for rule, each in turns.items())
    title = f"{situation['title']}, under three rules"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top + 26}" width="{width}" height="{top + 26}" role="img" '
            f'style="max-width:100%;height:auto;background:#fff" font-family="system-ui,sans-serif" font-size="13.5" fill="{INK}">'
            f"<title>{html.escape(title)}</title><desc>{html.escape(said)}</desc>"
            '<defs><pattern id="pfn-waits" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<rect width="7" height="7" fill="#fff"/><rect width="2.4" height="7" fill="{INK}"/></pattern></defs>'
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}{key}</svg>\n')


def lane_picture(lane: dict, turn: Turn, top: int, end: int) -> str:
    def bar(begin, until, fill, more=""):
        return f'<rect x="{LEFT + TICK * begin:g}" y="{top + 4}" width="{TICK * (until - begin):g}" height="{ROW - 9}" fill="{fill}"{more}/>'
    why = ""
    if turn.behind:
        words = textwrap.shorten(f"{turn.behind} {'waits' if turn.waiting else 'is in'}", 20)
        why = (bar(turn.request.asks, turn.enters, "url(#pfn-waits)", f' stroke="{INK}"')
               + f'<rect x="{LEFT + TICK * turn.request.asks + 4:g}" y="{top + 7}" width="{7.2 * len(words) + 8:g}" height="{ROW - 15}" fill="#fff"/>'
               + f'<text x="{LEFT + TICK * turn.request.asks + 8:g}" y="{top + 19}" font-size="12.5">{html.escape(words)}</text>')
    return (f'<text x="12" y="{top + 20}">{html.escape(lane["who"])}</text>'
            f'<line x1="{LEFT}" x2="{LEFT + TICK * end}" y1="{top + ROW - 3}" y2="{top + ROW - 3}" stroke="{FAINT}"/>'
            + why + bar(turn.enters, turn.leaves, READS if lane["mode"] == "read" else WRITES)
            + f'<text x="{LEFT + TICK * turn.enters + 6:g}" y="{top + 19}" font-size="12.5" fill="#fff">{lane["mode"]}s</text>')
