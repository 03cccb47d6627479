"""Two handles, one page, on the built chapter: by keyboard, with the network off, on a phone, in the dark."""

import pytest
from browsing import AXE, goes_offline

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/ranges.html"


class Reader:
    """A reader at the widget, who uses nothing but the keyboard."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".pfn-widget.is-live .pfn-handles", state="attached")
        self.widget = page.locator(".pfn-handles").first
        self.said = self.widget.locator(".t-live")

    def presses(self, name, key="Enter", role="button"):
        self.widget.get_by_role(role, name=name, exact=True).focus()
        self.page.keyboard.press(key)
        return self

    def moves(self, handle, key, times=1):
        self.widget.get_by_label(f"{handle} of the range").focus()
        for _ in range(times):
            self.page.keyboard.press(key)
        return self


@pytest.fixture
def reader(at_chapter):
    return at_chapter(CHAPTER, Reader)


def test_the_verdict_is_told_after_the_prediction_by_keyboard_with_the_network_off(reader):
    line = reader()
    goes_offline(line.page)
    line.moves("start", "ArrowLeft", 2)
    assert "[0x7000, 0xc000)" in line.said.text_content()
    assert "verdict not shown yet" in line.widget.locator("svg").get_attribute("aria-label")
    assert "withdrawn" not in line.widget.locator(".t-test").text_content()
    line.presses("○ left alone")
    assert "You expected left alone. It is withdrawn." in line.said.text_content()
    assert "1 of 1 withdrawn" in line.widget.locator("svg").get_attribute("aria-label")


def test_a_handle_pushes_the_other_one_and_moving_asks_again(reader):
    line = reader().presses("○ left alone").moves("start", "End")
    assert line.widget.get_by_label("end of the range").get_attribute("aria-valuetext") == "0x10000"
    assert "Say what it does before you are told" in line.said.text_content()
    line.presses("Undo")
    assert line.widget.get_by_label("start of the range").get_attribute("aria-valuetext") == "0x9000"


def test_a_hundred_caches_are_counted_and_so_are_the_locks(reader):
    line = reader().presses("100", " ", "radio")
    box = line.widget.get_by_role("spinbutton")
    box.focus()
    line.page.keyboard.type("7")
    line.page.keyboard.press("Enter")
    assert "You expected 7. 19 are withdrawn." in line.said.text_content()
    rows = [row.all_text_contents() for row in map(lambda row: row.locator("th, td"), line.widget.locator("tbody tr").all())]
    assert rows == [["Linux 6.12", "100", "19"], ["before the patch", "0", "100"]]


def test_the_puzzles_are_solved_one_after_the_other_and_remembered(reader):
    line = reader()
    answers = ["✗ withdrawn", "✗ withdrawn", "○ left alone", "○ left alone", "✗ withdrawn", "○ left alone", "✗ withdrawn", "○ left alone"]
    line.presses("Puzzle 1")
    for number, answer in enumerate(answers, start=1):
        assert f"Puzzle {number} of 8" in line.said.text_content()
        line.presses(answer)
        assert "So it is" in line.said.text_content()
        if number < len(answers):
            line.presses("Next puzzle")
    line.page.reload()
    assert Reader(line.page).widget.get_by_role("button", name="solved").count() == 8


def test_a_link_opens_the_same_range_in_another_window(reader):
    link = reader().moves("end", "ArrowLeft").widget.get_by_role("link", name="Link to this range").get_attribute("href")
    assert "[0x9000, 0xb000)" in reader("#" + link.partition("#")[2]).said.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier(reader, scheme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    line = reader(color_scheme=scheme).presses("Puzzle 2").presses("○ left alone")
    line.page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = line.page.evaluate("tags => axe.run('.pfn-handles', { runOnly: tags })", tags)["violations"]
    assert [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]] == []


def test_on_a_phone_nothing_is_wider_than_the_screen(reader):
    line = reader(viewport={"width": 360, "height": 740}, has_touch=True).presses("Puzzle 2").presses("✗ withdrawn")
    assert line.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert line.page.evaluate("""() => [...document.querySelectorAll('.pfn-handles *')].filter((one) =>
        !one.closest('.scrolls') && one.getBoundingClientRect().right > 360).map((one) => one.outerHTML)""") == []
    for button in line.widget.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44
