"""The book on paper: every page of it, in order, with bookmarks, contents, links and page numbers that are right."""
import html
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "book"))
sys.path.insert(0, str(ROOT / "tests/site"))


@pytest.fixture(scope="module")
def names():
    pytest.importorskip("playwright.sync_api")
    pytest.importorskip("pypdf")
    import print_pages
    return print_pages.pages((ROOT / "book/_toc.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def paper(names, tmp_path_factory):
    """The whole book, printed: a reader of its pages."""
    from browsing import needs_site
    from tasks import SITE, find_chromium
    needs_site()
    if not find_chromium():
        pytest.skip("Chromium is not installed")
    from pypdf import PdfReader
    out = tmp_path_factory.mktemp("paper") / "book.pdf"
    printed = subprocess.run([sys.executable, ROOT / "book/print_pages.py", SITE, out, find_chromium()], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    return PdfReader(out)


@pytest.fixture(scope="module")
def texts(paper):
    return [page.extract_text() for page in paper.pages]


def words(text: str) -> str:
    """A text as one line, without the invisible hyphens and the kinds of spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).replace("\u00ad", "").split())


def article(name: str) -> str:
    from tasks import SITE
    page = (SITE / f"{name}.html").read_text(encoding="utf-8")
    return re.sub(r'<a class="headerlink".*?</a>', "", page[page.index("<article"):page.index("</article>")], flags=re.DOTALL)


def headings(name: str, level: int) -> list[str]:
    return [words(found) for found in re.findall(rf"<h{level}.*?>(.*?)</h{level}>", article(name), re.DOTALL)]


def bookmarks(paper):
    """[(title, page number, titles below it)] of the first level."""
    found = []
    for entry in paper.outline:
        if isinstance(entry, list):
            found[-1][2].extend(words(below.title) for below in entry if not isinstance(below, list))
        else:
            found.append((words(entry.title), paper.get_destination_page_number(entry) + 1, []))
    return found


def test_every_page_is_printed_in_the_order_of_the_book_but_the_readers_own_progress():
    pytest.importorskip("playwright.sync_api")
    pytest.importorskip("pypdf")
    import print_pages
    toc = "root: index\nchapters:\n  - file: paths\n  - file: chapters/one\n  - file: progress\n  - file: genindex\n"
    assert print_pages.pages(toc) == ["index", "paths", "chapters/one", "genindex"]


printed = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]


def on_paper(test):
    for mark in printed:
        test = mark(test)
    return test


@on_paper
def test_the_bookmarks_are_the_contents_of_the_book(paper, names):
    assert [title for title, _, _ in bookmarks(paper)] == ["Contents", *(headings(name, 1)[0] for name in names)]


@on_paper
def test_the_bookmarks_of_a_chapter_are_its_sections_and_its_answers(paper, names):
    below = {title: sections for title, _, sections in bookmarks(paper)}
    for name in names:
        if name.startswith("chapters/"):
            assert below[headings(name, 1)[0]] == [*headings(name, 2), "Answers"]


@on_paper
def test_the_contents_have_the_right_page_for_every_page_of_the_book(paper, texts, names):
    front = words(" ".join(texts[:bookmarks(paper)[1][1] - 1]))
    for title, number, _ in bookmarks(paper)[1:]:
        assert re.search(rf"{re.escape(title)} ?{number}\b", front), (title, number)


@on_paper
def test_each_page_says_its_number_and_where_we_are_at_the_foot(paper, texts):
    titles = [(begin, title) for title, begin, _ in bookmarks(paper)]
    for number, text in enumerate(texts[1:], start=2):
        where = max(place for place in titles if place[0] <= number)[1]
        assert f"{number}{where}" in words(text), number


@on_paper
def test_no_page_is_blank(paper, texts):
    titles = [title for title, _, _ in bookmarks(paper)]
    for number, text in enumerate(texts, start=1):
        left = words(text).replace(str(number), "")
        for title in titles:
            left = left.replace(title, "")
        assert len(left) > 40, f"page {number}: {text!r}"


@on_paper
def test_every_long_word_of_a_page_is_on_its_paper(paper, texts, names):
    """Words that break at the end of a line, and what only the screen shows, may be missing: a hundredth of them."""
    begins = [number for _, number, _ in bookmarks(paper)][1:]
    for name, begin, end in zip(names, begins, [*begins[1:], len(texts) + 1]):
        shown = re.sub(r"<(script|button|svg|style|details).*?</\1>|<section id=\"on-these-pages\">.*", " ", article(name), flags=re.DOTALL)
        wanted = set(re.findall(r"[A-Za-z_]{7,}", html.unescape(re.sub(r"<[^>]*>", " ", shown))))
        there = "".join(texts[begin - 1:end - 1]).replace("\n", "")
        missing = {word for word in wanted if word not in there}
        assert len(missing) <= max(2, len(wanted) // 100), (name, missing)


@on_paper
def test_links_lead_inside_or_to_the_web_and_never_to_the_server_that_printed(paper):
    places, inside = paper.named_destinations, 0
    for page in paper.pages:
        for link in (annotation.get_object() for annotation in page.get("/Annots", [])):
            if "/Dest" in link:
                inside += 1
                assert str(link["/Dest"]) in places
            else:
                assert link["/A"]["/URI"].startswith(("https://", "http://")) and "127.0.0.1" not in link["/A"]["/URI"]
    assert inside > 500


@on_paper
def test_an_answer_is_where_its_question_says(paper, texts, names):
    for title, begin, _ in bookmarks(paper):
        if title[:1].isdigit():
            page = re.search(r"Answer 1: page (\d+)", "\n".join(texts[begin - 1:]))[1]
            assert re.search(r"Answer 1(?![:\d])", texts[int(page) - 1]), (title, page)


@on_paper
def test_pictures_have_their_alternatives_on_paper_too(paper):
    """The tags that a screen reader follows are still there."""
    root = paper.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root and root["/Lang"] == "en"
