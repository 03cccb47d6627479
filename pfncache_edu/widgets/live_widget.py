"""One widget class for two hosts: a notebook with a kernel, and a published page without one.

A widget is a subclass of `LiveWidget` and an ES module beside it:

    class Scheduler(LiveWidget):
        _esm = module("scheduler.js")                 # page.js, then the file: export default host(Game)
        _css = styles("scheduler.css")
        scenario = traitlets.Unicode("two_readers").tag(sync=True)
        graph = traitlets.Dict().tag(sync=True)

        def __init__(self, model_id=None, **params):                # Scheduler(scenario="two_readers")
            super().__init__(model_id, **params)
            self.graph = graph_of(self.scenario)

        def static_svg(self):
            return "<svg role='img' aria-label='…'>…</svg>"

In JupyterLab a kernel backs it. In the published page the module draws the state that the build embedded; only a
widget that says `needs_python = True` starts Python there, on its first message, and is made again as `cls(**params)`.
"""

import json
import pathlib

import anywidget
import traitlets

HERE = pathlib.Path(__file__).parent


def module(name: str) -> str:
    """The source of a widget's ES module: what all of them share (page.js), then its own file."""
    return "\n".join((HERE / part).read_text(encoding="utf-8") for part in ("page.js", name))


def styles(name: str) -> str:
    """The source of a widget's style sheet: what all of them share (page.css), then its own file."""
    return "\n".join((HERE / part).read_text(encoding="utf-8") for part in ("page.css", name))


def in_order() -> traitlets.Dict:
    """A dict whose order counts. It is sent as [[name, value], …]: a notebook's file sorts the names of a dict."""
    return traitlets.Dict().tag(sync=True, to_json=lambda value, _: [list(pair) for pair in value.items()], from_json=lambda pairs, _: dict(pairs))


class LiveWidget(anywidget.AnyWidget):
    """A widget that can be made again, anywhere, from its constructor's arguments."""

    needs_python = False                              # True: its module sends messages that only Python can answer

    _params = traitlets.Dict().tag(sync=True)         # the constructor's arguments, as JSON
    _needs_python = traitlets.Bool().tag(sync=True)

    def __init__(self, model_id=None, **params):
        """`params`: values for traits; `model_id` is for hosts that make a widget again."""
        try:
            json.dumps(params)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: the arguments of a widget travel as JSON ({error}): "
                            "give a name instead of an object") from None
        unknown = [name for name in params if name not in self.trait_names()]
        if unknown:
            known = ", ".join(sorted(name for name in self.trait_names() if name in type(self).__dict__))
            raise TypeError(f"{type(self).__name__} has no argument {unknown[0]!r}: it takes {known or 'none'}")
        host = {} if model_id is None else {"model_id": model_id}
        super().__init__(**host, **params, _params=params, _needs_python=self.needs_python)

    def static_svg(self):
        """The first picture, for print, for pages without JavaScript and for nbval; the same on every run."""
        return None

    def _repr_mimebundle_(self, **options):
        data, metadata = super()._repr_mimebundle_(**options)
        svg = self.static_svg()
        return {**data, "text/plain": repr(self)} | ({"image/svg+xml": svg} if svg else {}), metadata

    def __repr__(self):
        arguments = ", ".join(f"{name}={value!r}" for name, value in self._params.items())
        return f"{type(self).__name__}({arguments})"
