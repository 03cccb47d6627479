"""HTML pages of reports: complete in themselves, with no script and no request to anywhere.

What comes from a submission is escaped, and its pictures are rebuilt from the few elements that our own consist of.
"""
from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

from .report import STYLE, Report, Result, as_html, with_code

SVG = "http://www.w3.org/2000/svg"
ALLOWED = {"svg", "g", "title", "desc", "rect", "path", "line", "circle", "polygon", "polyline", "text", "tspan"}
ATTRIBUTES = {"viewBox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "rx", "ry", "cx", "cy", "r", "d", "points", "fill",
              "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "text-anchor", "role",
              "aria-label"}

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff; }}
h1 {{ font-size: 1.4rem; overflow-wrap: anywhere; }}
a {{ color: #0550ae; }}
svg {{ max-width: 100%; height: auto; background: #fff; }}
@media (max-width: 40rem) {{ figure svg {{ max-width: none; }} }}
.wide {{ overflow-x: auto; }}
.wide table {{ border-collapse: collapse; }}
.wide th, .wide td {{ text-align: left; padding: .3em .6em; border-bottom: 1px solid #8886; vertical-align: top; }}
.wide td:nth-child(2) {{ white-space: nowrap; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e6edf3; background: #0d1117; }} a {{ color: #79c0ff; }} }}
</style>
{style}</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def page(title: str, body: str, *, forms: bool = False) -> str:
    """A whole page; with `forms`, what it holds may be sent to where it came from."""
    policy = POLICY.replace("form-action 'none'", "form-action 'self'") if forms else POLICY
    return PAGE.format(policy=escape(policy, quote=True).replace("&#x27;", "'"), title=escape(title), body=body, style=STYLE)


def as_page(row, report: Report) -> str:
    """The page of one submission."""
    told = re.sub("<(pre|figure)>", r'<\1 tabindex="0">', as_html(report, clean_svg))      # so that keys can scroll it
    body = (f"<h1>{escape(row.submission)}</h1>\n{told}\n"
            '<p><a href="../index.html">All submissions</a></p>')
    return page(f"{row.submission}: {row.points:g} of {row.maximum:g} points", body)


def as_index(rows) -> str:
    """The page that leads to all others."""
    lines = "\n".join(f'<tr><td><a href="{escape(row.page)}">{escape(row.submission)}</a></td>'
                      f"<td>{row.points:g} of {row.maximum:g}</td><td>{with_code(row.reason)}</td></tr>" for row in rows)
    full = sum(row.points == row.maximum > 0 for row in rows)
    unread = sum(not row.earned for row in rows)
    body = (f"<h1>{len(rows)} submissions</h1>\n<p>{full} with full marks, {unread} that could not be assessed. "
            'The same as a table: <a href="grades.csv">grades.csv</a>. What the class can do: <a href="overview.html">overview</a>.</p>\n<div class="wide" tabindex="0" role="region" '
            'aria-label="Submissions"><table><thead><tr><th scope="col">Submission</th><th scope="col">Points</th>'
            f'<th scope="col">First reason</th></tr></thead><tbody>\n{lines}\n</tbody></table></div>')
    return page(f"{len(rows)} submissions", body)


def clean_svg(result: Result) -> str:
    """The picture of a result with nothing in it that a picture of ours does not have; "" if it is none."""
    if not result.svg or "<!" in result.svg:
        return ""
    try:
        picture = ElementTree.fromstring(result.svg)
    except ElementTree.ParseError:
        return ""
    if picture.tag != f"{{{SVG}}}svg":
        return ""
    return _clean(picture)


def _clean(element: ElementTree.Element) -> str:
    name = element.tag.removeprefix(f"{{{SVG}}}") if isinstance(element.tag, str) else ""
    if name not in ALLOWED:
        return ""
    kept = "".join(f' {key}="{escape(value)}"' for key, value in element.attrib.items() if key in ATTRIBUTES and "url(" not in value)
    space = ' xml:space="preserve"' if name == "text" else ""
    inside = escape(element.text or "") + "".join(_clean(child) + escape(child.tail or "") for child in element)
    return f"<{name}{kept}{space}>{inside}</{name}>"
