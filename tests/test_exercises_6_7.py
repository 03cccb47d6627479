"""The exercises on locks and on counting: what their generated variants and their data promise."""
import pathlib
import re

import pytest

from pfncache_edu import explore
from pfncache_edu.grading import EXERCISES, assess, exercise_6_1, exercise_6_2, exercise_6_3, exercise_7_1, exercise_7_2
from pfncache_edu.lent_page import page_is_not_lent, page_is_taken_back, take_back
from pfncache_edu.locks import read_lock, read_unlock, write_lock, write_unlock
from pfncache_edu.steps import kernel

ROOT = pathlib.Path(__file__).parent.parent
SEEDS = range(12)


# --- 6.1 ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("situation", [exercise_6_1.reader_and_writer, exercise_6_1.two_writers_and_a_reader, exercise_6_1.readers_meet,
                                       exercise_6_1.interrupted_reader, exercise_6_1.twice_each], ids=lambda one: one.__name__)
def test_the_lock_of_the_chapter_does_all_but_what_is_asked_for(situation):
    assert explore(situation({})).holds


# --- 6.2 ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", SEEDS)
def test_every_variant_can_be_refuted_and_shows_all_of_its_steps(seed):
    verdict = explore(exercise_6_2.program(seed))
    assert verdict.broken == "nobody_uses_a_freed_page"
    shown = exercise_6_2.poses(seed).markdown
    first, times, before, between = exercise_6_2.variant(seed)
    assert shown.count("yield ") == first + 2 + times + 1 + before + 3 + between + 1
    report = assess(EXERCISES["6.2"], {"schedule": verdict.schedule, "reason": "b"}, seed=seed)
    assert report.points == 6


def test_a_schedule_fits_one_variant_only():
    schedules = [explore(exercise_6_2.program(seed)).schedule for seed in SEEDS]
    assert len(set(schedules)) > len(schedules) / 2 and "v2 o4 v1" not in schedules, "that is the one of the chapter"


# --- 6.3, and the page that is lent out -----------------------------------------------------------------------------------

def test_the_function_to_repair_stops_a_single_cpu_and_only_where_the_note_is_empty():
    assert explore(exercise_6_3.one({})).outcome == "deadlock"
    assert explore(exercise_6_3.nothing_to_do({})).holds


@kernel
def only_reads(gpc):
    yield read_lock(gpc.lock)
    yield gpc.valid.set(False)
    yield read_unlock(gpc.lock)


@kernel
def reads_then_drains(gpc):
    yield from only_reads(gpc)
    yield write_lock(gpc.lock)
    yield write_unlock(gpc.lock)


@pytest.mark.parametrize("function, outcome", [(take_back, "holds"), (only_reads, "violated"), (reads_then_drains, "holds")],
                         ids=lambda x: getattr(x, "__name__", x))
def test_a_lent_page_needs_a_drain_and_not_a_write_lock_for_the_store(function, outcome):
    for users in (1, 2):
        assert explore(page_is_taken_back({take_back: function}, users=users)).outcome == outcome


def test_a_drain_where_there_is_nothing_to_drain_turns_users_away():
    assert explore(page_is_not_lent()).broken == "nobody_waits_for_nothing"


# --- 7.1 and 7.2 ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_has_hits_and_more_of_what_hits_nothing(seed):
    right = exercise_7_1.counted(seed)
    caches, log = exercise_7_1.log_of(seed)
    events = sum(entry[0] == "event" for entry in log)
    assert right["write_61"] == right["read_612"] == len(caches) * events
    assert right["nothing_61"] == right["write_61"] - right["write_612"] and right["write_612"] >= 2


def test_the_notebook_carries_the_recorded_runs():
    """If this fails because there are new recordings: write exercise_7_2.raw() into RAW, and pin the marks anew."""
    source = (ROOT / "exercises/ch07/7.2-two-kernels-raw/source.py").read_text()
    assert re.search(r'RAW = """\\\n(.*?)\n"""', source, re.S)[1] == exercise_7_2.raw()


def test_the_strongest_sentence_is_what_the_recordings_say():
    assert min(exercise_7_2.waits_of("6.1", "unrelated")) > 0 and max(exercise_7_2.waits_of("6.12", "unrelated")) == 0
    assert sum(exercise_7_2.waits_of("6.12", "related")) > 0
    waits = {kernel: sum(row[6] for row in exercise_7_2.rows() if row[0] == kernel) for kernel in exercise_7_2.KERNELS}
    assert waits["6.12"] < waits["6.1"], "then the weaker sentence is true as well"
