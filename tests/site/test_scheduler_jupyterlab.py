"""The same scheduler in JupyterLab, where Python sees what the reader does, and the reader what Python does."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = """from pfncache_edu.widgets import Scheduler
game = Scheduler(levels=["page_moves_during_use/clears_under_the_read_lock", "page_moves_during_use"])
game"""


def python(page, expression):
    """What the notebook's kernel says `expression` is."""
    return page.evaluate("""async (expression) => {
        const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const future = kernel.requestExecute({ code: '', user_expressions: { answer: expression }, store_history: false });
        const { answer } = (await future.done).content.user_expressions;
        return answer.data ? answer.data['text/plain'] : answer.evalue;
    }""", expression)


def becomes(page, expression, answer):
    """Wait until the kernel says `answer`: quick steps travel together, a moment later."""
    for _ in range(50):
        told = python(page, expression)
        if told == answer:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{expression} is {told}, not {answer}")


@pytest.fixture
def game(jupyterlab):
    page = jupyterlab([CELL])
    widget = page.locator(".pfn-scheduler")
    widget.wait_for(timeout=30_000)
    return page, widget


def test_python_sees_the_schedule_and_can_run_it_again(game):
    page, widget = game
    widget.get_by_role("button", name="No, no order does").focus()
    page.keyboard.press("Enter")
    for key in ["v", "v", *["n"] * 14, "v", "v"]:
        page.keyboard.press(key)
    assert "18 steps, the shortest possible" in widget.locator(".s-result").text_content()
    becomes(page, "game.schedule", "'v2 n14 v2'")
    assert python(page, "game.trace[-1].wrong") == '"vcpu0 writes to page A, which was freed: the guest\'s page is B"'
    assert python(page, "game.predictions") == "{'page_moves_during_use/clears_under_the_read_lock': 'holds'}"
    page.keyboard.press("u")
    becomes(page, "game.schedule", "'v2 n14 v1'")
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 1, "its letters are not the notebook's"


def test_the_reader_sees_the_schedule_that_python_sets(game):
    page, widget = game
    widget.get_by_role("button", name="Yes, some order breaks it").click()
    python(page, "setattr(game, 'schedule', 'v2 n3')")
    page.wait_for_function("document.querySelector('.pfn-scheduler .s-share input').value === 'v2 n3'")
    python(page, "setattr(game, 'level', 1)")
    page.wait_for_function("document.querySelector('.pfn-scheduler select').value === '1'")
    assert "v = vcpu0, n = notifier" in python(page, "setattr(game, 'schedule', 'x9')")


def test_it_can_be_played_in_jupyterlabs_dark_theme(game):
    page, widget = game
    light = widget.evaluate("one => getComputedStyle(one).backgroundColor")
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    assert widget.evaluate("one => getComputedStyle(one).backgroundColor") != light
