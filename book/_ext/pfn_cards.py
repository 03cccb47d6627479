"""What a page looks like where its address is shared: a description, and a card with the chapter's number, title and question.

The picture of a card is drawn at build time and named in the page's head only, so that nobody who reads the page loads it. A crawler
wants whole addresses: `html: baseurl:` in `_config.yml` says where the site is published. While it is empty, addresses are
relative to the page, and no `og:url` is written.
"""

import functools
import hashlib
import html
import pathlib
import re
import textwrap
import urllib.parse

from docutils import nodes
from linked import link
from pfn_paths import plans

SIZE = 1200, 630                                        # what those who show cards ask for
LONGEST = 200                                           # letters of a description that they show
NIGHT, BLUE, AMBER, WHITE, GREY = "#0f2537", "#7fd1ff", "#ffc14d", "#ffffff", "#c9d8e3"
BOOK_CARD = "book"
BOOK_QUESTION = "How does a hypervisor keep one page of a guest at hand, and let go of it in time?"


# ---- words -----------------------------------------------------------------------------------------------------------

@functools.cache                                        # asked for on every page, and it reads every chapter
def chapters():
    """The plan of each written chapter, by its page."""
    return {plan["page"]: plan for _, plan in plans() if plan["reading"]}


def description(plan, doctree):
    """What a page is about: of a chapter the question that it answers, of another page its first sentences, else the book's question."""
    if plan:
        return f"{plan['question']} Chapter {plan['number']} of a book that runs: {plan['reading']} minutes, with something to play, and exercises."
    paragraphs = (re.sub(r"\s+", " ", node.astext()).strip() for node in doctree.findall(nodes.paragraph)) if doctree is not None else ()
    return shortened(next((text for text in paragraphs if len(text) > 40), BOOK_QUESTION))


def shortened(text):
    """Whole sentences, as many as fit; of a long first sentence its first words."""
    sentences = re.split(r"(?<=[.?!:]) ", text)
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(kept) + 1 + len(sentence) > LONGEST:
            break
        kept += f" {sentence}"
    return textwrap.shorten(kept, LONGEST, placeholder=" …")


def tags(title, kind, about, image, picture, address=""):
    """The lines of a page's head that those who show it read."""
    width, height = SIZE
    named = {"og:site_name": "Inside pfncache", "og:title": title, "og:type": kind, "og:description": about, "og:url": address, "og:image": image,
             "og:image:width": width, "og:image:height": height, "og:image:alt": picture}
    yield f'<meta name="description" content="{html.escape(about)}" />'
    yield from (f'<meta property="{name}" content="{html.escape(str(value))}" />' for name, value in named.items() if value)
    yield '<meta name="twitter:card" content="summary_large_image" />'


def add_tags(app, pagename, templatename, context, doctree):
    """Write the tags of a page into its head."""
    plan, root = chapters().get(pagename), pagename == app.config.root_doc
    name = card_of(pagename)
    about = BOOK_QUESTION + " A book that runs, about one small cache in Linux." if root else description(plan, doctree)
    title = html.unescape(re.sub(r"<[^>]*>", "", context.get("title", ""))) or app.config.project
    base = app.config.html_baseurl
    image = urllib.parse.urljoin(base, f"_static/cards/{name}.png") if base else context["pathto"](f"_static/cards/{name}.png", 1)
    address = urllib.parse.urljoin(base, app.builder.get_target_uri(pagename)) if base and doctree is not None else ""
    picture = f"Chapter {plan['number']}: {plan['title']}. {plan['question']}" if plan else f"Inside pfncache. {BOOK_QUESTION}"
    context["metatags"] = context.get("metatags", "") + "\n".join(tags(title, "website" if root else "article", about, image, picture, address))


def card_of(pagename):
    return pagename.rpartition("/")[2] if pagename in chapters() else BOOK_CARD


# ---- pictures --------------------------------------------------------------------------------------------------------

def draw(path, kicker, title, question, place):
    """A card as a PNG: words above two lanes that change sides at `place`, from 0 (the book's begin) to 1 (its end)."""
    from matplotlib.figure import Figure
    width, height = SIZE
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=NIGHT)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    axes.text(80, 92, kicker, color=BLUE, fontsize=20, family="DejaVu Sans", weight="bold", va="center")
    lines = textwrap.wrap(title, 26)
    axes.text(80, 140, "\n".join(lines), color=WHITE, fontsize=48 if len(lines) < 3 else 42, family="DejaVu Serif", weight="bold", va="top", linespacing=1.15)
    axes.text(80, 470, "\n".join(textwrap.wrap(question, 54)), color=GREY, fontsize=25, family="DejaVu Sans", va="bottom", linespacing=1.35)
    lanes(axes, place)
    figure.savefig(path, format="png", facecolor=NIGHT, metadata={"Software": None})


def lanes(axes, place):
    """Two threads of execution, one solid and one dashed, that cross once: how far the book has come."""
    import math
    width, middle, apart = SIZE[0], 548, 26
    centre = 130 + place * (width - 260)
    xs = range(-20, width + 21, 4)
    side = [math.tanh((x - centre) / 42) for x in xs]
    axes.plot(xs, [middle + apart * s for s in side], color=BLUE, linewidth=7, solid_capstyle="round")
    axes.plot(xs, [middle - apart * s for s in side], color=NIGHT, linewidth=17)
    axes.plot(xs, [middle - apart * s for s in side], color=AMBER, linewidth=7, dashes=(2.4, 1.5), dash_capstyle="round")


def draw_cards(app, error):
    """Put the picture of each chapter, and one of the book, into the site; what has been drawn before is taken from there."""
    if error or app.builder.name != "html":
        return
    written = {page: plan for page, plan in chapters().items() if page in app.env.found_docs}
    wanted = {BOOK_CARD: ("A BOOK THAT RUNS", "Inside pfncache", BOOK_QUESTION, 0.5)}
    for page, plan in written.items():
        wanted[card_of(page)] = (f"INSIDE PFNCACHE  ·  CHAPTER {plan['number']}", plan["title"], plan["question"], plan["number"] / 9)
    kept, target = pathlib.Path(app.doctreedir) / "cards", pathlib.Path(app.outdir) / "_static/cards"
    for folder in (kept, target):
        folder.mkdir(parents=True, exist_ok=True)
    drawing = pathlib.Path(__file__).read_bytes()
    for name, card in wanted.items():
        picture = kept / f"{hashlib.sha256(drawing + repr(card).encode()).hexdigest()[:16]}.png"
        if not picture.exists():
            draw(picture, *card)
        (target / f"{name}.png").unlink(missing_ok=True)
        link(picture, target / f"{name}.png")


def setup(app):
    app.connect("html-page-context", add_tags)
    app.connect("build-finished", draw_cards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
