"""Three clicks to a lost write: a note of a page, a host that moves the page and tells nobody, and the reader who orders their steps.

    ThreeClicks()                       asks first how many of the three orders lose the write
    ThreeClicks(predict=False)          lets the reader act at once
    ThreeClicks(schedule="vhv")         begins after these steps; v is vcpu0, h the host

Every order that there is was run when the widget was made: by the stepper, on the functions of scenarios.nobody_is_told().
"""
from __future__ import annotations

from html import escape

import traitlets

from ..interpreters.explorer import explore
from ..interpreters.stepper import Stepper
from ..scenarios import FIRST_PAGE, nobody_is_told
from .live_widget import LiveWidget, module, styles

STEPS = {"vcpu0": ("look the page up", "write through the note"), "host": ("move the page to B",)}
LANES = {"vcpu0": "KVM, for vcpu0", "host": "The host's memory management"}
TOLD = {                                                # the verb of a step -> what it did, for people
    "load": "vcpu0 looks up what is behind {uhva:#x}, and notes: page {result}.",
    "store": "The host copies what is in page A to page B. From now on {uhva:#x} means page B, and page A is given to somebody else.",
    "write_guest": "vcpu0 writes the guest's data to page {argument.pfn}, as the note says."}


class ThreeClicks(LiveWidget):
    """Two lanes of steps and a picture of the memory; `schedule` is what the reader has done, such as "vh"."""

    _esm = module("three_clicks.js")
    _css = styles("three_clicks.css")

    predict = traitlets.Bool(True).tag(sync=True)
    schedule = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, model_id=None, **params):
        """predict=False does without the question; schedule="vh" begins after these steps."""
        super().__init__(model_id, **params)
        self.data = orders()
        if self.schedule not in self.data["states"]:
            raise ValueError(f"ThreeClicks has no schedule {self.schedule!r}: write some of vcpu0's two steps and the host's one, in "
                             f"their order, such as {', '.join(map(repr, self.data['ends']))}")

    def static_svg(self) -> str:
        """The three orders side by side, each with what becomes of the write."""
        return still(self.data)


def orders() -> dict:
    """Every schedule, finished or not, with the picture after it: {"lanes": …, "states": {"vh": …}, "ends": […]}."""
    program = nobody_is_told()
    letters = program.letters()
    states, ends, open_ = {}, [], [""]
    while open_:
        schedule = open_.pop()
        machine = Stepper(program, " ".join(f"{letter}1" for letter in schedule))
        could = [] if machine.wrong else [letters[name] for name in machine.choices()]
        states[schedule] = picture(machine) | {"can": could}
        ends += [] if could else [schedule]
        open_ += [schedule + letter for letter in could]
    lanes = [{"letter": letters[name], "name": name, "title": LANES[name], "steps": list(steps)} for name, steps in STEPS.items()]
    return {"lanes": lanes, "states": states, "ends": sorted(ends), "uhva": f"{FIRST_PAGE:#x}", "shortest": len(explore(program).trace)}


def picture(machine: Stepper) -> dict:
    """What the memory looks like: what the address means, what the note says, where the write went, what was said last."""
    look_ups = [event.result for event in machine.trace if event.step.verb.name == "load"]
    writes = [(event.step.argument.pfn, any(earlier.changed for earlier in machine.trace[:n]))
              for n, event in enumerate(machine.trace) if event.step.verb.name == "write_guest"]
    moved = any(event.changed for event in machine.trace)
    state = {"table": "B" if moved else "A", "note": look_ups[0] if look_ups else "", "written": "", "said": "", "wrong": ""}
    if writes:
        page, late = writes[0]
        state["written"] = "B" if moved and not late else page            # the copy takes along what was written before
    if machine.trace:
        last = machine.trace[-1]
        state["said"] = TOLD[last.step.verb.name].format(uhva=FIRST_PAGE, result=last.result, argument=last.step.argument)
        state["wrong"] = next((event.wrong for event in machine.trace if event.wrong), "")
    return state


def outcome(state: dict) -> str:
    """What became of the write, in a few words."""
    return "the write is lost" if state["wrong"] else "the write is in the guest's page"


def still(data: dict) -> str:
    """The picture for print: an order in each column, time downwards, the result below."""
    titles = {lane["letter"]: lane["steps"] for lane in data["lanes"]}
    width, parts, told = 236, [], []
    for column, schedule in enumerate(data["ends"]):
        x, seen = 8 + column * width, {letter: 0 for letter in titles}
        parts.append(f'<text x="{x + 4}" y="24" fill="#505a69">vcpu0</text><text x="{x + 120}" y="24" fill="#505a69">host</text>')
        words = []
        for row, letter in enumerate(schedule):
            name = titles[letter][seen[letter]]
            seen[letter] += 1
            parts.append(step_box(x + (0 if letter == "v" else 116), 34 + row * 52, row + 1, name, letter))
            words.append(("vcpu0" if letter == "v" else "the host") + f" steps: {name}")
        state = data["states"][schedule]
        sign, colour = ("✗", "#a8201a") if state["wrong"] else ("✓", "#17612d")
        parts.append(f'<text x="{x}" y="212" font-weight="bold" fill="{colour}">{sign} {outcome(state)}</text>')
        told.append(f"{', then '.join(words)}: {outcome(state)}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * 3 + 4} 226" width="{width * 3 + 4}" height="226" role="img" '
            'style="max-width:100%;height:auto" font-family="system-ui,sans-serif" font-size="13" fill="#1b2230">'
            f"<title>The three orders of three steps, and what becomes of the guest's write</title><desc>{escape('. '.join(told))}.</desc>"
            f'<rect x="1" y="1" width="{width * 3 + 2}" height="224" rx="8" fill="#ffffff" stroke="#868f9e"/>{"".join(parts)}</svg>')


def step_box(x: int, y: int, number: int, name: str, letter: str) -> str:
    """A step with its number in time; a long name takes two lines."""
    words = name.split()
    lines = [" ".join(words[:2]), " ".join(words[2:])]
    colour = "#0a58a8" if letter == "v" else "#8f4300"
    texts = "".join(f'<text x="{x + 22}" y="{y + 17 + 16 * n}">{escape(line)}</text>' for n, line in enumerate(lines))
    return (f'<rect x="{x}" y="{y}" width="108" height="44" rx="5" fill="#f4f6f9" stroke="{colour}"/>'
            f'<text x="{x + 7}" y="{y + 17}" font-weight="bold" fill="{colour}">{number}</text>{texts}')
