"""What is printed: every page of the book, in its order."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "book"))


def test_every_page_is_printed_in_the_order_of_the_book_but_the_index():
    pytest.importorskip("playwright.sync_api")
    import print_pages
    assert print_pages.pages("root: index\nchapters:\n  - file: paths\n  - file: chapters/one\n  - file: genindex\n") == ["index", "paths", "chapters/one"]


@pytest.mark.browser
@pytest.mark.site
@pytest.mark.slow
def test_a_page_becomes_a_pdf(tmp_path):
    pytest.importorskip("playwright.sync_api")
    from tasks import SITE, find_chromium
    if not (SITE / "notation.html").exists() or not find_chromium():
        pytest.skip("the book is not built, or Chromium is not installed")
    subprocess.run([sys.executable, ROOT / "book/print_pages.py", SITE, tmp_path, find_chromium(), "notation"], check=True, capture_output=True)
    assert (tmp_path / "00-notation.pdf").read_bytes().startswith(b"%PDF-")
