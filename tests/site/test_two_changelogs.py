"""The two changelogs on the built chapter: by keyboard, with the network off, on a phone, in the dark."""
import pytest
from browsing import AXE, goes_offline

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/written-once.html"
ALL_RIGHT = {"Reason first": [1, 2, 0, 2], "Change first": [1, 1, 2, 2]}


class Reader:
    """A reader who uses nothing but the keyboard."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".pfn-widget.is-live .pfn-two-changelogs", state="attached")
        self.widget = page.locator(".pfn-two-changelogs")
        self.said = self.widget.locator(".t-said")

    def chooses(self, fieldset, option):
        """One of a group of radio buttons, by the space bar."""
        self.widget.locator(".t-stage fieldset").nth(fieldset).locator("input").nth(option).focus()
        self.page.keyboard.press("Space")

    def presses(self, name):
        self.widget.get_by_role("button", name=name).focus()
        self.page.keyboard.press("Enter")

    def opens_the_first_text(self):
        self.chooses(0, 2)
        self.presses("Open the first text")
        return self

    def answers(self, options):
        for question, option in enumerate(options):
            self.chooses(question, option)
        self.presses("Done")

    def plays(self):
        """Both texts, all questions right: the text itself says which one it is."""
        self.opens_the_first_text()
        for _ in range(2):
            reason_first = self.widget.locator(".t-text").text_content().startswith("A write lock")
            self.answers(ALL_RIGHT["Reason first" if reason_first else "Change first"])
        return self


@pytest.fixture
def at_the_texts(at_chapter):
    return at_chapter(CHAPTER, Reader)


def test_a_prediction_comes_first_and_is_confronted(at_the_texts):
    reader = at_the_texts()
    reader.presses("Open the first text")
    assert "Choose what you expect first" in reader.said.text_content()
    assert "The outcome" not in reader.widget.text_content()
    reader.plays()
    assert "You expected: Each text answers some that the other does not. The outcome: Each text answers some" in reader.widget.text_content()


def test_it_is_played_by_keyboard_with_the_network_off(at_the_texts):
    reader = at_the_texts()
    goes_offline(reader.page)
    reader.plays()
    assert reader.widget.get_by_text("4 of 4 right.").count() == 2


def test_a_text_is_done_only_when_every_question_has_an_answer(at_the_texts):
    reader = at_the_texts().opens_the_first_text()
    reader.chooses(0, 1)
    reader.presses("Done")
    assert "3 of 4 questions still without an answer" in reader.said.text_content()


def test_a_question_marks_what_answers_it_in_both_texts_at_once(at_the_texts):
    reader = at_the_texts().plays()
    marked = reader.widget.locator("mark")
    reader.presses("2. Which events")
    assert marked.all_text_contents() == ["keeps unrelated events from contending for the lock"]
    assert "“Reason first” does not answer it" in reader.said.text_content()
    reader.presses("1. With the patch")
    assert marked.count() == 2


def test_a_result_is_remembered_here_shared_by_link_and_taken_back(at_the_texts):
    reader = at_the_texts().plays()
    link = reader.widget.get_by_role("link", name="Link to this result").get_attribute("href")
    reader.page.reload()
    assert "What each text answers" in Reader(reader.page).widget.text_content()
    other = at_the_texts("#" + link.split("#")[1])
    assert other.widget.get_by_text("4 of 4 right.").count() == 2
    other.presses("Start again")
    assert "Four questions, two texts" in other.widget.text_content()


def test_the_sum_follows_the_guesses_and_refuses_what_is_none(at_the_texts):
    reader = at_the_texts()
    total = reader.widget.locator(".t-sum")
    before = total.text_content()
    field = reader.widget.get_by_label("Of 100 readers, how many have to work it out, to")
    field.fill("20")
    assert total.text_content() != before and "combinations" in total.text_content()
    field.fill("2")
    assert "exchange them" in total.text_content() and field.get_attribute("aria-invalid") == "true"
    reader.presses("Back to the first guesses")
    assert total.text_content() == before and field.input_value() == "80"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_while_it_is_played(at_the_texts, scheme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    reader = at_the_texts(color_scheme=scheme).opens_the_first_text()
    reader.page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

    def barriers():
        found = reader.page.evaluate("tags => axe.run('.pfn-two-changelogs', { runOnly: tags })", tags)["violations"]
        return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
    assert barriers() == []
    for _ in range(2):
        reader.answers([1, 1, 1, 1])
    assert barriers() == []


def test_on_a_phone_nothing_is_wider_than_the_screen(at_the_texts):
    reader = at_the_texts(viewport={"width": 360, "height": 740}, has_touch=True).plays()
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.page.evaluate("""() => [...document.querySelectorAll('.pfn-two-changelogs *')].filter((one) =>
        one.getBoundingClientRect().right > 360).map((one) => one.outerHTML)""") == []
    for button in reader.widget.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44
