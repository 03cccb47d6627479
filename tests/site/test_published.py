"""How the built book is found, shared, saved and left: cards, links with minutes, notebooks to save, and what is shown for a page that is not there."""

import html.parser
import json
import re
import urllib.error
import urllib.request

import pytest
from browsing import ROOT, SITE, Served, axe_violations, needs_site, pages
from tasks import QuietHandler

pytestmark = [pytest.mark.site, pytest.mark.slow]
EXAMPLE = "https://github.com/example/inside-pfncache"
GENERATED = {"404.html", "search.html"}


def book_pages():
    return [path for path in pages() if path not in GENERATED]


class Head(html.parser.HTMLParser):
    """The meta tags of a page by name or property, and its links in order: (attributes, text)."""

    def __init__(self, path, site=SITE):
        super().__init__()
        self.meta, self.links, self.open = {}, [], None
        self.feed((site / path).read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "meta" and attributes.keys() & {"name", "property"}:
            self.meta[attributes.get("property") or attributes["name"]] = attributes.get("content")
        if tag == "a":
            self.open = [attributes, ""]
            self.links.append(self.open)

    def handle_data(self, text):
        if self.open:
            self.open[1] += text

    def handle_endtag(self, tag):
        if tag == "a":
            self.open = None


@pytest.fixture(scope="module")
def heads():
    needs_site()
    return {path: Head(path) for path in book_pages()}


# ---- cards -----------------------------------------------------------------------------------------------------------

def test_every_page_says_what_it_is_where_it_is_shared(heads):
    for path, head in heads.items():
        assert {"description", "og:title", "og:type", "og:description", "og:image", "og:image:alt", "twitter:card"} <= head.meta.keys(), path
        assert 40 <= len(head.meta["description"]) <= 230, (path, head.meta["description"])
        assert (SITE / path).parent.joinpath(head.meta["og:image"]).resolve().is_file(), path


def test_every_chapter_has_a_card_and_a_description_of_its_own(heads):
    chapters = {path: head.meta for path, head in heads.items() if path.startswith("chapters/")}
    assert len({meta["og:image"] for meta in chapters.values()}) == len({meta["description"] for meta in chapters.values()}) == len(chapters) == 10


def test_nobody_who_reads_a_page_loads_its_card():
    needs_site()
    for path in pages():
        assert not re.findall(r'(?:src|href|url\()=?["\'(]?[^"\'>]*_static/cards/', (SITE / path).read_text(encoding="utf-8")), path


# ---- neighbours ------------------------------------------------------------------------------------------------------

def test_the_links_to_the_neighbours_say_how_long_they_take(heads):
    for path, head in heads.items():
        for attributes, text in head.links:
            if attributes.get("rel") in ("prev", "next"):
                target = (SITE / path).parent.joinpath(attributes["href"]).resolve()
                said = re.search(r"· (\d+ min|\d+ h \d+ min|to look things up)", text)
                assert said, (path, text)
                of_chapter = re.search(r"<strong>Time:</strong> (\d+) minutes of reading", target.read_text(encoding="utf-8"))
                assert not of_chapter or said[1] == f"{of_chapter[1]} min", (path, text)


# ---- a page as a file, and elsewhere ---------------------------------------------------------------------------------

def test_every_chapter_can_be_saved_as_the_notebook_that_it_is(heads):
    for path, head in heads.items():
        if path.startswith(("chapters/", "appendices/")):
            link = next(attributes for attributes, text in head.links if text == "Save this page as a notebook")
            saved = (SITE / path).parent.joinpath(link["href"]).resolve()
            source = ROOT / "book" / path.replace(".html", ".ipynb")
            assert saved.read_bytes() == source.read_bytes() and link["download"] == source.name
            assert json.loads(saved.read_text(encoding="utf-8"))["nbformat"] == 4


def test_no_page_offers_to_launch_what_has_no_address(heads):
    assert not re.search(r'^ +repository_url: "."', (ROOT / "_config.yml").read_text(), re.M) or pytest.skip("this copy is published")
    for path, head in heads.items():
        assert not [text for _, text in head.links if text.startswith("Run it on")], path


def test_with_an_address_a_page_offers_binder_and_colab_and_whole_addresses(tmp_path, build_small_book):
    config = (ROOT / "_config.yml").read_text().replace('repository_url: ""', f'repository_url: "{EXAMPLE}"').replace(
        'baseurl: ""', 'baseurl: "https://example.org/book/"').replace(": book/_ext", f": {ROOT / 'book/_ext'}")
    (tmp_path / "_config.yml").write_text(config)
    site = build_small_book(tmp_path, config=tmp_path / "_config.yml")
    head = Head("live_cells.html", site)
    found = {text.split(" (")[0].strip(): attributes["href"] for attributes, text in head.links if text.startswith("Run it on")}
    assert found == {"Run it on Binder": "https://mybinder.org/v2/gh/example/inside-pfncache/main?urlpath=lab/tree/book/live_cells.ipynb",
                     "Run it on Colab": "https://colab.research.google.com/github/example/inside-pfncache/blob/main/book/live_cells.ipynb"}
    assert head.meta["og:url"] == "https://example.org/book/live_cells.html"
    assert head.meta["og:image"] == "https://example.org/book/_static/cards/book.png" and (site / "_static/cards/book.png").is_file()
    assert '<base href="/book/">' in (site / "404.html").read_text()


@pytest.mark.browser
def test_the_menu_opens_by_keyboard_and_saves_the_notebook(book, open_page):
    page = open_page(book + "chapters/ranges.html", accept_downloads=True)
    page.locator(".pfn-menu > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    with page.expect_download() as saving:
        page.keyboard.press("Enter")
    assert saving.value.suggested_filename == "ranges.ipynb"
    assert axe_violations(page) == []
    page.keyboard.press("Escape")
    assert not page.locator(".pfn-menu > ul").is_visible() and page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.browser
def test_the_menu_fits_a_phone(book, open_page):
    page = open_page(book + "chapters/ranges.html", viewport={"width": 360, "height": 740})
    page.locator(".pfn-menu > summary").click()
    box = page.locator(".pfn-menu > ul").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


# ---- what is not there -----------------------------------------------------------------------------------------------

class ProjectHost(QuietHandler):
    """A host with a book in one of its folders, whose 404 page it shows for whatever is missing there."""

    missing_page = "project/404.html"


@pytest.mark.browser
@pytest.mark.parametrize("missing", ["rangs.html", "chapters/rangs.html", "chapters/deep/down/rangs"])
def test_a_missing_page_finds_a_book_that_lies_in_a_folder_of_its_host(tmp_path, open_page, missing):
    needs_site()
    (tmp_path / "project").symlink_to(SITE)
    served = Served(tmp_path, ProjectHost)
    page = open_page(f"{served.url}project/{missing}", expect_troubles=True)
    page.wait_for_function("document.documentElement.dataset.found")
    assert page.evaluate("document.documentElement.dataset.found") == "/project/"
    page.locator("#near a").click()
    page.wait_for_url(served.url + "project/chapters/ranges.html")
    served.close()


@pytest.mark.browser
@pytest.mark.parametrize("missing", ["rangs.html", "chapters/rangs.html", "chapters/deep/down/rangs", "no/such/place/", "404.html"])
def test_a_missing_page_leads_back_into_the_book_from_any_depth(book, open_page, missing):
    page = open_page(book + missing, expect_troubles=True)
    page.wait_for_function("document.documentElement.dataset.found")
    assert [trouble for trouble in page.troubles if "404" not in trouble] == []
    assert page.locator("h1").is_visible() and page.evaluate("document.documentElement.dataset.found") == "/"
    if "rangs" in missing:
        assert page.locator("#near a").get_attribute("href") == "chapters/ranges.html"
    page.get_by_role("link", name="3 · Ranges: what a notifier tells you").last.click()
    page.wait_for_url(book + "chapters/ranges.html")


@pytest.mark.browser
def test_a_missing_page_can_be_searched_for(book, open_page):
    page = open_page(book + "chapters/none.html", expect_troubles=True)
    page.wait_for_function("document.documentElement.dataset.found")
    page.get_by_role("searchbox", name="Search the book").fill("drain")
    page.keyboard.press("Enter")
    page.wait_for_url(book + "search.html?q=drain")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_missing_page_has_no_barrier_and_fits_a_phone(book, open_page, scheme):
    page = open_page(book + "chapters/rangs.html", expect_troubles=True, color_scheme=scheme, viewport={"width": 360, "height": 740})
    page.wait_for_function("document.documentElement.dataset.found")
    assert axe_violations(page) == [] and page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_book_s_own_server_answers_404_with_the_page(book):
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(book + "chapters/none.html")
    with answer.value as body:
        assert body.code == 404 and "Nobody told the link" in body.read().decode()


@pytest.mark.browser
def test_the_icon_of_the_search_field_stands_beside_its_words(book, open_page):
    page = open_page(f"{book}search.html")
    icon, field = (page.locator(f".bd-search-container form {part}").bounding_box() for part in ("i", "input"))
    assert 0 < icon["width"] and icon["x"] + icon["width"] <= field["x"]
