"""How far the reader is: exercises with their best points, and what came out otherwise than predicted.

    YourProgress()

What it shows is in this reader's browser, or in the file beside the notebook, and nowhere else. The reader can take it along as a
file, for an instructor who asks for it, and can have it forgotten.
"""
from __future__ import annotations

import html

import traitlets

from ..grading.exercises import EXERCISES
from ..grading.record import read_record
from .live_widget import LiveWidget, module, styles


class YourProgress(LiveWidget):
    """A table of all exercises; `record` is what the notebook's own checks have left (grading/record.py)."""

    _esm = module("your_progress.js")
    _css = styles("your_progress.css")

    exercises = traitlets.List().tag(sync=True)       # [number, title, points] of each
    record = traitlets.Dict().tag(sync=True)          # {number: {"best": …, "checks": …, "hints": {…}}}

    def __init__(self, model_id=None, **params):
        """It takes no arguments."""
        super().__init__(model_id, **params)
        self.exercises = [[exercise.id, exercise.title, exercise.points] for exercise in EXERCISES.values()]
        self.record = read_record()

    def static_svg(self) -> str:
        """The exercises and their points: what there is to do."""
        rows = "".join(f'<text x="14" y="{30 + 22 * n}"><tspan font-weight="bold">{id}</tspan><tspan x="70">{html.escape(title)}</tspan>'
                       f'<tspan x="646" text-anchor="end">{points:g} points</tspan></text>' for n, (id, title, points) in enumerate(self.exercises))
        height = 24 + 22 * len(self.exercises)
        text = "; ".join(f"{id} {title}, {points:g} points" for id, title, points in self.exercises)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 {height}" width="660" height="{height}" role="img" '
                f'style="max-width:100%;height:auto" font-family="system-ui,sans-serif" font-size="15" fill="#1b2230">'
                f"<title>The exercises of the book and their points</title><desc>{html.escape(text)}</desc>"
                f'<rect x="1" y="1" width="658" height="{height - 2}" rx="8" fill="#ffffff" stroke="#868f9e"/>{rows}</svg>')
