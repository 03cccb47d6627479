"""How much a first visit of a page has to fetch. How soon it can be used is measured by benchmarks/pages.py, and nobody's test."""

import sys

import pytest
from browsing import ROOT

sys.path.append(str(ROOT / "benchmarks"))
from pages import chapters, weigh  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

MOST, MOST_COMPRESSED = 800_000, 170_000        # bytes; the heaviest had 689,000 and 149,000. The book promises 1,000,000.


@pytest.mark.parametrize("path", chapters() or ["index.html"])
def test_a_page_is_light(book, chromium, path):
    plain, compressed = weigh(chromium, book + path)
    assert plain < MOST and compressed < MOST_COMPRESSED, "what did it grow by? see Chromium's network panel"


@pytest.mark.parametrize("path", chapters() or ["index.html"])
def test_a_page_loads_no_script_for_icons_formulas_or_searching(book, open_page, path):
    page = open_page(book + path)
    loaded = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert not [name for name in loaded if any(part in name for part in ("fontawesome", "mathjax", "searchindex", ".woff"))]
