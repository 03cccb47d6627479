"""The lanes carry to the page what the simulator's lock does, for every order of requests."""
import gzip
import json
import random
import shutil
import subprocess

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu.turns import RULES, take_turns
from pfncache_edu.widgets import Lanes
from pfncache_edu.widgets.lanes import SLOTS, orders, request_of
from pfncache_edu.widgets.live_widget import module


@pytest.fixture(scope="module")
def widget():
    return Lanes()


LOOK_UP = """
import { Turns } from "./lanes.mjs";
import { readFileSync } from "node:fs";
const { turns, lanes, asked } = JSON.parse(readFileSync(new URL("./asked.json", import.meta.url)));
const table = new Turns(turns, lanes);
process.stdout.write(JSON.stringify(asked.map(([rule, asks]) => table.at(rule, asks))));
"""


def test_the_page_looks_up_what_the_lock_does(widget, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("Node is not installed: the browser tests still play the module")
    chance = random.Random(6)
    asked = [(rule, [chance.randrange(SLOTS) for _ in widget.lanes]) for rule in RULES for _ in range(150)]
    (tmp_path / "lanes.mjs").write_text(module("lanes.js"))
    (tmp_path / "asked.json").write_text(json.dumps({"turns": widget.turns, "lanes": widget.lanes, "asked": asked}))
    (tmp_path / "look.mjs").write_text(LOOK_UP)
    done = subprocess.run([node, tmp_path / "look.mjs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    names = [lane["who"] for lane in widget.lanes]
    for (rule, asks), found in zip(asked, json.loads(done.stdout), strict=True):
        for turn, shown in zip(take_turns(map(request_of, widget.lanes, asks), rule), found, strict=True):
            assert (shown["enters"], shown["leaves"]) == (turn.enters, turn.leaves)
            assert shown["behind"] == ({"lane": names.index(turn.behind), "waiting": turn.waiting} if turn.behind else None)


def test_what_travels_with_the_page_is_small(widget):
    assert len(gzip.compress(json.dumps(widget.get_state(), default=str).encode())) < 20_000


def test_a_goal_names_the_longest_wait_that_can_be_reached(widget):
    for one in widget.situations:
        lane = [each["who"] for each in widget.lanes].index(one["goal"])
        reached = {take_turns(map(request_of, widget.lanes, asks), one["rule"])[lane].waits for asks in orders(4)[::7]}
        assert max(reached) <= one["best"] and one["best"] > 0


def test_the_still_picture_tells_all_three_rules(widget):
    svg = widget.static_svg()
    assert svg == Lanes().static_svg() and 'role="img"' in svg
    for rule in RULES:
        assert f"{rule.capitalize()}: vcpu0 asks at 0 to read and enters at once" in svg


def test_python_sees_what_the_reader_has_set(widget):
    game = Lanes(situations=[{"title": "mine", "rule": "queued", "asks": [0, 0, 0, 0]}])
    assert (game.rule, game.asks) == ("queued", [0, 0, 0, 0])
    game.set_state({"rule": "readers first", "asks": [0, 1, 2, 3]})
    assert (game.rule, game.asks) == ("readers first", [0, 1, 2, 3])
    assert repr(widget) == "Lanes()"


@pytest.mark.parametrize("arguments, remedy", [
    ({"lanes": [{"who": "vcpu0", "mode": "read"}]}, "it has who, mode"),
    ({"lanes": [{"who": "vcpu0", "mode": "look", "stays": 1}]}, "\"read\" or \"write\""),
    ({"lanes": [{"who": f"vcpu{n}", "mode": "read", "stays": 1} for n in range(5)]}, "2 to 4 lanes"),
    ({"situations": [{"title": "x", "rule": "fair", "asks": [0, 0, 0, 0]}]}, "'queued'"),
    ({"situations": [{"title": "x", "rule": "queued", "asks": [0, 0, 9, 0]}]}, "a time from 0 to 7"),
    ({"situations": [{"title": "x", "rule": "queued", "asks": [0, 0, 0, 0], "goal": "vcpu9"}]}, "one of vcpu0, notifier"),
    ({"situations": [{"rule": "queued"}]}, "title, rule, asks"),
    ({"situations": []}, "needs a situation"),
    ({"situation": 7}, "they count from 0"),
])
def test_a_wrong_argument_is_answered_with_what_to_write_instead(arguments, remedy):
    with pytest.raises((TypeError, ValueError), match=remedy):
        Lanes(**arguments)
