"""The stall meter on the built chapter: by keyboard, with the network off, on a phone, in the dark."""

import pytest
from browsing import AXE, SITE, goes_offline, needs_site

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/the-price-of-unrelated-invalidations.html"


class Reader:
    """A reader at the chapter's stall meter, who uses nothing but the keyboard."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".pfn-widget.is-live .pfn-stalls", state="attached")
        self.widget = page.locator(".pfn-stalls").first
        self.said = self.widget.locator(".m-live")

    def places(self, before, after):
        for label, steps in (("before the patch:", before), ("after the patch:", after)):
            self.widget.get_by_label(label).focus()
            self.page.keyboard.press("Home")
            for _ in range(steps):
                self.page.keyboard.press("ArrowRight")
        self.widget.get_by_role("button", name="Record, and show").focus()
        self.page.keyboard.press("Enter")
        return self

    def turns(self, label, *keys):
        self.widget.get_by_label(label).focus()
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def counted(self, what):
        row = self.widget.locator(".m-counts tr", has=self.page.locator("th", has_text=what)).first
        return row.locator("td").all_text_contents()


@pytest.fixture
def at_the_meter(book, open_page):
    needs_site()
    if not (SITE / CHAPTER).exists():
        pytest.skip("the chapter is not built: run `make site`")
    return lambda fragment="", **options: Reader(open_page(f"{book}{CHAPTER}{fragment}", **options))


def test_nothing_is_shown_before_both_markers_are_placed(at_the_meter):
    reader = at_the_meter()
    assert reader.said.text_content() == "First say what you expect." and not reader.widget.locator(".m-histogram").count()
    reader.places(4, 0)
    assert "You said: before, to 400 ns; after, no wait." in reader.said.text_content()
    assert reader.widget.locator(".m-row", has_text="to 400 ns").locator(".m-marks").text_content() == "◁ you, before"


def test_the_counts_and_the_histogram_follow_a_knob_with_the_network_off(at_the_meter):
    reader = at_the_meter()
    goes_offline(reader.page)
    reader.places(6, 0)
    assert "Both as you said." in reader.said.text_content()
    assert reader.counted("readers turned away")[1] == "0" and reader.counted("readers turned away")[0] != "0"
    reader.turns("readers of the cache", "Home")
    assert reader.counted("readers turned away") == ["0", "0"] and "nobody reads" in reader.said.text_content()
    reader.widget.get_by_role("button", name="Undo").focus()
    reader.page.keyboard.press("Enter")
    assert reader.counted("readers turned away")[0] != "0"
    reader.turns("the readers are", "End")
    assert reader.counted("trylocks that failed")[1] == "0"


def test_a_link_opens_the_same_setting_and_the_markers_are_remembered(at_the_meter):
    reader = at_the_meter().places(1, 1).turns("unrelated to the cache", "ArrowRight")
    link = reader.widget.get_by_role("link", name="Link to this").get_attribute("href")
    assert link.endswith("#stalls=0~2130")
    reader.page.goto(link)
    reader.page.reload()
    other = Reader(reader.page)
    assert not other.widget.locator("form").count() and "unrelated to the cache: 90 %" in other.widget.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_before_and_after_the_prediction(at_the_meter, scheme):
    reader = at_the_meter(color_scheme=scheme)
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    reader.page.add_script_tag(path=AXE)
    for _ in range(2):
        found = reader.page.evaluate("axe.run('.pfn-stalls', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })")["violations"]
        assert [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]] == []
        if reader.widget.locator("form").count():
            reader.places(3, 1)


def test_on_a_phone_nothing_is_wider_than_the_screen(at_the_meter):
    reader = at_the_meter(viewport={"width": 360, "height": 740}, has_touch=True).places(3, 1)
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.page.evaluate("""() => [...document.querySelectorAll('.pfn-stalls *')]
        .filter((one) => one.getBoundingClientRect().right > 360).map((one) => one.outerHTML.slice(0, 100))""") == []
