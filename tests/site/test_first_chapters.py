"""The games of chapters 0 and 1 on the built book: by keyboard, with the network off, on a phone, in the dark, by link, in print."""

import pytest
from browsing import AXE, SITE, goes_offline, needs_site

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

GAMES = {"three": ("chapters/a-page-that-moved-under-your-feet.html", ".pfn-three"), "rulers": ("chapters/four-names-for-one-byte.html", ".pfn-rulers")}


class Reader:
    """A reader at a game, who uses nothing but the keyboard."""

    def __init__(self, page, selector):
        self.page, self.selector = page, selector
        page.wait_for_selector(f".pfn-widget.is-live {selector}", state="attached")
        self.widget = page.locator(selector).first
        self.said = self.widget.get_by_role("status").first

    def reaches(self, text):
        """Press Tab until the focus is on the control of this game whose name begins with `text`."""
        self.widget.locator("select, input, button").first.focus()
        for _ in range(40):
            focused = self.page.evaluate("""() => { const one = document.activeElement;
                return (one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent).replace(/^[\\d·]/, ''); }""")
            if focused.startswith(text):
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reached {text!r}")

    def presses(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def takes(self, *names):
        for name in names:
            self.reaches(name).presses("Enter")
        return self


@pytest.fixture
def at(book, open_page):
    """`at("three")`: a reader at that game."""
    needs_site()

    def open_game(name, fragment="", **options):
        path, selector = GAMES[name]
        if not (SITE / path).exists():
            pytest.skip("the chapter is not built: run `make site`")
        return Reader(open_page(f"{book}{path}{fragment}", **options), selector)
    return open_game


def barriers(reader):
    """What axe-core finds in the game alone."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    if not reader.page.evaluate("'axe' in window"):
        reader.page.add_script_tag(path=AXE)
    found = reader.page.evaluate("([selector, tags]) => axe.run(selector, { runOnly: tags })",
                                 [reader.selector, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]])["violations"]
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


# ---- three clicks ------------------------------------------------------------------------------------------------------

def test_three_steps_lose_the_write_by_keyboard_with_the_network_off(at):
    reader = at("three")
    goes_offline(reader.page)
    reader.takes("look the page up")
    assert "First say how many" in reader.said.text_content()
    reader.reaches("none of them").presses("ArrowDown", "ArrowDown", "Enter")
    reader.takes("look the page up", "move the page to B", "write through the note")
    assert "The guest's write is lost" in reader.said.text_content()
    assert "vcpu0 writes to page A, which was freed: the guest's page is B" in reader.said.text_content()
    assert "Page A: somebody else's page, ✗ the guest's write" in reader.widget.locator(".t-memory desc").text_content()


def test_the_prediction_is_confronted_when_all_three_orders_were_tried(at):
    reader = at("three")
    reader.reaches("none of them").presses("ArrowDown", "ArrowDown", "Enter")
    reader.takes("look the page up", "move the page", "write", "Start again", "move the page", "look", "write", "Start again", "look", "write")
    assert "the question" not in reader.widget.locator(".t-asked").text_content()
    reader.takes("move the page")
    assert "say: one. It is not what you expected" in reader.widget.locator(".t-asked").text_content()
    reader.page.reload()
    assert "You predicted: two" in Reader(reader.page, ".pfn-three").widget.locator(".t-asked").text_content()


def test_a_step_can_be_taken_back_and_one_that_is_not_next_says_why(at):
    reader = at("three")
    reader.reaches("none of them").presses("ArrowDown", "Enter").takes("write through the note")
    assert "looks the page up before it writes" in reader.said.text_content()
    reader.takes("look the page up", "Take one step back")
    assert reader.said.text_content() == "Nothing has happened yet."


def test_a_link_opens_the_same_order_in_another_window(at):
    reader = at("three")
    reader.reaches("none of them").presses("ArrowDown", "Enter").takes("look the page up", "move the page")
    link = reader.widget.get_by_role("link", name="Link to this order").get_attribute("href")
    other = at("three", "#" + link.partition("#")[2])
    assert other.said.text_content().startswith("Step 2.")


# ---- four rulers ---------------------------------------------------------------------------------------------------------

def test_the_slider_moves_all_four_names_by_keyboard_with_the_network_off(at):
    reader = at("rulers")
    goes_offline(reader.page)
    reader.reaches("Guest page").presses("ArrowRight")
    assert "0x3010" in reader.widget.locator("table").first.text_content() and "0xa010" in reader.widget.locator("table").first.text_content()
    assert "GPA page 3, then HVA page a, then frame 3a2" in reader.widget.locator("svg desc").text_content()
    reader.presses("ArrowRight")
    assert "is in no memory slot" in reader.said.text_content()


def test_a_kernel_address_keeps_all_its_digits(at):
    assert "0xffff8880003a9010" in at("rulers").widget.locator("table").first.text_content()


def test_an_event_happens_only_after_a_prediction_and_then_names_the_arrow(at):
    reader = at("rulers")
    reader.reaches("Then").presses("ArrowDown")
    assert "Say it first" in reader.said.text_content()
    reader.takes("the host's page table")
    assert "the arrow through memory slots is broken. You said: the host's page table." in reader.said.text_content()
    assert "now nothing" in reader.widget.locator("table").first.text_content()
    reader.takes("Undo")
    assert "now nothing" not in reader.widget.locator("table").first.text_content()


def test_bytes_across_the_end_of_a_page_lie_in_two_frames(at):
    reader = at("rulers")
    reader.widget.locator("select").nth(0).select_option("4080")
    reader.widget.locator("select").nth(1).select_option("64")
    assert "Their frames are 0x3a9 and 0x3a2: not one after the other." in reader.said.text_content()


# ---- both --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_before_and_while_it_is_played(at, name, scheme):
    reader = at(name, color_scheme=scheme, reduced_motion="reduce")
    assert barriers(reader) == []
    if name == "three":
        reader.reaches("none of them").presses("ArrowDown", "Enter").takes("look the page up", "move the page", "write through the note")
    else:
        reader.reaches("Then").presses("ArrowDown").takes("memory slots")
    assert barriers(reader) == []


@pytest.mark.parametrize("name", GAMES)
def test_on_a_phone_nothing_is_wider_than_the_screen(at, name):
    reader = at(name, viewport={"width": 360, "height": 740}, has_touch=True)
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.page.evaluate("""selector => [...document.querySelectorAll(`${selector} *`)].filter((one) =>
        !one.closest('.scrolls') && one.getBoundingClientRect().right > 360).map((one) => one.outerHTML.slice(0, 120))""", reader.selector) == []


@pytest.mark.parametrize("name", GAMES)
def test_in_print_the_still_picture_stands_in_its_place(at, name):
    reader = at(name)
    reader.page.emulate_media(media="print")
    assert not reader.widget.is_visible()
    assert reader.page.locator(".pfn-widget:has(" + reader.selector + ") .pfn-still svg").is_visible()


def test_the_first_page_lets_a_reader_lose_a_write_in_three_clicks(book, open_page):
    reader = Reader(open_page(f"{book}index.html"), ".pfn-three")
    assert reader.widget.bounding_box()["y"] < 900
    reader.takes("look the page up", "move the page to B", "write through the note")
    assert "The guest's write is lost" in reader.said.text_content()


def test_a_mark_behind_a_sentence_leads_to_its_row_in_the_ledger(book, open_page):
    page = open_page(f"{book}{GAMES['three'][0]}")
    mark = page.locator(".pfn-claim a").first
    assert mark.get_attribute("aria-label").startswith("Evidence s1, read in the source: ")
    mark.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/claims.html#claim-c0-the-host-moves-and-swaps-pages")
    assert page.locator("#claim-c0-the-host-moves-and-swaps-pages").is_visible()
