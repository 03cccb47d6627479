"""Our functions do what the real pfncache.c was recorded to do, of Linux 6.1.192 and 6.12.117, at every step.

All 738 recordings are replayed, all levels: sequential ones (0), with events inside lookups and mappings (1), at locks and inside
memslot updates (2), and with operations that wait and go on (3). Every field is compared after every operation, nested ones too:
the core, which any model must agree on, and the second tier: page references, the order of calls and of the list, every lock
count, warnings, memslots, the range under invalidation, usage and kicks of 6.1, what a waiting operation waits for. While they
run, the lock discipline is checked, and one lock order for all of them.

No recording and no field is left out; the closing line would say how often which one was. What the recordings cannot show, and
the functions do not model: memory ordering (barriers did nothing in the recorder), real parallelism, interrupts, more than one
address space, dirty tracking, and how a page gets into the page table.
"""
import gzip
import json

import pytest

from pfncache_edu.conformance.compare import Count, Divergence, conforms
from pfncache_edu.conformance.recordings import VERSIONS, read
from pfncache_edu.kvm import pfncache, v6_1


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", range(4))
def test_no_recording_differs(level, version, recordings, count, order):
    wrong = [count.divergences[-1] for recording in recordings
             if (recording.level, recording.version) == (level, version) and not conforms(recording, count, order=order)]
    assert not wrong, "\n".join(map(str, wrong[:10]))


@pytest.mark.slow
def test_all_of_them_were_replayed_and_every_field_was_compared(recordings, count):
    if count.recordings < len(recordings):
        pytest.skip("only a part of the recordings was asked for")
    assert (count.recordings, count.operations) == (738, 51_415)
    assert (count.core, count.second) == (1_577_382, 829_364)
    assert not count.left_out and not count.divergences


def test_the_locks_were_taken_in_the_order_that_the_kernel_takes_them(order, recordings):
    """refresh_lock, then the list's lock or the cache's; the list's lock, then the cache's; never the other way round."""
    for recording in recordings:
        if recording.name in ("list_is_most_recent_first", "invalidation_during_refresh_forces_retry",
                              "memslot_move_changes_translation"):
            assert conforms(recording, Count(), order=order)
    inside = {outer: set(inner) for outer, inner in order.after.items()}
    assert {"gfn_to_pfn_cache.lock", "kvm.gpc_lock"} <= inside["gfn_to_pfn_cache.refresh_lock"]
    assert "gfn_to_pfn_cache.lock" in inside["kvm.gpc_lock"]
    assert "gfn_to_pfn_cache.lock" not in inside, "the cache's lock is the innermost one"
    assert {"kvm.slots_arch_lock", "kvm.mn_invalidate_lock"} <= inside["kvm.slots_lock"]


def named(recordings, name, version="6.12"):
    return next(r for r in recordings if (r.name, r.version) == (name, version))


def test_a_difference_says_where_it_is_and_what_both_say(recordings):
    count = Count()
    recording = named(recordings, "unrelated_invalidation_takes_no_write_lock")
    assert not conforms(recording, count, {pfncache.gfn_to_pfn_cache_invalidate_start: v6_1.gfn_to_pfn_cache_invalidate_start})
    assert isinstance(count.divergences[0], Divergence)
    assert str(count.divergences[0]) == (
        "scenarios-6.12.jsonl.gz, line 8, unrelated_invalidation_takes_no_write_lock, operation 11: how often it took read is "
        "[0, 0, 0], but the recording has [1, 1, 1]")


def test_a_recording_that_was_tampered_with_differs(recordings):
    """Each kind of field is really compared: change one, and it is noticed."""
    source = named(recordings, "invalidation_during_refresh_forces_retry")
    header = dict(schema="gpc-trace/1", api=source.version, name="tampered", n_caches=source.caches, level=source.level, features=[])
    step = next(n for n, s in enumerate(source.steps) if s.get("hooks"))
    for path, value in [(("res", "ret"), "-EFAULT"), (("res", "status"), "blocked"), (("res", "locks", "write"), [9]),
                        (("res", "locks", "gpc_lock"), 7), (("res", "env"), []), (("res", "warn"), ["x: y"]), (("res", "spun"), True),
                        (("state", "gpc", 0, "valid"), False), (("state", "gpc", 0, "khva"), None), (("state", "gpc", 0, "memslot"), 1),
                        (("state", "gpc_list"), []), (("state", "kvm", "mmu_invalidate_seq"), 0), (("state", "maps"), {}),
                        (("state", "refs"), {"256": 1}), (("state", "blocked"), [1]), (("hooks", 0, "fired"), False),
                        (("hooks", 0, "do", 0, "state", "gpc", 0, "uhva"), 1), (("hooks", 0, "do", 0, "res"), None)]:
        steps = json.loads(json.dumps(source.steps))
        place = steps[step]
        for key in path[:-1]:
            place = place[key]
        assert place.get(path[-1], "") != value
        place[path[-1]] = value
        [tampered] = read(gzip.compress(json.dumps({**header, "steps": steps}).encode()), "mine")
        count = Count()
        assert not conforms(tampered, count), path
        assert isinstance(count.divergences[0], Divergence), path


def test_a_recording_of_operations_alone_replays_too(recordings):
    """Nothing to compare then, but the lock rules and the books are watched."""
    source = named(recordings, "refresh_in_open_bracket_waits")
    steps = [{key: step[key] for key in ("id", "op", "args")} for step in source.steps]
    line = json.dumps(dict(schema="gpc-trace/1", api="6.12", name="bare", n_caches=1, level=3, features=[], steps=steps))
    count = Count()
    assert conforms(*read(gzip.compress(line.encode()), "mine"), count) and count.operations == len(steps)


def test_a_field_that_is_not_known_is_left_out_loudly(recordings):
    source = named(recordings, "zero_len")
    steps = json.loads(json.dumps(source.steps))
    steps[0]["res"]["weather"] = steps[0]["state"]["kvm"]["mood"] = "fine"
    line = json.dumps(dict(schema="gpc-trace/1", api="6.12", name="new", n_caches=1, level=0, features=[], steps=steps))
    count = Count()
    assert conforms(*read(gzip.compress(line.encode()), "mine"), count)
    assert str(count).endswith("Left out: res.weather 1 times; state.kvm.mood 1 times.")
