"""The book's notebooks as any Jupyter shows them: without the roles and directives that only the book's builder knows."""

import json
import pathlib
import re

import nbformat

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROLE = re.compile(r"\{(\w+)\}`([^`<]*?)\s*(?:<([^`>]*)>)?`")
EXERCISE = re.compile(r"`(exercises/\S+\.ipynb)`")
ADMONITION = re.compile(r"^(:{3,})\{admonition\} (?P<title>.*)\n(?::class: (?P<kind>.*)\n)?(?P<body>(?:.*\n)*?)\1$", re.MULTILINE)
HIDDEN = {"hide-input", "remove-input"}
KERNEL = {"kernelspec": {"name": "python", "display_name": "Python (in this browser)", "language": "python"},
          "language_info": {"name": "python"}}


def notebooks() -> dict[str, pathlib.Path]:
    """Where each notebook stands in JupyterLab, and where it comes from: chapters and appendices, then the exercises."""
    toc = (ROOT / "book/_toc.yml").read_text(encoding="utf-8")
    pages = [name for name in re.findall(r"- file: (\S+)", toc) if (ROOT / f"book/{name}.ipynb").exists()]
    book = {f"{name}.ipynb": ROOT / f"book/{name}.ipynb" for name in pages}
    starters = sorted(ROOT.glob("exercises/*/*/starter.ipynb"))
    return book | {path.relative_to(ROOT).as_posix(): path for path in starters}


def plain(notebook: dict, titles: dict[str, str]) -> dict:
    """A notebook for the kernel in the browser; code that the book hides is folded."""
    return notebook | {"cells": [plain_cell(cell, titles) for cell in notebook["cells"]], "metadata": KERNEL}


def plain_cell(cell: dict, titles: dict[str, str]) -> dict:
    if cell["cell_type"] == "markdown":
        return cell | {"source": plain_text(cell["source"], titles)}
    folded = {"jupyter": {"source_hidden": True}} if HIDDEN & set(cell["metadata"].get("tags", [])) else {}
    return cell | {"metadata": cell["metadata"] | folded | {"trusted": True}}            # else its pictures are not shown


def plain_text(text: str, titles: dict[str, str]) -> str:
    """Markdown in which a term is its words, another chapter and an exercise are links, and an answer folds; the evidence stays in the book."""
    text = re.sub(r"\s*\{claim\}`[^`]*`", "", text)
    text = ROLE.sub(lambda role: plain_role(role[1], role[2], role[3], titles), text)
    text = EXERCISE.sub(r"[\1](../\1)", text)
    return ADMONITION.sub(plain_admonition, text)


def plain_role(role: str, words: str, target: str | None, titles: dict[str, str]) -> str:
    page = (target or words).rpartition("/")[2]
    if role != "doc" or page not in titles:
        return words
    path, title = titles[page]
    return f"[{words if target else title}]({path})" if path else f"*{title}* (in the book)"


def plain_admonition(found: re.Match) -> str:
    body = found["body"].strip()
    if "dropdown" in (found["kind"] or ""):
        return f"<details><summary>{found['title']}</summary>\n\n{body}\n\n</details>"
    return "\n".join(f"> {line}".rstrip() for line in (f"**{found['title']}**", "", *body.splitlines()))


def read(path: pathlib.Path) -> dict:
    """A notebook with each text in one piece: JupyterLite does not join lines."""
    return json.loads(json.dumps(nbformat.read(path, as_version=4)))


def title(path: pathlib.Path) -> str:
    """The first heading of a notebook or a page of Markdown."""
    text = path.read_text(encoding="utf-8") if path.suffix == ".md" else "\n".join(cell["source"] for cell in read(path)["cells"])
    return re.search(r"^# (.*)$", text, re.MULTILINE)[1]


def page_titles() -> dict[str, tuple[str, str]]:
    """By the last part of its name: where a page of the book stands in JupyterLab, seen from a chapter, and its title. Empty: only in the book."""
    found = {path.stem: ("", title(path)) for path in ROOT.glob("book/*.md") if path.stem != "index"}
    return found | {path.stem: (f"../{place}", title(path)) for place, path in notebooks().items() if not place.startswith("exercises/")}


def write(folder: pathlib.Path) -> None:
    """Write every notebook, and a page that lists them, into a folder."""
    titles = page_titles()
    for place, path in notebooks().items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(plain(read(path), titles), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "START-HERE.md").write_text(start_page(), encoding="utf-8")


START = """# Inside pfncache: all notebooks

They run in this browser: nothing is installed, nothing is sent anywhere. The first cell that you run waits until Python has
started, some ten seconds. What you write is kept in this browser; *File, Download* makes a copy.

- Answers are checked as in every Jupyter: run the last cell of an exercise.
- There is no matplotlib here. The four figures of chapter 7 are shown as the book drew them; run again, they are told in words.
- Evidence and glossary are in the book.

## Chapters

{chapters}

## Exercises

{exercises}
"""


def start_page() -> str:
    lines = {place: f"- [{title(path)}]({place})" for place, path in notebooks().items()}
    return START.format(chapters="\n".join(line for place, line in lines.items() if not place.startswith("exercises/")),
                        exercises="\n".join(line for place, line in lines.items() if place.startswith("exercises/")))
