"""One patch, two changelogs: which questions does each answer by itself, and how long does that take a reader?

    TwoChangelogs()                            the two texts of the chapter "Written once, read a thousand times"
    TwoChangelogs(first=1)                     begins with the second text; without `first`, chance decides on the page
    TwoChangelogs(texts=[…, …], questions=[…])

A text is `{"name": …, "about": …, "text": …}`; a question is `{"question": …, "options": […], "answers": [option, option],
"marks": [words, words], "because": …}`: for each text the number of the right option, and the words of the text that say it,
"" where it does not. The last option is always that the text does not say.

Below stands what a clearer text is worth: `Savings` counts the reader's seconds, from the lowest to the highest guess.
"""
from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from itertools import product
from statistics import median

import traitlets

from ..changelog import CHANGE_FIRST, CONTEXT_FIRST
from .live_widget import LiveWidget, module, styles

NOT_SAID = "The text does not say"
WORDS_A_MINUTE = 240
"""How fast an adult reads prose in English, roughly: Brysbaert's review of 190 studies (2019) has 238 words a minute."""

TEXTS = (
    {"name": "Reason first", "about": "what the changelog of version 12 said, in our words", "text": CONTEXT_FIRST.text},
    {"name": "Change first", "about": "what the changelog in the tree says, in our words", "text": CHANGE_FIRST.text},
)
QUESTIONS = (
    {"question": "With the patch, which caches are locked for write?",
     "options": ["All of them, but later", "Those that have to be invalidated", NOT_SAID], "answers": [1, 1],
     "marks": ["take a write lock only to invalidate", "take the write lock only if the cache has to be invalidated"],
     "because": "Both say what the patch does. It is one clause, and every reader wants it."},
    {"question": "Which events no longer get in the way of a cache's users?",
     "options": ["All of them", "Those that have nothing to do with the cache", NOT_SAID], "answers": [2, 1],
     "marks": ["", "keeps unrelated events from contending for the lock"],
     "because": "An event that hits the cache takes the write lock with or without the patch. So this word is the gain, and only one text has it."},
    {"question": "Which lock do a cache's users take?",
     "options": ["For read", "For write", NOT_SAID], "answers": [0, 2],
     "marks": ["all they need is a read lock", ""],
     "because": "Without this a reader cannot see why a read lock leaves them alone. Here the other text is the one to work out."},
    {"question": "What does the patch cost an event that does hit a cache?",
     "options": ["Nothing", "A lock call more", NOT_SAID], "answers": [2, 2], "marks": ["", ""],
     "because": "A lock call and a look more. Neither text says it, and the kernel's rules ask for it."},
)


@dataclass(frozen=True)
class Savings:
    """What a clearer text takes and gives, in seconds; each guess is a lowest and a highest value.

    minutes    more that the author spends on it
    readers    of the text
    needing    of 100 readers, how many have to work out what the other text leaves out
    seconds    each of these is spared
    longer     how many words longer it is: every reader reads them
    """
    minutes: tuple[float, float] = (1, 2)
    readers: tuple[float, float] = (200, 2000)
    needing: tuple[float, float] = (20, 80)
    seconds: tuple[float, float] = (10, 40)
    longer: int = 0

    def a_reader(self, needing: float, seconds: float) -> float:
        """The seconds that the average reader is spared; less than 0 if the longer text costs more than it gives."""
        return needing / 100 * seconds - self.longer * 60 / WORDS_A_MINUTE

    def net(self, minutes: float, readers: float, needing: float, seconds: float) -> float:
        """The seconds that all readers are spared, less the author's."""
        return readers * self.a_reader(needing, seconds) - 60 * minutes

    def worst(self) -> float:
        return self.net(self.minutes[1], self.readers[0 if self.a_reader(self.needing[0], self.seconds[0]) > 0 else 1],
                        self.needing[0], self.seconds[0])

    def best(self) -> float:
        return self.net(self.minutes[0], self.readers[1 if self.a_reader(self.needing[1], self.seconds[1]) > 0 else 0],
                        self.needing[1], self.seconds[1])

    def outcomes(self, parts: int = 8) -> list[float]:
        """The net of every combination of `parts` values of each guess, evenly spread by ratio, in order."""
        return sorted(self.net(*guess) for guess in product(*(spread(*guess, parts) for guess in
                                                              (self.minutes, self.readers, self.needing, self.seconds))))

    def middle(self) -> float:
        """Half of the combinations give more."""
        return median(self.outcomes())

    def chance(self) -> float:
        """The share of the combinations in which the clearer text pays."""
        outcomes = self.outcomes()
        return sum(net > 0 for net in outcomes) / len(outcomes)

    def pays_from(self) -> float | None:
        """How many readers it takes, with the middle of each other guess; None if no number is enough."""
        middle = [(low * high) ** 0.5 for low, high in (self.minutes, self.needing, self.seconds)]
        each = self.a_reader(*middle[1:])
        return 60 * middle[0] / each if each > 0 else None


def spread(low: float, high: float, parts: int) -> list[float]:
    """The middles of `parts` equal pieces of the way from low to high, in ratios: 1 to 100 has its middle at 10."""
    return [low * (high / low) ** ((n + 0.5) / parts) for n in range(parts)]


class TwoChangelogs(LiveWidget):
    """A game of two texts and the questions that they answer; `answers` and `seconds` are what the reader did."""

    _esm = module("two_changelogs.js")
    _css = styles("two_changelogs.css")

    texts = traitlets.List(traitlets.Dict()).tag(sync=True)
    questions = traitlets.List(traitlets.Dict()).tag(sync=True)
    savings = traitlets.Dict().tag(sync=True)             # the first guesses of the calculator, and the words that are longer
    first = traitlets.Int(-1).tag(sync=True)              # which text comes first; -1: chance decides
    answers = traitlets.List().tag(sync=True)             # for each text, the number of the option chosen for each question
    seconds = traitlets.List().tag(sync=True)             # for each text, how long that took

    def __init__(self, model_id=None, **params):
        """texts and questions: see the module; first: 0 or 1 for the text to begin with."""
        super().__init__(model_id, **params)
        self.texts = self.texts or [dict(text) for text in TEXTS]
        self.questions = self.questions or [dict(question) for question in QUESTIONS]
        if self.first not in (-1, 0, 1):
            raise ValueError(f"first is 0 or 1, the text to begin with, not {self.first}")
        if len(self.texts) != 2:
            raise ValueError(f"give two texts to compare: there {'is' if len(self.texts) == 1 else 'are'} {len(self.texts)}")
        for question in self.questions:
            problem = why_not_a_question(question, [text["text"] for text in self.texts])
            if problem:
                raise ValueError(f"question {question.get('question', '')!r}: {problem}")
        words = [len(text["text"].split()) for text in self.texts]
        self.texts = [{**text, "words": n} for text, n in zip(self.texts, words)]
        default = Savings()
        self.savings = {"minutes": default.minutes, "readers": default.readers, "needing": default.needing,
                        "seconds": default.seconds, "longer": words[1] - words[0], "pace": WORDS_A_MINUTE}

    def answered(self, text: int) -> int:
        """How many of the questions a text answers by itself."""
        return sum(bool(question["marks"][text]) for question in self.questions)

    def static_svg(self) -> str:
        """Both texts with the words that answer a question underlined and numbered, and the questions below."""
        return still_picture(self.texts, self.questions)


def why_not_a_question(question: dict, texts: list[str]) -> str:
    """What to write instead, "" if the question fits the texts."""
    missing = {"question", "options", "answers", "marks", "because"} - question.keys()
    if missing:
        return f"give it {', '.join(sorted(missing))}"
    if len(question["answers"]) != len(texts) or len(question["marks"]) != len(texts):
        return "give an answer and a mark for each of the two texts"
    for text, answer, mark in zip(texts, question["answers"], question["marks"]):
        if not 0 <= answer < len(question["options"]):
            return f"there is no option {answer}: they count from 0 to {len(question['options']) - 1}"
        if mark not in text:
            return f"the words {mark!r} do not stand in the text that they are marked in"
        if bool(mark) == (answer == len(question["options"]) - 1):
            return "mark the words that answer it, and none if the last option, that the text does not say, is the right one"
    return ""


# --- the still picture --------------------------------------------------------------------------------------------------

LETTERS = "AB"
WIDTH, LINE = 660, 21


def still_picture(texts: list[dict], questions: list[dict]) -> str:
    """The two texts and their answers as SVG."""
    parts, y = [], 30
    for n, text in enumerate(texts):
        parts.append(_line(y, f"{LETTERS[n]} · {text['name']} ({text['words']} words)", weight=700))
        for line in _marked_lines(text["text"], [question["marks"][n] for question in questions]):
            y += LINE
            parts.append(_line(y, line))
        y += 2 * LINE
    parts.append(_line(y, "Which text answers by itself?", weight=700))
    for n, question in enumerate(questions, 1):
        y += LINE
        said = [name for name, mark in zip(LETTERS, question["marks"]) if mark]
        parts.append(_line(y, f"{n}  {question['question']}  →  {' and '.join(said) or 'neither'}"))
    told = " ".join([*(f"{text['name']}: {text['text']}" for text in texts),
                     *(f"{question['question']} {_who_says(question)}" for question in questions)])
    title = "Two changelogs of one patch, and which of the readers' questions each answers"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 20}" width="{WIDTH}" height="{y + 20}" role="img" '
            f'style="max-width:100%;height:auto" font-family="system-ui,sans-serif" font-size="14.5" fill="#1b2230">'
            f"<title>{html.escape(title)}</title><desc>{html.escape(told)}</desc>"
            f'<rect x="1" y="1" width="{WIDTH - 2}" height="{y + 18}" rx="8" fill="#ffffff" stroke="#868f9e"/>{"".join(parts)}</svg>')


def _who_says(question: dict) -> str:
    said = [n for n, mark in enumerate(question["marks"]) if mark]
    return "Both say." if len(said) == 2 else ("The first says." if said == [0] else "The second says." if said else "Neither says.")


def _line(y: int, content: str, weight: int = 400) -> str:
    safe = content if "<tspan" in content else html.escape(content)
    return f'<text x="14" y="{y}" font-weight="{weight}" xml:space="preserve">{safe}</text>'


def _marked_lines(text: str, marks: list[str]) -> list[str]:
    """The text in lines, what answers question n underlined and followed by n."""
    number = {}
    for n, mark in enumerate(marks, 1):
        if mark:
            at = text.index(mark)
            number.update({place: n for place in range(at, at + len(mark))})
    lines, at = [], 0
    for line in textwrap.wrap(text, 84):
        at = text.index(line, at)
        lines.append(_runs(text, number, at, at + len(line)))
        at += len(line)
    return lines


def _runs(text: str, number: dict[int, int], start: int, end: int) -> str:
    parts, at = [], start
    while at < end:
        mark, stop = number.get(at), at
        while stop < end and number.get(stop) == mark:
            stop += 1
        words = html.escape(text[at:stop])
        ends = mark and number.get(stop) != mark
        parts.append(f'<tspan text-decoration="underline">{words}</tspan>' + (f'<tspan font-weight="700"> [{mark}]</tspan>' if ends else "")
                     if mark else f"<tspan>{words}</tspan>")
        at = stop
    return "".join(parts)
