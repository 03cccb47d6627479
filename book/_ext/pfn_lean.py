"""What the theme makes every page load, and no page needs, is left out when the book has been built.

The theme draws its icons with a script of 1.5 MB that knows every icon of Font Awesome, and carries the same icons as a font
of 156 kB. Here the dozen that the book shows become a font of their own, inside the style sheet; and rules for classes that
no page and no script speaks of go. Scripts for searching are loaded where one searches, and no script keeps a page from being
drawn. And a page comes out the same, whether its notebook was run or its results were known.
"""

import base64
import hashlib
import io
import json
import pathlib
import re

from fontTools import subset
from fontTools.ttLib import TTFont

STYLE = "styles/pydata-sphinx-theme.css"                 # has the icons, too
STYLES = (STYLE, "sphinx-design.min.css", "mystnb.*.css")
FONT = "vendor/fontawesome/webfonts/fa-solid-900.ttf"
EVERYWHERE = r"scripts/fontawesome\.js"
WHERE_ONE_SEARCHES = r"_static/searchtools\.js|_static/language_data\.js|searchindex\.js"
COMPOSED = ("bs-", "modal-", "offcanvas-")               # Bootstrap's script puts these names together


# ---- pages -----------------------------------------------------------------------------------------------------------

def without_scripts(page, unneeded):
    """A page without the scripts whose addresses match."""
    return re.sub(rf'\s*<script[^>]* src="[^"]*(?:{unneeded})[^"]*"></script>', "", page)


def deferred(page):
    """A page whose scripts run, in their order, when it has been read; but for the settings, which the page itself changes."""
    return re.sub(r"<script (?=[^>]*src=)(?![^>]*(?:defer|async|documentation_options))", "<script defer ", page)


def with_names_in_order(page):
    """A page whose widgets' states have their names sorted, as they are when a notebook's results were kept in a file."""
    def ordered(script):
        return script[1] + json.dumps(json.loads(script[2]), sort_keys=True).replace("</script>", r"<\/script>") + script[3]
    return re.sub(r'(<script type="application/vnd\.jupyter\.widget-state\+json">)(.*?)(</script>)', ordered, page, flags=re.DOTALL)


# ---- styles ----------------------------------------------------------------------------------------------------------

def words_of(texts):
    """Every word that can be the name of a class."""
    return {word for text in texts for word in re.findall(r"[\w-]+", text)}


def can_match(selector, words):
    """Whether all classes that a selector asks for are spoken of; what stands in parentheses asks for nothing."""
    classes = re.findall(r"\.(-?[A-Za-z_][\w-]*)", re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", selector)))
    return all(name in words or name.startswith(COMPOSED) for name in classes)


def without_unused(style, words):
    """A style sheet without the selectors that nothing can match."""
    def kept(rule):
        selectors = [one for one in re.split(r",(?![^(]*\))", rule[1]) if can_match(one, words)]
        return f"{','.join(selectors)}{{{rule[2]}}}" if selectors else ""
    return re.sub(r"([^{}@;/]*\.[^{}@;/]*)\{([^{}]*)\}", kept, style)


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


def characters_of(styles):
    """The code points of the icons that style sheets show."""
    return {int(code, 16) for style in styles for code in re.findall(r'content:\s*"\\([ef][0-9a-f]{3})"', style)}


def with_font(style, address):
    """The style sheet with the font of solid icons inside it."""
    made, places = re.subn(r"src:url\([^)]*fa-solid-900\.woff2\)[^;}]*", f'src:url({address}) format("woff")', style)
    if not places:
        raise ValueError(f"{STYLE} has no font of solid icons any more: book/_ext/pfn_lean.py has to be taught the new theme")
    return made


# ---- the built book --------------------------------------------------------------------------------------------------

def make_lean(app, error):
    static = pathlib.Path(app.outdir) / "_static"
    if error or app.builder.name != "html" or not (static / FONT).exists():     # no font: nothing has been copied since the last time
        return
    found = {path: path.read_text(encoding="utf-8") for path in pathlib.Path(app.outdir).rglob("*.html") if "_static" not in path.parts}
    pages = {path: text for path, text in found.items() if STYLE in text}         # others have not been made by the theme
    scripts = [path.read_text(encoding="utf-8") for path in [*static.glob("*.js"), *static.glob("scripts/*.js")] if path.name != "fontawesome.js"]
    digests = make_styles_lean(static, words_of([*pages.values(), *scripts]))
    for path, page in pages.items():
        searches = path.name == "search.html"
        page = without_scripts(page, EVERYWHERE if searches else f"{EVERYWHERE}|{WHERE_ONE_SEARCHES}")
        page = with_names_in_order(page if searches else deferred(page))
        for name, digest in digests.items():
            page = re.sub(rf"({re.escape(name)})\?\w+=\w+", rf"\1?digest={digest}", page)
        path.write_text(page, encoding="utf-8")
    for path in [*static.glob("scripts/fontawesome.js*"), *(static / FONT).parent.glob("*")]:
        path.unlink()


def make_styles_lean(static, words):
    """Write the large style sheets anew: the hash of each, by its name."""
    paths = [path for name in STYLES for path in static.glob(name)]
    styles = {path: without_unused(path.read_text(encoding="utf-8"), words) for path in paths}
    others = [path.read_text(encoding="utf-8") for path in static.rglob("*.css") if path not in styles]
    icons = small_font(static / FONT, characters_of([*styles.values(), *others]))
    styles[static / STYLE] = with_font(styles[static / STYLE], icons)
    for path, style in styles.items():
        path.write_text(style, encoding="utf-8")
    return {path.name: hashlib.sha256(style.encode()).hexdigest()[:20] for path, style in styles.items()}


def setup(app):
    app.connect("build-finished", make_lean)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
