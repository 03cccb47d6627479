"""The patch with a switch for each of its ideas: what breaks without it, what is wasted, and what random testing would find.

    LineSwitches()                          the patched hook and what it leans on, up to two ideas off at a time
    LineSwitches(off=["again"])             opens with that switch off

Every choice that the widget offers was searched when it was made (`ablations.py`): its module looks the answer up. A prediction
comes first. `off` is what the reader has switched off, `predictions` what was expected of each choice.
"""
from __future__ import annotations

import html
import inspect
import re
import textwrap

import traitlets

from ..ablations import NAMES, SITUATIONS, SWITCHES, Outcome, ablations, outcome_without
from ..interpreters.chances import NEGLIGIBLE, Chance
from ..render.diagram import rows_of
from ..steps import KernelFunction
from .live_widget import LiveWidget, in_order, module, styles

MOST = 2
NONE, ALL = "no runs", "all runs"
KINDS = {
    "holds": "Nothing breaks, and no lock is taken for nothing",
    "wasteful": "Nothing breaks, but a write lock is taken for nothing",
    "violated": "Some order of steps breaks it",
    "deadlock": "Somebody waits for ever",
}

READS, UNLOCKS = "yield read_lock_irq(gpc.lock)", "yield read_unlock_irq(gpc.lock)"
LOOKS, ENDS = "if ((yield gpc.valid)", "and start <= (yield gpc.uhva) < end"
RAISES = ("yield spin_lock(kvm.mn_invalidate_lock)", "yield kvm.mn_active_invalidate_count.add(1)", "yield spin_unlock(kvm.mn_invalidate_lock)")
EDITS: dict[str, tuple[tuple[str, int, str, str], ...]] = {
    "first": ((READS, 0, "", ""), (LOOKS, 0, "", ""), (ENDS, 0, "", ""), (UNLOCKS, 0, "", ""), ("continue", 0, "", ""), (UNLOCKS, 1, "", "")),
    "read": ((READS, 0, "", ""), (UNLOCKS, 0, "", ""), (UNLOCKS, 1, "", "")),
    "left": tuple((ENDS, n, "start <=", "start <") for n in (0, 1)),
    "right": tuple((ENDS, n, "< end", "<= end") for n in (0, 1)),
    "drop": ((UNLOCKS, 0, "", ""), ("yield write_unlock_irq", 0, "(gpc.lock)", "(gpc.lock)\n            " + UNLOCKS)),
    "write": (("yield write_lock_irq", 0, "write_", "read_"), ("yield write_unlock_irq", 0, "write_", "read_")),
    "again": ((LOOKS, 1, "", ""), (ENDS, 1, "", "")),
    "announce": (*((line, 0, "", "") for line in RAISES),
                 ("yield from gfn_to_pfn_cache_invalidate_start", 0, "end)", "end)\n    " + "\n    ".join(RAISES))),
    "count": (("if (yield kvm.mn_active_invalidate_count)", 0, "", ""), ("return True", 0, "", "")),
}
"""For each switch its lines: what the line begins with, which of those that do, and what is replaced by what; "" takes it away."""


class LineSwitches(LiveWidget):
    """The listing with its switches, and the outcome of every choice."""

    _esm = module("line_switches.js")
    _css = styles("line_switches.css")

    switches = traitlets.List().tag(sync=True)          # name, idea, instead, needs
    lines = traitlets.List().tag(sync=True)             # [text, [[switch, old, new], …]], an empty text between functions
    outcomes = traitlets.Dict().tag(sync=True)          # "again announce" -> what became of it
    diagrams = traitlets.Dict().tag(sync=True)          # rows said once, and for each diagram their numbers
    kinds = in_order()
    situations = traitlets.List().tag(sync=True)

    off = traitlets.List(traitlets.Unicode()).tag(sync=True)
    predictions = traitlets.Dict().tag(sync=True)       # {"again": "holds"}

    def __init__(self, model_id=None, **params):
        """off: the switches that are off when it opens, at most two."""
        super().__init__(model_id, **params)
        why_not = next((f"there is no switch {name!r}: there are {', '.join(NAMES)}" for name in self.off if name not in NAMES), "")
        if why_not or len(set(self.off)) > MOST:
            raise ValueError(why_not or f"at most {MOST} switches can be off, and {', '.join(self.off)} are {len(self.off)}")
        every = ablations(MOST)
        drawn = {outcome.off: diagram_of(outcome) for outcome in every}
        rows = list(dict.fromkeys(row for diagram in drawn.values() for row in diagram))
        number = {row: n for n, row in enumerate(rows)}
        whole = list(dict.fromkeys(drawn.values()))
        self.switches = [{"name": switch.name, "idea": switch.idea, "instead": switch.instead, "needs": list(switch.needs)} for switch in SWITCHES]
        self.lines = listing_with_switches()
        self.diagrams = {"rows": [list(row) for row in rows], "whole": [[number[row] for row in diagram] for diagram in whole]}
        self.outcomes = {key_of(outcome.off): {**told(outcome), "diagram": whole.index(drawn[outcome.off])} for outcome in every}
        self.kinds = dict(KINDS)
        self.situations = [situation({}).title for situation in SITUATIONS]

    @traitlets.validate("off")
    def _in_order(self, proposal):
        return [name for name in NAMES if name in proposal["value"]] or list(proposal["value"])

    def static_svg(self) -> str:
        """Each idea switched off by itself: what becomes of it, and how often random testing would notice."""
        return still_picture([outcome_without()] + [outcome_without(name) for name in NAMES])


def key_of(off) -> str:
    return " ".join(name for name in NAMES if name in off)


def told(outcome: Outcome) -> dict:
    """An outcome as the module shows it."""
    verdict = outcome.verdict
    broken = not verdict.holds
    return {"kind": outcome.kind, "useless": outcome.useless, "states": outcome.states, "where": outcome.where,
            "schedule": verdict.schedule, "steps": len(verdict.threads), "sentence": verdict.sentence or "",
            "random": [in_random_runs(chance) for chance in outcome.chances] if broken else []}


def in_random_runs(chance: Chance | None) -> str:
    """How often random testing finds a fault, and after how many runs it has most likely done so, in words."""
    share = share_of_runs(chance)
    if share in (NONE, ALL):
        return "in no run" if share == NONE else "in every run"
    return f"in {share} of the runs: {chance.runs_needed():,} runs to be 95 % sure to see it"


def share_of_runs(chance: Chance | None) -> str:
    """Which share of random runs fails, such as "0.047 %"."""
    if chance is None:
        return NONE
    if chance.wrong > 1 - NEGLIGIBLE:
        return ALL
    return f"{100 * chance.wrong:.2g} %" if chance.wrong >= 0.00001 else "fewer than 0.001 %"


def diagram_of(outcome: Outcome) -> tuple[tuple[int, int, str, bool], ...]:
    """The shortest failing schedule as rows: column, depth, text, whether it is the wrong step."""
    if outcome.verdict.holds:
        return ()
    columns = [thread.name for thread in outcome.verdict.program.threads]
    rows = [(columns.index(row.thread), row.depth, row.text, bool(row.event and row.event.wrong)) for row in rows_of(outcome.verdict.trace)]
    return tuple(rows)


def listing_with_switches() -> list:
    """The three functions as they stand in the package, each line with what the switches do to it."""
    lines = []
    for function in dict.fromkeys(switch.function for switch in SWITCHES):
        own = [switch.name for switch in SWITCHES if switch.function is function]
        source = source_without_docstring(function)
        edits: dict[int, list] = {}
        for name in own:
            for start, which, old, new in EDITS[name]:
                found = [n for n, line in enumerate(source) if line.strip().startswith(start)]
                edits.setdefault(found[which], []).append([name, old, new])
        lines += [[line, edits.get(n, [])] for n, line in enumerate(source)] + [["", []]]
    return lines[:-1]


def source_without_docstring(function: KernelFunction) -> list[str]:
    """The lines of a function without decorator, annotations of its head, and docstring."""
    text = textwrap.dedent(inspect.getsource(function.function))
    text = re.sub(r'\A@kernel\n', "", re.sub(r'^ +""".*?"""\n', "", text, count=1, flags=re.S | re.M))
    head, _, body = text.partition("\n")
    head = re.sub(r" -> .*:$", ":", re.sub(r": \w+", "", head.rstrip(":")) + ":")
    return [head.replace("::", ":"), *body.rstrip("\n").split("\n")]


# --- the still picture --------------------------------------------------------------------------------------------------

WIDTH, LINE = 660, 40


def still_picture(outcomes: list[Outcome]) -> str:
    """A row for each: what is switched off, what becomes of it, what random testing finds."""
    switch = {one.name: one for one in SWITCHES}
    parts, alternative = [], []
    for n, outcome in enumerate(outcomes):
        y = 58 + LINE * n
        what = f"Without: {switch[outcome.off[0]].idea}" if outcome.off else "As in Linux 6.12"
        result = {"holds": f"holds: {outcome.states:,} states", "wasteful": f"holds, {outcome.useless} useless write lock"}.get(
            outcome.kind, f"{outcome.kind} after {len(outcome.verdict.threads)} steps")
        shares = [share_of_runs(chance) for chance in outcome.chances]
        finds = "nothing to find" if outcome.verdict.holds else f"{shares[0]} fail in use, {shares[1]} in a refresh"
        alternative.append(f"{what}: {result}; random runs: {finds}")
        parts.append(f'<text x="14" y="{y}" font-weight="600">{html.escape(what)}</text>'
                     f'<text x="30" y="{y + 17}" fill="#505a69">{html.escape(MARKS[outcome.kind] + " " + result)}</text>'
                     f'<text x="240" y="{y + 17}" fill="#505a69" font-size="12.5">random runs: {html.escape(finds)}</text>')
    height = 58 + LINE * len(outcomes)
    title = "The patch with one idea switched off at a time: what becomes of it"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
            f'style="max-width:100%;height:auto" font-family="system-ui,sans-serif" font-size="13.5" fill="#1b2230">'
            f"<title>{html.escape(title)}</title><desc>{html.escape('. '.join(alternative))}</desc>"
            f'<rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="8" fill="#ffffff" stroke="#868f9e"/>'
            f'<text x="14" y="28" font-weight="700" font-size="15">{html.escape(title)}</text>{"".join(parts)}</svg>')


MARKS = {"holds": "✓", "wasteful": "≈", "violated": "✗", "deadlock": "∞"}
