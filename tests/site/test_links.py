"""Links inside the built book, read from its files."""

import html.parser
import urllib.parse

import pytest
from browsing import SITE, needs_site, pages

pytestmark = pytest.mark.site


class Page(html.parser.HTMLParser):
    """The places that a page links to or loads, the anchors that it offers, and the pictures without an alternative."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.anchors, self.bare_pictures = [], set(), []
        self.feed((SITE / path).read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(value for key, value in attributes.items() if key in ("id", "name") and value)
        self.targets.extend(value for key, value in attributes.items() if key in ("href", "src") and value)
        if tag == "img" and "alt" not in attributes:
            self.bare_pictures.append(attributes.get("src"))


@pytest.fixture(scope="module")
def book_pages():
    needs_site()
    return {path: Page(path) for path in pages()}


def test_no_link_inside_the_book_is_dead(book_pages):
    dead = []
    for path, page in book_pages.items():
        for target in page.targets:
            link = urllib.parse.urlsplit(urllib.parse.urljoin(f"http://book/{path}", target))
            if link.netloc != "book" or link.scheme != "http":
                continue
            place = urllib.parse.unquote(link.path).lstrip("/") or "index.html"
            if not (SITE / place).is_file():
                dead.append(f"{path}: {target}")
            elif link.fragment and place in book_pages and link.fragment not in book_pages[place].anchors:
                dead.append(f"{path}: {target} (no such anchor)")
    assert dead == []


def test_every_picture_has_a_text_alternative(book_pages):
    assert {path: page.bare_pictures for path, page in book_pages.items() if page.bare_pictures} == {}


def test_nothing_is_loaded_from_another_host(book_pages):
    """A request that only some readers' browsers would make is not seen by a browser test; the files show it."""
    loaded = {path: [target for target in page.targets if target.startswith(("http:", "https:", "//")) and
                     target.endswith((".js", ".mjs", ".css", ".woff2", ".wasm", ".svg", ".png"))]
              for path, page in book_pages.items()}
    assert {path: found for path, found in loaded.items() if found} == {}
