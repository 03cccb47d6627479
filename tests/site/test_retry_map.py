"""The retry map on the built chapter: by keyboard, with the network off, on a phone, in the dark."""
import pytest
from browsing import AXE, SITE, goes_offline, needs_site

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/when-refresh-meets-invalidate.html"


class Reader:
    """A reader at the chapter's retry map, who uses nothing but the keyboard."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".pfn-retry", state="attached")
        self.widget = page.locator(".pfn-retry").first
        self.said = self.widget.locator("[role=status]")
        self.outcome = self.widget.locator(".r-outcome")

    def opens(self, title):
        """Choose a variant in its list, by the arrow keys."""
        choice = self.widget.get_by_label("Code")
        wanted = choice.locator("option", has_text=title).last.get_attribute("value")
        choice.focus()
        while self.widget.get_by_label("Code").input_value() != wanted:
            self.page.keyboard.press("ArrowDown")
        return self

    def predicts(self, answer):
        self.widget.get_by_role("button", name=answer).press("Enter")
        return self

    def moves(self, part, place):
        slider = self.widget.get_by_label(part, exact=True)
        slider.press("Home")
        for _ in range(place):
            slider.press("ArrowRight")
        return self


@pytest.fixture
def at_the_map(book, open_page):
    needs_site()
    if not (SITE / CHAPTER).exists():
        pytest.skip("the chapter is not built: run `make site`")
    return lambda fragment="", **options: Reader(open_page(f"{book}{CHAPTER}{fragment}", **options))


def test_the_map_waits_for_a_prediction_and_confronts_it(at_the_map):
    reader = at_the_map()
    assert reader.widget.locator(".r-picture").count() == 0
    goes_offline(reader.page)
    reader.opens("forgets the sequence").predicts("No, there is none")
    assert "You predicted that no place does. It is the other way round." in reader.widget.text_content()
    assert "48 of " in reader.widget.text_content()


def test_an_event_that_fits_between_look_up_and_decision_goes_stale(at_the_map):
    reader = at_the_map().opens("forgets the sequence").predicts("Yes, there is one")
    reader.moves("Second part", 10).moves("First part", 10)
    assert "STALE" in reader.outcome.text_content() and "v13 n20" in reader.outcome.text_content()
    assert "STALE: a page that has moved is published" in reader.said.text_content()
    first, second = (reader.widget.get_by_label(part, exact=True) for part in ("First part", "Second part"))
    second.press("ArrowLeft")
    second.press("ArrowLeft")
    assert (first.input_value(), second.input_value()) == ("8", "8"), "the first part never comes after the second"
    reader.widget.get_by_role("button", name="Undo").press("Enter")
    assert (first.input_value(), second.input_value()) == ("9", "9")


def test_linux_holds_in_a_memslot_and_not_outside(at_the_map):
    reader = at_the_map().predicts("No, there is none")
    reader.widget.get_by_role("button", name="Show me a stale one").press("Enter")
    assert "There is none" in reader.said.text_content()
    reader.opens("outside all memslots").predicts("No, there is none")
    reader.widget.get_by_role("button", name="Show me a stale one").press("Enter")
    assert "STALE" in reader.outcome.text_content()


def test_a_link_opens_the_same_place_in_another_window(at_the_map):
    reader = at_the_map().opens("forgets the count").predicts("Yes, there is one").moves("Second part", 14).moves("First part", 3)
    link = reader.widget.get_by_role("link", name="Link to this place").get_attribute("href")
    other = at_the_map("#" + link.split("#")[1]).predicts("Yes, there is one")
    assert other.widget.get_by_label("First part", exact=True).input_value() == "3"
    assert other.widget.get_by_label("Second part", exact=True).input_value() == "14"
    assert other.outcome.text_content() == reader.outcome.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_and_nothing_wider_than_a_phone(at_the_map, scheme):
    reader = at_the_map(viewport={"width": 360, "height": 740}, has_touch=True, color_scheme=scheme)
    reader.opens("forgets the sequence").predicts("Yes, there is one").moves("Second part", 10).moves("First part", 10)
    reader.widget.locator("summary").press("Enter")
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    reader.page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = reader.page.evaluate("tags => axe.run('.pfn-retry', { runOnly: tags })", tags)["violations"]
    assert [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]] == []
