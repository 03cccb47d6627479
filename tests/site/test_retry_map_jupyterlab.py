"""The same retry map in JupyterLab, where Python sees where the reader is."""
import pytest
from test_scheduler_jupyterlab import becomes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = """from pfncache_edu.widgets import RetryMap
map = RetryMap(variants=["page_moves_during_refresh/forgets_the_sequence"])
map"""


def test_python_sees_the_place_and_can_move_the_reader(jupyterlab):
    page = jupyterlab([CELL])
    widget = page.locator(".pfn-retry")
    widget.wait_for(timeout=30_000)
    widget.get_by_role("button", name="No, there is none").press("Enter")
    widget.get_by_label("Second part", exact=True).press("ArrowRight")
    becomes(page, "map.schedule", "'v12 n11 v1 n9 v7'")
    page.evaluate("""async () => {
        const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        await kernel.requestExecute({ code: "map.place = map.variants[0] + '~move~0~3'", store_history: false }).done; }""")
    page.wait_for_function("document.querySelector('.pfn-retry input[type=range]').value === '0'")
    assert "in “withdraw”, before step 4" in widget.text_content()
