"""The four rulers of chapter 1: what is carried to the page are translations of the kernel functions, before and after each event."""
import gzip
import json

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu.kvm.structs import PAGE_SIZE
from pfncache_edu.widgets import FourRulers
from pfncache_edu.widgets.four_rulers import BEFORE, EVENTS, GFNS, PAGE_OFFSET, migrated, translate


@pytest.fixture(scope="module")
def data():
    return FourRulers().data


def breaks(data, key):
    event, = (event for event in data["events"] if event["key"] == key)
    return {row["breaks"] for row in event["after"].values()}


def test_a_page_in_a_slot_has_four_names_and_one_in_a_hole_has_one(data):
    assert data["rows"][2] == {"slot": 0, "hva": 0x9000, "pfn": 0x3A9, "khva": hex(PAGE_OFFSET + 0x3A9 * PAGE_SIZE)}
    assert data["rows"][4] == {"slot": None, "hva": None, "pfn": None, "khva": None}


@pytest.mark.parametrize("key, arrow", [("delete", 0), ("move", 0), ("migrate", 1), ("swap", 1), ("madvise", 1), ("guest", None), ("other", None)])
def test_an_event_breaks_the_same_arrow_of_every_page(data, key, arrow):
    assert breaks(data, key) == {arrow}


def test_no_event_breaks_the_arrow_into_the_kernels_map(data):
    assert 2 not in set().union(*(breaks(data, key) for key in EVENTS))


def test_pages_beside_each_other_for_the_guest_are_not_beside_each_other_in_memory(data):
    """Else the reason for caches of one page at most could not be seen."""
    rows = [row for row in data["rows"] if row["hva"]]
    assert any(b["hva"] == a["hva"] + PAGE_SIZE and b["pfn"] != a["pfn"] + 1 for a, b in zip(rows, rows[1:]))


def test_a_migration_takes_a_frame_that_nobody_has():
    for gfn in GFNS:
        if translate(BEFORE, gfn)["hva"]:
            frames = list(migrated(BEFORE, gfn).pte.values())
            assert len(set(frames)) == len(frames)


def test_the_slots_generation_changes_only_with_the_slots():
    for key, (_, change, _) in EVENTS.items():
        assert (change(BEFORE, 2).slots.generation != BEFORE.slots.generation) == (key in ("delete", "move"))


def test_it_weighs_little(data):
    assert len(gzip.compress(json.dumps(data).encode())) < 3_000


def test_the_still_picture_names_the_byte_on_each_ruler_and_is_always_the_same():
    svg = FourRulers().static_svg()
    assert svg == FourRulers().static_svg() and 'role="img"' in svg and "<title>" in svg
    assert "user address 0x9010" in svg and "frame 0x3a9" in svg and "0xffff8880003a9010" in svg
    assert "is in no memory slot" in FourRulers(gfn=4).static_svg()


@pytest.mark.parametrize("arguments, remedy", [({"gfn": 10}, "gfn is a number from 0 to 9"), ({"offset": 3}, "choose one of 0x0, 0x10, 0x800, 0xff0")])
def test_a_wrong_argument_is_answered_with_what_to_write(arguments, remedy):
    with pytest.raises(ValueError, match=remedy):
        FourRulers(**arguments)


def test_it_can_be_made_again_from_its_arguments(data):
    made = FourRulers(gfn=7, offset=0xFF0)
    assert FourRulers(**made._params).gfn == 7 and repr(made) == "FourRulers(gfn=7, offset=4080)" and made.data == data
