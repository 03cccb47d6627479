"""Releases: one source per exercise, from which the student's notebook and the reference come.

    python -m pfncache_edu.grading.release [FOLDER]

A source is a `source.py` in cells: `# %% [markdown]` or `# %%`, with a name or tags if need be. In it,

    ### BEGIN SOLUTION … ### END SOLUTION        is in the reference only
    ### BEGIN STARTER … ### END STARTER          is in the starter only

so a solution cannot get into a starter unless somebody takes the marks away, and a test looks for that. The cell of the
reference that holds a solution is what hint 4 shows, from `pfncache_edu/grading/solutions/`.
"""
from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .hints import SOLUTIONS
from .record import write_whole
from .study import STARTERS

CELL = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?P<rest>.*)$", re.MULTILINE)
MARK = re.compile(r"^[ \t]*### (BEGIN|END) (SOLUTION|STARTER)[ \t]*\n", re.MULTILINE)
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}


@dataclass(frozen=True)
class Cell:
    kind: str                          # "markdown" or "code"
    source: str
    tags: tuple[str, ...] = ()


def cells_of(text: str) -> list[Cell]:
    """The cells of a source. What stands before the first one is a note for its authors."""
    heads = list(CELL.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    cells = []
    for head, end in zip(heads, ends):
        body = text[head.end():end].strip("\n")
        tags = tuple(re.findall(r"tags=(\S+)", head["rest"]))
        if head["markdown"]:
            body = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
        cells.append(Cell("markdown" if head["markdown"] else "code", body, tags))
    return cells


def without(part: str, text: str) -> str:
    """The text without the marked parts of this kind, and without any marks. ValueError if marks do not match."""
    kept, open_part, at = [], "", 0
    for mark in MARK.finditer(text):
        kind, name = mark.groups()
        if (kind == "BEGIN") == bool(open_part) or (kind == "END" and name != open_part):
            raise ValueError(f"### {kind} {name} where {'### END ' + open_part if open_part else '### BEGIN'} is expected")
        if open_part != part:
            kept.append(text[at:mark.start()])
        open_part, at = (name if kind == "BEGIN" else ""), mark.end()
    if open_part:
        raise ValueError(f"### BEGIN {open_part} without its end")
    return "".join(kept) + text[at:]


def notebook_of(cells: list[Cell], prefix: str) -> str:
    """A notebook in the book's normal form: numbered ids, no outputs, keys sorted."""
    made, count = [], 0
    for place, cell in enumerate(cells, start=1):
        entry = {"cell_type": cell.kind, "id": f"{prefix}-{place:02}", "metadata": {"tags": list(cell.tags)} if cell.tags else {},
                 "source": cell.source.splitlines(keepends=True)}
        if cell.kind == "code":
            count += 1
            entry |= {"execution_count": count, "outputs": []}
        made.append(entry)
    notebook = {"cells": made, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def released(source: Path) -> dict[Path, str]:
    """What a source makes: the path of each notebook, and its text."""
    text, folder = source.read_text(encoding="utf-8"), source.parent
    number = folder.name.split("-")[0]
    cells = cells_of(text)
    starter = [Cell(c.kind, without("SOLUTION", c.source + "\n").rstrip("\n"), c.tags) for c in cells]
    reference = [Cell(c.kind, without("STARTER", c.source + "\n").rstrip("\n"), c.tags) for c in cells]
    stem = re.sub(r"[^a-zA-Z0-9_-]+", "-", number)
    return {folder / "starter.ipynb": notebook_of(starter, "starter"),
            folder / "samples/starter" / f"{number}.ipynb": notebook_of(starter, stem),
            folder / "samples/reference" / f"{number}.ipynb": notebook_of(reference, stem),
            STARTERS / f"{number}.ipynb": notebook_of(starter, stem),
            SOLUTIONS / f"{number}.txt": solution_of(cells)}


def solution_of(cells: list[Cell]) -> str:
    """The cells with a solution in them, as the reference has them."""
    solved = [without("STARTER", cell.source + "\n").strip("\n") for cell in cells if "### BEGIN SOLUTION" in cell.source]
    return "\n\n\n".join(solved) + "\n"


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0] if arguments else "exercises")
    sources = sorted(folder.glob("**/source.py"))
    if not sources:
        print(f"there is no source.py below {folder}: name the folder of the exercises, or of one", file=sys.stderr)
        return 2
    for source in sources:
        for path, text in released(source).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
