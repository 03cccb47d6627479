"""One boot of each kernel, here and now: the whole way from Debian's archive to the counts."""
import re

import pytest

from pfncache_edu.lab import analysis, experiment, packages, tables, walk

SETTINGS = {"CALLS": 200, "CACHES": 4, "WAIT_CALLS": 5_000, "WAIT_RUNS": 3}
LIMIT = 240                     # seconds for a boot, with one more try: it takes 15 on two quiet CPUs, 70 where eight programs want them

pytestmark = [pytest.mark.boots, pytest.mark.slow]


@pytest.fixture(scope="module")
def boots(tmp_path_factory):
    """A boot of each kernel, with fewer runs than usual. Skips, with the reason, where that cannot be."""
    missing = packages.why_not_here() or ", ".join(packages.missing_packages())
    if missing:
        pytest.skip(f"no kernel is booted: {missing}" + ("" if " " in missing else " not installed"))
    folder = tmp_path_factory.mktemp("lab")
    try:
        prepared = [experiment.prepare(series, folder, print, settings=SETTINGS) for series in packages.SERIES]
    except packages.Missing as problem:
        pytest.skip(f"no kernel is booted: {problem}")
    return [experiment.again_if_it_fails(each, folder, print, LIMIT) for each in prepared]


def test_two_real_kernels_take_the_locks_that_the_book_says(boots):
    text = tables.lock_calls(boots)
    assert re.search(r"^madvise, unrelated range +200 +800 write +800 read, 0 write$", text, re.M)
    assert re.search(r"^madvise, related range +200 +800 write +800 read, 200 write$", text, re.M)


def test_somebody_waits_before_the_patch_and_nobody_after_it(boots):
    """Only what holds on a busy machine, too: no times, no ratios."""
    before, after = ([run for run in analysis.runs(boot) if not run.related] for boot in boots)
    assert len(before) >= 3 and sum(run.waits for run in before) > 0
    assert len(after) >= 3 and sum(run.waits for run in after) == 0


@pytest.mark.parametrize("related", [False, True], ids=["unrelated", "related"])
def test_our_functions_take_the_locks_that_these_kernels_take(boots, related):
    for boot in boots:
        assert walk.walk(boot, related)
