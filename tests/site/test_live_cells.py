"""Cells that a reader runs and edits on a published page, and widgets made there."""

import re
import shutil

import pytest
from browsing import SITE, Served, axe_violations, goes_offline, needs_site, pages

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]


def press(page, label):
    page.get_by_role("button", name=label, exact=True).click()


def output(page, number):
    return page.get_by_role("log", name=f"Output of cell {number}", exact=True)


def says(locator, text):
    """Wait until an element shows a text, and give all that it then shows."""
    locator.filter(has_text=text).wait_for(timeout=60_000)
    return locator.inner_text()


def status(page, number):
    return page.locator(".pfn-toolbar .pfn-status").nth(number - 1)


def edit(page, number, source):
    if page.get_by_role("button", name=f"Edit cell {number}", exact=True).is_visible():
        press(page, f"Edit cell {number}")
    page.get_by_role("textbox", name=re.compile(f"^Code of cell {number}\\b")).fill(source)


def test_a_cell_runs_with_the_network_off_after_those_above_it(live_page, open_page):
    page = open_page(live_page)
    press(page, "Run cell 1")
    says(status(page, 1), "Done.")
    goes_offline(page)
    press(page, "Run cell 3")
    says(status(page, 3), "Done.")
    assert says(output(page, 2), "20").split() == ["the", "sum", "is", "45", "20"]


@pytest.mark.parametrize("path", [path for path in pages() if "tag_live" in (SITE / path).read_text(encoding="utf-8")])
def test_every_live_cell_of_the_book_says_in_the_browser_what_the_book_says(book, open_page, path):
    page = open_page(book + path)
    if not page.locator(".pfn-toolbar").count():
        pytest.skip("the page's Python is not built: it needs npm")
    cells = page.locator(".cell.tag_live")
    printed = [cell.locator(".cell_output .output pre").all_text_contents() for cell in cells.all()]
    last = cells.count()
    press(page, f"Run cell {last}")
    says(status(page, last), "Done.")
    for number, texts in enumerate(printed, start=1):
        text = output(page, number).text_content()
        assert [line for line in "\n".join(texts).split() if line not in text.split()] == [], f"cell {number}"


def test_python_starts_from_its_snapshot(live_page, open_page):
    """Otherwise the first answer takes seconds."""
    page = open_page(live_page)
    press(page, "Run cell 1")
    says(status(page, 1), "Done.")
    assert page.evaluate("performance.getEntriesByType('resource').filter(r => r.name.endsWith('worker.mjs')).length") == 1
    assert "from its snapshot" in page.evaluate("document.documentElement.dataset.pfnPythonDetail")


def test_without_the_snapshot_python_still_starts(small_book, live_page, tmp_path, open_page):
    shutil.copytree(small_book, tmp_path / "site")
    next(tmp_path.glob("site/_static/live/*/snapshot.bin")).unlink()
    served = Served(tmp_path / "site")
    page = open_page(served.url + "live_cells.html", expect_troubles=True)
    press(page, "Run cell 2")
    says(output(page, 2), "the sum is 45")
    assert "without its snapshot" in page.evaluate("document.documentElement.dataset.pfnPythonDetail")
    served.close()


def test_when_python_cannot_start_the_page_says_why_and_keeps_what_the_book_showed(small_book, live_page, tmp_path, open_page):
    shutil.copytree(small_book, tmp_path / "site")
    next(tmp_path.glob("site/_static/live/*/pyodide.asm.wasm")).unlink()
    served = Served(tmp_path / "site")
    page = open_page(served.url + "live_cells.html", expect_troubles=True)
    press(page, "Run cell 2")
    says(status(page, 2), "Python could not start: ")
    assert page.locator(".cell_output").first.is_visible()
    served.close()


def test_an_edited_cell_is_what_runs_and_reset_brings_the_book_back(live_page, open_page):
    page = open_page(live_page)
    edit(page, 1, "limit = 4")
    press(page, "Run cell 2")
    says(output(page, 2), "the sum is 6")
    press(page, "Reset cell 1")
    press(page, "Run cell 2")
    says(output(page, 2), "the sum is 45")


def test_a_traceback_shows_the_readers_own_line(live_page, open_page):
    page = open_page(live_page)
    edit(page, 4, "broken(0)")
    press(page, "Run cell 4")
    text = says(output(page, 4), "ZeroDivisionError")
    assert 'File "cell 4", line 1' in text and "return limit / n" in text and "page_python" not in text


def test_a_cell_whose_earlier_cell_fails_is_not_run(live_page, open_page):
    page = open_page(live_page)
    edit(page, 1, "limit = ")
    press(page, "Run cell 2")
    says(status(page, 2), "Not run: cell 1, which comes first, failed.")
    says(output(page, 1), "SyntaxError")


def test_an_endless_loop_can_be_stopped_and_python_used_again(live_page, open_page):
    page = open_page(live_page)
    edit(page, 3, "while True: pass")
    press(page, "Run cell 3")
    says(status(page, 3), "Running…")
    press(page, "Stop cell 3")
    says(status(page, 3), "Stopped.")
    press(page, "Run cell 2")
    says(output(page, 2), "the sum is 45")


def test_a_page_cannot_be_flooded(live_page, open_page):
    page = open_page(live_page)
    edit(page, 1, "for n in range(30_000): print('a line that is printed over and over')")
    press(page, "Run cell 1")
    says(status(page, 1), "Done.")
    assert len(says(output(page, 1), "this page shows no more")) < 250_000


def test_a_missing_package_is_explained(live_page, open_page):
    page = open_page(live_page)
    edit(page, 1, "import matplotlib")
    press(page, "Run cell 1")
    says(output(page, 1), "open the chapter in JupyterLab")


def test_everything_is_done_by_keyboard(live_page, open_page):
    page = open_page(live_page)
    page.get_by_role("button", name="Run cell 1", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")                         # Edit: the editor has the focus
    page.keyboard.press("Control+A")
    page.keyboard.type("if True:\nlimit = 3")            # the second line is indented for the reader
    page.keyboard.press("Shift+Enter")
    says(status(page, 1), "Done.")
    page.keyboard.press("Tab")                           # out of the editor, to Run
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Run cell 1"
    press(page, "Run cell 2")
    says(output(page, 2), "the sum is 3")


def test_a_widget_that_needs_no_python_never_starts_it(live_page, open_page):
    page = open_page(live_page)
    counter = page.locator(".pfn-widget").first.get_by_role("button")
    counter.click()
    assert says(counter, "count 6")
    assert page.evaluate("document.documentElement.dataset.pfnPython") is None
    assert not [w for w in page.workers]


def test_a_widget_that_needs_python_starts_it_and_loses_no_early_click(live_page, open_page):
    """The first cell is given the widget's class, as the package has it for the book's own widgets."""
    page = open_page(live_page)
    classes = [page.locator(".cell_input pre").nth(number - 1).inner_text().replace("\nDoubler()", "") for number in (4, 6)]
    edit(page, 1, "\n".join(classes))
    doubler = page.locator(".pfn-widget").nth(1).get_by_role("button")
    press(page, "Run cell 1")
    for _ in range(3):
        doubler.click()
    assert says(doubler, "count 400")


def test_a_widget_made_by_a_cell_is_drawn(live_page, open_page):
    page = open_page(live_page)
    edit(page, 5, "Counter(n=41)")
    press(page, "Run cell 5")
    made = output(page, 5).get_by_role("button")
    says(made, "count 41")
    made.click()
    says(made, "count 42")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_in_use_has_no_barrier_of_level_a_or_aa(live_page, open_page, scheme):
    page = open_page(live_page, color_scheme=scheme)
    edit(page, 4, "broken(0)")
    press(page, "Run cell 4")
    says(output(page, 4), "ZeroDivisionError")
    assert axe_violations(page) == []


def test_a_page_in_use_fits_a_phone(live_page, open_page):
    page = open_page(live_page, viewport={"width": 360, "height": 740})
    edit(page, 2, "print('wide ' * 100)")
    press(page, "Run cell 2")
    says(output(page, 2), "wide")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_javascript_the_page_shows_pictures_and_no_buttons(live_page, open_page):
    page = open_page(live_page, java_script_enabled=False)
    assert page.get_by_role("img", name="count 5").is_visible()
    assert page.get_by_role("button", name=re.compile("^(Run|Edit)")).count() == 0


def test_a_formula_is_typeset_without_a_script(live_page, open_page):
    page = open_page(live_page, java_script_enabled=False)
    assert page.locator("math").first.text_content() == "a≤b"


def test_opened_as_a_file_the_page_draws_its_widgets_and_says_how_to_run_cells(small_book, live_page, open_page):
    page = open_page((small_book / "live_cells.html").as_uri(), expect_troubles=True)
    press(page, "Run cell 2")
    says(status(page, 2), "run `make book`")
    assert page.locator(".pfn-widget").first.get_by_role("button").is_visible()


def test_without_npm_the_book_says_that_its_cells_cannot_be_run(tmp_path, open_page, build_small_book):
    needs_site()
    served = Served(build_small_book(tmp_path, PFNCACHE_NO_LIVE="npm is not installed"))
    page = open_page(served.url + "live_cells.html")
    assert "npm is not installed" in says(page.locator(".pfn-not-live"), "cannot be run here")
    assert page.get_by_role("button", name=re.compile("^(Run|Edit)")).count() == 0
    counter = page.locator(".pfn-widget").first.get_by_role("button")
    counter.click()
    says(counter, "count 6")
    served.close()
