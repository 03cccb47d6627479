"""The retry map: every place of every map is a schedule of the tested functions, and the page looks up what was run."""
import gzip

import pytest
import traitlets

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from test_widgets import in_node

from pfncache_edu import Stepper, explore, scenarios
from pfncache_edu.widgets import RetryMap
from pfncache_edu.widgets.retry_map import CUTS, OUTCOMES, STALE, VARIANTS, mapped
from pfncache_edu.widgets.scheduler import mutant_named, scenario_named
from pfncache_edu.widgets.sharing import compact


def program_of(name):
    scenario, _, variant = name.partition("/")
    return scenario_named(scenario)(mutant_named(variant).livepatch if variant else {})


@pytest.fixture(scope="module")
def widget():
    return RetryMap()


def test_linux_6_12_publishes_nothing_stale_wherever_the_event_falls():
    letters = "".join(mapped("page_moves_during_refresh")["maps"].values())
    assert set(letters) == set(OUTCOMES) - {STALE}


def test_the_same_functions_publish_a_stale_page_outside_of_all_memslots():
    map = mapped("page_outside_memslots_moves_during_refresh")
    assert STALE in map["maps"]["move"] and "s" not in map["maps"]["move"], "the sequence number never sends it round"


@pytest.mark.parametrize("name", VARIANTS)
def test_a_map_goes_stale_only_where_the_explorer_says_that_it_can(name):
    stale = any(STALE in letters for letters in mapped(name)["maps"].values())
    assert stale == (not explore(program_of(name)).holds)


@pytest.mark.parametrize("name", VARIANTS[1:])
def test_the_schedules_of_a_map_go_stale_for_the_stepper_too(name):
    places = [(cut, place) for cut in CUTS for place in mapped(name)["stale"][cut]]
    assert places
    for cut, place in places[::7]:
        assert Stepper(program_of(name), mapped(name)["stale"][cut][place]).wrong


def test_some_variants_look_right_until_the_event_pauses_elsewhere():
    """The chapter says so, and that a picture of some schedules is no proof."""
    unseen = [name for name in VARIANTS[1:] if STALE not in mapped(name)["maps"]["move"]]
    assert [name.split("/")[1] for name in unseen] == [
        "announces_after_the_walk", "asks_the_count_of_the_page_faults", "retires_before_it_leaves_a_trace"]


def test_each_step_of_a_refresh_stands_under_its_sub_goal():
    steps = mapped("page_moves_during_refresh")["steps"]
    assert [rung for _, rung in steps] == sorted(rung for _, rung in steps) and {rung for _, rung in steps} == set(range(6))
    asked = [rung for words, rung in mapped("page_moves_during_refresh/forgets_the_sequence")["steps"] if "mn_active" in words]
    assert asked == [5], "a variant of the retry test still decides"


def test_the_maps_weigh_little(widget):
    assert len(gzip.compress(compact(widget.maps).encode())) < 20_000


def test_it_can_be_made_again_and_its_picture_is_always_the_same(widget):
    again = RetryMap(**widget._params)
    assert again.maps == widget.maps and again.static_svg() == widget.static_svg()
    assert "<title>" in widget.static_svg() and "48 of" in widget.static_svg() and repr(widget) == "RetryMap()"


@pytest.mark.parametrize("variants, error, remedy", [
    ("page_moves_during_refresh", TypeError, "write RetryMap(variants=['page_moves_during_refresh'])"),
    ([], ValueError, "name one, such as"), (["page_moves_during_refres"], ValueError, "did you mean 'page_moves_during_refresh'?"),
    (["page_moves_during_use"], ValueError, "choose a scenario in which vcpu0 refreshes")])
def test_a_wrong_argument_is_answered_with_what_to_write(variants, error, remedy):
    with pytest.raises(error) as raised:
        RetryMap(variants=variants)
    assert remedy in str(raised.value)


def test_python_sees_where_the_reader_is_and_can_run_it_again(widget):
    widget.set_state({"place": "page_moves_during_refresh/forgets_the_sequence~move~10~10"})     # what the reader's side sends
    assert widget.schedule == "v13 n20 v7" and Stepper(widget.program, widget.schedule).wrong
    widget.place = "page_moves_during_refresh~move~0~3"
    assert not Stepper(widget.program, widget.schedule).choices(), "everybody is done"
    with pytest.raises(traitlets.TraitError, match="write VARIANT~CUT~x~y"):
        widget.place = "page_moves_during_refresh~move~3~2"
    widget.place = ""


LOOKED_UP = """
import { Maps } from "./player.mjs";
import { readFileSync } from "node:fs";
const { maps, cuts } = JSON.parse(readFileSync(new URL("./runs.json", import.meta.url)));
process.stdout.write(JSON.stringify(maps.map((one) => {
  const map = new Maps(one), letters = cuts.map((cut) => {
    let text = "";
    for (let y = 0; y <= map.size; y++) for (let x = 0; x <= y; x++) text += map.letter(cut, x, y);
    return text;
  });
  const found = map.example(cuts);
  return { letters, found, schedule: found ? map.schedule(found.cut, found.x, found.y) : "", rung: map.rung(map.size) };
})));
"""


def test_the_page_looks_up_the_letters_and_the_schedules(widget, tmp_path):
    told = in_node(tmp_path, LOOKED_UP, "retry_map.js", maps=widget.maps, cuts=list(CUTS))
    for map, answer in zip(widget.maps, told, strict=True):
        assert answer["letters"] == [map["maps"][cut] for cut in CUTS] and answer["rung"] is None
        assert bool(answer["schedule"]) == (not map["holds"])


def test_the_scenarios_are_those_of_the_chapter():
    assert {name.partition("/")[0] for name in VARIANTS} == {
        scenarios.page_moves_during_refresh.__name__, scenarios.page_outside_memslots_moves_during_refresh.__name__}
