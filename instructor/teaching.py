"""The instructor's material as data: concept tests and misconceptions, checked, and as Markdown for the pages.

    python instructor/teaching.py       says what is wrong with them, if anything is
"""
from __future__ import annotations

import hashlib
import pathlib
import sys
import tomllib
from dataclasses import dataclass

HERE = pathlib.Path(__file__).parent
CHAPTERS = {plan["number"]: plan["title"] for plan in tomllib.loads((HERE.parent / "book/chapters.toml").read_text(encoding="utf-8")).values()}


class NotTeachable(ValueError):
    """Something in the material is not as it should be; the message names it."""


@dataclass(frozen=True)
class Choice:
    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class ConceptTest:
    """A question to vote on, with one right choice, and for each choice the reason."""
    chapter: int
    question: str
    choices: tuple[Choice, ...]
    misconception: str = ""


@dataclass(frozen=True)
class Misconception:
    """A belief, the exercises that bring it to light, the state of a widget that refutes it, and a sentence to say."""
    name: str
    belief: str
    detected_by: tuple[str, ...]
    widget: str
    state: str
    sentence: str


def concept_tests() -> list[ConceptTest]:
    """The concept tests, by chapter. NotTeachable says which one is not well formed."""
    found = [ConceptTest(test["chapter"], test["question"], tuple(Choice(**choice) for choice in test["choices"]), test.get("misconception", ""))
             for test in tomllib.loads((HERE / "concept_tests.toml").read_text(encoding="utf-8"))["test"]]
    names = {misconception.name for misconception in misconceptions()}
    for test in found:
        if sum(choice.right for choice in test.choices) != 1 or len(test.choices) < 3:
            raise NotTeachable(f"{test.question!r} needs three choices or more, one of them right")
        if test.misconception and test.misconception not in names:
            raise NotTeachable(f"{test.question!r} names the misconception {test.misconception!r}, and there are {', '.join(sorted(names))}")
        if test.chapter not in CHAPTERS:
            raise NotTeachable(f"{test.question!r} belongs to chapter {test.chapter}, which the book has not")
    return found


def misconceptions() -> list[Misconception]:
    """The misconceptions, in the order of their file."""
    return [Misconception(name, entry["belief"], tuple(entry["detected_by"]), entry["refuted_by"]["widget"], entry["refuted_by"]["state"], entry["sentence"])
            for name, entry in tomllib.loads((HERE / "misconceptions.toml").read_text(encoding="utf-8")).items()]


def tests_as_markdown() -> str:
    """The concept tests for a page: the question and its choices to show, the reasons folded away."""
    parts = []
    for chapter, title in CHAPTERS.items():
        parts.append(f"## {chapter} · {title}")
        for number, test in enumerate((test for test in concept_tests() if test.chapter == chapter), start=1):
            parts += [f"### {chapter}.{'ABC'[number - 1]}", test.question, choices(test), reasons(test)]
    return "\n\n".join(parts)


def in_order(test: ConceptTest) -> list[Choice]:
    """The choices as they are shown: in an order that the text of the question decides, so that the right one is anywhere."""
    return sorted(test.choices, key=lambda choice: hashlib.sha256((test.question + choice.text).encode()).digest())


def choices(test: ConceptTest) -> str:
    return "\n".join(f"{number}. {choice.text}" for number, choice in enumerate(in_order(test), start=1))


def reasons(test: ConceptTest) -> str:
    lines = [f"{number}. {'**Right.** ' if choice.right else ''}{choice.why}" for number, choice in enumerate(in_order(test), start=1)]
    note = [f"\nWrong votes speak of: *{belief_of(test.misconception)}* ([map](misconceptions.md))"] if test.misconception else []
    return "\n".join([":::{admonition} Reasons, for after the second vote", ":class: dropdown", *lines, *note, ":::"])


def belief_of(name: str) -> str:
    return next(misconception.belief for misconception in misconceptions() if misconception.name == name)


def map_as_markdown() -> str:
    """The misconceptions for a page, each with what brings it to light, what refutes it, and a sentence."""
    parts = []
    for misconception in misconceptions():
        tests = [f"{test.chapter}.{'ABC'[[one.question for one in concept_tests() if one.chapter == test.chapter].index(test.question)]}"
                 for test in concept_tests() if test.misconception == misconception.name]
        parts.append("\n".join([f"## {misconception.belief}", "",
                                f"Brought to light by\n: exercise {' and '.join(misconception.detected_by)}"
                                + (f"; concept test {', '.join(tests)}" if tests else ""), "",
                                f"Refuted by\n: the widget `{misconception.widget}`: {misconception.state}", "",
                                f"Say\n: “{misconception.sentence}”"]))
    return "\n\n".join(parts)


if __name__ == "__main__":
    try:
        print(f"{len(concept_tests())} concept tests, {len(misconceptions())} misconceptions")
    except (NotTeachable, KeyError, TypeError, tomllib.TOMLDecodeError) as problem:
        sys.exit(f"{problem}")
