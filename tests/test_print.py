"""What is printed: every page of the book, in its order."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "book"))
sys.path.insert(0, str(ROOT / "tests/site"))


def test_every_page_is_printed_in_the_order_of_the_book_but_the_index():
    pytest.importorskip("playwright.sync_api")
    import print_pages
    assert print_pages.pages("root: index\nchapters:\n  - file: paths\n  - file: chapters/one\n  - file: genindex\n") == ["index", "paths", "chapters/one"]


@pytest.mark.browser
@pytest.mark.site
@pytest.mark.slow
def test_a_page_becomes_a_pdf(tmp_path, monkeypatch):
    pytest.importorskip("playwright.sync_api")
    from browsing import SITE, needs_site
    from tasks import find_chromium

    import print_pages
    needs_site()
    if not find_chromium():
        pytest.skip("Chromium is not installed")
    monkeypatch.setattr(print_pages, "pages", lambda toc: ["notation"])
    print_pages.main(SITE, tmp_path, find_chromium())
    assert (tmp_path / "00-notation.pdf").read_bytes().startswith(b"%PDF-")
