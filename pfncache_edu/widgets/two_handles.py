"""Two handles, one page: the reader moves the ends of a range over 1, 10 or 100 caches, and says first what it hits.

    TwoHandles()
    TwoHandles(caches=10, start=3, end=5)        pages 3 and 4 of the line, with ten caches

Every range of the line was put through the tested gfn_to_pfn_cache_invalidate_start() when the widget was made, and the
puzzles one by one; its module looks the verdicts up.
"""
from __future__ import annotations

import functools
import html
import random
from dataclasses import dataclass

import traitlets

from ..kvm import before_the_patch
from ..kvm.structs import PAGE_SIZE
from ..mutants import MUTANTS
from ..ranges import caches_at, locks_of, visited, withdrawn
from ..scenarios import FIRST_PAGE
from .live_widget import LiveWidget, module, styles

PAGES = 12
LINE = FIRST_PAGE - 3 * PAGE_SIZE              # where the line of user addresses begins: our page is its fourth
OURS = 3
COUNTS = (1, 10, 100)
OFF_BY_ONE = ("misses_the_first_page", "takes_the_end_for_the_last_byte")


def address(page: int) -> int:
    """The user address at which a page of the line begins."""
    return LINE + page * PAGE_SIZE


# --- every range of the line -------------------------------------------------------------------------------------------

@functools.cache
def every_range() -> tuple[dict[str, str], dict[str, dict[str, list[int]]]]:
    """For each range of the line which of its pages are hit ("000110000000"), and what a cache costs, hit or missed."""
    caches = caches_at(address(page) for page in range(PAGES))
    hits, costs = {}, {"now": {}, "before": {}}
    for start in range(PAGES + 1):
        for end in range(start, PAGES + 1):
            trace = visited(caches, address(start), address(end))
            told = [withdrawn(trace, gpc) for gpc in caches]
            hits[f"{start},{end}"] = "".join(str(int(hit)) for hit in told)
            for gpc, hit in zip(caches, told):
                costs["now"].setdefault("hit" if hit else "missed", list(locks_of(trace, gpc)))
    old = visited(caches, address(0), address(1), before_the_patch.gfn_to_pfn_cache_invalidate_start)
    costs["before"] = {"hit": list(locks_of(old, caches[0])), "missed": list(locks_of(old, caches[1]))}
    return hits, costs


# --- the puzzles ----------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Puzzle:
    """A range and a cache at a boundary; `why` is said when the reader has answered."""
    title: str
    start: int
    end: int
    why: str
    offset: int = 0
    valid: bool = True

    def told(self) -> dict:
        """The puzzle as data, with the hook's verdict, and the off-by-one variants that judge otherwise."""
        uhva = FIRST_PAGE + self.offset
        gpc, = caches = caches_at([uhva], self.valid)
        hit = withdrawn(visited(caches, address(self.start), address(self.end)), gpc)
        otherwise = [name for name in OFF_BY_ONE
                     if withdrawn(visited(caches, address(self.start), address(self.end), MUTANTS[name].function), gpc) != hit]
        return {"title": self.title, "start": self.start, "end": self.end, "uhva": uhva, "valid": self.valid, "hit": hit,
                "why": self.why, "otherwise": otherwise}


PUZZLES = (
    Puzzle("The page is in the middle of the range.", 1, 6, "Both comparisons are true, and so they are for all that begins in the range."),
    Puzzle("The range begins with the page.", 3, 5, "`start` belongs to the range: `start <= uhva` is true for the first byte, too."),
    Puzzle("The range ends where the page begins.", 1, 3, "`end` is the first address that is *not* in the range, so `uhva < end` is false."),
    Puzzle("The range begins where the page ends.", 4, 6, "The page's last byte is one below `start`."),
    Puzzle("The range is this page, and no more.", 3, 4, "From its first byte to the first byte of the next page: a range of one page."),
    Puzzle("The range is empty, and stands at the page.", 3, 3, "No address is at least `start` and less than `start`."),
    Puzzle("The cached bytes are the last eight of the page.", 3, 4, "`uhva` names the first cached byte. It is in the page, the page is in the "
           "range, and the cache cannot reach beyond its page.", offset=PAGE_SIZE - 8),
    Puzzle("The range holds the page, but the cache is not valid.", 2, 6, "There is nothing to withdraw: nobody gets past check. `valid` is asked first.",
           valid=False),
)


# --- the widget ------------------------------------------------------------------------------------------------------

def spread() -> list[list[int]]:
    """Where the caches are, [page, offset] each: our own first, then others here and there, the same every time."""
    chance = random.Random(3)
    return [[OURS, 0]] + [[chance.randrange(PAGES), 64 * chance.randrange(64)] for _ in range(COUNTS[-1] - 1)]


class TwoHandles(LiveWidget):
    """A range with two handles over a line of user addresses; `said` is what the reader expected of it, -1 before that."""

    _esm = module("two_handles.js")
    _css = styles("two_handles.css")

    caches = traitlets.Int(1).tag(sync=True)
    start = traitlets.Int(5).tag(sync=True)
    end = traitlets.Int(8).tag(sync=True)
    said = traitlets.Int(-1).tag(sync=True)
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, model_id=None, **params):
        """`caches`: 1, 10 or 100; `start` and `end`: pages of the line, from 0 to 12."""
        super().__init__(model_id, **params)
        if self.caches not in COUNTS:
            raise ValueError(f"TwoHandles(caches={self.caches}): give 1, 10 or 100 caches")
        if not 0 <= self.start <= self.end <= PAGES:
            raise ValueError(f"TwoHandles(start={self.start}, end={self.end}): both are pages from 0 to {PAGES}, and start is not beyond end")
        hits, costs = every_range()
        self.data = {"pages": PAGES, "line": LINE, "page_size": PAGE_SIZE, "counts": list(COUNTS), "hits": hits, "costs": costs,
                     "where": spread(), "puzzles": [puzzle.told() for puzzle in PUZZLES]}

    def static_svg(self) -> str:
        """The line with a range that begins with our page, and one that ends there: which of them hits."""
        return still_picture(self.data["hits"])


def still_picture(hits: dict[str, str]) -> str:
    """Four ranges at the borders of one page, each with its verdict."""
    left, cell, rows = 36, 52, ((3, 5), (1, 3), (4, 6), (3, 4), (1, 6))
    shown = 8

    def x(page):
        return left + page * cell

    head = "".join(f'<text x="{x(page)}" y="44" text-anchor="middle" font-size="12" font-family="ui-monospace,monospace">{address(page):#x}</text>'
                   f'<line x1="{x(page)}" y1="50" x2="{x(page)}" y2="{70 + 42 * len(rows)}" stroke="#d5dae2"/>' for page in range(shown + 1))
    page = f'<rect x="{x(OURS)}" y="50" width="{cell}" height="{20 + 42 * len(rows)}" fill="#fff1b8"/>'
    body, told = "", []
    for n, (start, end) in enumerate(rows):
        hit = hits[f"{start},{end}"][OURS] == "1"
        y = 84 + 42 * n
        words = f"[{address(start):#x}, {address(end):#x})"
        told.append(f"{words}: {'withdrawn' if hit else 'left alone'}")
        body += (f'<line x1="{x(start)}" y1="{y}" x2="{x(end)}" y2="{y}" stroke="{"#a8201a" if hit else "#505a69"}" stroke-width="5"/>'
                 f'<line x1="{x(start)}" y1="{y - 9}" x2="{x(start)}" y2="{y + 9}" stroke="#1b2230" stroke-width="2"/>'
                 f'<circle cx="{x(end)}" cy="{y}" r="6" fill="#fff" stroke="#1b2230" stroke-width="2"/>'
                 f'<text x="{x(shown) + 26}" y="{y - 3}" font-size="12" font-family="ui-monospace,monospace">{html.escape(words)}</text>'
                 f'<text x="{x(shown) + 26}" y="{y + 13}" font-size="13" font-weight="650">{"✗ withdrawn" if hit else "○ left alone"}</text>')
    width, height = x(shown) + 180, 76 + 42 * len(rows)
    described = f"A line of user addresses. The cache's page begins at {FIRST_PAGE:#x}. Ranges and what becomes of the cache: {'; '.join(told)}."
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
            f'style="max-width:100%;height:auto;background:#fff" font-family="system-ui,sans-serif" fill="#1b2230">'
            f"<title>A range holds its start, and not its end</title><desc>{html.escape(described)}</desc>"
            f'<rect width="100%" height="100%" fill="#fff"/>{page}{head}'
            f'<text x="{x(OURS) + cell / 2}" y="24" text-anchor="middle" font-size="13" font-weight="650">the cache\'s page</text>{body}</svg>\n')
