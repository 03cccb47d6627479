"""Life of one cache: what the page looks up is what the functions do, for every life of a few calls."""
import gzip
import itertools
import json
import random
import shutil
import subprocess

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu.widgets import CacheLife
from pfncache_edu.widgets.cache_life import (BOXES, CALLS, FIELDS, GOALS, LittleWorld, fields_of, graph, node_after, run_alone,
                                             still_picture)
from pfncache_edu.widgets.live_widget import module
from pfncache_edu.widgets.sharing import compact, unshare

pytestmark = pytest.mark.slow            # the first test computes every state that the widget shows


@pytest.fixture(scope="module")
def life():
    return CacheLife()


def after(history):
    return node_after(graph(), history)


def checked(history):
    return after(history)["moves"]["c"]


@pytest.mark.parametrize("history, answer, asked", [
    ("i", "kvm_gpc_check() says False: the cache is not active", ["active"]),
    ("ia", "kvm_gpc_check() says True", ["active", "generation", "uhva", "valid"]),
    ("iap", "kvm_gpc_check() says False: it is not valid", ["active", "generation", "uhva", "valid"]),
    ("ias", "kvm_gpc_check() says False: it is of other memslots than today's", ["active", "generation"]),
    ("iadr", "kvm_gpc_check() says False: it has no user address", ["active", "generation", "uhva"])])
def test_check_stops_at_the_first_question_whose_answer_is_no(history, answer, asked):
    assert checked(history)["told"] == answer
    assert [name for name, _ in checked(history)["asked"]] == asked


def test_a_moved_page_is_no_business_of_the_generation():
    assert after("iap")["fields"][FIELDS.index("generation")] == after("ia")["fields"][FIELDS.index("generation")]


def test_an_unrelated_event_changes_nothing_in_the_cache():
    assert after("iae") == after("ia")


def test_changed_memslots_leave_valid_as_it_is_and_refresh_looks_nothing_up():
    assert after("ias")["fields"][FIELDS.index("valid")] == "True"
    assert after("ias")["moves"]["r"]["told"] == "it returns 0, without looking the page up"
    assert after("iasr")["box"] == "usable"


def test_a_failed_refresh_leaves_the_cache_active():
    assert after("iad")["moves"]["r"]["told"] == "it returns -EFAULT"
    assert after("iadr")["box"] == "empty" and after("iadr")["fields"][FIELDS.index("active")] == "True"


def test_an_unchecked_write_may_land_anywhere():
    assert after("ia")["moves"]["u"]["told"] == "the write reaches the guest's page"
    assert "page A, which was freed" in after("iap")["moves"]["u"]["told"]
    assert "writes to NULL" in after("i")["moves"]["u"]["told"]
    assert after("iad")["moves"]["u"]["told"] == "the write lands in a page that is the VMM's alone now"


def test_every_box_and_every_goal_can_be_reached():
    assert {node["box"] for node in graph()["nodes"]} == set(BOXES)
    assert {move["goal"] for node in graph()["nodes"] for move in node["moves"].values() if "goal" in move} == set(GOALS)


def test_usable_is_what_check_says_true_to():
    for node in graph()["nodes"]:
        assert "c" not in node["moves"] or (node["box"] == "usable") == node["moves"]["c"]["says"]


def test_a_life_is_what_the_functions_do_one_after_the_other():
    chance = random.Random(1)
    for _ in range(20):
        world, history = LittleWorld(), ""
        now = world.start()
        for _ in range(12):
            call = chance.choice([call for call in CALLS if call.of(world, now)])
            _, now = run_alone(world, now, *call.of(world, now))
            history += call.letter
            assert after(history)["fields"] == fields_of(world, now)
            assert set(after(history)["moves"]) == {call.letter for call in CALLS if call.of(world, now)}


def test_it_weighs_little(life):
    text = compact(life.data)
    assert len(text) < 100_000 and len(gzip.compress(text.encode())) < 20_000
    assert unshare(life.data)["nodes"] == graph()["nodes"]


def test_the_still_picture_says_what_it_shows(life):
    svg = life.static_svg()
    assert svg == still_picture(graph(), "iap") and 'role="img"' in svg
    assert "After init, activate, move the page, the cache is withdrawn" in svg and "kvm_gpc_check() says False: it is not valid" in svg
    assert all(words[0] in svg for words in BOXES.values())


def test_a_life_that_cannot_be_lived_says_what_can():
    with pytest.raises(ValueError, match=r"after 'i' there is no 'i'; there is a \(activate\)"):
        CacheLife(history="ii")
    assert repr(CacheLife(history="ia")) == "CacheLife(history='ia')"


LIVES = """
import { lived, unshare } from "./life.mjs";
import { readFileSync } from "node:fs";
const { data, histories } = JSON.parse(readFileSync(new URL("./lives.json", import.meta.url)));
const whole = unshare(data);
process.stdout.write(JSON.stringify(histories.map((history) => lived(whole, history).map(({ node, move }) => [node.fields, move?.told ?? ""]))));
"""


def test_the_page_lives_the_same_lives(life, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("Node is not installed: the browser tests still play the module")
    histories = ["".join(("ia", *calls)) for calls in itertools.product("xcrupsd", repeat=3)]
    (tmp_path / "life.mjs").write_text(module("cache_life.js"))
    (tmp_path / "lives.json").write_text(json.dumps({"data": life.data, "histories": histories}))
    (tmp_path / "play.mjs").write_text(LIVES)
    done = subprocess.run([node, tmp_path / "play.mjs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for history, told in zip(histories, json.loads(done.stdout), strict=True):
        possible = next((history[:n] for n in range(len(history)) if history[n] not in after(history[:n])["moves"]), history)
        assert [fields for fields, _ in told] == [after(possible[:n])["fields"] for n in range(len(possible) + 1)]
        assert told[-1][1] == after(possible[:-1])["moves"][possible[-1]]["told"]
