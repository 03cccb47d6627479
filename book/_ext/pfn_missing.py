"""The page that a host shows for an address that is not there: 404.html.

A host serves it under the missing address, at any depth, and the book may lie in a folder of its host. So it brings its style
with it and finds the book's folder by itself: the one that holds this 404.html. Without JavaScript its links start from where
`html: baseurl:` says, or from the top of the host.
"""

import html
import json
import pathlib
import urllib.parse

TEMPLATE = pathlib.Path(__file__).parents[1] / "_templates/404.html"


def write_page(app, error):
    """Fill the template with the book's pages, in their order."""
    if error or app.builder.name != "html":
        return
    base = urllib.parse.urlsplit(app.config.html_baseurl).path.rstrip("/") + "/"
    (pathlib.Path(app.outdir) / "404.html").write_text(filled(TEMPLATE.read_text(encoding="utf-8"), base, pages(app)), encoding="utf-8")


def pages(app):
    """Address and title of each page, the first page left out."""
    root = app.config.root_doc
    for name in app.env.toctree_includes.get(root, ()):
        yield app.builder.get_target_uri(name), app.env.titles[name].astext()


def filled(template, base, found):
    found = list(found)
    entries = "\n".join(f'      <li><a href="{html.escape(address)}">{html.escape(title)}</a></li>' for address, title in found)
    listed = json.dumps(found, ensure_ascii=False).replace("</", "<\\/")
    return template.replace("{{ base }}", html.escape(base)).replace("{{ contents }}", entries).replace("{{ pages }}", listed)


def setup(app):
    app.connect("build-finished", write_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
