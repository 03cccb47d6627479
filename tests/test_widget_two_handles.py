"""Two handles, one page: what the page looks up is what the hook does, at every border."""
import gzip
import json
import shutil
import subprocess

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu.kvm import before_the_patch
from pfncache_edu.kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from pfncache_edu.ranges import caches_at, locks_of, visited, withdrawn
from pfncache_edu.scenarios import FIRST_PAGE
from pfncache_edu.widgets import TwoHandles
from pfncache_edu.widgets.live_widget import module
from pfncache_edu.widgets.sharing import compact
from pfncache_edu.widgets.two_handles import COUNTS, LINE, OURS, PAGES, PUZZLES, address, every_range, spread


@pytest.fixture(scope="module")
def widget():
    return TwoHandles()


def test_a_range_holds_its_start_and_not_its_end():
    hits, _ = every_range()
    for start in range(PAGES + 1):
        for end in range(start, PAGES + 1):
            assert hits[f"{start},{end}"] == "".join("1" if start <= page < end else "0" for page in range(PAGES))

pytestmark = pytest.mark.slow            # the first test computes every state that the widget shows


def test_our_page_is_the_one_of_the_book():
    assert address(OURS) == FIRST_PAGE and address(0) == LINE and spread()[0] == [OURS, 0]


@pytest.mark.parametrize("start, end", [(0, 12), (3, 4), (3, 5), (1, 3), (7, 7)])
def test_a_hundred_caches_are_what_a_hundred_caches_of_the_hook_are(widget, start, end):
    """The page counts one cache at a time; here the hook visits all of them at once."""
    caches = caches_at(address(page) + offset for page, offset in spread())
    now = visited(caches, address(start), address(end))
    before = visited(caches, address(start), address(end), before_the_patch.gfn_to_pfn_cache_invalidate_start)
    hits, costs = widget.data["hits"][f"{start},{end}"], widget.data["costs"]
    for gpc, (page, _) in zip(caches, spread(), strict=True):
        kind = "hit" if hits[page] == "1" else "missed"
        assert withdrawn(now, gpc) == withdrawn(before, gpc) == (kind == "hit")
        assert list(locks_of(now, gpc)) == costs["now"][kind] and list(locks_of(before, gpc)) == costs["before"][kind]


def test_an_unrelated_event_takes_no_write_lock_any_more():
    _, costs = every_range()
    assert costs == {"now": {"hit": [1, 1], "missed": [1, 0]}, "before": {"hit": [0, 1], "missed": [0, 1]}}


def test_the_puzzles_stand_at_the_borders():
    told = [puzzle.told() for puzzle in PUZZLES]
    assert [one["hit"] for one in told] == [True, True, False, False, True, False, True, False]
    assert len(told) == 8 and {name for one in told for name in one["otherwise"]} == {"misses_the_first_page", "takes_the_end_for_the_last_byte"}


def test_an_off_by_one_hides_unless_the_cache_begins_with_its_page():
    """`uhva` names the first cached byte since 6.9, so `start < uhva` is wrong only for offset 0."""
    from pfncache_edu.mutants import MUTANTS
    wrong = MUTANTS["misses_the_first_page"].function
    for offset, missed in ((0, True), (0x40, False)):
        gpc, = caches = caches_at([FIRST_PAGE + offset])
        assert withdrawn(visited(caches, FIRST_PAGE, address(4), wrong), gpc) is not missed


def test_it_weighs_little(widget):
    text = compact(widget.data)
    assert len(text) < 8_000 and len(gzip.compress(text.encode())) < 3_000


def test_the_still_picture_says_what_it_shows(widget):
    svg = widget.static_svg()
    assert 'role="img"' in svg and "[0x7000, 0x9000): withdrawn; [0x5000, 0x7000): left alone" in svg


@pytest.mark.parametrize("arguments, remedy", [({"caches": 7}, "give 1, 10 or 100"), ({"start": 5, "end": 3}, "start is not beyond end"),
                                               ({"end": 13}, "pages from 0 to 12")])
def test_what_cannot_be_shown_is_refused_with_what_can(arguments, remedy):
    with pytest.raises(ValueError, match=remedy):
        TwoHandles(**arguments)


COUNTED = """
import { verdict } from "./handles.mjs";
import { readFileSync } from "node:fs";
const data = JSON.parse(readFileSync(new URL("./data.json", import.meta.url)));
const told = {};
for (const key of Object.keys(data.hits)) for (const count of data.counts) {
  const { marks, ...rest } = verdict(data, count, ...key.split(",").map(Number));
  told[`${count},${key}`] = rest;
}
process.stdout.write(JSON.stringify(told));
"""


def test_the_page_counts_what_the_hook_does(widget, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("Node is not installed: the browser tests still play the module")
    (tmp_path / "handles.mjs").write_text(module("two_handles.js"))
    (tmp_path / "data.json").write_text(json.dumps(widget.data))
    (tmp_path / "count.mjs").write_text(COUNTED)
    done = subprocess.run([node, tmp_path / "count.mjs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for key, one in told.items():
        count, start, end = map(int, key.split(","))
        hit = sum(start <= page < end for page, _ in spread()[:count])
        assert one == {"withdrawn": hit, "now": [count, hit], "before": [0, count]}
    assert len(told) == len(COUNTS) * len(widget.data["hits"])


def test_the_hook_is_the_kernels_own():
    gpc, = caches = caches_at([FIRST_PAGE])
    functions = {event.step.function for event in visited(caches, FIRST_PAGE, FIRST_PAGE + 4096)}
    assert functions == {gfn_to_pfn_cache_invalidate_start.__name__}
