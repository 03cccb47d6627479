"""Traces as words and pictures."""
import xml.etree.ElementTree as ElementTree

import pytest

from pfncache_edu import MUTANTS, diagram, explore, picture, run, scenarios, story


@pytest.fixture(scope="module")
def verdict():
    return explore(scenarios.page_moves_during_use(MUTANTS["clears_under_the_read_lock"].livepatch))


def test_a_story_names_thread_step_function_and_line(verdict):
    lines = story(verdict).splitlines()
    assert len(lines) == len(verdict.trace) + 1
    assert lines[9].split()[:2] == ["10", "notifier"] and "stores False in gpc.valid" in lines[9]
    assert "clears_under_the_read_lock, mutants.py:" in lines[9]
    assert lines[-1].endswith(verdict.sentence)


def test_a_diagram_has_a_column_per_cpu_and_time_downwards(verdict):
    lines = diagram(verdict).splitlines()
    assert lines[0].split() == ["vcpu0", "notifier"]
    column = lines[0].index("notifier")
    cleared = next(i for i, line in enumerate(lines) if "gpc.valid = False" in line)
    written = next(i for i, line in enumerate(lines) if "*khva(A+0)" in line)
    assert lines[cleared].index("gpc.valid") > column > lines[written].index("*khva") and cleared < written
    assert lines[-1] == f"=> {verdict.sentence}"


def test_the_last_step_can_be_left_for_the_reader(verdict):
    assert "*khva(A+0) = …" not in diagram(verdict, hide_last=True)
    assert verdict.sentence not in diagram(verdict, hide_last=True)
    assert "*khva(A+0) = …" not in picture(verdict, hide_last=True)


def test_the_picture_is_well_formed_says_every_step_as_text_and_is_the_same_every_time(verdict):
    svg = picture(verdict, title="A write is lost")
    root = ElementTree.fromstring(svg)
    assert root.find("{*}title").text == "A write is lost"
    description = root.find("{*}desc").text
    assert all(f"step {event.number}, {event.thread}: {event.words}" in description for event in verdict.trace)
    assert svg == picture(explore(verdict.program), title="A write is lost")


def test_a_verdict_without_a_schedule_has_a_story_too():
    verdict = explore(scenarios.unrelated_range())
    assert story(verdict) == "holds: 78 states, all of them" and diagram(verdict) == "(no step was taken)"
    ElementTree.fromstring(picture(verdict))


def test_any_run_can_be_drawn():
    trace = run(scenarios.page_moves_during_use(), "v2 n3")
    assert "spin_unlock(kvm.mn_invalidate_lock)" in diagram(trace)
