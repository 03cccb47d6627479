"""The Sphinx side of live pages: each widget as a still picture that the page's script brings to life, the editor for
cells tagged `live`, and the folder of the page's Python that the site serves itself.

Without npm the site is complete but for live Python and typeset formulas, and says so where a reader would miss them.
"""

import html
import json
import os
import pathlib
import re
import shutil

from docutils import nodes
from linked import link_tree
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE_SCRIPTS = ROOT / "live/page"
RUNTIMES = ROOT / "_build/live"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
HOW_TO_GET_IT = "To have it, install npm and build the book again."

logger = logging.getLogger(__name__)


def runtime():
    """The folder of the page's Python, named by its hash, or None when it was not built."""
    return None if os.environ.get("PFNCACHE_NO_LIVE") else next(RUNTIMES.glob("*/"), None)


def why_not_live():
    return os.environ.get("PFNCACHE_NO_LIVE") or "the page's Python was not built"


# ---- pages -----------------------------------------------------------------------------------------------------------

class StillPictures(SphinxPostTransform):
    """Put a widget's still picture on the page, in the place where its script draws the widget."""

    default_priority = 3                                # before myst-nb drops all but one form of each output
    formats = ("html",)

    def run(self):
        for bundle in list(self.document.findall(lambda node: node.get("nb_element") == "mime_bundle"
                                                 if isinstance(node, nodes.container) else False)):
            forms = {form["mime_type"]: form for form in bundle.children}
            view = forms.get(WIDGET_VIEW)
            if view is not None:
                still = svg_text(self.env, forms.get("image/svg+xml")) or text_of(forms.get("text/plain"))
                raw = (f'<div class="pfn-widget" data-model="{model_id(view)}">'
                       f'<div class="pfn-still">{still}</div></div>')
                bundle.replace_self(nodes.raw("", raw, format="html"))


class InlinePictures(SphinxPostTransform):
    """Our own drawings carry their text alternative, which an <img> would lose: put them into the page itself."""

    default_priority = 5                                # after myst-nb has chosen
    formats = ("html",)

    def run(self):
        for image in list(self.document.findall(nodes.image)):
            svg = svg_text(self.env, image)
            if svg and "jupyter_execute" in image["uri"] and ("aria-label" in svg or "<title" in svg):
                image.replace_self(nodes.raw("", f'<div class="pfn-picture">{svg}</div>', format="html"))


class LiveNotes(SphinxPostTransform):
    """Say above a page's first live cell that this copy of the book cannot run it."""

    default_priority = 6
    formats = ("html",)

    def run(self):
        cells = [node for node in self.document.findall(nodes.container) if "tag_live" in node["classes"]]
        if cells and not runtime():
            text = f"The cells of this page are shown but cannot be run here: {why_not_live()}. {HOW_TO_GET_IT}"
            note = nodes.note("", nodes.paragraph("", text), classes=["pfn-not-live"])
            cells[0].parent.insert(cells[0].parent.index(cells[0]), note)


def svg_text(env, node):
    """The source of an SVG picture that a cell has put out, without what belongs to a file of its own."""
    image = next(node.findall(nodes.image), None) if node is not None else None
    if image is None or not image.get("uri", "").endswith(".svg"):
        return None
    text = (pathlib.Path(env.srcdir) / image["uri"].lstrip("/")).read_text(encoding="utf-8")
    return text[text.index("<svg"):]


def text_of(node):
    return f"<pre>{html.escape(node.astext())}</pre>" if node is not None else ""


def model_id(view):
    """The model that a widget-view output names; myst-nb keeps it as a script element."""
    raw = view.astext()
    return json.loads(raw[raw.index("{"):raw.rindex("}") + 1])["model_id"]


def finish_page(app, pagename, templatename, context, doctree):
    """Load the script, on pages with something to bring to life or a picture that may scroll; name what folds by what it shows."""
    if doctree is None:
        return
    context["body"] = breakable(context["body"].replace(' aria-label="Toggle hidden content"', ""))   # its text says more
    live = any("tag_live" in node["classes"] for node in doctree.findall(nodes.container))
    drawn = any("pfn-widget" in node.astext() or "pfn-picture" in node.astext() for node in doctree.findall(nodes.raw))
    if live or drawn:
        folder = runtime()
        attributes = {"data-runtime": f"live/{folder.name}/"} if folder else {"data-why-not": why_not_live()}
        app.add_js_file("pfn-live.js", loading_method="defer", **attributes)


def breakable(body):
    """A page whose long C names may be broken between their words, which says nothing to who copies them."""
    return re.sub(r'(?<=<span class="pre">)[^<]+', lambda name: re.sub(r"(?<=\w[_/])(?=\w)|(?<=\w\.)(?=[a-z]{3})", "<wbr>", name[0]), body)


# ---- files -----------------------------------------------------------------------------------------------------------

def add_page_scripts(app, config):
    config.html_static_path.append(str(PAGE_SCRIPTS))


def copy_runtime(app, error):
    """Link the page's Python into the site; no second copy of 20 MB, and none of earlier builds."""
    if error or app.builder.name != "html":
        return
    static = pathlib.Path(app.outdir) / "_static"
    shutil.rmtree(static / "live", ignore_errors=True)
    folder = runtime()
    if folder:
        link_tree(folder, static / "live" / folder.name)
    else:
        logger.info("no live Python on the pages: %s", why_not_live())


def setup(app):
    for transform in (StillPictures, InlinePictures, LiveNotes):
        app.add_post_transform(transform)
    app.connect("config-inited", add_page_scripts)
    app.connect("html-page-context", finish_page)
    app.connect("build-finished", copy_runtime)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
