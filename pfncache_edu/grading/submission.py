"""Submissions: what a student hands in, a notebook or a Python file, as cells that can be run.

Only the sources of code cells are used: outputs and metadata are not trusted. Magics and shell lines are left out, a
cell that fails is noted and the next one runs, so that one odd cell does not cost an answer that is there.
"""
from __future__ import annotations

import ast
import json
import linecache
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath

MAGIC = re.compile(r"^(\s*)[%!?]")                          # %matplotlib inline, !pip install …, ?help
ASSIGNED_MAGIC = re.compile(r"^(\s*)[\w, ]+=\s*[%!]")       # files = !ls
HELP = re.compile(r"^(\s*)[\w.]+\?{1,2}\s*$")               # explore?


HAND_IN = "hand in the notebook (.ipynb) or the Python file (.py) itself"
NOT_TEXT = {                                                # how a file begins, and what is wrong with it then
    b"PK\x03\x04": f"a ZIP archive is not opened here: {HAND_IN}, or grade what `pfncache grade unpack FOLDER --out NEW` makes of it",
    b"PK\x05\x06": f"the ZIP archive is empty: {HAND_IN}",
    b"\x1f\x8b": f"a compressed file is not opened here: {HAND_IN}", b"7z\xbc\xaf": f"a 7z archive is not opened here: {HAND_IN}",
    b"Rar!": f"a RAR archive is not opened here: {HAND_IN}", b"%PDF": f"this is a PDF: {HAND_IN}",
    b"\xff\xfe": "the file is text in UTF-16: save it as UTF-8", b"\xfe\xff": "the file is text in UTF-16: save it as UTF-8"}


class NotASubmission(Exception):
    """The bytes are no notebook and no Python file; the message says why."""


@dataclass(frozen=True)
class Submission:
    """The code cells of what was handed in."""
    name: str
    cells: tuple[str, ...]

    def checked_among(self, known: Collection[str]) -> tuple[str, ...]:
        """The exercises that its cells ask to check."""
        found = re.findall(r"""\bcheck\(\s*["']([^"']{1,20})["']""", "\n".join(self.cells))
        return tuple(dict.fromkeys(id for id in found if id in known))


def read_submission(name: str, data: bytes) -> Submission:
    """The cells in the bytes of a file called `name`. NotASubmission says what is wrong with them."""
    if not data.strip():
        raise NotASubmission("the file is empty")
    for start, what in NOT_TEXT.items():
        if data.startswith(start):
            raise NotASubmission(what)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotASubmission(f"the file is not text in UTF-8 (byte {error.start} is {data[error.start]:#04x}): save it as UTF-8, as editors and Jupyter do by default") from None
    suffix = PurePath(name).suffix.lower()
    if suffix == ".ipynb":
        return Submission(name, cells_of(text))
    if suffix == ".py":
        return Submission(name, (text.replace("\r\n", "\n"),))
    raise NotASubmission(f"a submission is a notebook (.ipynb) or a Python file (.py), not {suffix or 'a file without a suffix'}")


def cells_of(text: str) -> tuple[str, ...]:
    """The sources of a notebook's code cells, in order."""
    try:
        notebook = json.loads(text)
    except RecursionError:
        raise NotASubmission("the notebook is nested too deeply to be read") from None
    except ValueError as error:
        raise NotASubmission(f"the notebook is not JSON ({error}): save it again in Jupyter and hand in that file") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise NotASubmission("the file is JSON but no notebook of version 4: it has no list of cells")
    sources = [cell.get("source", "") for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    return tuple("".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else str(source)
                 for source in sources)


def exercise_of(path: str, submission: Submission) -> str:
    """Which exercise a submission is for: by its file's name, its folders' names, or the check() in it.

    NotASubmission says how to name it.
    """
    known = known_exercises()
    checked = submission.checked_among(known)
    if named := exercise_in_path(path):
        return named
    if len(checked) == 1:
        return checked[0]
    raise NotASubmission(f"which exercise is it? Name the file after it, such as {next(iter(known))}.ipynb, or grade with --exercise")


def exercise_in_path(path: str) -> str | None:
    """The exercise that a path names: in the file's name, or else in a folder's."""
    for part in reversed(PurePath(path).parts):
        ids = [id for id in known_exercises() if re.search(rf"(?<![\d.]){re.escape(id)}(?!\d|\.\d)", part)]
        if len(ids) == 1:
            return ids[0]
    return None


def known_exercises() -> Collection[str]:
    """The exercises by their number. Not where a student's code runs: there they are not."""
    from .exercises import EXERCISES

    return EXERCISES


def without_magics(source: str) -> str:
    """A cell's source with its magics, shell lines and help requests turned into `pass`; line numbers stay."""
    if source.lstrip().startswith("%%"):
        return ""
    try:
        ast.parse(source)
        return source                      # what is Python already may contain a % at the start of a line
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        pass
    lines = []
    for line in source.split("\n"):
        magic = MAGIC.match(line) or ASSIGNED_MAGIC.match(line) or HELP.match(line)
        lines.append(f"{magic[1]}pass" if magic else line)
    return "\n".join(lines)


def run_cells(submission: Submission, namespace: dict, compile=compile) -> list[str]:
    """Run the cells one after the other in a namespace; the complaints of those that failed. Only Ctrl+C ends it."""
    complaints = []
    for number, source in enumerate(submission.cells, start=1):
        label = f"code cell {number}" if len(submission.cells) > 1 else PurePath(submission.name).name
        source = without_magics(source)
        linecache.cache[f"<{label}>"] = len(source), None, source.splitlines(True), f"<{label}>"
        try:
            exec(compile(source, f"<{label}>", "exec"), namespace)
        except KeyboardInterrupt:
            raise
        except BaseException as error:                     # sys.exit() ends a cell, not the run
            complaints.append(f"{label}, line {line_of(error, f'<{label}>')}: {type(error).__name__}: {sentence_of(error)}")
    return complaints


def line_of(error: BaseException, file: str) -> int:
    """The line of a cell that an error came from: the innermost one."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 1
    line, step = 1, error.__traceback__
    while step:
        line = step.tb_lineno if step.tb_frame.f_code.co_filename == file else line
        step = step.tb_next
    return line


def sentence_of(error: BaseException) -> str:
    """The message of an error, even of one that cannot say it."""
    try:
        return (error.msg if isinstance(error, SyntaxError) else str(error))[:500]
    except BaseException:
        return "(its message cannot be shown)"
