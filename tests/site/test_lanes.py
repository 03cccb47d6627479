"""The lanes on the built chapter: by keyboard, with the network off, on a phone, in the dark."""

import pytest
from browsing import AXE, SITE, goes_offline, needs_site

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/what-a-reader-writer-lock-promises.html"


class Reader:
    """A reader at the chapter's lanes, who uses nothing but the keyboard."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".pfn-widget.is-live .pfn-lanes", state="attached")
        self.widget = page.locator(".pfn-lanes").first
        self.said = self.widget.locator(".l-live")

    def predicts(self, *names):
        for name in names:
            self.widget.locator(f'[type="checkbox"][value="{name}"]').focus()
            self.page.keyboard.press("Space")
        self.widget.get_by_role("button", name="Record, and show").focus()
        self.page.keyboard.press("Enter")
        return self

    def opens(self, number):
        self.widget.locator("select").focus()
        self.page.keyboard.press("Home")
        for _ in range(number):
            self.page.keyboard.press("ArrowDown")
        return self

    def moves(self, lane, *keys):
        self.widget.get_by_label(f"{lane} asks at").focus()
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def row(self, who):
        return self.widget.locator("tbody tr", has_text=who).locator("td").all_text_contents()


@pytest.fixture
def at_the_lanes(book, open_page):
    needs_site()
    if not (SITE / CHAPTER).exists():
        pytest.skip("the chapter is not built: run `make site`")
    return lambda fragment="", **options: Reader(open_page(f"{book}{CHAPTER}{fragment}", **options))


def test_nothing_is_shown_before_the_reader_has_said_who_waits(at_the_lanes):
    reader = at_the_lanes()
    assert "First say who will have to wait" in reader.said.text_content()
    assert not reader.widget.locator(".l-bar:visible").count() and not reader.widget.locator(".l-count").is_visible()
    reader.predicts("notifier")
    assert "notifier, vcpu1 and handler wait" in reader.said.text_content() and "You predicted: notifier." in reader.said.text_content()


def test_the_lanes_and_the_table_follow_a_request_with_the_network_off(at_the_lanes):
    reader = at_the_lanes()
    goes_offline(reader.page)
    reader.predicts("notifier", "vcpu1", "handler")
    assert "So it is." in reader.said.text_content() and reader.row("vcpu1") == ["0", "5", "5"]
    reader.moves("notifier", "End")
    assert reader.row("vcpu1") == ["0", "0", "0"]
    assert "asks at 7 and" not in reader.widget.text_content() and "asks at 7, in at 7, out at 9" in reader.widget.text_content()
    reader.widget.get_by_role("button", name="Undo").focus()
    for _ in range(6):
        reader.page.keyboard.press("Enter")
        if reader.widget.get_by_role("button", name="Undo").get_attribute("aria-disabled") == "true":
            break
    assert reader.row("vcpu1") == ["0", "5", "5"]


def test_another_rule_lets_others_wait_and_a_goal_can_be_reached(at_the_lanes):
    reader = at_the_lanes().opens(1).predicts("notifier")
    assert "So it is." in reader.said.text_content() and "the longest is 10" in reader.widget.text_content()
    reader.moves("vcpu1", *["ArrowRight"] * 2).moves("handler", *["ArrowRight"] * 3)
    assert "notifier waits" in reader.said.text_content()
    reader.widget.locator('[type="radio"]').first.focus()
    reader.page.keyboard.press("ArrowDown")
    assert "This is another rule" in reader.widget.text_content() and reader.said.text_content().startswith("Queued:")


def test_a_link_opens_the_same_requests_and_the_prediction_is_remembered(at_the_lanes):
    reader = at_the_lanes().opens(3).predicts("handler").moves("vcpu0", "ArrowRight")
    link = reader.widget.get_by_role("link", name="Link to this").get_attribute("href")
    assert link.endswith("#lanes=3~2~1-1-2-6")
    reader.page.goto(link)
    reader.page.reload()
    other = Reader(reader.page)
    assert "vcpu0 asks at 1" in other.widget.text_content() and not other.widget.locator("form").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_before_and_after_the_prediction(at_the_lanes, scheme):
    reader = at_the_lanes(color_scheme=scheme)
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    reader.page.add_script_tag(path=AXE)
    for _ in range(2):
        found = reader.page.evaluate("axe.run('.pfn-lanes', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })")["violations"]
        assert [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]] == []
        if reader.widget.locator("form").count():
            reader.predicts("notifier")


def test_on_a_phone_nothing_is_wider_than_the_screen(at_the_lanes):
    reader = at_the_lanes(viewport={"width": 360, "height": 740}, has_touch=True).predicts("notifier")
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.page.evaluate("""() => [...document.querySelectorAll('.pfn-lanes *')]
        .filter((one) => one.getBoundingClientRect().right > 360).map((one) => one.outerHTML.slice(0, 100))""") == []


def test_a_request_can_be_dragged(at_the_lanes):
    reader = at_the_lanes().predicts("notifier")
    track = reader.widget.locator(".l-track").nth(1)
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    tick = box["width"] / 19
    reader.page.mouse.move(box["x"] + 2 * tick, box["y"] + 10)
    reader.page.mouse.down()
    reader.page.mouse.move(box["x"] + 5 * tick, box["y"] + 10, steps=4)
    reader.page.mouse.up()
    assert "notifier asks at 4" in reader.widget.text_content()
