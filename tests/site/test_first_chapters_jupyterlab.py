"""The first two games in JupyterLab: the same module, and Python sees what the reader has done."""

import pytest
from test_scheduler_jupyterlab import becomes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = ["""from pfncache_edu.widgets import ThreeClicks
game = ThreeClicks(predict=False)
game""", """from pfncache_edu.widgets import FourRulers
FourRulers(gfn=7)"""]


def test_python_sees_the_order_that_was_chosen_by_keyboard(jupyterlab):
    """In JupyterLab Enter and the arrows are keys of the notebook, unless a control says that they are its own."""
    page = jupyterlab(CELLS)
    game = page.locator(".pfn-three")
    game.wait_for(timeout=30_000)
    game.get_by_role("button", name="look the page up").press("Enter")
    game.get_by_role("button", name="move the page to B").press("Enter")
    becomes(page, "game.schedule", "'vh'")
    game.get_by_role("button", name="write through the note").press("Enter")
    assert "The guest's write is lost" in game.get_by_role("status").text_content()


def test_the_rulers_follow_the_slider_by_arrow_keys(jupyterlab):
    page = jupyterlab(CELLS)
    rulers = page.locator(".pfn-rulers")
    rulers.wait_for(timeout=30_000)
    assert "0x7010" in rulers.locator("table").first.text_content()
    rulers.get_by_label("Guest page number").press("ArrowRight")
    assert "0x8010" in rulers.locator("table").first.text_content()
