"""The JupyterLab in the browser: it runs the notebooks, shows the widgets, checks exercises, and asks no other host."""

import pytest
from browsing import SITE, needs_site

LAB = SITE / "lite"
pytestmark = [pytest.mark.site, pytest.mark.slow]
CODE = "jupyterapp.shell.currentWidget.content.widgets.filter(cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim())"
IDLE = "jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


def needs_lab():
    if not LAB.exists():
        pytest.skip("the notebooks for the browser are not built: run `make jupyterlite`")


def test_the_landing_page_links_what_is_there_and_nothing_else():
    needs_site()
    landing = (SITE / "index.html").read_text(encoding="utf-8")
    assert ('href="lite/lab/index.html' in landing) == LAB.exists()
    assert ('href="inside-pfncache.pdf"' in landing) == (SITE / "inside-pfncache.pdf").exists()


def test_no_style_names_a_font_of_another_host():
    needs_lab()
    assert [path for path in LAB.rglob("*.css") if "//fonts." in path.read_text(encoding="utf-8")] == []


@pytest.fixture
def lab(book, open_page):
    """`page = lab(path)`: a notebook in the browser's JupyterLab, its kernel ready; any request to another host fails the test."""
    needs_lab()

    def open_notebook(path):
        page = open_page(f"{book}lite/lab/index.html?path={path}")
        page.wait_for_function(f"() => window.jupyterapp && {IDLE}", timeout=120_000)
        return page
    return open_notebook


def run_all(page):
    """Run all cells; the errors that they raised."""
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(f"() => {IDLE} && {CODE}.every(cell => cell.model.executionCount)", timeout=180_000)
    return page.evaluate(f"{CODE}.flatMap(cell => cell.model.sharedModel.outputs).filter(one => one.output_type === 'error').map(one => one.evalue)")


def shown(page):
    """What the cells show as text."""
    texts = page.evaluate(f"{CODE}.flatMap(cell => cell.model.sharedModel.outputs).map(one => one.data?.['text/plain'] ?? one.text ?? '')")
    return "\n".join("".join(text) for text in texts)


@pytest.mark.browser
def test_it_begins_with_a_page_that_lists_every_notebook(book, open_page):
    needs_lab()
    page = open_page(f"{book}lite/lab/index.html?path=START-HERE.md")
    page.get_by_role("heading", name="Inside pfncache: all notebooks").wait_for(timeout=60_000)
    assert page.locator(".jp-MarkdownViewer li a").count() == len(list((LAB / "files").rglob("*.ipynb")))


@pytest.mark.browser
def test_a_chapter_runs_its_widget_is_alive_and_its_exercise_is_checked(lab):
    page = lab("chapters/ranges.ipynb")
    assert run_all(page) == []
    widget = page.locator(".jp-OutputArea-output", has=page.get_by_role("slider")).last
    widget.scroll_into_view_if_needed()
    handle = widget.get_by_role("slider").first
    before = handle.get_attribute("aria-valuetext") or handle.input_value()
    handle.press("ArrowRight")
    page.wait_for_function("([handle, before]) => (handle.getAttribute('aria-valuetext') ?? handle.value) !== before", arg=[handle.element_handle(), before])
    assert "3.1" in shown(page) and "0 of 10" in shown(page)


@pytest.mark.browser
def test_a_right_answer_gets_full_marks_there(lab):
    page = lab("exercises/ch03/3.1-two-ranges/starter.ipynb")
    answer = "def overlaps(start, end, first, length):\n    return start < end and length > 0 and start < first + length and first < end\n"
    page.evaluate(f"answer => {{ {CODE}.find(cell => cell.model.sharedModel.source.includes('def overlaps')).model.sharedModel.source = answer }}", answer)
    assert run_all(page) == []
    assert "10 of 10" in shown(page)


@pytest.mark.browser
def test_the_figures_of_chapter_7_say_what_is_missing_and_are_told_in_words(lab):
    page = lab("chapters/the-price-of-unrelated-invalidations.ipynb")
    page.evaluate("jupyterapp.shell.currentWidget.content.scrollToItem(14)")
    page.locator(".jp-OutputArea-output svg, .jp-RenderedSVG img").first.wait_for()              # as the book drew them, before anything is run
    assert run_all(page) == []
    assert shown(page).count("it needs matplotlib") == 4 and "turned away" in shown(page)
