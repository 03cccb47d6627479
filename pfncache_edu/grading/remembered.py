"""Searches that need not be made twice: what an earlier answer's search found, for an answer that does just the same.

A search depends on an answer only by what the answer's functions say when they are asked for their steps. So the
questions of a search and the answers to them, the *transcript*, are kept with what came out. Whoever answers every
question of a transcript in the same way gets the same outcome, and has been asked everything that a search would have
asked. Only the numbers that a process gives to places may differ, and the lines that the steps are in: a schedule that
fails is replayed with the new answer's own functions, so that it shows the new answer's own lines.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..interpreters.sequential import replay
from ..program import Program
from ..verdict import Verdict
from .student import Conversation, Said, Student
from .trial import Situation, Trial, place_to_look_at

KEPT = 12                          # transcripts of a situation

Question = tuple[str, int, str]    # the conversation, the question before it, and the result that its step then got
Essence = tuple


@dataclass(frozen=True)
class Transcript:
    """The questions of a search in their order, with what was said, and what came out."""
    questions: tuple[tuple[Question, Essence], ...]
    verdict: Verdict


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
    """What searches found, by situation."""

    def __init__(self):
        self.known: dict[tuple, list[Transcript]] = {}

    def recall(self, key: tuple[Situation, bool], program: Program, student: Student) -> Trial | None:
        """The trial of a program, if an answer was searched before that says the same to everything; else None."""
        kept = self.known.get(key, [])
        for n, transcript in enumerate(kept):
            if says_the_same(transcript, student):
                kept.insert(0, kept.pop(n))
                verdict = replace(transcript.verdict, program=program)
                if not verdict.holds:
                    verdict = replay(verdict)
                    verdict = replace(verdict, sentence=verdict.trace[-1].wrong or verdict.sentence)     # a sentence may name a line
                return Trial(program, verdict.outcome, verdict.broken or "", verdict.sentence or "", place_to_look_at(verdict), verdict)
        return None

    def keep(self, key: tuple[Situation, bool], heard: Iterable[tuple[Conversation, Said, Said | None, str]], trial: Trial) -> None:
        """Remember a trial by what was heard in it."""
        if trial.verdict is None or trial.outcome not in ("holds", "violated", "deadlock"):
            return
        places, numbers, questions = Places(), {None: -1}, []
        for conversation, said, before, result in heard:
            numbers[said] = len(questions)
            questions.append(((conversation.key, numbers[before], result), places.essence(conversation.key, said)))
        kept = self.known.setdefault(key, [])
        kept.insert(0, Transcript(tuple(questions), replace(trial.verdict, program=None, trace=())))
        del kept[KEPT:]


def says_the_same(transcript: Transcript, student: Student) -> bool:
    """Whether a student's functions answer every question of a transcript as it has it."""
    places, said = Places(), []
    for (key, before, result), expected in transcript.questions:
        conversation = student.conversations.get(key) or student.open(key)
        said.append(conversation.first() if before < 0 else conversation.next(said[before], result))
        if places.essence(key, said[-1]) != expected:
            return False
    return True
