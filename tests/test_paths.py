"""The paths through the book: minutes come from the chapters, and no path asks for what it has not read."""
import re
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).parent.parent / "book"


@pytest.fixture(scope="module")
def paths():
    sys.path.insert(0, str(BOOK / "_ext"))
    try:
        import pfn_paths
    finally:
        sys.path.pop(0)
    return pfn_paths


def numbers():
    return {heading: [int(number) for number in chapters.split(",")] for heading, chapters in
            re.findall(r"^## (.*?)\n.*?^```\{path\} ([\d, ]+)$", (BOOK / "paths.md").read_text(), re.S | re.M)}


def test_there_is_a_path_for_an_hour_a_day_and_two_weeks():
    assert list(numbers()) == ["An hour", "A day", "Two weeks"]


def test_the_chapters_of_a_path_come_in_their_order(paths):
    for chapters in numbers().values():
        assert chapters == sorted(set(chapters)) and set(chapters) <= dict(paths.plans()).keys()


def test_two_weeks_are_the_whole_book(paths):
    assert numbers()["Two weeks"] == list(dict(paths.plans()))


def test_the_reading_minutes_are_those_at_the_head_of_the_chapter(paths):
    plan = dict(paths.plans())[8]
    assert f"**Time:** {plan['reading']} minutes of reading" in (BOOK / f"{plan['page']}.ipynb").read_text()


def test_minutes_are_said_in_hours_from_an_hour_on(paths):
    assert [paths.hours(minutes) for minutes in (59, 60, 145)] == ["59 min", "1 h 00 min", "2 h 25 min"]


def test_a_chapter_that_is_not_written_has_no_minutes(paths, tmp_path):
    assert paths.reading_minutes(tmp_path / "none.ipynb") is None
