"""Slides from the chapters: headings and lists to show, pictures and listings, checkpoints as questions; prose as speaker notes.

    python instructor/slides.py OUT [CHAPTER …]

They are reveal.js pages, complete in their folder: press S for the notes, space to go on.
"""
from __future__ import annotations

import html
import pathlib
import re
import shutil
import sys
import tomllib

import nbformat
from markdown_it import MarkdownIt

ROOT = pathlib.Path(__file__).parent.parent
REVEAL = ROOT / "node_modules/reveal.js"
PARTS = ("dist/reveal.js", "dist/reveal.css", "dist/theme/white.css", "plugin/notes/notes.js")
FONTS = "dist/theme/fonts/source-sans-pro"
LEFT_OUT = re.compile(r"In the tree|What the model leaves out|Practice|Exercise")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="reveal/dist/reveal.css">
<link rel="stylesheet" href="reveal/dist/theme/white.css">
<style>
.reveal {{ font-size: 30px; }} .reveal h1, .reveal h2, .reveal h3 {{ text-transform: none; }}
.reveal section {{ text-align: left; }} .reveal pre {{ font-size: 16px; width: 100%; box-shadow: none; }}
.reveal svg, .reveal img {{ max-width: 100%; max-height: 560px; }} .reveal table {{ font-size: 22px; }}
</style>
</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="reveal/dist/reveal.js"></script>
<script src="reveal/plugin/notes/notes.js"></script>
<script>Reveal.initialize({{ hash: true, slideNumber: true, transition: "none", plugins: [RevealNotes] }});</script>
</body>
</html>
"""
MARKDOWN = MarkdownIt("commonmark").enable("table")


def slides_of(chapter: pathlib.Path) -> list[str]:
    """The slides of a chapter, each as HTML."""
    slides: list[Slide] = []
    for cell in nbformat.read(chapter, 4).cells:
        if cell.cell_type == "markdown":
            for heading, body in sections(plain(cell.source)):
                if heading or not slides or slides[-1].is_full:
                    slides.append(Slide(heading or slides[-1].heading))
                slides[-1].take(body)
        else:
            for picture in pictures(cell):
                slides.append(Slide(slides[-1].heading, picture, is_full=True))
    return [slide.html for slide in slides if not LEFT_OUT.search(slide.heading) and slide.has_something]


class Slide:
    """A heading, what is shown under it, and what is said."""

    def __init__(self, heading: str, shown: str = "", is_full: bool = False):
        self.heading, self.shown, self.notes, self.is_full = heading, [shown] if shown else [], [], is_full

    def take(self, body: str) -> None:
        """Show lists, tables and questions; say the rest."""
        for block in re.split(r"\n{2,}", body):
            answer = re.match(r":::\{admonition\} Answer \d+\n:class: dropdown\n(.*?)\n:::", block, re.DOTALL)
            if answer:
                self.shown.append(f'<div class="fragment">{MARKDOWN.render(answer[1])}</div>')
            elif re.match(r"(-|\d+\.|\||\*\*\d+\.\*\*) ?", block):
                self.shown.append(MARKDOWN.render(block))
            elif block.strip() and not block.startswith(":::"):
                if not self.shown:                       # a slide begins with the sentence that its section begins with
                    self.shown.append(MARKDOWN.render(first_sentence(block)))
                self.notes.append(MARKDOWN.render(block))

    @property
    def has_something(self) -> bool:
        return bool(self.shown or self.notes)

    @property
    def html(self) -> str:
        level = "h1" if self.heading.startswith("# ") else "h2"
        notes = f'<aside class="notes">{"".join(self.notes)}</aside>' if self.notes else ""
        return f"<section><{level}>{MARKDOWN.renderInline(self.heading.lstrip('# '))}</{level}>{''.join(self.shown)}{notes}</section>"


def first_sentence(block: str) -> str:
    """The first sentence of a paragraph, without breaking at the full stop of a number or a file name."""
    return re.split(r"(?<=[.?!:])\s+(?=[A-Z`*(])", " ".join(block.split()), maxsplit=1)[0]


def sections(text: str) -> list[tuple[str, str]]:
    """(heading, body) of each part of a text; checkpoints are parts of their own, so that each is a slide."""
    parts = re.split(r"^(#{1,3} .*)$", text, flags=re.MULTILINE)
    found = [("", parts[0])] + list(zip(parts[1::2], parts[2::2]))
    return [piece for heading, body in found if heading or body.strip() for piece in questions(heading, body)]


def questions(heading: str, body: str) -> list[tuple[str, str]]:
    if not heading.startswith("## Checkpoints"):
        return [(heading, body)]
    return [(f"## Checkpoint {number}", piece) for number, piece in enumerate(re.split(r"\n(?=\*\*\d+\.\*\*)", body)[1:], start=1)]


def plain(text: str) -> str:
    """Markdown without the book's own roles."""
    text = re.sub(r"\s*\{claim\}`[^`]*`", "", text)
    return re.sub(r"\{\w+\}`([^`<]*?)\s*(?:<[^`>]*>)?`", r"\1", text)


def pictures(cell) -> list[str]:
    """What a cell shows: a picture, a table or a listing; nothing where a reader would have to act."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/svg+xml" in data:
            found.append("".join(data["image/svg+xml"]))
        elif "image/png" in data:
            alternative = html.escape("".join(data.get("text/plain", "")), quote=True)
            found.append(f'<img alt="{alternative}" src="data:image/png;base64,{data["image/png"]}">')
        elif "text/markdown" in data:
            found.append(MARKDOWN.render("".join(data["text/markdown"])))
        elif "text/html" in data:
            found.append("".join(data["text/html"]))
    return found


def main(out: pathlib.Path, names: list[str]) -> int:
    plan = tomllib.loads((ROOT / "book/chapters.toml").read_text(encoding="utf-8"))
    unknown = [name for name in names if name not in plan]
    if unknown:
        sys.exit(f"there is no chapter {unknown[0]!r}: there are {', '.join(plan)}")
    if not REVEAL.exists():
        sys.exit("reveal.js is missing: install npm, and run `make slides` again")
    for part in PARTS:
        (out / "reveal" / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REVEAL / part, out / "reveal" / part)
    shutil.copytree(REVEAL / FONTS, out / "reveal" / FONTS, dirs_exist_ok=True)
    links = []
    for name in names or plan:
        chapter = ROOT / f"book/chapters/{name}.ipynb"
        if chapter.exists():
            title = f"{plan[name]['number']} · {plan[name]['title']}"
            (out / f"{name}.html").write_text(PAGE.format(title=html.escape(title), slides="\n".join(slides_of(chapter))), encoding="utf-8")
            links.append(f'<li><a href="{name}.html">{html.escape(title)}</a></li>')
    (out / "index.html").write_text('<!doctype html><html lang="en"><meta charset="utf-8"><title>Slides</title><h1>Slides of Inside pfncache</h1>'
                                    f"<ul>{''.join(links)}</ul></html>\n", encoding="utf-8")
    print(f"{len(links)} chapters: {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("where to? python instructor/slides.py OUT [CHAPTER …]")
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
