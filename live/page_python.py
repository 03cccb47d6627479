"""Python's half of the page: the reader's cells and the widgets, in one interpreter.

The page and this module exchange JSON. `run` is asked for a cell, `open_widget` and `tell_widget` for a widget; what
happens is posted as `stream`, `display`, and, in Jupyter's vocabulary, `comm_open`, `comm_msg` and `comm_close`.
"""

import ast
import importlib
import json
import linecache
import random
import sys
import time
import traceback

import __main__
import comm
from comm.base_comm import BaseComm

_post = None            # how to reach the page
_cell = None            # the cell that is running


def connect(post):
    """Take the page's end of the line, after a start from a snapshot too, whose random state is everyone's."""
    global _post
    _post = lambda **message: post(json.dumps(message))
    random.seed()
    sys.stdout, sys.stderr = Lines("stdout"), Lines("stderr")
    comm.create_comm = PageComm
    _tell_the_page_of_checks()


def _tell_the_page_of_checks():
    """Whatever check() records here is gone with this page's Python: let the browser keep it."""
    from pfncache_edu.grading import record
    record.LISTENERS[:] = [lambda kept: _post(type="record", record=kept)]


class Lines:
    """A stream that reaches the page line by line, but when lines come fast, only some times a second."""

    encoding, errors, pause = "utf-8", "strict", 0.05

    def __init__(self, name):
        self.name, self.pending, self.flushed = name, [], 0

    def write(self, text):
        self.pending.append(text)
        if "\n" in text and time.monotonic() - self.flushed > self.pause:
            self.flush()
        return len(text)

    def writelines(self, lines):
        self.write("".join(lines))

    def flush(self):
        if self.pending:
            _post(type="stream", cell=_cell, name=self.name, text="".join(self.pending))
            self.pending, self.flushed = [], time.monotonic()

    def isatty(self):
        return False


# ---- cells -----------------------------------------------------------------------------------------------------------

def run(cell, source):
    """Run a cell as a notebook would: the value of a last expression is shown. True when nothing was raised."""
    global _cell
    _cell, name = cell, f"cell {cell}"
    linecache.cache[name] = len(source), None, source.splitlines(True), name     # so that tracebacks show its lines
    try:
        tree = ast.parse(source, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), __main__.__dict__)
        if last is not None:
            show(eval(compile(ast.Expression(last.value), name, "eval"), __main__.__dict__))
        return True
    except BaseException as error:
        sys.stdout.flush()
        _post(type="stream", cell=cell, name="error", text=explanation(error, name))
        return False
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def explanation(error, name):
    """The traceback from the reader's own line on, and what to do where the page is the reason."""
    lines = error.__traceback__
    while lines and lines.tb_frame.f_code.co_filename != name:
        lines = lines.tb_next
    text = "".join(traceback.format_exception(type(error), error, lines))
    if isinstance(error, ModuleNotFoundError):
        text += f"\nThis page's Python has the standard library and pfncache_edu. For {error.name}, open the chapter in JupyterLab."
    return text


def show(value):
    """Show a value the way Jupyter does: the richest form that it offers."""
    if value is not None:
        sys.stdout.flush()
        _post(type="display", cell=_cell, data=forms_of(value))


def forms_of(value):
    forms = {}
    if not isinstance(value, type):
        if hasattr(value, "_repr_mimebundle_"):
            bundle = value._repr_mimebundle_()
            forms = dict(bundle[0] if isinstance(bundle, tuple) else bundle)
        for mime, method in {"image/svg+xml": "_repr_svg_", "text/html": "_repr_html_"}.items():
            if mime not in forms and hasattr(value, method):
                forms[mime] = getattr(value, method)()
    forms.setdefault("text/plain", repr(value))
    return {mime: form for mime, form in forms.items() if form is not None}


# ---- widgets ---------------------------------------------------------------------------------------------------------

class PageComm(BaseComm):
    """One end of a widget's line to the page."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        if buffers:
            raise TypeError("in the page a widget's state is JSON: give lists instead of bytes or arrays")
        _post(type=msg_type, comm_id=self.comm_id, data=data)


def open_widget(model_id, class_path, params):
    """Make the page's widget again, from the arguments that it was built with."""
    module, _, name = class_path.rpartition(".")
    if module.partition(".")[0] not in ("pfncache_edu", "__main__"):
        raise ValueError(f"{class_path} is not one of the book's widgets")
    getattr(importlib.import_module(module), name)(model_id=model_id, **json.loads(params))


def tell_widget(model_id, data):
    """Hand a message of the page to its widget."""
    line = comm.get_comm_manager().get_comm(model_id)
    line.handle_msg({"content": {"comm_id": model_id, "data": json.loads(data)}, "buffers": []})
