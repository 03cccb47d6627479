"""The form in which a person marks, in the browser: its pages, and a server for this machine alone."""
from __future__ import annotations

import html
import http.server
import secrets
import urllib.parse
from dataclasses import replace

from .marks import MAX_COMMENT, CannotMark, Marks, Open
from .pages import page


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
