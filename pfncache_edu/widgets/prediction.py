"""A question whose answer is recorded before the outcome is shown.

    Prediction(key="look_before_you_lock.hook", question="Is … ?", options=["yes", "no"], outcome="no", because="…")

opens a chapter; the same with `confront=True` closes it: "You predicted: yes. The outcome is: no." A reader who meets
the second one first is asked before anything is told. The answer stays in the reader's browser, under `key`.
"""
from __future__ import annotations

import html
import textwrap

import traitlets

from .live_widget import LiveWidget, module, styles


class Prediction(LiveWidget):
    """Options to choose from; `prediction` is what the reader recorded, "" before that."""

    _esm = module("prediction.js")
    _css = styles("prediction.css")

    key = traitlets.Unicode().tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    outcome = traitlets.Unicode().tag(sync=True)
    because = traitlets.Unicode().tag(sync=True)
    confront = traitlets.Bool(False).tag(sync=True)
    prediction = traitlets.Unicode().tag(sync=True)

    def __init__(self, model_id=None, **params):
        """key, question, options, outcome (one of the options) and because; confront=True where it is resolved."""
        super().__init__(model_id, **params)
        if not self.key:
            raise ValueError("a Prediction needs a key, such as \"look_before_you_lock.hook\": it is remembered under it")
        if len(self.options) < 2:
            raise ValueError(f"Prediction {self.key!r}: give at least two options to choose from")
        if len(set(self.options)) < len(self.options):
            raise ValueError(f"Prediction {self.key!r}: its options must differ from each other")
        if self.outcome not in self.options:
            raise ValueError(f"Prediction {self.key!r}: the outcome is one of its options: {', '.join(map(repr, self.options))}")

    def static_svg(self) -> str:
        """The question and its options; what came out only where it is confronted."""
        lines = [(line, "bold") for line in textwrap.wrap(self.question, 72)]
        for option in self.options:
            first, *rest = textwrap.wrap(option, 78)
            lines += [(f"○ {first}", "normal"), *((f"   {line}", "normal") for line in rest)]
        if self.confront:
            lines += [(line, "bold") for line in textwrap.wrap(f"The outcome: {self.outcome}. {self.because}", 72)]
        texts = "".join(f'<text x="14" y="{26 + 22 * n}" font-weight="{weight}" xml:space="preserve">{html.escape(line)}</text>'
                        for n, (line, weight) in enumerate((line.replace("`", ""), weight) for line, weight in lines))
        height = 18 + 22 * len(lines)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 {height}" width="660" height="{height}" role="img" '
                f'style="max-width:100%;height:auto" font-family="system-ui,sans-serif" font-size="15" fill="#1b2230">'
                f"<title>{html.escape(self.question)}</title><desc>{html.escape('; '.join(self.options))}</desc>"
                f'<rect x="1" y="1" width="658" height="{height - 2}" rx="8" fill="#ffffff" stroke="#868f9e"/>{texts}</svg>')

    def __repr__(self):
        return f"Prediction(key={self.key!r}{', confront=True' if self.confront else ''})"
