"""The instructor's material: every vote has its reasons, every belief its refutation, every chapter its slides."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "instructor"))

import teaching

from pfncache_edu.grading import EXERCISES


def test_each_chapter_has_three_concept_tests():
    chapters = [test.chapter for test in teaching.concept_tests()]
    assert {chapter: chapters.count(chapter) for chapter in chapters} == dict.fromkeys(teaching.CHAPTERS, 3)


@pytest.mark.parametrize("test", teaching.concept_tests(), ids=lambda test: test.question[:40])
def test_each_choice_of_a_concept_test_has_its_reason(test):
    assert sum(choice.right for choice in test.choices) == 1 and 3 <= len(test.choices) <= 4
    assert all(choice.why.endswith((".", "?")) and choice.why != choice.text for choice in test.choices)
    assert len({choice.text for choice in test.choices}) == len(test.choices)


def test_the_right_choice_is_not_always_at_the_same_place_on_the_page():
    shown = [teaching.choices(test) for test in teaching.concept_tests()]
    places = {next(n for n, line in enumerate(text.splitlines()) if next(c.text for c in test.choices if c.right) in line)
              for text, test in zip(shown, teaching.concept_tests())}
    assert len(places) >= 3


@pytest.mark.parametrize("misconception", teaching.misconceptions(), ids=lambda one: one.name)
def test_each_misconception_is_brought_to_light_and_refuted_by_what_there_is(misconception):
    widgets = (ROOT / "pfncache_edu/widgets/__init__.py").read_text()
    assert misconception.detected_by and set(misconception.detected_by) <= EXERCISES.keys()
    assert f'"{misconception.widget}"' in widgets and misconception.state and misconception.sentence.endswith((".", "?"))


def test_there_are_twelve_misconceptions_and_each_is_spoken_of():
    assert len(teaching.misconceptions()) == 12
    text = teaching.map_as_markdown()
    assert all(misconception.sentence in text for misconception in teaching.misconceptions())


def test_a_question_with_two_right_choices_is_refused(monkeypatch, tmp_path):
    (tmp_path / "misconceptions.toml").write_text("")
    (tmp_path / "concept_tests.toml").write_text('[[test]]\nchapter = 0\nquestion = "Q?"\nchoices = [' + ", ".join(
        f'{{text = "{n}", why = "w", right = true}}' for n in range(3)) + "]\n")
    monkeypatch.setattr(teaching, "HERE", tmp_path)
    with pytest.raises(teaching.NotTeachable, match="one of them right"):
        teaching.concept_tests()


def test_the_plans_speak_of_exercises_and_votes_that_there_are():
    text = (ROOT / "instructor/session-plans.md").read_text()
    votes = {f"{test.chapter}.{letter}" for test in teaching.concept_tests() for letter in "ABC"}
    assert set(re.findall(r"\b(\d\.[A-Z])\b", text)) <= votes
    assert set(re.findall(r"\b(\d\.\d)\b", text)) <= EXERCISES.keys()


def test_each_chapter_becomes_slides_that_need_nothing_from_elsewhere(tmp_path):
    import slides
    if not slides.REVEAL.exists():
        pytest.skip("reveal.js is not installed: it needs npm")
    chapters = sorted((ROOT / "book/chapters").glob("*.ipynb"))
    assert slides.main(tmp_path, []) == 0
    for chapter in chapters:
        text = (tmp_path / f"{chapter.stem}.html").read_text()
        assert text.count("<section>") > 10 and text.count('class="fragment"') >= 4
        assert not re.findall(r"""(?:src|href)=["']https?://(?!www\.w3\.org)""", re.sub(r"<a [^>]*>", "", text))
        assert "{claim}" not in text and "{term}" not in text
        assert all((tmp_path / found).exists() for found in re.findall(r'"(reveal/[^"]+)"', text))
