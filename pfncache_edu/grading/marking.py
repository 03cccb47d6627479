"""Marking: a form for what a person must read, on this machine alone, and the command for it.

    pfncache mark grades --by "A. Marker"                    a form in the browser
    pfncache mark grades --export marks.csv                  what is to be marked, for a spreadsheet
    pfncache mark grades --import marks.csv --by "A. Marker" its columns `points` and `comment`, back again

Every mark stays in DIR/marks.sqlite with its time and marker; the last one counts, and where two people differ, the list says so.
Tables and pages are written again with the marks in them.
"""
from __future__ import annotations

import html
import http.server
import json
import secrets
import sys
import urllib.parse
from dataclasses import replace
from pathlib import Path

from .batch import published
from .marks import MAX_COMMENT, CannotMark, Marks, Open, as_csv, from_csv, to_mark
from .pages import page
from .report import Report, report_from

# --- in the browser ---------------------------------------------------------------------------------------------------

class Form:
    """The pages of the form, for a list of things to mark. `token` is in every address, so that no other page can post here."""

    def __init__(self, todo: list[Open], marks: Marks, marker: str):
        self.todo, self.marks, self.marker, self.token = todo, marks, marker, secrets.token_urlsafe(16)

    def index(self) -> str:
        """The list of what is to be marked."""
        lines = "".join(f'<tr><td><a href="/{self.token}/{n}">{html.escape(one.submission)}</a></td><td>{html.escape(one.rubric.title)}</td>'
                        f"<td>{self.state(one)}</td></tr>" for n, one in enumerate(self.fresh()))
        done = sum(bool(one.marks) for one in self.fresh())
        return page("Marking", f'<h1>{done} of {len(self.todo)} marked</h1><div class="wide"><table><thead><tr><th scope="col">Submission</th>'
                               f'<th scope="col">Part</th><th scope="col">Mark</th></tr></thead><tbody>{lines}</tbody></table></div>', forms=True)

    def fresh(self) -> list[Open]:
        return [replace(one, marks=self.marks.of(one.submission, one.exercise, one.rubric.name)) for one in self.todo]

    @staticmethod
    def state(one: Open) -> str:
        if not one.marks:
            return "to be marked"
        return f"{one.marks[-1].points:g} of {one.rubric.points:g}" + (", markers differ" if one.differ else "")

    def one(self, number: int, problem: str = "") -> str:
        """The text beside the rubric, and the fields for a mark."""
        one = self.fresh()[number]
        halves = [n / 2 for n in range(int(2 * one.rubric.points) + 1)]
        choices = "".join(f'<p><label><input type="radio" name="points" value="{points:g}" required> <strong>{points:g}</strong> '
                          f"{html.escape(one.rubric.anchors.get(points, one.rubric.anchors.get(int(points), '') if points == int(points) else ''))}</label></p>"
                          for points in reversed(halves))
        trail = "".join(f"<li>{html.escape(mark.time)}, {html.escape(mark.marker)}: {mark.points:g}. {html.escape(mark.comment)}</li>" for mark in one.marks)
        body = (f"<h1>{html.escape(one.submission)}: {html.escape(one.rubric.title)}</h1><p>Expected: {html.escape(one.rubric.expected)}</p>"
                f'<pre tabindex="0" style="white-space:pre-wrap">{html.escape(one.prose)}</pre>'
                + (f'<p role="alert"><strong>{html.escape(problem)}</strong></p>' if problem else "")
                + f'<form method="post" action="/{self.token}/{number}"><fieldset><legend>Points</legend>{choices}</fieldset>'
                  f'<p><label>Comment for the student<br><textarea name="comment" rows="4" cols="70" maxlength="{MAX_COMMENT}"></textarea></label></p>'
                  f"<p><button>Give this mark, as {html.escape(self.marker)}</button></p></form>"
                + (f"<h2>Marks so far</h2><ul>{trail}</ul>" if trail else "") + f'<p><a href="/{self.token}/">All</a></p>')
        return page(one.submission, body, forms=True)

    def give(self, number: int, fields: dict[str, list[str]]) -> str:
        """Give the mark of a form that was sent; the page that comes next."""
        try:
            self.marks.give(self.marker, self.todo[number], float(fields["points"][0]), fields.get("comment", [""])[0])
        except (CannotMark, KeyError, ValueError) as problem:
            return self.one(number, str(problem) if isinstance(problem, CannotMark) else "choose the points first")
        later = [n for n, one in enumerate(self.fresh()) if not one.marks]
        return self.one(later[0]) if later else self.index()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves a Form (`server.form`) to this machine; whatever does not know its token is not found."""

    def do_GET(self):
        self.answer(lambda form, number: form.index() if number is None else form.one(number))

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length") or 0), 10 * MAX_COMMENT)
        fields = urllib.parse.parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        self.answer(lambda form, number: form.give(number, fields))

    def answer(self, make):
        form = self.server.form
        token, _, number = self.path.lstrip("/").partition("/")
        known = secrets.compare_digest(token.encode(), form.token.encode()) and (not number or number.isdigit() and int(number) < len(form.todo))
        data = make(form, int(number) if number else None).encode() if known else b"not found"
        self.send_response(200 if known else 404)
        for name, value in (("Content-Type", "text/html; charset=utf-8" if known else "text/plain"), ("Content-Length", str(len(data))),
                            ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def serve(form: Form, port: int = 0) -> http.server.HTTPServer:
    """A server for a form, on this machine's own address only; whoever calls it lets it run."""
    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    server.form = form
    return server


# --- the command ------------------------------------------------------------------------------------------------------

def stored_reports(out: Path) -> list[tuple[str, Report]]:
    """The reports in an output folder, as `pfncache grade` left them. CannotMark if there are none."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((out / "results").glob("*.json"))]
    if not found:
        raise CannotMark(f"there are no results in {out}: run `pfncache grade SUBMISSIONS --out {out}` first")
    return [(entry["submission"], report_from(entry["report"])) for entry in found]


def add_mark_command(commands) -> None:
    """Add `mark` to the command line."""
    made = commands.add_parser("mark", help="Mark by its rubric what a person must read", description=__doc__.partition("\n\n")[2])
    made.add_argument("out", type=Path, metavar="DIR", help="the folder that `pfncache grade --out` wrote")
    made.add_argument("--by", default="", metavar="NAME", help="who marks: it stands in the trail")
    made.add_argument("--export", type=Path, metavar="CSV", help="write what is to be marked into a table")
    made.add_argument("--import", dest="table", type=Path, metavar="CSV", help="take the marks of a table")
    made.add_argument("--port", type=int, default=0, help="default: a free one")
    made.set_defaults(run=run)


def run(asked) -> int:
    """Mark; what stands in the way is said in a line."""
    try:
        reports = stored_reports(asked.out)
        with Marks(asked.out) as marks:
            told = mark(asked, to_mark(reports, marks), marks)
        published(asked.out)
    except (CannotMark, OSError) as problem:
        print(f"pfncache: {problem}", file=sys.stderr)
        return 2
    print(told)
    return 0


def mark(asked, todo: list[Open], marks: Marks) -> str:
    """Do what was asked for; what to say of it."""
    if asked.export:
        asked.export.write_text(as_csv(todo), encoding="utf-8-sig")
        return f"{len(todo)} to mark: {asked.export}"
    if not asked.by.strip():
        raise CannotMark("say who marks: --by NAME")
    if asked.table:
        given = from_csv(asked.table.read_text(encoding="utf-8-sig"), todo, marks, asked.by)
        return f"{given} marks given; {asked.out / 'grades.csv'} has them"
    if not todo:
        return "nothing here is marked by a person"
    form = Form(todo, marks, asked.by)
    server = serve(form, asked.port)
    print(f"mark at http://127.0.0.1:{server.server_address[1]}/{form.token}/ (Ctrl-C ends this)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    server.server_close()
    return f"\n{sum(bool(one.marks) for one in form.fresh())} of {len(todo)} are marked; {asked.out / 'grades.csv'} has the marks"
