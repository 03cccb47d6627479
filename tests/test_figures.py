"""The figures of contention: dark and light, and say the same in text."""
from xml.etree import ElementTree

import pytest

from pfncache_edu.contention import Workload, close_up, grid, simulate
from pfncache_edu.interpreters.simulator import Wait
from pfncache_edu.render.figures import (WAITS, cause, histogram, lanes, lanes_text, queue_length, queue_steps, queue_text, stalls,
                                         stalls_text, surface)

BUSY = Workload(readers=4, rate=500_000, think_ns=2_000)


@pytest.fixture(scope="module")
def before():
    return close_up(BUSY, patched=False)


def test_a_close_up_is_of_the_run_that_is_counted(before):
    assert before.waits and {h.mode for h in before.holds} == {"read", "write"}
    after = close_up(BUSY, patched=True)
    assert after.waits == () and {h.mode for h in after.holds} == {"read"}
    assert all(h.left is None or h.left > after.begin for h in after.holds)


def test_nobody_holds_the_lock_beside_a_writer(before):
    writes = [h for h in before.holds if h.mode == "write"]
    for hold in before.holds:
        for write in writes:
            assert hold is write or hold.left is not None and hold.left <= write.entered or write.left <= hold.entered


def test_the_text_of_the_lanes_names_every_wait(before):
    lines = lanes_text(before).splitlines()
    assert len(lines) == 1 + len(before.waits) and "before the patch" in lines[0]
    assert any("vcpu" in line and "behind notifier0, which waits itself" in line for line in lines)


def test_each_cause_has_a_hatch_of_its_own():
    assert len({look.hatch for look in WAITS.values()}) == len({look.colour for look in WAITS.values()}) == len(WAITS) == 3
    assert {cause(Wait("t", "l", mode, 0, 1, "b", waiting)) for mode in ("read", "write") for waiting in (False, True)} == set(WAITS)


def test_the_queue_over_time_is_the_waits(before):
    steps = queue_steps(before)
    assert steps[0] == (before.begin, 0) and steps[-1][0] == before.end
    assert min(n for _, n in steps) == 0 and steps[-1][1] == sum(w.entered is None or w.entered >= before.end for w in before.waits)
    assert f"at most {max(n for _, n in steps)} wait" in queue_text(before)


def test_a_histogram_counts_everything_once():
    assert histogram([0, 1, 1.5, 4], [0, 1, 2, 3, 4]) == [1, 2, 0, 1]


def test_stalls_are_told_in_a_sentence():
    assert stalls_text(simulate(BUSY, seconds=0.0005)).endswith("reads were turned away.")
    assert "the longest for" in stalls_text(simulate(BUSY, seconds=0.0005, patched=False))


def test_the_text_of_the_surface_has_every_number():
    pytest.importorskip("matplotlib")
    outcomes = [job.run() for job in grid(BUSY, readers=(1, 4), rates=(10_000, 500_000), steps=2_000)]
    text = surface(outcomes).text
    assert len(text.splitlines()) == 4 and "after the patch, 4 readers turned away: 0 % at 10,000/s, 0 % at 500,000/s" in text
    with pytest.raises(ValueError, match="nothing to draw"):
        surface([])


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_figure_is_svg_with_its_text_and_the_same_each_time(before, dark):
    pytest.importorskip("matplotlib")
    outcomes = [simulate(BUSY, seconds=0.0002, patched=patched) for patched in (False, True)]
    for draw in (lambda: lanes(before, dark=dark), lambda: queue_length(before, dark=dark), lambda: stalls(*outcomes, dark=dark),
                 lambda: surface(outcomes, dark=dark)):
        drawn = draw()
        picture = drawn.svg()
        assert picture == draw().svg()
        root = ElementTree.fromstring(picture)
        assert root.get("role") == "img" and [child.tag.rpartition("}")[2] for child in root][:2] == ["title", "desc"]
        assert root[0].text == drawn.title != "" and root[1].text == drawn.text
        assert ("#14181e" in picture) == dark


def test_without_matplotlib_a_figure_says_so_and_is_told_in_words(monkeypatch, before):
    """As in a browser, whose Python cannot have it."""
    monkeypatch.setattr("pfncache_edu.render.figures.find_spec", lambda name: None)
    outcomes = [simulate(BUSY, seconds=0.0002, patched=patched) for patched in (False, True)]
    for drawn in (lanes(before), queue_length(before), stalls(*outcomes), surface(outcomes)):
        assert drawn._repr_svg_() is None and repr(drawn).startswith("This figure is not drawn: it needs matplotlib")
        assert drawn.text and repr(drawn).endswith(drawn.text)
        with pytest.raises(ModuleNotFoundError, match="needs matplotlib"):
            drawn.svg()
