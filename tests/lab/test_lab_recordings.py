"""What the recordings say: exact lock calls, who waited, and that our functions do what the kernels were seen to do."""
import re
from pathlib import Path

import pytest

from pfncache_edu.lab import analysis, recordings, tables, walk
from pfncache_edu.lab.traces import Damaged

LAB = Path(__file__).parents[2] / "lab"
UNRELATED = {"6.1": (0, 4), "6.12": (4, 0), "6.12 stock": (4, 0), "6.12 before": (0, 4), "6.12 after": (4, 0)}
HITS = {"6.1": 0, "6.12": 1, "6.12 stock": 1, "6.12 before": 0, "6.12 after": 1}      # write locks more, each time that a cache is hit


def named(boot):
    return boot.name.removesuffix(".tar.xz")


every_boot = pytest.mark.parametrize("boot", recordings.shipped(), ids=named)
every_stock_boot = pytest.mark.parametrize("boot", recordings.shipped(swapped=False), ids=named)


def test_each_kernel_was_booted_five_times_at_least(stock, swapped):
    assert {kernel: sum(boot.kernel == kernel for boot in stock) >= 5 for kernel in ("6.1", "6.12")} == {"6.1": True, "6.12": True}
    assert len(swapped) >= 5 and {boot.kernel for boot in swapped} == {"6.12"}


# --- locks that the hook takes ----------------------------------------------------------------------------------------

@every_boot
def test_200_unrelated_invalidations_of_4_caches_take_800_locks_for_write_before_and_for_read_after(boot):
    rows = {row.variant: (row.read, row.write) for row in analysis.lock_calls(boot) if row.cause == "madvise" and not row.related}
    expected = {"6.1": (0, 800), "6.12": (800, 0), "6.12 stock": (800, 0), "6.12 before": (0, 800), "6.12 after": (800, 0)}
    assert rows and rows == {variant: expected[variant] for variant in rows}


@every_boot
def test_a_related_range_adds_a_write_lock_for_the_cache_it_hits_and_only_after_the_patch(boot):
    for row in analysis.lock_calls(boot):
        read, write = UNRELATED[row.variant]
        hits = HITS[row.variant] * row.calls if row.related else 0
        assert (row.read, row.write) == (read * row.invalidations, write * row.invalidations + hits), row


@every_boot
def test_every_way_to_change_the_memory_map_reaches_the_hook(boot):
    """mprotect is called twice, there and back. mremap, too, and each time it withdraws the old place and unmaps it."""
    calls = {(row.cause, row.invalidations / row.calls) for row in analysis.lock_calls(boot)}
    assert calls == {("madvise", 1), ("munmap", 1), ("mprotect", 2), ("mremap", 4)}


def test_lock_calls_are_the_same_in_every_boot(stock, swapped):
    for boots in (stock, swapped):
        for variant, of_each in analysis.all_lock_calls(boots).items():
            assert all(rows == of_each[0] for rows in of_each), variant


@every_stock_boot
def test_a_reader_takes_one_lock_for_the_clock_and_two_for_an_event(boot):
    expected = {"clock": 1, "event-channel": 2} if boot.kernel == "6.12" else {"clock": 1}
    assert analysis.locks_per_read(boot) == expected


# --- waits ------------------------------------------------------------------------------------------------------------

@every_boot
def test_after_the_patch_nobody_waits_for_an_unrelated_invalidation(boot):
    for run in analysis.runs(boot):
        if run.variant not in ("6.1", "6.12 before") and not run.related:
            assert run.waits == 0, run


@every_boot
def test_before_the_patch_somebody_waits_in_the_runs_of_a_boot(boot):
    for variant in {run.variant for run in analysis.runs(boot)} & {"6.1", "6.12 before"}:
        for reader in {run.reader for run in analysis.runs(boot) if run.variant == variant}:
            runs = [r for r in analysis.runs(boot) if (r.variant, r.reader, r.related) == (variant, reader, False)]
            assert len(runs) >= 3 and sum(run.waits for run in runs) > 0


@every_boot
def test_waits_would_have_been_seen(boot):
    """The positive control: the same kernel, reader and tracer, but a range that concerns the cache."""
    related = [run for run in analysis.runs(boot) if run.related]
    for variant, reader in {(run.variant, run.reader) for run in related}:
        assert sum(run.waits for run in related if (run.variant, run.reader) == (variant, reader)) > 0


@every_boot
def test_both_sides_were_at_work_in_every_run(boot):
    calls = boot.about["settings"]["WAIT_CALLS"]
    for run in analysis.runs(boot):
        assert run.reads >= 1_000 and run.invalidations >= (calls // 4 if run.related else calls), run


@every_boot
def test_waits_are_for_the_cache_that_the_reader_uses(boot):
    cache = {"clock": {"kvm-clock"}, "event-channel": {"shared_info", "vcpu_info"}}
    for run in analysis.runs(boot):
        assert {name for name, _ in run.by_cache} <= cache[run.reader], run
        assert sum(count for _, count in run.by_cache) == run.waits


def test_swapping_the_hook_alone_makes_the_difference(swapped):
    """One kernel, one boot, the hook's body the only thing that changes: before waits in every run, after in none."""
    runs = [run for boot in swapped for run in analysis.runs(boot) if not run.related]
    waited = {variant: {run.waits > 0 for run in runs if run.variant == variant} for variant in {run.variant for run in runs}}
    assert waited == {"6.12 stock": {False}, "6.12 before": {True}, "6.12 after": {False}}


# --- walk the trace -----------------------------------------------------------------------------------------------------

@every_boot
@pytest.mark.parametrize("related", [False, True], ids=["unrelated", "related"])
def test_our_functions_take_the_locks_that_the_kernel_was_seen_to_take(boot, related):
    rows = walk.walk(boot, related)
    locks = [row for row in rows if "_raw_" in row.traced and "interrupt" not in row.ours]
    assert len(locks) == {("6.1", False): 14, ("6.1", True): 18, ("6.12", False): 14, ("6.12", True): 20}[boot.kernel, related]
    assert all(row.ours.startswith(("takes", "drops")) and row.line for row in locks)
    assert any(row.ours == "stores False in gpc3.valid" for row in rows) == related


def test_a_kernel_beside_the_functions_of_the_other_is_told_apart_at_the_first_lock(stock):
    boot = next(boot for boot in stock if boot.kernel == "6.12")
    mistaken = recordings.Boot(boot.about | {"kernel": "6.1"}, boot.traces)
    with pytest.raises(Damaged, match=r"is _raw_read_lock_irq\(\), and our next step is 'takes gpc.lock for write', v6_1.py:"):
        walk.walk(mistaken)


def test_the_walk_shows_steps_that_the_tracer_cannot_see(stock):
    text = walk.as_text(walk.walk(next(boot for boot in stock if boot.kernel == "6.12")))
    assert re.search(r"^ {10,}reads gpc3\.valid -> True +pfncache\.py:\d+$", text, re.M)
    assert re.search(r"^    _raw_write_lock_irq\(\); +takes gpc3\.lock for write +pfncache\.py:\d+$", text, re.M)


def test_an_interrupt_between_two_locks_is_shown_as_what_it_is(stock):
    boot = stock[0]
    where = "     _raw_spin_unlock();"
    pid = re.search(r"lab-\d+", boot.traces["graph"])[0]
    work = "".join(f"\n 0)    {pid}     |     {line}" for line in
                   ("handle_softirqs() {", "  _raw_spin_lock();", "  _raw_spin_unlock();", "}"))
    disturbed = recordings.Boot(boot.about, boot.traces | {"graph": boot.traces["graph"].replace(where, where + work)})
    rows = walk.walk(disturbed, related=False)
    plain = [row for row in walk.walk(boot, related=False) if "interrupt" not in row.ours]
    assert [row for row in rows if "interrupt" not in row.ours] == plain
    assert sum("interrupt" in row.ours for row in rows) >= 4


# --- what a recording says of itself --------------------------------------------------------------------------------------

@every_boot
def test_a_recording_says_when_with_what_and_how_it_was_made(boot):
    about = boot.about
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", about["date"])
    assert about["command"][0] == "qemu-system-x86_64" and "tcg,thread=multi" in about["command"]
    assert any(name.startswith("linux-image-") for name in about["packages"]) and "qemu-system-x86" in about["packages"]
    assert {"cpu", "cpus", "system"} <= about["machine"].keys()
    assert {"lab.c", "init"} <= boot.sources.keys() and ("swap_hook/swap_hook.c" in boot.sources) == boot.swapped
    assert "WARNING" not in boot.traces["kernel"] and boot.console.splitlines()[-1:] != []


@every_boot
def test_a_recording_names_no_host_and_no_folder_of_it(boot):
    told = str(boot.about) + boot.console + boot.traces["kernel"]
    assert not re.search(r"/(tmp|home|root|work|Users)/", told)
    assert {path for path in boot.about["command"] if path.startswith("/")} == set()


@every_boot
def test_the_recordings_were_made_by_the_sources_that_stand_here(boot):
    """Who changes lab.c or init beyond its comments records again: `pfncache lab run --boots 5 --swapped`."""
    for name, text in boot.sources.items():
        assert without_comments(text) == without_comments((LAB / name).read_text()), name


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return [words for line in text.splitlines() if (words := re.sub(r"(^|\s)(#\s|//).*", "", line).split())]


# --- tables ---------------------------------------------------------------------------------------------------------------

def test_the_table_has_both_kernels_beside_each_other(stock):
    text = tables.results(stock)
    assert re.search(r"^madvise, unrelated range +200 +800 write +800 read, 0 write$", text, re.M)
    assert re.search(r"^madvise, related range +200 +800 write +800 read, 200 write$", text, re.M)
    assert re.search(r"^  a writer waited +\d+ - \d+ - [\d,]+ \([\d,]+\) +0$", text, re.M)
    assert max(map(len, text.splitlines())) <= 110


def test_the_conclusions_are_as_strong_as_the_counts_and_no_stronger(stock):
    said = tables.conclusions(stock).splitlines()
    assert [line.partition(":")[0] for line in said] == ["Linux 6.1, kvm-clock", "Linux 6.12, kvm-clock", "Linux 6.12, event channel"]
    assert "somebody waited for the cache's lock in" in said[0]
    assert all("nobody waited for it in any of" in line and "which show that waits are seen" in line for line in said[1:])


def test_without_a_wait_in_the_control_nothing_is_concluded(stock):
    """Somebody who sees no waits at all has not looked, or looked in the wrong place."""
    boot = stock[0]
    blind = recordings.Boot(boot.about, boot.traces | {"waits": boot.traces["waits"].replace("contention_begin", "contention_done_")})
    assert "this says nothing" in tables.conclusions([blind])


def test_each_run_is_a_row(stock):
    rows = tables.each_run(stock).splitlines()[2:]
    assert len(rows) == sum(len(analysis.runs(boot)) for boot in stock)
