"""The switches on the built chapter: by keyboard, with the network off, on a phone, in the dark."""
import pytest
from browsing import AXE, goes_offline

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/look-before-you-lock.html"
WRITE, AGAIN, DROP = "Take the write lock for the store", "Look again under the write lock", "Drop the read lock on a hit"


class Reader:
    """A reader who uses nothing but the keyboard."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".pfn-widget.is-live .pfn-line-switches", state="attached")
        self.widget = page.locator(".pfn-line-switches")
        self.said = self.widget.locator(".l-said")
        self.result = self.widget.locator(".l-result")

    def flips(self, idea):
        self.widget.get_by_label(idea).focus()
        self.page.keyboard.press("Space")
        return self

    def presses(self, name, exact=False):
        self.widget.get_by_role("button", name=name, exact=exact).focus()
        self.page.keyboard.press("Enter")
        return self

    def expects(self, kind):
        return self.presses(kind, exact=True)


@pytest.fixture
def at_the_switches(at_chapter):
    return at_chapter(CHAPTER, Reader)


def test_nothing_is_told_before_a_prediction_and_then_it_is_confronted(at_the_switches):
    reader = at_the_switches()
    goes_offline(reader.page)
    reader.flips(WRITE)
    assert reader.result.count() == 0 and "Say what you expect" in reader.said.text_content()
    reader.expects("Somebody waits for ever")
    told = reader.result.text_content()
    assert "✗ Some order of steps breaks it" in told and "You expected: Somebody waits for ever." in told
    assert "v2 n18 v2" in told and "6,358 runs to be 95 % sure" in told
    assert "✗ vcpu0" not in told and reader.widget.locator(".l-wrong").count() == 1


def test_listing_and_outcome_change_together(at_the_switches):
    reader = at_the_switches().flips(WRITE)
    assert [line.strip() for line in reader.widget.locator("ins").all_text_contents()] == [
        "+             yield read_lock_irq(gpc.lock)", "+             yield read_unlock_irq(gpc.lock)"]
    reader.presses("All on")
    assert reader.widget.locator("ins, del").count() == 0 and "Holds: 1,966 states" in reader.result.text_content()


def test_two_ideas_may_be_off_and_no_third(at_the_switches):
    reader = at_the_switches().flips(WRITE).flips(AGAIN).flips(DROP)
    assert "At most 2 ideas can be off" in reader.said.text_content() and reader.widget.get_by_label(DROP).is_checked()
    reader.presses("Undo")
    assert reader.widget.get_by_label(AGAIN).is_checked() and not reader.widget.get_by_label(WRITE).is_checked()


def test_predictions_are_kept_here_and_surprises_are_marked(at_the_switches):
    reader = at_the_switches().flips(AGAIN).expects("Some order of steps breaks it")
    assert "1 of 45 choices, 0 as you expected" in reader.widget.text_content()
    reader.page.reload()
    reader = Reader(reader.page)
    reader.presses("Without again: Nothing breaks, and no lock is taken for nothing, a surprise")
    assert "You expected" in reader.result.text_content()
    reader.presses("Forget my predictions")
    assert reader.result.count() == 0


def test_a_link_opens_the_same_choice(at_the_switches):
    reader = at_the_switches().flips(WRITE).flips(AGAIN)
    link = reader.widget.get_by_role("link", name="Link to this choice").get_attribute("href")
    other = at_the_switches("#" + link.split("#")[1])
    assert not other.widget.get_by_label(WRITE).is_checked() and not other.widget.get_by_label(AGAIN).is_checked()
    assert other.widget.get_by_label(DROP).is_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_while_it_is_played(at_the_switches, scheme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    reader = at_the_switches(color_scheme=scheme).flips(WRITE)
    reader.page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

    def barriers():
        found = reader.page.evaluate("tags => axe.run('.pfn-line-switches', { runOnly: tags })", tags)["violations"]
        return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
    assert barriers() == []
    reader.expects("Some order of steps breaks it")
    assert barriers() == []


def test_on_a_phone_nothing_is_wider_than_the_screen(at_the_switches):
    reader = at_the_switches(viewport={"width": 360, "height": 740}, has_touch=True).flips(WRITE).expects("Some order of steps breaks it")
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.page.evaluate("""() => [...document.querySelectorAll('.pfn-line-switches *')].filter((one) =>
        !one.closest('.l-code') && one.getBoundingClientRect().right > 360).map((one) => one.outerHTML)""") == []
    for button in reader.widget.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44
