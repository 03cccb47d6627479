"""Marking: a form for what a person must read, on this machine alone, and the command for it.

    pfncache mark grades --by "A. Marker"                    a form in the browser
    pfncache mark grades --export marks.csv                  what is to be marked, for a spreadsheet
    pfncache mark grades --import marks.csv --by "A. Marker" its columns `points` and `comment`, back again

Every mark stays in DIR/marks.sqlite with its time and marker; the last one counts, and where two people differ, the list says so.
Tables and pages are written again with the marks in them.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

from .batch import published
from .marks import CannotMark, Marks, Open, as_csv, from_csv, to_mark
from .report import Report, report_from


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
    from .marking_form import Form, serve        # only here: a web server takes 2 MB, which every run of `grade` would carry

    form = Form(todo, marks, asked.by)
    server = serve(form, asked.port)
    print(f"mark at http://127.0.0.1:{server.server_address[1]}/{form.token}/ (Ctrl-C ends this)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    server.server_close()
    return f"\n{sum(bool(one.marks) for one in form.fresh())} of {len(todo)} are marked; {asked.out / 'grades.csv'} has the marks"
