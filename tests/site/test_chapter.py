"""What a reader of a chapter can do on its published page: on a phone, and in its practice cells."""

import nbformat
import pytest
from browsing import ROOT, axe_violations, pages

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/look-before-you-lock"


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_a_phone_meets_no_barrier_of_level_a_or_aa(book, open_page, path):
    """A wide picture scrolls by itself there, so the keyboard must reach it."""
    page = open_page(book + path, viewport={"width": 360, "height": 740})
    page.wait_for_load_state("networkidle")
    assert axe_violations(page) == []


def test_the_unfinished_hook_can_be_finished_on_the_page(book, open_page):
    page = open_page(f"{book}{CHAPTER}.html")
    if not page.locator(".pfn-toolbar").count():
        pytest.skip("the page's Python is not built: it needs npm")
    notebook = nbformat.read(ROOT / f"book/{CHAPTER}.ipynb", 4)
    live = [cell.source for cell in notebook.cells if "live" in cell.metadata.get("tags", [])]
    number, source = next((n, source) for n, source in enumerate(live, start=1) if "which lock drains?" in source)
    found, drain, withdraw = source.partition("# withdraw and drain")
    page.get_by_role("button", name=f"Edit cell {number}", exact=True).click()
    editor = page.get_by_role("textbox", name=f"Code of cell {number}")
    editor.fill(found + drain + withdraw.replace("read_", "write_"))
    page.get_by_role("button", name=f"Run cell {number}", exact=True).click()
    page.locator(".pfn-toolbar .pfn-status").nth(number - 1).filter(has_text="Done.").wait_for(timeout=60_000)
    verdicts = page.get_by_role("log", name=f"Output of cell {number}", exact=True).text_content()
    assert verdicts.count("holds: ") == 4 and "violated" not in verdicts
