"""The stall meter carries to the page what the simulator counted, and the three surprises are in it."""
import gzip
import json
import shutil
import subprocess

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu.contention import simulate
from pfncache_edu.widgets import StallMeter
from pfncache_edu.widgets.live_widget import module
from pfncache_edu.widgets.stall_meter import (EDGES, FIELDS, KNOBS, SECONDS, SITUATIONS, key_of, measure, measured, numbers_of, place_of,
                                              setting_of, settings, workload_of)


def found(**wanted):
    """(setting, before, after) of every setting in which the knobs are turned to what is wanted."""
    for setting in settings():
        knobs = dict(zip(KNOBS, setting))
        if all(knobs[name] == value for name, value in wanted.items()):
            yield knobs, *(dict(zip(FIELDS, numbers)) for numbers in measured()[key_of(setting)])


@pytest.mark.slow
@pytest.mark.parametrize("setting", [(10_000, 0, 1, "threads"), (1_000_000, 0.1, 2, "half in interrupt context"), (100_000, 0.5, 0, "threads"),
                                     (None, 0.1, 2, "half only try")], ids=str)
def test_the_file_holds_what_the_simulator_counts(setting):
    """If this fails because the simulator changed: python -m pfncache_edu.widgets.stall_meter"""
    assert measure([setting]) == {key_of(setting): measured()[key_of(setting)]}


def test_every_setting_of_the_knobs_was_simulated():
    assert {key_of(setting) for setting in settings()} == measured().keys()


def test_nobody_gains_when_nobody_reads():
    for _, before, after in found(readers=0, related=0):
        assert before["turned_away"] == after["turned_away"] == 0
        assert (after["hook_ns"], after["invalidations"]) == (before["hook_ns"], before["invalidations"])


def test_after_the_patch_unrelated_events_turn_nobody_away_at_any_rate():
    for knobs, before, after in found(related=0):
        assert (after["turned_away"], after["p99_wait_ns"], after["for_nothing"], after["trylock_failures"]) == (0, 0, 0, 0)
        assert before["for_nothing"] == before["write_locks"] > 0
        assert knobs["readers"] == 0 or before["turned_away"] > 0


def test_a_notifier_without_pause_can_cost_readers_throughput():
    (_, before, after), = found(rate=None, related=0.1, readers=1)
    assert after["reads_per_s"] + after["reads_per_s_half_width"] < before["reads_per_s"] - before["reads_per_s_half_width"]
    assert after["turned_away"] < before["turned_away"] and after["invalidations"] > before["invalidations"]


def test_the_numbers_of_an_outcome_add_up():
    for _, before, after in found():
        assert before["behind_a_holder"] + before["behind_a_waiter"] == before["turned_away"]
        assert after["for_nothing"] <= after["write_locks"]
    outcome = simulate(workload_of(1_000_000, 0, 2, "threads"), patched=False, seconds=SECONDS / 10)
    numbers = numbers_of(outcome)
    assert sum(numbers[len(FIELDS):]) == outcome.turned_away
    assert sum(wait <= numbers[FIELDS.index("p99_wait_ns")] for wait in outcome.waits_ns) >= 0.99 * outcome.reads - (outcome.reads - outcome.turned_away)


def test_a_wait_has_one_place_on_the_scale():
    assert [place_of(wait) for wait in (0, 1, 50, 50.1, 3200, 10_000)] == [0, 1, 1, 2, len(EDGES) - 2, len(EDGES) - 1]


LOOK_UP = """
import { Meter } from "./meter.mjs";
import { readFileSync } from "node:fs";
const { state, asked } = JSON.parse(readFileSync(new URL("./asked.json", import.meta.url)));
const meter = new Meter(state);
process.stdout.write(JSON.stringify(asked.map(([setting, waits]) => [meter.at(setting), waits.map((wait) => meter.place(wait))])));
"""


def test_the_page_looks_up_what_was_counted(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("Node is not installed: the browser tests still play the module")
    widget, waits = StallMeter(), [0, 1, 50, 51, 800, 3200, 9_999]
    asked = [[setting_of(dict(zip(KNOBS, setting))), waits] for setting in settings()]
    state = widget.get_state(["knobs", "fields", "edges", "outcomes"])
    (tmp_path / "meter.mjs").write_text(module("stall_meter.js"))
    (tmp_path / "asked.json").write_text(json.dumps({"state": state, "asked": asked}, sort_keys=True))       # as in a notebook's file
    (tmp_path / "look.mjs").write_text(LOOK_UP)
    done = subprocess.run([node, tmp_path / "look.mjs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for setting, (both, places) in zip(settings(), json.loads(done.stdout), strict=True):
        assert places == [place_of(wait) for wait in waits]
        for numbers, shown in zip(measured()[key_of(setting)], both, strict=True):
            assert [shown[name] for name in FIELDS] == numbers[:len(FIELDS)]
            assert shown["waits"] == [numbers[0] - numbers[1], *numbers[len(FIELDS):]]


def test_what_travels_with_the_page_is_small():
    assert len(gzip.compress(json.dumps(StallMeter().get_state(), default=str).encode())) < 20_000


def test_the_still_picture_says_what_it_shows():
    svg = StallMeter().static_svg()
    assert svg == StallMeter().static_svg() and 'role="img"' in svg
    assert "After the patch: 0 of" in svg and "99 % of the reads waited for at most 0 ns" in svg


def test_python_sees_what_the_reader_has_set():
    widget = StallMeter()
    assert widget.setting == setting_of(SITUATIONS[0]) and repr(widget) == "StallMeter()"
    widget.set_state({"setting": [0, 0, 1, 0], "situation": 1})
    assert (widget.setting, widget.situation) == ([0, 0, 1, 0], 1)


@pytest.mark.parametrize("arguments, remedy", [
    ({"situations": [{"title": "x"}]}, "it has title, rate, related, readers, kind"),
    ({"situations": ["fast"]}, "is not a situation"),
    ({"situations": [{"title": "x", "rate": 7, "related": 0, "readers": 1, "kind": "threads"}]}, "rate is 7, which was not simulated"),
    ({"situations": []}, "needs a situation"),
    ({"situation": 9}, "they count from 0"),
])
def test_a_wrong_argument_is_answered_with_what_to_write_instead(arguments, remedy):
    with pytest.raises((TypeError, ValueError), match=remedy):
        StallMeter(**arguments)
