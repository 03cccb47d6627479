"""The switches and the two changelogs in JupyterLab, where Python sees what the reader does."""

import pytest
from test_scheduler_jupyterlab import becomes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SWITCHES = """from pfncache_edu.widgets import LineSwitches
game = LineSwitches()
game"""
TEXTS = """from pfncache_edu.widgets import TwoChangelogs
game = TwoChangelogs(first=1)
game"""


def test_python_sees_what_is_off_and_what_was_expected(jupyterlab):
    page = jupyterlab([SWITCHES])
    widget = page.locator(".pfn-line-switches")
    widget.wait_for(timeout=60_000)
    widget.get_by_label("Look again under the write lock").focus()
    page.keyboard.press("Space")
    widget.get_by_role("button", name="Some order of steps breaks it", exact=True).focus()
    page.keyboard.press("Enter")
    assert "✓ Nothing breaks" in widget.locator(".l-result").text_content()
    becomes(page, "game.off, game.predictions", "(['again'], {'again': 'violated'})")


def test_python_sees_the_answers_and_the_text_that_came_first(jupyterlab):
    page = jupyterlab([TEXTS])
    widget = page.locator(".pfn-two-changelogs")
    widget.wait_for(timeout=60_000)
    widget.get_by_label("Each text answers some").check()
    widget.get_by_role("button", name="Open the first text").click()
    assert widget.locator(".t-text").text_content().startswith("When an invalidation event comes")
    for _ in range(2):
        for group in widget.locator(".t-stage fieldset").all():
            group.locator("input").first.check()
        widget.get_by_role("button", name="Done").click()
    becomes(page, "game.answers", "[[0, 0, 0, 0], [0, 0, 0, 0]]")
