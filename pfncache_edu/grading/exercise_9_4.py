"""Exercise 9.4, "Not clear to me": answer a reviewer without defending. What a program sees of it is little; a person marks the rest."""
from __future__ import annotations

import re

from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Gate, Judged, Rubric

REVIEW = """\
> Skip the walk over the caches if there is no active one, as the lock
> would be taken for nothing.

Not clear to me. Nothing for whom? And is it not taken to find out?"""

DEFENDS = (r"\b(?:obvious(?:ly)?|clearly|of course|as (?:i|already) (?:said|wrote|explained|mentioned)|read (?:it|the \w+) again|"
           r"actually|it is (?:quite )?clear|is self-explanatory|everybody knows|everyone knows|you (?:misread|misunderstood|missed|should)|"
           r"i disagree|i don't see|that's not what)\b")
PROPOSES = r"how about|would (?:this|the following|it)|what about|instead|v\d|reword|change (?:it|that|the \w+) to|will (?:say|read|become|write)|now reads|proposal|suggest"
FEWEST, MOST = 15, 160


def own_words(answers: Answers) -> str:
    """The reply without the lines that it quotes."""
    return "\n".join(line for line in answers.text("REPLY").splitlines() if not line.startswith(">"))


def is_a_reply(answers: Answers) -> Finding:
    """Passes, or raises AnswerFailed: it is worth no point, and shuts the gate."""
    words = len(own_words(answers).split())
    if not FEWEST <= words <= MOST:
        raise AnswerFailed(f"the reply has {words} words of its own: {FEWEST} to {MOST} are enough, and kind")
    return Finding(0)


def proposes_a_wording(answers: Answers) -> Finding:
    reply = own_words(answers)
    if re.search(PROPOSES, reply, re.I) and re.search(r"\block|\bcaches?\b|\bwalk", reply, re.I):
        return Finding(1)
    return Finding(0, "the reviewer can do nothing with it: put the new wording of the sentence into your reply")


def does_not_defend(answers: Answers) -> Finding:
    found = re.search(DEFENDS, own_words(answers), re.I)
    if found:
        return Finding(0, f"\"{found[0]}\" defends the old text: the reviewer has told you what a reader does not see, and that is a fact")
    return Finding(1)


EXERCISE = Exercise(
    "9.4", "Not clear to me", (data("REPLY", "a text: your mail to the reviewer"),),
    (Judged("proposes_a_wording", 1, "the reply has the new wording in it", "", proposes_a_wording),
     Judged("does_not_defend", 1, "the reply does not explain that the old text was clear", "", does_not_defend),
     Rubric("takes_the_doubt_as_a_fact", 2, "the reply answers both questions and is kind", "", {
         2: "both questions have an answer, and the reviewer is thanked or agreed with in a word", 1: "one of them", 0: "neither, or unkind"}),
     Rubric("the_new_wording_is_clear", 2, "the new sentence answers both questions without the mail", "", {
         2: "it says who is spared what, and which lock is not needed to find out", 1: "one of the two", 0: "the old sentence again, longer"})),
    (Gate(Judged("is_a_reply", 0, f"a reply of {FEWEST} to {MOST} words of your own", "", is_a_reply),
          "this is no reply that a reviewer could use, so nothing of it is counted"),))
