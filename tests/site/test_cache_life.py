"""The life of one cache on the built chapter: by keyboard, with the network off, on a phone, in the dark."""

import pytest
from browsing import AXE, goes_offline

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/a-cache-with-a-landlord.html"


class Reader:
    """A reader at the widget, who uses nothing but the keyboard."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".pfn-widget.is-live .pfn-life", state="attached")
        self.widget = page.locator(".pfn-life").first
        self.said = self.widget.locator(".l-live")

    def does(self, *labels):
        for label in labels:
            button = self.widget.get_by_role("button", name=label, exact=True)
            button.focus()
            self.page.keyboard.press("Enter")
        return self

    @property
    def box(self):
        return self.widget.locator("[data-box].l-now").get_attribute("data-box")

    def field(self, name):
        return self.widget.locator("tr", has=self.page.locator("th", has_text=name)).first.locator("td").first.text_content()


@pytest.fixture
def reader(at_chapter):
    return at_chapter(CHAPTER, Reader)


def test_a_life_is_lived_by_keyboard_with_the_network_off(reader):
    cache = reader()
    goes_offline(cache.page)
    cache.does("init", "activate", "move the page")
    assert cache.box == "withdrawn" and cache.field("valid").startswith("False")
    cache.does("check: I expect True")
    assert "You expected True. kvm_gpc_check() says False: it is not valid." in cache.said.text_content()
    assert "You were right in 0 of 1 checks." in cache.said.text_content()
    assert "Goal reached" in cache.said.text_content()
    assert "✗ is it valid? no" in cache.widget.locator("tbody").first.text_content()
    assert "kvm_gpc_check(gpc, 8)" in cache.widget.locator(".l-here").text_content()
    cache.does("refresh")
    assert cache.box == "usable" and "after it looked the page up" in cache.said.text_content()


def test_before_init_nothing_else_works_and_the_page_says_so(reader):
    cache = reader().does("activate")
    assert "Nothing works before init" in cache.said.text_content() and cache.box == "zeroed"


def test_an_arrow_of_the_diagram_is_the_call_beside_it(reader):
    cache = reader().does("init", "activate")
    cache.widget.locator('[data-arrow="p"] text').click()
    assert cache.box == "withdrawn"


def test_calls_can_be_undone_and_the_life_started_again(reader):
    cache = reader().does("init", "activate", "deactivate")
    assert cache.box == "inactive"
    assert cache.does("Undo").box == "usable" and cache.does("Start again").box == "zeroed"


def test_a_link_opens_the_same_life_in_another_window(reader):
    link = reader().does("init", "activate", "change another memslot").widget.get_by_role("link", name="Link to this life").get_attribute("href")
    other = reader("#" + link.partition("#")[2])
    assert other.box == "outdated" and other.field("generation").startswith("1")


def test_goals_and_the_tally_are_remembered_in_this_browser(reader):
    cache = reader().does("init", "check: I expect False")
    cache.page.reload()
    again = Reader(cache.page)
    assert again.widget.locator(".l-goals .good").count() == 1
    again.does("init", "check: I expect True")
    assert "You were right in 1 of 2 checks." in again.said.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier(reader, scheme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    cache = reader(color_scheme=scheme).does("init", "activate", "move the page", "check: I expect True")
    cache.widget.locator("summary").press("Enter")
    cache.page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = cache.page.evaluate("tags => axe.run('.pfn-life', { runOnly: tags })", tags)["violations"]
    assert [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]] == []


def test_on_a_phone_nothing_is_wider_than_the_screen(reader):
    cache = reader(viewport={"width": 360, "height": 740}, has_touch=True).does("init", "activate", "check: I expect True")
    assert cache.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert cache.page.evaluate("""() => [...document.querySelectorAll('.pfn-life *')].filter((one) =>
        !one.closest('.scrolls') && one.getBoundingClientRect().right > 360).map((one) => one.outerHTML)""") == []
    for button in cache.widget.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44
