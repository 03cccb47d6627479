"""Life of one cache: its owner, its user and the host take turns, and the reader says who does what.

    CacheLife()                          opens before the cache is set up
    CacheLife(history="iap")             after init, activate, and a move of the page

A letter is one call, run to its end by the tested functions with nobody else about. Every state that the calls can lead
to is computed when the widget is made, so its module only looks up: which fields change, what the call answers, which of
its questions kvm_gpc_check() came to, and where the user's code stands.
"""
from __future__ import annotations

import functools
import html
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import traitlets

from ..interpreters.stepper import Stepper
from ..kvm.host_mm import move_page, write_guest
from ..kvm.memslots import kvm_set_memory_region
from ..kvm.pfncache import kvm_gpc_activate, kvm_gpc_check, kvm_gpc_deactivate, kvm_gpc_init, kvm_gpc_refresh
from ..kvm.structs import (EFAULT, PAGE_SIZE, gfn_to_pfn_cache, is_error_noslot_pfn, kvm, kvm_is_error_gpa, kvm_is_error_hva,
                           kvm_memory_slot, kvm_memslots, mm_struct)
from ..locks import read_lock_irq, read_unlock_irq
from ..program import Program, Thread
from ..properties import guest_writes_reach_the_guest
from ..scenarios import ELSEWHERE, FIRST_PAGE, invalidate, use_guest_page
from ..steps import Cell, Steps, kernel
from .live_widget import LiveWidget, module, styles
from .sharing import share

GPA = 5 * PAGE_SIZE + 0x40                     # the guest address that is cached, and the slot that has it
SLOT = kvm_memory_slot(4, 4, FIRST_PAGE - PAGE_SIZE, id=0)
NEIGHBOUR = kvm_memory_slot(64, 4, ELSEWHERE, id=1)
LAST_GENERATION = 5
"""When the memslots have changed so often, they stay: so that there is an end to the states."""


# --- what can be done: one call, run to its end ----------------------------------------------------------------------

@kernel
def check_under_the_lock(gpc: gfn_to_pfn_cache) -> Steps[bool]:
    """What kvm_gpc_check() answers to somebody who holds the read lock."""
    yield read_lock_irq(gpc.lock)
    ok = yield from kvm_gpc_check(gpc, 8)
    yield read_unlock_irq(gpc.lock)
    return ok


@kernel
def write_unchecked(gpc: gfn_to_pfn_cache) -> Steps[None]:
    """A user who goes by what he was told the last time: he takes the lock and writes."""
    yield read_lock_irq(gpc.lock)
    yield write_guest(gpc.kvm.mm, (yield gpc.khva))
    yield read_unlock_irq(gpc.lock)


class LittleWorld:
    """A VM with two memslots to change, and one cache whose memory was cleared and nothing else."""

    def __init__(self):
        self.mm = mm_struct("mm", {FIRST_PAGE: "A"})
        self.kvm = kvm("kvm", mm=self.mm, memslots=kvm_memslots(1, (SLOT,)))
        self.gpc = gfn_to_pfn_cache("gpc", kvm=self.kvm, gpa=0, uhva=0, pfn=0)
        self.page = self.mm.pte[FIRST_PAGE]
        gpc = self.gpc
        self.cells = (gpc.active, gpc.gpa, gpc.generation, gpc.uhva, gpc.valid, gpc.pfn, gpc.khva, gpc.memslot,
                      self.kvm.gpc_list, self.kvm.memslots, self.page)

    def start(self) -> dict[Cell, object]:
        return {cell: cell.initial for cell in self.cells}


@dataclass(frozen=True)
class Call:
    """A thing that somebody does: a letter, who does it, the words on its button, and the kernel function behind it."""
    letter: str
    who: str
    label: str
    of: Callable[[LittleWorld, dict], tuple | None]        # (function, *arguments), or None: not now
    line: str = ""                                         # the piece of use_guest_page() that it is


def _set_slot(world: LittleWorld, now: dict, slot: kvm_memory_slot) -> tuple | None:
    """Take a memslot away if it is there, put it in if not."""
    slots = now[world.kvm.memslots]
    if not now[world.gpc.pfn] or slots.generation >= LAST_GENERATION - 1:
        return None
    return kvm_set_memory_region, world.kvm, slot._replace(npages=0) if slot in slots.slots else slot


def _once_set_up(call: Callable) -> Callable:
    return lambda world, now: call(world, now) if now[world.gpc.pfn] else None


CALLS = (
    Call("i", "owner", "init", lambda world, now: None if now[world.gpc.pfn] else (kvm_gpc_init, world.gpc, world.kvm)),
    Call("a", "owner", "activate", _once_set_up(lambda world, now: (kvm_gpc_activate, world.gpc, GPA, 8))),
    Call("x", "owner", "deactivate", _once_set_up(lambda world, now: (kvm_gpc_deactivate, world.gpc))),
    Call("c", "user", "check", _once_set_up(lambda world, now: (check_under_the_lock, world.gpc)), "kvm_gpc_check"),
    Call("r", "user", "refresh", _once_set_up(lambda world, now: (kvm_gpc_refresh, world.gpc, 8)), "kvm_gpc_refresh"),
    Call("u", "user", "write, unchecked", _once_set_up(lambda world, now: (write_unchecked, world.gpc)), "write_guest"),
    Call("p", "host", "move the page", _once_set_up(
        lambda world, now: (move_page, world.kvm, FIRST_PAGE, "B" if now[world.page] == "A" else "A"))),
    Call("e", "host", "free memory elsewhere", _once_set_up(
        lambda world, now: (invalidate, world.kvm, ELSEWHERE, ELSEWHERE + PAGE_SIZE))),
    Call("s", "host", "change another memslot", lambda world, now: _set_slot(world, now, NEIGHBOUR)),
    Call("d", "host", "delete or restore the page's memslot", lambda world, now: _set_slot(world, now, SLOT)),
)
WHO = {"owner": "Its owner", "user": "A user", "host": "VMM and host"}
BY_LETTER = {call.letter: call for call in CALLS}


def run_alone(world: LittleWorld, now: dict, function, *arguments) -> tuple[Stepper, dict]:
    """One call from a state to its end: the machine, with the trace and what the call returned, and the state after it."""
    machine = Stepper(Program("life", (Thread("it", function, arguments),), (guest_writes_reach_the_guest,)))
    machine.values.update(now)
    while not machine.waits("it") and not machine.wrong:
        machine.step("it")
    return machine, {cell: machine.value(cell) for cell in world.cells}


# --- what a state is called, and what a call tells --------------------------------------------------------------------

BOXES = {"zeroed": ("cleared", "nothing is set"), "inactive": ("inactive", "not on the list"),
         "usable": ("usable", "check says True"), "withdrawn": ("withdrawn", "valid is False"),
         "outdated": ("outdated", "old generation"), "empty": ("empty", "refresh failed")}
QUESTIONS = {"active": "is it active?", "generation": "is it of today's memslots?", "uhva": "has it a user address?",
             "valid": "is it valid?"}
REASONS = {"active": "the cache is not active", "generation": "it is of other memslots than today's",
           "uhva": "it has no user address", "valid": "it is not valid"}

GOALS = {
    "not_active": "make check say False because the cache is not active",
    "not_valid": "make check say False because the page was withdrawn",
    "generation": "make check say False while `valid` is True",
    "no_address": "make check say False because there is no user address",
    "cheap": "make refresh succeed without looking the page up",
    "fails": "make refresh fail, and look which box the cache is in then",
    "freed": "make a user write to a page that was freed",
}


def box_of(world: LittleWorld, now: dict) -> str:
    """The box of the diagram that a state belongs to. Whether check says True, check itself is asked."""
    gpc = world.gpc
    if not now[gpc.pfn]:
        return "zeroed"
    if not now[gpc.active]:
        return "inactive"
    if run_alone(world, now, check_under_the_lock, gpc)[0].threads["it"].result:
        return "usable"
    if is_error_noslot_pfn(now[gpc.pfn]):
        return "empty"
    return "outdated" if now[gpc.valid] else "withdrawn"


def fields_of(world: LittleWorld, now: dict) -> list[str]:
    """The values of the rows of the table, in words."""
    gpc = world.gpc
    gpa, uhva, pfn, khva = now[gpc.gpa], now[gpc.uhva], now[gpc.pfn], now[gpc.khva]
    return [str(now[gpc.active]), "none" if kvm_is_error_gpa(gpa) else f"{gpa:#x}", str(now[gpc.generation]),
            "none" if kvm_is_error_hva(uhva) else f"{uhva:#x}", str(now[gpc.valid]),
            "none" if is_error_noslot_pfn(pfn) or not pfn else f"page {pfn}", f"page {khva.pfn} + {khva.offset:#x}" if khva else "NULL",
            f"page {now[world.page]}", generation_in_words(now[world.kvm.memslots])]


FIELDS = ("active", "gpa", "generation", "uhva", "valid", "pfn", "khva", f"page behind {FIRST_PAGE:#x}", "memslots")


def generation_in_words(slots: kvm_memslots) -> str:
    return f"generation {slots.generation}, " + ("with" if SLOT in slots.slots else "without") + " the page's"


def asked(machine: Stepper) -> list[list]:
    """The questions that kvm_gpc_check() asked, each with whether the answer let it go on."""
    loads = [event.step.cells[0].name.removeprefix("gpc.") for event in machine.trace if event.step.verb.name == "load"]
    order = [name for name in dict.fromkeys(loads) if name in QUESTIONS]
    ok = machine.threads["it"].result
    return [[name, ok or name != order[-1]] for name in order]


def told(call: Call, machine: Stepper, slots: kvm_memslots) -> tuple[str, str]:
    """What a call answered, as a sentence, and the goal that it reaches, "" for none."""
    result = machine.threads["it"].result
    if call.letter == "c":
        last = "" if result else asked(machine)[-1][0]
        goal = {"active": "not_active", "valid": "not_valid", "uhva": "no_address"}.get(last, last)
        return f"kvm_gpc_check() says {result}" + (f": {REASONS[last]}" if last else ""), goal
    if call.letter == "u":
        return where_it_landed(machine, slots), "freed" if machine.wrong and "freed" in machine.wrong.sentence else ""
    if call.letter in "ar":
        looked = any(cell.name.startswith("mm.pte") for event in machine.trace for cell in event.step.cells)
        if result:
            return f"it returns {'-EFAULT' if result == -EFAULT else '-EINVAL'}", "fails" if result == -EFAULT else ""
        return "it returns 0, " + ("after it looked the page up" if looked else "without looking the page up"), \
            "cheap" if call.letter == "r" and not looked else ""
    return {"p": "the page moved", "e": "memory elsewhere was freed"}.get(call.letter, "done"), ""


def where_it_landed(machine: Stepper, slots: kvm_memslots) -> str:
    """Which memory an unchecked write changed."""
    if machine.wrong:
        return "the write is lost: " + machine.wrong.sentence
    return "the write reaches the guest's page" if SLOT in slots.slots else "the write lands in a page that is the VMM's alone now"


@functools.cache
def graph() -> dict:
    """Every state that the calls lead to, by number, and what each call does in it."""
    world = LittleWorld()
    states, nodes, words = [world.start()], [], {}
    numbers = {_key(states[0]): 0}
    for now in states:
        moves = {}
        for call in CALLS:
            what = call.of(world, now)
            if what is None:
                continue
            machine, after = run_alone(world, now, *what)
            if _key(after) not in numbers:
                numbers[_key(after)] = len(states)
                states.append(after)
            sentence, goal = told(call, machine, now[world.kvm.memslots])
            moves[call.letter] = {"to": numbers[_key(after)], "told": sentence,
                                  "words": [words.setdefault(event.words, len(words)) for event in machine.trace]}
            moves[call.letter] |= {"goal": goal} if goal else {}
            moves[call.letter] |= {"asked": asked(machine), "says": machine.threads["it"].result} if call.letter == "c" else {}
        nodes.append({"box": box_of(world, now), "fields": fields_of(world, now), "moves": moves})
    return {"nodes": nodes, "words": list(words)}


def _key(now: dict) -> tuple:
    return tuple(now.values())


def code() -> dict:
    """The user's loop as it stands in the source, and in which of its lines each call of the user is."""
    lines = inspect.getsource(use_guest_page.function).splitlines()[1:]
    return {"lines": lines, "at": {call.letter: next(n for n, line in enumerate(lines) if call.line in line)
                                   for call in CALLS if call.line}}


class CacheLife(LiveWidget):
    """A cache through its life; `history` is what was done, a letter for each call."""

    _esm = module("cache_life.js")
    _css = styles("cache_life.css")

    history = traitlets.Unicode("").tag(sync=True)
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, model_id=None, **params):
        """`history`: letters of calls that have taken place when it opens, such as "iap"."""
        super().__init__(model_id, **params)
        self._graph = graph()
        node_after(self._graph, self.history)
        self.data = share({
            **self._graph, "code": code(), "fields": list(FIELDS), "questions": QUESTIONS, "goals": list(GOALS.items()), "who": list(WHO.items()),
            "calls": [[call.letter, call.who, call.label] for call in CALLS], "boxes": {name: list(words) for name, words in BOXES.items()},
            "picture": machine_svg("")})

    def static_svg(self) -> str:
        """The diagram of states beside the fields, after the calls of `history`; the middle of a life where there is none."""
        history = self.history or "iap"
        return still_picture(self._graph, history)


def node_after(graph: dict, history: str) -> dict:
    """The state after some calls. ValueError says which call cannot take place, and what can."""
    node = graph["nodes"][0]
    for place, letter in enumerate(history):
        if letter not in node["moves"]:
            known = ", ".join(f"{letter} ({BY_LETTER[letter].label})" for letter in node["moves"])
            raise ValueError(f"CacheLife(history={history!r}): after {history[:place] or 'nothing'!r} there is no {letter!r}; "
                             f"there is {known}")
        node = graph["nodes"][node["moves"][letter]["to"]]
    return node


# --- the pictures ---------------------------------------------------------------------------------------------------

PLACES = {"zeroed": (8, 8), "inactive": (220, 8), "usable": (12, 132), "withdrawn": (216, 132), "outdated": (12, 268),
          "empty": (216, 268)}
WIDTH, HEIGHT = 112, 48
ARROWS = (                                     # the call, from, to, words, and where the words stand (x, y, anchor)
    ("i", (120, 32), (218, 32), "init", (169, 25, "middle")),
    ("a", (248, 58), (92, 130), "activate", (142, 88, "end")),
    ("x", (304, 104), (304, 58), "deactivate", (298, 85, "end")),
    ("p", (126, 148), (214, 148), "page moves", (170, 142, "middle")),
    ("r", (214, 168), (126, 168), "refresh", (170, 184, "middle")),
    ("s", (34, 182), (34, 266), "memslots|change", (40, 214, "start")),
    ("r", (112, 266), (112, 182), "refresh", (118, 242, "start")),
    ("r", (228, 182), (228, 266), "refresh|fails", (234, 208, "start")),
    ("r", (126, 292), (214, 292), "refresh fails", (170, 286, "middle")),
    ("r", (316, 266), (316, 182), "refresh", (310, 252, "end")),
)
TOLD = ("Six states of a cache. Init leads from cleared memory to inactive; activate from there to usable. Four states are active: "
        "usable, withdrawn after the page moved, outdated after the memslots changed, and empty after a refresh failed. "
        "A refresh leads from each of them back to usable, if there is a page. Deactivate leads from each of them to inactive.")


def machine_svg(current: str, tip: str = "cl-tip") -> str:
    """The states as boxes and the calls as arrows; the box of `current` has a mark. `tip` names the tip of its arrows."""
    arrows = "".join(
        f'<g data-arrow="{call}"><line x1="{x}" y1="{y}" x2="{u}" y2="{v}" stroke="currentColor" stroke-width="1.4" marker-end="url(#{tip})"/>'
        + "".join(f'<text x="{at}" y="{height + 13 * n}" text-anchor="{anchor}" font-size="12" class="cl-arrow">{line}</text>'
                  for n, line in enumerate(words.split("|")))
        + "</g>" for call, (x, y), (u, v), words, (at, height, anchor) in ARROWS)
    boxes = "".join(
        f'<g data-box="{name}">'
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="{"#fff1b8" if name == current else "#ffffff"}" '
        f'stroke="#1b2230" stroke-width="{3 if name == current else 1.2}"/>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 20}" text-anchor="middle" font-weight="650" font-size="13">{BOXES[name][0]}</text>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 37}" text-anchor="middle" font-size="11.5">{BOXES[name][1]}</text></g>'
        for name, (x, y) in PLACES.items())
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 340 340" width="340" height="340" role="img" '
            f'font-family="system-ui,sans-serif" fill="#1b2230" color="#505a69"><title>The life of a cache</title><desc>{html.escape(TOLD)}</desc>'
            f'<defs><marker id="{tip}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            f'<path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>'
            f'<rect class="cl-frame" x="2" y="106" width="336" height="228" rx="10" fill="none" stroke="#868f9e" stroke-dasharray="5 4"/>'
            f'<text x="216" y="122" font-size="11.5" class="cl-caption">active: on the list</text>{arrows}{boxes}</svg>')


def still_picture(graph: dict, history: str) -> str:
    """The diagram, and beside it the fields after some calls and what check says of them."""
    node = node_after(graph, history)
    check = node["moves"].get("c")
    done = ", ".join(BY_LETTER[letter].label for letter in history)
    rows = [*zip(FIELDS, node["fields"])]
    lines = "".join(
        f'<text x="372" y="{62 + 24 * n}" font-family="ui-monospace,monospace" font-size="12.5">{html.escape(name)}</text>'
        f'<text x="520" y="{62 + 24 * n}" font-size="13">{html.escape(value)}</text>' for n, (name, value) in enumerate(rows))
    says = check["told"] if check else "it cannot be checked yet"
    picture = machine_svg(node["box"], "cl-tip-still")
    inner = picture[picture.index("<defs>"):picture.rindex("</svg>")]
    words = f"After {done}, the cache is {BOXES[node['box']][0]}. " + "; ".join(f"{name}: {value}" for name, value in rows) + f". {says}."
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 344" width="740" height="344" role="img" '
            f'style="max-width:100%;height:auto;background:#fff" font-family="system-ui,sans-serif" fill="#1b2230" color="#505a69">'
            f'<title>The life of a cache: {html.escape(done)}</title><desc>{html.escape(TOLD)} {html.escape(words)}</desc>'
            f'<rect width="100%" height="100%" fill="#fff"/>{inner}'
            f'<text x="372" y="28" font-weight="650" font-size="14">After {html.escape(done)}:</text>{lines}'
            f'<text x="372" y="{78 + 24 * len(rows)}" font-weight="650" font-size="13">{html.escape(says)}</text></svg>\n')
