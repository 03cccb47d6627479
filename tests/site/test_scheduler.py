"""The scheduler on the built chapter, played as a reader would: by keyboard, with the network off, on a phone, in the dark."""

import pytest
from browsing import AXE, goes_offline

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.slow]

CHAPTER = "chapters/you-are-the-scheduler.html"
WRONG = "page_moves_during_use/clears_under_the_read_lock"
PATCH = "page_moves_during_use"
OWN_VARIANT = """from pfncache_edu.kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from pfncache_edu.scenarios import page_moves_during_use
from pfncache_edu.steps import kernel
from pfncache_edu.widgets import Scheduler

@kernel
def only_clears(kvm, start, end):
    for gpc in (yield kvm.gpc_list):
        yield gpc.valid.set(False)

Scheduler(program=page_moves_during_use({gfn_to_pfn_cache_invalidate_start: only_clears}))"""


class Reader:
    """A reader at the chapter's scheduler, who uses nothing but the keyboard."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".pfn-widget.is-live .pfn-scheduler", state="attached")
        self.widget = page.locator(".pfn-scheduler").first
        self.said = self.widget.locator(".s-live")
        self.result = self.widget.locator(".s-result")
        self.schedule = self.widget.get_by_label("Schedule as text")

    def reaches(self, text):
        """Press Tab until the focus is on the control that is called `text`."""
        self.widget.locator("select, button").first.focus()
        for _ in range(40):
            focused = self.page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
            if focused.startswith(text):
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reached {text!r}")

    def presses(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def opens(self, name):
        """Choose a level in its list, by the arrow keys."""
        choice = self.widget.locator("select")
        wanted = choice.locator(f'option[data-level="{name}"]')
        if wanted.count() == 0:
            pytest.skip(f"the chapter has no level {name}")
        choice.focus()
        self.presses("Home")
        while choice.input_value() != wanted.get_attribute("value"):
            self.presses("ArrowDown")
        return self

    def predicts(self, answer):
        return self.reaches(answer).presses("Enter")


@pytest.fixture
def at_the_scheduler(at_chapter):
    return at_chapter(CHAPTER, Reader)


def test_the_wrong_variant_is_broken_by_keyboard_in_the_shortest_number_of_steps_with_the_network_off(at_the_scheduler):
    reader = at_the_scheduler()
    goes_offline(reader.page)
    reader.opens(WRONG).predicts("No, no order does")
    reader.presses("v", "v", *["n"] * 14, "v")
    assert not reader.result.is_visible()
    reader.presses("v")
    assert "vcpu0 writes to page A, which was freed: the guest's page is B" in reader.result.text_content()
    assert "18 steps, the shortest possible." in reader.result.text_content()
    assert "You predicted that no order breaks it. It is the other way round" in reader.result.text_content()
    assert reader.schedule.input_value() == "v2 n14 v2"


def test_nothing_runs_before_the_reader_has_predicted(at_the_scheduler):
    reader = at_the_scheduler().opens(WRONG).reaches("Run 1 step of vcpu0").presses("Enter", "v", "n")
    assert "First say what you expect" in reader.said.text_content()
    reader.predicts("Yes, some order breaks it").presses("v")
    assert reader.said.text_content().startswith("Step 1, vcpu0: takes gpc.lock for read.")


def test_the_patch_holds_with_its_number_of_states(at_the_scheduler):
    reader = at_the_scheduler().opens(PATCH).predicts("No, no order does")
    reader.reaches("Claim").presses("Enter")
    assert "✓ Right. It holds: 627 states, all of them." in reader.result.text_content()
    assert "when this page was built" in reader.result.text_content()


def test_claiming_that_a_breakable_variant_holds_is_wrong_and_hints_come_in_steps(at_the_scheduler):
    reader = at_the_scheduler().opens(WRONG).predicts("No, no order does")
    reader.reaches("Claim").presses("Enter")
    assert "There is a schedule with 18 steps that breaks it" in reader.result.text_content()
    hints = reader.widget.locator(".s-hints li")
    for number in (1, 2, 3):
        assert hints.count() == number - 1
        reader.reaches(f"Hint {number} of 3").presses("Enter")
    assert "v2 n14" in hints.nth(1).text_content() and "v2 n14 v2" not in hints.nth(1).text_content()
    reader.reaches("Load it, and scrub").presses("Enter")
    assert "18 of 18" in reader.widget.text_content() and "You broke it" in reader.result.text_content()
    reader.presses("ArrowLeft")
    assert "17 of 18" in reader.widget.text_content() and not reader.result.is_visible()


def test_a_step_can_be_undone_redone_and_left_for_another(at_the_scheduler):
    reader = at_the_scheduler().opens(WRONG).predicts("Yes, some order breaks it")
    reader.presses("v", "n", "n", "u")
    assert reader.schedule.input_value() == "v1 n1"
    reader.presses("r")
    assert reader.schedule.input_value() == "v1 n2"
    reader.presses("Backspace", "v", "r")
    assert reader.schedule.input_value() == "v1 n1 v1", "another choice is another branch: there is nothing to redo"
    reader.presses("Home")
    assert reader.schedule.input_value() == ""


def test_a_line_of_code_is_expanded_into_its_steps_and_run_as_a_whole(at_the_scheduler):
    reader = at_the_scheduler().opens(WRONG).predicts("Yes, some order breaks it").presses("v", "v", *["n"] * 5)
    notifier = reader.widget.locator(".s-cpu").nth(1)
    notifier.locator("summary").press("Enter")
    assert notifier.locator(".s-statement li").all_text_contents() == ["reads gpc.valid → True", "reads gpc.pfn → A"]
    reader.widget.get_by_role("button", name="Run the line of notifier").press("Enter")
    assert reader.schedule.input_value() == "v2 n7"


def test_a_schedule_that_was_left_can_be_taken_up_again(at_the_scheduler):
    reader = at_the_scheduler().opens(WRONG).predicts("Yes, some order breaks it").presses("v", "n", "n", "u", "v")
    reader.widget.get_by_role("button", name="Go back to v1 n2").press("Enter")
    assert reader.schedule.input_value() == "v1 n2"
    assert reader.widget.get_by_role("button", name="Go back to v1 n1 v1").is_visible()


def test_what_was_broken_says_how_likely_chance_would_have_found_it(at_the_scheduler):
    reader = at_the_scheduler().opens(WRONG).predicts("Yes, some order breaks it").presses("v", "v", *["n"] * 14, "v", "v")
    assert "By chance: 0.31 % of all random runs go wrong, 1 in 321. It takes 961 random runs" in reader.result.text_content()


def test_a_blocked_cpu_says_for_what_and_for_whom_it_waits(at_the_scheduler):
    reader = at_the_scheduler().opens(PATCH).predicts("No, no order does").presses("v", *["n"] * 30)
    assert "waits for gpc.lock, which vcpu0 holds for read" in reader.widget.locator('[data-state="blocked"]').text_content()
    assert "notifier cannot run: it waits for gpc.lock" in reader.said.text_content()
    reader.presses("Shift+V")
    assert reader.schedule.input_value().startswith("v1 n8 v")


def test_a_link_opens_the_same_schedule_in_another_window(at_the_scheduler):
    reader = at_the_scheduler().opens(WRONG).predicts("No, no order does").presses("v", "v", "n", "n", "n")
    link = reader.widget.get_by_role("link", name="Link to this schedule").get_attribute("href")
    other = at_the_scheduler(link)
    assert other.widget.locator("select option:checked").get_attribute("data-level") == WRONG
    other.predicts("Yes, some order breaks it")
    assert other.schedule.input_value() == "v2 n3"
    other.page.evaluate("link => location.hash = link", link.replace("v2_n3", "v1"))
    other.page.wait_for_function("document.querySelector('.s-share input').value === 'v1'")


def test_a_schedule_can_be_typed_and_a_wrong_one_says_where_it_stops(at_the_scheduler):
    reader = at_the_scheduler().opens(PATCH).predicts("No, no order does")
    reader.schedule.fill("v1 n12")
    reader.schedule.press("Enter")
    assert "step 10: notifier cannot run: it waits for gpc.lock, which vcpu0 holds for read" in reader.said.text_content()
    reader.schedule.fill("x3")
    reader.schedule.press("Enter")
    assert "v = vcpu0, n = notifier" in reader.said.text_content()


def test_the_prediction_and_the_best_schedule_are_remembered_here(at_the_scheduler):
    reader = at_the_scheduler().opens(WRONG).predicts("No, no order does").presses("v", "v", *["n"] * 14, "v", "v")
    reader.page.reload()
    reader = Reader(reader.page).opens(WRONG)
    assert reader.widget.locator(".s-predict").count() == 0
    stored = reader.page.evaluate("name => localStorage.getItem('pfncache.scheduler.found.' + name)", WRONG)
    assert stored == f'{{"{WRONG}":"v2 n14 v2"}}'


def barriers(page):
    """What axe-core finds in the widget alone; test_pages.py asks about whole pages."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run('.pfn-scheduler', { runOnly: tags })", tags)["violations"]
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_while_it_is_played(at_the_scheduler, scheme):
    reader = at_the_scheduler(color_scheme=scheme).opens(WRONG)
    reader.predicts("No, no order does").presses("v", "v", *["n"] * 14, "v", "v")
    reader.widget.locator("summary").last.press("Enter")
    assert barriers(reader.page) == []
    reader.opens(PATCH).predicts("No, no order does").reaches("Prove it").presses("Enter")
    assert barriers(reader.page) == []


def test_on_a_phone_nothing_is_wider_than_the_screen(at_the_scheduler):
    reader = at_the_scheduler(viewport={"width": 360, "height": 740}, has_touch=True)
    reader.opens(WRONG).predicts("No, no order does").presses("v", "v", *["n"] * 14, "v", "v")
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.page.evaluate("""() => [...document.querySelectorAll('.pfn-scheduler *')].filter((one) =>
        !one.closest('.s-code, .s-diagram') && one.getBoundingClientRect().right > 360).map((one) => one.outerHTML)""") == []
    for button in reader.widget.locator(".s-big").all():
        assert button.bounding_box()["height"] >= 44
    columns = [column.bounding_box() for column in reader.widget.locator(".s-cpu").all()]
    assert columns[0]["y"] + columns[0]["height"] <= columns[1]["y"], "the CPUs stand below each other"


def test_a_readers_own_variant_is_played_on_the_page(at_the_scheduler):
    """Written and run in a cell of the page: its Python searches, the same module plays."""
    page = at_the_scheduler().page
    if page.get_by_role("button", name="Edit cell 1", exact=True).count() == 0:
        pytest.skip("the page's Python is not built: it needs npm")
    page.get_by_role("button", name="Edit cell 1", exact=True).click()
    page.locator("textarea").first.fill(OWN_VARIANT)
    page.keyboard.press("Shift+Enter")
    page.locator(".pfn-output .pfn-scheduler").wait_for(timeout=90_000)
    reader = Reader(page)
    reader.widget = page.locator(".pfn-output .pfn-scheduler")
    reader.predicts("Yes, some order breaks it").presses("v", "v", *["n"] * 8, "v", "v")
    assert "which was freed" in reader.widget.locator(".s-result").text_content()


def test_two_widgets_on_a_page_do_not_hear_each_other(at_the_scheduler):
    reader = at_the_scheduler()
    reader.page.evaluate("""() => {
        const model = document.createElement('div');
        document.querySelector('.pfn-scheduler').before(model);
        model.tabIndex = 0; model.id = 'elsewhere'; }""")
    reader.opens(WRONG).predicts("No, no order does").presses("v")
    reader.page.locator("#elsewhere").focus()
    reader.presses("v", "n")
    assert reader.schedule.input_value() == "v1", "its keys work inside of it only"


def test_the_hooks_outcome_is_told_only_to_who_has_predicted(at_the_scheduler):
    page = at_the_scheduler().page
    questions = page.locator(".pfn-prediction")
    if questions.count() < 2:
        pytest.skip("the chapter asks no question to come back to")
    first, last = questions.first, questions.last
    assert "The outcome is" not in first.text_content() + last.text_content()
    first.locator("input").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert "Recorded:" in first.text_content() and "The outcome is" not in first.text_content()
    assert "You predicted:" in last.text_content() and "The outcome is:" in last.text_content()
