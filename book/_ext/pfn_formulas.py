"""Formulas are typeset when the book is built: MathML, which a browser draws and reads aloud without any script.

MathJax translates them, in Node. Without npm they are shown as they were written.
"""

import functools
import html
import pathlib
import re
import shutil
import subprocess

from docutils import nodes
from sphinx.util import logging

HERE = pathlib.Path(__file__).resolve().parent
MATHJAX = HERE.parents[1] / "node_modules/mathjax"

logger = logging.getLogger(__name__)


@functools.cache
def mathml(formula, display):
    """A formula in TeX as MathML, on one line."""
    command = ["node", HERE / "typeset.mjs", formula, "display" if display else "inline"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.sub(r">\s+<", "><", made)


def visit_typeset(self, node):
    display = isinstance(node, nodes.math_block)
    made = mathml(node.astext(), display)
    if "<merror" in made:
        logger.warning("this formula is not TeX: %s", node.astext(), location=node)
    self.body.append(f'<div class="pfn-formula">{made}</div>' if display else made)
    raise nodes.SkipNode


def visit_written(self, node):
    self.body.append(f'<code class="pfn-formula">{html.escape(node.astext())}</code>')
    raise nodes.SkipNode


def choose_renderer(app, config):
    if shutil.which("node") and MATHJAX.exists():
        config.html_math_renderer = "typeset"
    else:
        config.html_math_renderer = "written"
        logger.info("formulas are shown as written: MathJax is not installed")


def setup(app):
    app.add_html_math_renderer("typeset", (visit_typeset, None), (visit_typeset, None))
    app.add_html_math_renderer("written", (visit_written, None), (visit_written, None))
    app.connect("config-inited", choose_renderer)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
