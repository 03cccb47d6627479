"""What holds on every page of the built book, in a real browser."""

import pytest
from browsing import SITE, Served, axe_violations, needs_site, pages

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]


def settled(page):
    """Wait until a page has drawn its widgets and formulas."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function("[...document.querySelectorAll('.pfn-widget')].every(w => w.matches('.is-live') || w.querySelector('.pfn-status')?.textContent)")
    return page


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_a_page_makes_no_console_error_and_no_request_leaves_the_site(book, open_page, path):
    page = settled(open_page(book + path))
    assert page.troubles == []
    assert not page.evaluate("document.documentElement.dataset.pfnPython"), "a page started Python before it was asked to"


@pytest.mark.parametrize("path", pages() or ["index.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_no_barrier_of_level_a_or_aa(book, open_page, path, scheme):
    assert axe_violations(settled(open_page(book + path, color_scheme=scheme))) == []


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_a_page_fits_a_phone(book, open_page, path):
    """Only code, pictures and tables may scroll sideways, each by itself."""
    page = settled(open_page(book + path, viewport={"width": 360, "height": 740}))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_book_works_under_a_path_of_its_host(tmp_path, open_page):
    """As on a host that serves many books."""
    needs_site()
    (tmp_path / "book").symlink_to(SITE)
    served = Served(tmp_path)
    for path in pages():
        assert settled(open_page(f"{served.url}book/{path}")).troubles == []
    served.close()


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_without_javascript_every_widget_is_a_still_picture(book, open_page, path):
    page = open_page(book + path, java_script_enabled=False)
    for picture in page.locator(".pfn-still").all():
        assert picture.is_visible() and picture.locator("svg").count(), "a widget without a still picture"
    assert page.locator(".pfn-toolbar").count() == 0, "a button that cannot work"


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_in_print_every_widget_is_a_still_picture(book, open_page, path):
    page = settled(open_page(book + path))
    page.emulate_media(media="print")
    for widget in page.locator(".pfn-widget").all():
        assert widget.locator(".pfn-still").is_visible() and not widget.locator(".pfn-live").first.is_visible()
    for toolbar in page.locator(".pfn-toolbar").all():
        assert not toolbar.is_visible()
