"""Paths through the book: {path} lists chapters with their minutes, read off the chapters themselves, and adds them up.

    ```{path} 0, 3, 8
    3: its first two sections
    ```

A line of the body says what of a chapter is meant. A chapter that is not in the book yet is named, and marked as such.
{needs} lists what each chapter needs. The links to the previous and the next page say how long those take.
"""

import pathlib
import re
import tomllib

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

BOOK = pathlib.Path(__file__).parents[1]


def plans():
    """The plan of each chapter by number, with its page and, if it is written, its reading minutes."""
    for name, plan in tomllib.loads((BOOK / "chapters.toml").read_text(encoding="utf-8")).items():
        yield plan["number"], {**plan, "page": f"chapters/{name}", "reading": reading_minutes(BOOK / f"chapters/{name}.ipynb")}


def reading_minutes(notebook):
    """What a chapter's Time line says; None if the chapter is not written yet."""
    found = re.search(r"\*\*Time:\*\* (\d+) minutes of reading", notebook.read_text(encoding="utf-8")) if notebook.exists() else None
    return int(found[1]) if found else None


def total(chosen):
    """The minutes of some chapters in words."""
    reading, exercises = (sum(plan[key] or 0 for plan in chosen) for key in ("reading", "exercise_minutes"))
    return f"In all {hours(reading)} of reading, and {hours(exercises)} for all exercises on the way."


def hours(minutes):
    """150 -> "2 h 30 min"."""
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


class Path(SphinxDirective):
    """{path} 0, 3, 8: these chapters, with links and minutes."""

    required_arguments, final_argument_whitespace, has_content = 1, True, True

    def run(self):
        known, notes = dict(plans()), dict(re.match(r"(\d+): (.*)", line).groups() for line in self.content if line.strip())
        chosen = [known[int(number)] for number in self.arguments[0].split(",")]
        for plan in chosen:
            self.env.note_dependency(str(BOOK / f"{plan['page']}.ipynb"))
        stops = nodes.bullet_list("", *(self.stop(plan, notes.get(str(plan["number"]), "")) for plan in chosen))
        return [stops, nodes.paragraph("", total(chosen))]

    def stop(self, plan, note):
        """A chapter on the way: its name and link, its minutes, what of it is meant."""
        title = f"{plan['number']} · {plan['title']}"
        name = nodes.inline("", title)
        if plan["reading"]:
            name = addnodes.pending_xref("", nodes.inline("", title), refdomain="std", reftype="doc", reftarget=f"/{plan['page']}",
                                         refexplicit=True, refwarn=True, refdoc=self.env.docname)
        minutes = f" ({plan['reading']} + {plan['exercise_minutes']} min)" if plan["reading"] else " (not written yet)"
        return nodes.list_item("", nodes.paragraph("", "", name, nodes.Text(minutes + (f": {note}" if note else ""))))


class Needs(SphinxDirective):
    """{needs}: each chapter with those that it needs at once; what they need comes with them."""

    def run(self):
        rows = [f"{number} · {plan['title']}: " + (f"after {' and '.join(map(str, plan['needs']))}" if plan["needs"] else "needs nothing")
                for number, plan in plans()]
        return [nodes.bullet_list("", *(nodes.list_item("", nodes.paragraph("", row)) for row in rows))]


# ---- the neighbours of a page ----------------------------------------------------------------------------------------

WORDS_A_MINUTE = 180
LOOKED_UP = {"progress", "claims", "sources", "glossary", "genindex"}           # nobody reads these from top to bottom


def note_minutes(app, doctree):
    """Remember how long a page takes: a chapter says so itself, of another page the words are counted."""
    page = app.env.docname
    said = reading_minutes(BOOK / f"{page}.ipynb") if page.startswith("chapters/") else None
    counted = max(1, round(len(doctree.astext().split()) / WORDS_A_MINUTE))
    minutes_of(app.env)[page] = None if page in LOOKED_UP else said or counted


def minutes_of(env):
    """The minutes of each page that is read through, by its name."""
    if not hasattr(env, "pfn_minutes"):
        env.pfn_minutes = {}
    return env.pfn_minutes


def write_again(app, env):
    """The pages to write again though nothing in them has changed: neighbours of one whose minutes have, and all if a title has."""
    now = {page: (minutes, env.titles[page].astext()) for page, minutes in minutes_of(env).items() if page in env.titles}
    before, env.pfn_written = getattr(env, "pfn_written", now), now
    if {page: title for page, (_, title) in now.items()} != {page: title for page, (_, title) in before.items()}:
        return list(env.found_docs)
    changed = {page for page in now if now[page] != before[page]}
    return [page for page, (_, *neighbours) in env.collect_relations().items() if changed & set(neighbours)]


def time_neighbours(app, pagename, templatename, context, doctree):
    """Put the minutes of the previous and the next page beside their links."""
    _, *neighbours = app.env.collect_relations().get(pagename, (None, None, None)) if doctree is not None else (None, None, None)
    for name, page in zip(("prev_time", "next_time"), neighbours, strict=True):
        context[name] = time_of(minutes_of(app.env).get(page)) if page else ""


def time_of(minutes):
    """24 -> "24 min"; None -> "to look things up"."""
    return hours(minutes) if minutes else "to look things up"


def merge_minutes(app, env, docnames, other):
    minutes_of(env).update({page: minutes for page, minutes in minutes_of(other).items() if page in docnames})


def setup(app):
    app.add_directive("path", Path)
    app.add_directive("needs", Needs)
    app.connect("doctree-read", note_minutes)
    app.connect("env-merge-info", merge_minutes)
    app.connect("env-updated", write_again)
    app.connect("html-page-context", time_neighbours)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
