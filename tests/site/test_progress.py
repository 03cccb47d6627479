"""The progress page: what a check on a chapter's page earned is there, and can be forgotten."""
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

KNOWN = """localStorage.setItem("pfncache.record", JSON.stringify({"8.2": {best: 11, checks: 2, hints: {"1": 1}}}));
localStorage.setItem("pfncache.confronted", JSON.stringify({q: {question: "Which lock?", answer: "none", outcome: "the write lock"}}));"""


@pytest.fixture
def progress(book, open_page):
    page = open_page(book + "progress.html")
    page.evaluate(KNOWN)
    page.reload()
    page.wait_for_selector(".pfn-widget.is-live .pfn-progress")
    return page


def test_points_hints_and_surprises_are_shown(progress):
    row = progress.locator("tr", has_text="8.2 Write the patch")
    assert "11 of 25" in row.inner_text() and row.locator("progress").get_attribute("value") == "11"
    assert "You said: none" in progress.locator(".pfn-progress").inner_text()


def test_all_of_it_can_be_forgotten(progress):
    progress.on("dialog", lambda dialog: dialog.accept())
    progress.get_by_role("button", name="Forget all of it").click()
    assert progress.evaluate("Object.keys(localStorage).filter(key => key.startsWith('pfncache.')).length") == 0
    assert "11 of 25" not in progress.locator(".pfn-progress").inner_text()
