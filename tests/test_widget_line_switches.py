"""Line switches: every choice that is offered has its outcome, and the listing shows what is switched."""
import gzip
import json
import shutil
import subprocess

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu.ablations import NAMES, ablations, outcome_without
from pfncache_edu.kvm import mmu_notifier, pfncache
from pfncache_edu.render.page import source_of
from pfncache_edu.widgets import LineSwitches
from pfncache_edu.widgets.line_switches import EDITS, KINDS, in_random_runs, listing_with_switches
from pfncache_edu.widgets.live_widget import module

pytestmark = pytest.mark.slow              # the first widget searches 46 programs twice


@pytest.fixture(scope="module")
def widget():
    return LineSwitches()


def test_every_choice_of_two_has_the_outcome_that_was_searched(widget):
    assert len(widget.outcomes) == len(ablations())
    for outcome in ablations():
        told = widget.outcomes[" ".join(outcome.off)]
        assert (told["kind"], told["schedule"], told["sentence"], told["useless"]) == (
            outcome.kind, outcome.verdict.schedule, outcome.verdict.sentence or "", outcome.useless) and told["kind"] in KINDS
        rows = [widget.diagrams["rows"][n] for n in widget.diagrams["whole"][told["diagram"]]]
        assert bool(rows) == (not outcome.verdict.holds)
        assert [row[2] for row in rows if row[3]] == ([rows[-1][2]] if outcome.verdict.outcome == "violated" else [])


def test_the_listing_is_the_source(widget):
    """Each of its lines stands in the tested function, but for the head, whose types are left out."""
    for function in (pfncache.gfn_to_pfn_cache_invalidate_start, mmu_notifier.kvm_mmu_notifier_invalidate_range_start, pfncache.mmu_notifier_retry_cache):
        source = source_of(function).splitlines()
        shown = [text for text, _ in widget.lines]
        head = next(n for n, text in enumerate(shown) if text.startswith(f"def {function.__name__}("))
        body = shown[head + 1:head + 1 + next((n for n, text in enumerate(shown[head + 1:]) if text.startswith("def ")), len(shown))]
        assert [line for line in body if line] == [line for line in source[source.index(body[0]):] if line]


def test_every_switch_changes_a_line_of_its_function(widget):
    assert {name for _, edits in widget.lines for name, _, _ in edits} == set(NAMES) == set(EDITS)


def test_what_travels_is_small(widget):
    text = json.dumps(widget.get_state(["switches", "lines", "outcomes", "diagrams", "kinds", "situations"]))
    assert len(gzip.compress(text.encode())) < 6_000


def test_random_testing_is_told_in_words_that_fit_its_rarity():
    assert in_random_runs(None) == "in no run" and in_random_runs(outcome_without("drop").chances[0]) == "in every run"
    assert in_random_runs(outcome_without("announce").chances[0]).startswith("in 0.001 % of the runs: ")
    assert in_random_runs(outcome_without("write").chances[1]).startswith("in fewer than 0.001 % of the runs: ")


@pytest.mark.parametrize("off, remedy", [(["lock"], "there are first, read"), (["first", "read", "left"], "at most 2 switches")])
def test_a_wrong_argument_is_answered_with_what_to_write(off, remedy):
    with pytest.raises(ValueError, match=remedy):
        LineSwitches(off=off)


def test_it_can_be_made_again_from_its_arguments():
    made = LineSwitches(off=["again", "first"])
    assert made.off == ["first", "again"] and repr(LineSwitches(**made._params)) == repr(made)


def test_the_still_picture_has_a_row_for_each_idea(widget):
    svg = widget.static_svg()
    assert svg == LineSwitches().static_svg() and svg.count("Without: ") == 2 * len(NAMES) and 'role="img"' in svg and "<desc>" in svg


SHOWN = """
import { shownLines, keyOf } from "./switches.mjs";
import { readFileSync } from "node:fs";
const { lines, switches, choices } = JSON.parse(readFileSync(new URL("./data.json", import.meta.url)));
process.stdout.write(JSON.stringify(choices.map((off) => [keyOf(switches, off), shownLines(lines, switches, off).filter(([, state]) => state !== "same")])));
"""


def test_the_page_shows_what_is_gone_and_what_comes_instead(widget, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("Node is not installed: the browser tests still play the module")
    choices = [[], ["again"], ["write"], ["drop"], ["right", "left"], ["drop", "first"], ["announce"]]
    (tmp_path / "switches.mjs").write_text(module("line_switches.js"))
    (tmp_path / "data.json").write_text(json.dumps({"lines": listing_with_switches(), "switches": widget.switches, "choices": choices}))
    (tmp_path / "play.mjs").write_text(SHOWN)
    done = subprocess.run([node, tmp_path / "play.mjs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    nothing, again, write, drop, bounds, moot, announce = json.loads(done.stdout)
    assert nothing == ["", []]
    assert again[0] == "again" and [state for _, state in again[1]] == ["gone", "gone"]
    assert [text.strip() for text, state in write[1] if state == "new"] == ["yield read_lock_irq(gpc.lock)", "yield read_unlock_irq(gpc.lock)"]
    assert [(text.strip(), state) for text, state in drop[1]] == [("yield read_unlock_irq(gpc.lock)", "gone"), ("yield read_unlock_irq(gpc.lock)", "new")]
    assert bounds[0] == "left right" and [text.strip() for text, state in bounds[1] if state == "new"] == ["and start < (yield gpc.uhva) <= end):"] * 2
    assert moot[0] == "first drop" and all(state == "gone" for _, state in moot[1]), "what is not read-locked is not dropped"
    assert [state for _, state in announce[1]] == ["gone"] * 3 + ["new"] * 3
