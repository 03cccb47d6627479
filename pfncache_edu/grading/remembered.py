"""Searches that need not be made twice: what an earlier answer's search found, for an answer that does just the same.

A search depends on an answer only by what the answer's functions say when they are asked for their steps. So the
questions of each search are kept, as a tree: at each place a question, and a branch for each thing that was said to
it, down to what came out. Whoever is asked along the tree and gets to an end has been asked everything that a search
would have asked, and gets the same outcome. Only the numbers that a process gives to places may differ, and the lines that
the steps are in: a schedule that fails is replayed with the new answer's own functions, so that it shows their lines.
"""
from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..interpreters.sequential import replay
from ..program import Program
from ..verdict import Verdict
from .student import Conversation, Said, Student
from .trial import Trial, place_to_look_at

KEPT = 20_000                      # questions of all situations together: about ten megabytes

Question = tuple[str, int, str]    # the conversation, the number of the question before it, and what its step then answered
Essence = tuple


@dataclass
class Asked:
    """A question of a search, and what came after each thing that was said to it: the next question, or the end."""
    question: Question
    after: dict[Essence, Asked | Verdict] = field(default_factory=dict)


class Places:
    """The places of one student, numbered in the order in which a search meets them."""

    def __init__(self):
        self.numbers: dict[tuple, int] = {}

    def essence(self, conversation: str, said: Said) -> Essence:
        if said.place is None:
            return conversation, repr(sorted(said.entry.items()))
        at, step = said.place
        innermost = repr(said.entry["stack"][-1][:1])              # a rule may have exceptions for functions of some name
        return conversation, step, innermost, self.numbers.setdefault((conversation, at), len(self.numbers))


class Searches:
    """What searches found, by situation and by what the answer replaces there; the one that was asked for last is the last."""

    def __init__(self, kept: int = KEPT):
        self.kept = kept
        self.known: dict[tuple, Asked] = {}
        self.sizes: dict[tuple, int] = {}

    def recall(self, key: tuple, program: Program, student: Student) -> Trial | None:
        """The trial of a program, if an answer was searched before that says the same to everything; else None."""
        if key in self.known:
            self.known[key] = self.known.pop(key)
        at, places, said = self.known.get(key), Places(), []
        while isinstance(at, Asked):
            conversation, before, result = at.question
            there = student.open(conversation)
            said.append(there.first() if before < 0 else there.next(said[before], result))
            at = at.after.get(places.essence(conversation, said[-1]))
        if at is None:
            return None
        verdict = replace(at, program=program)
        if not verdict.holds:
            verdict = replay(verdict)
            verdict = replace(verdict, sentence=verdict.trace[-1].wrong or verdict.sentence)     # a sentence may name a line
        return Trial(program, verdict.outcome, verdict.broken or "", verdict.sentence or "", place_to_look_at(verdict), verdict)

    def keep(self, key: tuple, heard: Iterable[tuple[Conversation, Said, Said | None, str]], trial: Trial) -> None:
        """Remember a trial by what was heard in it, unless it was cut off."""
        if trial.verdict is None or trial.outcome not in ("holds", "violated", "deadlock"):
            return
        questions = list(asked_and_said(heard))
        if not 0 < len(questions) <= self.kept:
            return
        self.make_room(len(questions))
        at = self.known.get(key) or self.added(key, self.known, key, questions[0][0])
        for n, (question, essence) in enumerate(questions):
            if not isinstance(at, Asked) or at.question != question:
                return
            if n + 1 == len(questions):
                at.after[essence] = replace(trial.verdict, program=None, trace=())
            else:
                at = at.after.get(essence) or self.added(key, at.after, essence, questions[n + 1][0])

    def make_room(self, more: int) -> None:
        """Let go of the situations that nobody has asked for the longest, until there is room for so many more questions."""
        while self.known and sum(self.sizes.values()) + more > self.kept:
            oldest = next(iter(self.known))
            del self.known[oldest], self.sizes[oldest]

    def added(self, key: tuple, to: dict, place: tuple, question: Question) -> Asked:
        """A question that was not there before, in its place."""
        self.sizes[key] = self.sizes.get(key, 0) + 1
        to[place] = Asked(question)
        return to[place]


def asked_and_said(heard: Iterable[tuple[Conversation, Said, Said | None, str]]) -> Iterable[tuple[Question, Essence]]:
    """What was asked in a search and said to it, without the student who said it."""
    places, numbers = Places(), {None: -1}
    for conversation, said, before, result in heard:
        numbers[said] = len(numbers) - 1
        yield (sys.intern(conversation.key), numbers[before], result), places.essence(conversation.key, said)
