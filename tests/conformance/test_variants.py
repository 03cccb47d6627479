"""The recordings notice what they should: over a hundred wrong variants of our 6.12 functions, each with one line changed (variants.py).

variants.tsv says for each variant how many recordings notice it, and which one is the first. Here each variant meets that first
one again. `python tests/conformance/variants.py` computes the whole table anew.
"""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from variants import HEAD, TABLE, VARIANTS, notice, of_6_12  # noqa: E402

ROWS = [line.split("\t") for line in TABLE.read_text().splitlines()]
NOTICED = {name: (first, what) for name, _, by, *_, first, what in ROWS[1:] if int(by)}
BY_NAME = {variant.name: variant for variant in VARIANTS}


@pytest.fixture(scope="module")
def by_name():
    return {recording.name: recording for recording in of_6_12()}


@pytest.mark.parametrize("name", NOTICED)
def test_the_recording_that_noticed_a_variant_still_does(name, by_name):
    first, what = NOTICED[name]
    assert notice(by_name[first], BY_NAME[name].livepatch()) == what


def test_the_table_is_of_these_variants():
    assert ROWS[0] == HEAD.split("\t")
    assert [(row[0], row[1]) for row in ROWS[1:]] == [(variant.name, variant.function) for variant in VARIANTS]
    assert len(BY_NAME) == len(VARIANTS) >= 50 and len({variant.function for variant in VARIANTS}) >= 20


def test_a_variant_that_none_notices_has_the_argument_why_none_can():
    for name, _, by, *levels, first, what in ROWS[1:]:
        argument = BY_NAME[name].unnoticed
        assert int(by) == sum(map(int, levels))
        assert bool(argument) is (int(by) == 0), name
        assert int(by) or what == f"nothing: {argument}" and len(argument) > 30


@pytest.mark.slow
def test_the_named_scenarios_notice_none_of_these(by_name):
    scenarios = [recording for name, recording in by_name.items() if not name.startswith("open-")]
    for variant in VARIANTS:
        if variant.unnoticed:
            patch = variant.livepatch()
            assert [r.name for r in scenarios if notice(r, patch)] == [], variant.name


def test_our_own_functions_are_not_noticed(by_name):
    """Otherwise the table would say nothing."""
    assert all(notice(recording, {}) is None for name, recording in by_name.items() if not name.startswith("open-"))


def test_a_livepatch_is_made_of_the_changed_text():
    source = BY_NAME["forgets_the_count"].source
    text = "def mmu_notifier_retry_cache(a):\n    if (yield kvm.mn_active_invalidate_count):\n        pass\n\n\ndef other():\n    pass\n"
    assert source(text) == text.replace("(yield kvm.mn_active_invalidate_count)", "False")
    with pytest.raises(LookupError, match="forgets_the_count: mmu_notifier_retry_cache.. has no line"):
        source("def mmu_notifier_retry_cache(a):\n    pass\n")
