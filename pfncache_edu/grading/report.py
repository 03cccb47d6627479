"""Reports: what an assessment says, as data, as text and as HTML."""
from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from html import escape

from .. import scenarios

MARKS = {"passed": "ok", "partly": "½", "failed": "✗", "mistake": "!", "incomplete": "?", "not counted": "–", "to be marked": "…", "marked": "✎"}
LAST = ("to be marked", "not counted")


@dataclass(frozen=True)
class Result:
    """What became of one property. All of it is text and numbers, so that it can be stored and sent."""
    name: str
    points: int | float
    earned: int | float
    outcome: str                  # one of MARKS
    expected: str = ""
    happened: str = ""
    where: str = ""
    subgoal: str = ""
    situation: str = ""
    schedule: str = ""
    diagram: str = field(default="", repr=False)
    partial_diagram: str = field(default="", repr=False)
    svg: str = field(default="", repr=False)
    prose: str = field(default="", repr=False)      # what a person is to read and mark

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")


@dataclass(frozen=True, repr=False)
class Report:
    """The assessment of one answer: a Result per property, or the problem that kept it from being assessed."""
    exercise: str
    title: str
    maximum: int | float
    results: tuple[Result, ...] = ()
    problem: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def points(self) -> int | float:
        return sum(result.earned for result in self.results)

    @property
    def failures(self) -> tuple[Result, ...]:
        """What did not pass: what a program found wrong, then what a person marks, then what was not counted because of the first."""
        lost = [result for result in self.results if result.outcome != "passed" and not (result.outcome == "marked" and result.earned == result.points)]
        return tuple(sorted(lost, key=lambda result: LAST.index(result.outcome) if result.outcome in LAST else -1))

    @property
    def reason(self) -> str:
        """The first reason for a lost point, in a line; "" if there is none."""
        if self.problem or not self.failures:
            return self.problem
        first = self.failures[0]
        if all(result.outcome == "to be marked" for result in self.failures):
            return f"a person marks the other {self.maximum - self.points:g}: {', '.join(result.title for result in self.failures)}"
        return f"{first.title}: {first.happened}" + (f" ({first.where})" if first.where else "")

    @property
    def headline(self) -> str:
        """The marks and the first reason, in a line."""
        return f"{self.points:g} of {self.maximum:g} points: {self.reason or 'every property holds'}"

    def __repr__(self):
        return as_text(self)

    def _repr_html_(self) -> str:
        return STYLE + as_html(self)

    def as_dict(self) -> dict:
        return asdict(self)


def report_from(data: dict) -> Report:
    """A report from its data."""
    return Report(**{**data, "results": tuple(Result(**result) for result in data["results"]), "remarks": tuple(data["remarks"])})


# --- as text --------------------------------------------------------------------------------------------------------

def as_text(report: Report) -> str:
    """The report for a terminal: a line per property, and for each failed one what, where and the diagram."""
    lines = [f"{report.exercise} {report.title}".strip() + f": {report.headline}"]
    if not report.problem:
        lines += [part for result in report.results for part in _result_as_text(result)]
    lines += [f"  not counted, because {reason}" for reason in reasons_for_not_counting(report)]
    return "\n".join(lines + [f"  remark: {remark}" for remark in report.remarks])


def reasons_for_not_counting(report: Report) -> list[str]:
    """Why a closed gate kept properties from counting, said once."""
    return [] if report.problem else list(dict.fromkeys(r.happened for r in report.results if is_gated(r)))


def is_gated(result: Result) -> bool:
    return result.outcome == "not counted" and not result.schedule


def _result_as_text(result: Result) -> list[str]:
    marks = f"{result.earned:g}/{result.points:g}" if result.points else ""
    lines = [f"  {MARKS[result.outcome]:>2} {marks:>4}  {result.title}" + (f": {result.outcome}" if result.outcome in ("not counted", "to be marked") else "")]
    lines += [f"           {name + ':':<11}{text}" for name, text in details_of(result)]
    if result.diagram:
        lines += ["", *("           " + line for line in result.diagram.splitlines()), ""]
    return lines


def details_of(result: Result) -> list[tuple[str, str]]:
    """What to say about a property that did not pass, as (name, sentence)."""
    if result.outcome == "passed" or is_gated(result):
        return []
    happened = {"mistake": "to repair", "incomplete": "cut off", "to be marked": "next", "marked": "marked"}.get(result.outcome, "happened")
    details = [("expected", result.expected), (happened, result.happened), ("where", result.where),
               ("sub-goal", result.subgoal if result.outcome in ("failed", "partly") else ""), ("replay", replay_of(result))]
    return [(name, text) for name, text in details if text]


def replay_of(result: Result) -> str:
    """How to see the schedule again, "" if there is none."""
    if not result.schedule:
        return ""
    if not hasattr(scenarios, result.situation):
        return f"{result.schedule} in {result.situation}"
    return (f"{result.schedule} in {result.situation}: paste it into the chapter's Scheduler widget, or run "
            f'`pfncache play {result.situation} --answer FILE --schedule "{result.schedule}"`')


# --- as HTML --------------------------------------------------------------------------------------------------------

STYLE = """<style>
.pfn-report { max-width: 60rem; line-height: 1.5; }
.pfn-report table { border-collapse: collapse; width: 100%; }
.pfn-report th, .pfn-report td { text-align: left; padding: .3em .6em; border-bottom: 1px solid #8886; }
.pfn-report .points { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.pfn-report dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em; }
.pfn-report dt { font-weight: 600; } .pfn-report dd { margin: 0; overflow-wrap: anywhere; }
.pfn-report pre, .pfn-report figure { overflow-x: auto; margin: .5em 0; }
.pfn-report summary { cursor: pointer; }
</style>
"""


def as_html(report: Report, svg_of=lambda result: result.svg) -> str:
    """The report as a piece of HTML; everything that comes from an answer is escaped. `svg_of` may clean a picture."""
    parts = ['<div class="pfn-report">',
             f"<p><strong>{escape(report.exercise)} {escape(report.title)}: {report.points:g} of {report.maximum:g} points</strong></p>"]
    parts.append(f"<p>{with_code(report.reason or 'Every property holds.')}</p>")
    if not report.problem:
        rows = "".join(f"<tr><td>{escape(r.title)}</td><td>{escape(r.outcome)}</td>"
                       f'<td class="points">{r.earned:g} of {r.points:g}</td></tr>' for r in report.results)
        parts.append('<table><thead><tr><th scope="col">Property</th><th scope="col">Outcome</th><th scope="col" class="points">'
                     f"Points</th></tr></thead><tbody>{rows}</tbody></table>")
        parts += [_result_as_html(result, svg_of(result)) for result in report.failures if not is_gated(result)]
        parts += [f"<p>Not counted, because {with_code(reason)}.</p>" for reason in reasons_for_not_counting(report)]
    parts += [f"<p>Remark: {with_code(remark)}</p>" for remark in report.remarks]
    return "\n".join(parts + ["</div>"])


def _result_as_html(result: Result, svg: str) -> str:
    details = "".join(f"<dt>{escape(name)}</dt><dd>{with_code(text)}</dd>" for name, text in details_of(result))
    picture = f"<figure>{svg}</figure>" if svg else ""
    text = ""
    if result.diagram:
        text = f"<details><summary>The schedule as text</summary><pre tabindex='0'>{escape(result.diagram)}</pre></details>"
    name = escape(result.title)
    return f'<section aria-label="{name}"><p><strong>{name}</strong></p><dl>{details}</dl>{picture}{text}</section>'


def with_code(text: str) -> str:
    """A sentence as HTML, what stands between backticks as code."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(text))
