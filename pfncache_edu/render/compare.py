"""Two versions of a function side by side, what differs marked: as text and as HTML. Pure functions."""
from __future__ import annotations

import difflib
import html
import inspect
import re
import textwrap
from dataclasses import dataclass
from os.path import basename


@dataclass(frozen=True)
class Pair:
    """A line of each side, "" where a side has none, and how they differ: " " alike, "-" only left, "+" only right, "|" changed."""
    left: str
    right: str
    mark: str


def source_lines(function) -> list[str]:
    """The lines of a function, a kernel function's too, without decorators, at the left margin."""
    source = textwrap.dedent(inspect.getsource(getattr(function, "function", function))).splitlines()
    start = next(n for n, line in enumerate(source) if line.startswith("def "))
    return source[start:]


def pairs(left: list[str], right: list[str]) -> list[Pair]:
    """The lines of two texts, those that belong together in one pair."""
    found: list[Pair] = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what == "equal":
            found += [Pair(line, line, " ") for line in left[a:b]]
            continue
        both = min(b - a, d - c)
        found += [Pair(one, other, "|") for one, other in zip(left[a:a + both], right[c:c + both])]
        found += [Pair(line, "", "-") for line in left[a + both:b]]
        found += [Pair("", line, "+") for line in right[c + both:d]]
    return found


def name_of(function) -> str:
    """The file that a function stands in, and its name: "v6_1.py: kvm_gpc_activate()"."""
    file = basename(inspect.getsourcefile(getattr(function, "function", function)))
    return f"{file}: {function.__name__}()"


def side_by_side(left, right, width: int = 100) -> str:
    """Two functions beside each other as text. Between them: `|` changed, `-` only on the left, `+` only on the right."""
    rows = [Pair(name_of(left), name_of(right), " "), Pair("", "", " "), *pairs(source_lines(left), source_lines(right))]
    column = min(width, max(len(row.left) for row in rows))
    lines = []
    for row in rows:
        parts = textwrap.wrap(row.left, column, drop_whitespace=False, replace_whitespace=False) or [""]
        lines += [f"{part:<{column}} {row.mark} {row.right if part is parts[0] else ''}".rstrip() for part in parts]
    return "\n".join(lines)


def side_by_side_html(left, right) -> str:
    """Two functions as a table with a row per line. A difference is marked in three ways: by a sign, by <del> or <ins>, by a class."""
    body = []
    for row in pairs(source_lines(left), source_lines(right)):
        before, after = marked_words(row) if row.mark == "|" else (
            _mark([(row.left.strip(), row.mark == "-")], "del"), _mark([(row.right.strip(), row.mark == "+")], "ins"))
        kind = {" ": "same", "-": "removed", "+": "added", "|": "changed"}[row.mark]
        body.append(f'<tr class="{kind}"><td><code>{_indent(row.left)}{before}</code></td>'
                    f'<td class="mark">{row.mark.strip() or "&#160;"}</td><td><code>{_indent(row.right)}{after}</code></td></tr>')
    head = f'<tr><th scope="col">{html.escape(name_of(left))}</th><th></th><th scope="col">{html.escape(name_of(right))}</th></tr>'
    caption = (f"<caption>{html.escape(left.__name__)}() side by side: | changed, - only on the left, + only on the right</caption>")
    return f'<table class="side-by-side">{caption}<thead>{head}</thead><tbody>\n' + "\n".join(body) + "\n</tbody></table>"


def marked_words(row: Pair) -> tuple[str, str]:
    """Both sides of a changed line, with the words marked that the other side does not have. Unlike lines are marked whole."""
    left, right = (re.findall(r"\w+|\s+|[^\w\s]", side.strip()) for side in (row.left, row.right))
    match = difflib.SequenceMatcher(None, left, right, autojunk=False)
    if match.ratio() < 0.6:
        return _mark([(row.left.strip(), True)], "del"), _mark([(row.right.strip(), True)], "ins")
    codes = match.get_opcodes()
    return (_mark([("".join(left[a:b]), what != "equal") for what, a, b, _, _ in codes], "del"),
            _mark([("".join(right[c:d]), what != "equal") for what, _, _, c, d in codes], "ins"))


def _mark(parts: list[tuple[str, bool]], tag: str) -> str:
    return "".join(f"<{tag}>{html.escape(text)}</{tag}>" if marked and text else html.escape(text) for text, marked in parts)


def _indent(line: str) -> str:
    return "&#160;" * (len(line) - len(line.lstrip(" ")))
