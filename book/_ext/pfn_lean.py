"""What the theme makes every page load, and no page needs, is left out when the book has been built.

The theme draws its icons with a script of 1.5 MB that knows every icon of Font Awesome, and carries the same icons as a font
of 156 kB. Here the dozen that the book shows become a font of their own, inside the style sheet. Scripts for searching are
loaded where one searches, and no script keeps a page from being drawn.
"""

import base64
import hashlib
import io
import pathlib
import re

from fontTools import subset
from fontTools.ttLib import TTFont

STYLE = "styles/pydata-sphinx-theme.css"
FONT = "vendor/fontawesome/webfonts/fa-solid-900.ttf"
EVERYWHERE = r"scripts/fontawesome\.js"
WHERE_ONE_SEARCHES = r"_static/searchtools\.js|_static/language_data\.js|searchindex\.js"
ICON_RULE = re.compile(r'([^{}]*):(?:before|after)\{content:"\\([0-9a-f]+)"\}')


def without_scripts(page, unneeded):
    """A page without the scripts whose addresses match."""
    return re.sub(rf'\s*<script[^>]* src="[^"]*(?:{unneeded})[^"]*"></script>', "", page)


def deferred(page):
    """A page whose scripts run, in their order, when it has been read and drawn; but for the one that lines in the page go on with."""
    return re.sub(r'<script (?=[^>]*src=)(?![^>]*(?:defer|async|documentation_options))', "<script defer ", page)


def named_icons(texts):
    """The names of icons that pages and scripts speak of: {"bars", "xmark"}."""
    return {name for text in texts for name in re.findall(r"\bfa-([a-z0-9-]+)", text)}


def without_icons(style, names):
    """The theme's style sheet without the rules of icons that are not named."""
    def kept(rule):
        icons = re.findall(r"\.fa-([a-z0-9-]+)", rule[1])
        return rule[0] if not icons or names & set(icons) else ""
    return ICON_RULE.sub(kept, style)


def small_font(file, characters):
    """A font file with nothing but these characters, as the text of an address that holds it."""
    font = TTFont(file)
    options = subset.Options(layout_features=[], notdef_outline=False, name_IDs=[0, 1, 2, 13, 14], hinting=False)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=characters)
    cutter.subset(font)
    font.flavor = "woff"
    made = io.BytesIO()
    font.save(made)
    return "data:font/woff;base64," + base64.b64encode(made.getvalue()).decode()


def characters_of(*styles):
    """The code points of the icons that style sheets show."""
    return {int(code, 16) for style in styles for code in re.findall(r'content:\s*"\\([ef][0-9a-f]{3})"', style)}


def with_font(style, address):
    """The style sheet with the font of solid icons inside it."""
    made, places = re.subn(r'src:url\([^)]*fa-solid-900\.woff2\)[^;}]*', f'src:url({address}) format("woff")', style)
    if not places:
        raise ValueError(f"{STYLE} has no font of solid icons any more: book/_ext/pfn_lean.py has to be taught the new theme")
    return made


def make_lean(app, error):
    if error or app.builder.name != "html":
        return
    site, static = pathlib.Path(app.outdir), pathlib.Path(app.outdir) / "_static"
    theme = next(folder for folder in map(pathlib.Path, app.builder.theme.get_theme_dirs()) if (folder / "static" / STYLE).exists())
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html") if "_static" not in path.parts}
    scripts = [path.read_text(encoding="utf-8") for path in (static / "scripts").glob("*theme.js")]
    style = without_icons((theme / "static" / STYLE).read_text(encoding="utf-8"), named_icons([*pages.values(), *scripts]))
    others = [path.read_text(encoding="utf-8") for path in static.rglob("*.css") if path != static / STYLE]
    style = with_font(style, small_font(theme / "static" / FONT, characters_of(style, *others)))
    (static / STYLE).write_text(style, encoding="utf-8")
    digest = hashlib.sha256(style.encode()).hexdigest()[:20]
    for path, page in pages.items():
        page = without_scripts(page, EVERYWHERE if path.name == "search.html" else f"{EVERYWHERE}|{WHERE_ONE_SEARCHES}")
        page = re.sub(rf"({STYLE})\?digest=\w+", rf"\1?digest={digest}", page if path.name == "search.html" else deferred(page))
        path.write_text(page, encoding="utf-8")
    for path in [*static.glob("scripts/fontawesome.js*"), *(static / FONT).parent.glob("*")]:
        path.unlink()


def setup(app):
    app.connect("build-finished", make_lean)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
