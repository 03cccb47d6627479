"""The life of one cache, and two handles, in JupyterLab: Python sees what the reader does, and the reader what Python does."""

import pytest
from test_scheduler_jupyterlab import becomes, python

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = ["""from pfncache_edu.widgets import CacheLife, TwoHandles
life = CacheLife()
life""", """line = TwoHandles()
line"""]


def test_python_and_the_reader_see_the_same(jupyterlab):
    page = jupyterlab(CELLS)
    page.locator(".pfn-handles").wait_for(timeout=30_000)
    for label in ("init", "activate", "check: I expect True"):
        page.locator(".pfn-life").get_by_role("button", name=label, exact=True).click()
    becomes(page, "life.history", "'iac'")
    python(page, "setattr(life, 'history', 'iap')")
    page.wait_for_function("document.querySelector('.pfn-life .l-now').dataset.box === 'withdrawn'")
    page.locator(".pfn-handles").get_by_role("button", name="Puzzle 4").click()
    becomes(page, "(line.start, line.end)", "(4, 6)")
    page.locator(".pfn-handles").get_by_role("button", name="○ left alone").click()
    becomes(page, "line.said", "0")
    python(page, "(setattr(line, 'end', 9), setattr(line, 'start', 8))")
    page.wait_for_function("document.querySelector('.pfn-handles .t-handle code').textContent === '0xc000'")
