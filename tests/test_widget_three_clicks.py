"""The three orders of chapter 0: the data is what the stepper did, and the still picture says the same."""
import gzip
import json

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu import explore, run, scenarios
from pfncache_edu.widgets import ThreeClicks


@pytest.fixture(scope="module")
def widget():
    return ThreeClicks()


def test_there_are_three_orders_and_one_of_them_loses_the_write(widget):
    assert widget.data["ends"] == ["hvv", "vhv", "vvh"]
    assert [end for end in widget.data["ends"] if widget.data["states"][end]["wrong"]] == ["vhv"]


def test_every_order_ends_as_the_real_run_of_the_functions_does(widget):
    for end in widget.data["ends"]:
        trace = run(scenarios.nobody_is_told(), " ".join(f"{letter}1" for letter in end))
        assert widget.data["states"][end]["wrong"] == next((event.wrong for event in trace if event.wrong), "")


def test_three_clicks_are_the_least(widget):
    assert widget.data["shortest"] == len(explore(scenarios.nobody_is_told()).trace) == 3


def test_a_step_that_can_be_taken_leads_to_a_state_that_is_there(widget):
    states = widget.data["states"]
    for schedule, state in states.items():
        assert all(schedule + letter in states for letter in state["can"])


def test_what_was_written_before_the_move_moves_along(widget):
    states = widget.data["states"]
    assert (states["vv"]["written"], states["vvh"]["written"], states["vvh"]["table"]) == ("A", "B", "B")
    assert (states["vhv"]["written"], states["vhv"]["note"], states["vhv"]["table"]) == ("A", "A", "B")


def test_the_still_picture_tells_all_three_orders_and_is_always_the_same(widget):
    svg = widget.static_svg()
    assert svg == ThreeClicks(predict=False).static_svg() and svg.count("the write is lost") == 2        # drawn, and described
    assert svg.count("the write is in the guest's page") + svg.count("the write is in the guest&#x27;s page") == 4
    assert 'role="img"' in svg and "<title>" in svg and "<desc>" in svg


def test_it_weighs_next_to_nothing(widget):
    assert len(gzip.compress(json.dumps(widget.data).encode())) < 2_000


def test_a_wrong_argument_is_answered_with_what_to_write():
    with pytest.raises(ValueError, match="such as 'hvv', 'vhv', 'vvh'"):
        ThreeClicks(schedule="hh")
    with pytest.raises(TypeError, match="ThreeClicks has no argument 'speed': it takes data, predict, schedule"):
        ThreeClicks(speed=3)


def test_it_can_be_made_again_from_its_arguments():
    made = ThreeClicks(predict=False, schedule="vh")
    again = ThreeClicks(**made._params)
    assert (again.schedule, again.data, repr(again)) == ("vh", made.data, "ThreeClicks(predict=False, schedule='vh')")
