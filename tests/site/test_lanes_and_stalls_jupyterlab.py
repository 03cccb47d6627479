"""Lanes and StallMeter in JupyterLab, where Python sees what the reader does, and the reader what Python does."""

import pytest
from test_scheduler_jupyterlab import becomes, python

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_python_and_the_reader_share_the_lanes(jupyterlab):
    page = jupyterlab(["from pfncache_edu.widgets import Lanes\ngame = Lanes()\ngame"])
    widget = page.locator(".pfn-lanes")
    widget.wait_for(timeout=30_000)
    widget.locator('[value="notifier"]').focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    becomes(page, "game.predictions", "{'One slow reader': ['notifier']}")
    widget.get_by_label("vcpu1 asks at").focus()
    page.keyboard.press("ArrowRight")
    becomes(page, "game.asks", "[0, 1, 3, 3]")
    python(page, "setattr(game, 'rule', 'readers first')")
    page.wait_for_function("document.querySelector('.pfn-lanes .l-live').textContent.startsWith('Readers first: notifier waits')")


def test_python_and_the_reader_share_the_stall_meter(jupyterlab):
    page = jupyterlab(["from pfncache_edu.widgets import StallMeter\ngame = StallMeter()\ngame"])
    widget = page.locator(".pfn-stalls")
    widget.wait_for(timeout=30_000)
    widget.get_by_label("before the patch:").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    becomes(page, "game.predictions", "{'Unrelated, and often': [1, 0]}")
    widget.get_by_label("readers of the cache").focus()
    page.keyboard.press("Home")
    becomes(page, "game.setting", "[2, 0, 0, 0]")
    python(page, "setattr(game, 'setting', [0, 0, 1, 0])")
    page.wait_for_function("document.querySelector('.pfn-stalls .m-live').textContent.includes('99 %')")
