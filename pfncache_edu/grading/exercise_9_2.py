"""Exercise 9.2, Put it in order: the parts of a patch mail in the order that serves its readers."""
from __future__ import annotations

from collections.abc import Callable

from .answers import AnswerFailed, Answers, data, shown_value
from .exercise import Exercise, Finding, Judged

PARTS = {
    "A": "Signed-off-by: …",
    "B": "Users of a cache then no longer queue behind an event that does not concern them.",
    "C": "KVM: pfncache: Check the need for invalidation under read lock first",
    "D": "An event that hits the cache takes a lock call more than before.",
    "E": "Look under the read lock whether an event overlaps the page of a cache, and take the write lock only if it does.",
    "F": "---",
    "G": "v2: count the write locks, as the review of v1 asked.",
    "H": "One such event used to lock every active cache for write; now it locks none (counted in a model).",
}
TAG, GAIN, SHORTLOG, COST, CHANGE, LINE, NOTE, NUMBER = "ABCDEFGH"
Places = dict[str, int]


def order_of(answers: Answers) -> Places:
    """The place of each part. AnswerFailed if a part is missing, unknown or there twice."""
    value = answers.value("ORDER")
    given = [part.upper() for part in (value.replace(",", " ").split() if isinstance(value, str) else answers.items("ORDER"))]
    if not given:
        raise AnswerFailed("ORDER is empty: write the letters of the eight parts, such as [\"A\", \"B\", …]")
    unknown = [part for part in given if part not in PARTS]
    if unknown:
        raise AnswerFailed(f"ORDER holds {shown_value(unknown[0])}: its parts are {', '.join(PARTS)}")
    missing = [part for part in PARTS if part not in given]
    if missing or len(given) != len(PARTS):
        raise AnswerFailed(f"each of the eight parts is needed once: {', '.join(missing) + ' is missing' if missing else 'one is there twice'}")
    return {part: place for place, part in enumerate(given)}


def where(right: Callable[[Places], bool], otherwise: str) -> Callable[[Answers], Finding]:
    def judge(answers: Answers) -> Finding:
        return Finding(1) if right(order_of(answers)) else Finding(0, otherwise)
    return judge


def part(name: str, expected: str, right: Callable[[Places], bool], otherwise: str) -> Judged:
    return Judged(name, 1, expected, "", where(right, otherwise), hint=expected)


EXERCISE = Exercise(
    "9.2", "Put it in order", (data("ORDER", "a list of the letters A to H"),),
    (part("begins_with_the_shortlog", "the subject stands first", lambda at: at[SHORTLOG] == 0,
          "something stands before the line that `git log --oneline` shows"),
     part("change_comes_before_reasons", "the sentence that orders the change comes before gain, number and cost",
          lambda at: at[CHANGE] < min(at[GAIN], at[NUMBER], at[COST]), "a reader who skims meets a reason before the change"),
     part("number_follows_its_gain", "the number comes after what it is a number of", lambda at: at[GAIN] < at[NUMBER],
          "\"such an event\" is counted before anybody knows which event is meant"),
     part("cost_follows_the_gain", "the price comes after what it is paid for", lambda at: at[GAIN] < at[COST],
          "a price is named before there is anything to pay for"),
     part("tag_ends_the_changelog", "the tag comes after every sentence that goes into git",
          lambda at: at[TAG] > max(at[p] for p in (SHORTLOG, CHANGE, GAIN, NUMBER, COST)), "a sentence of the changelog stands below its tag"),
     part("notes_stand_below_the_line", "what only this review needs stands last, below the line that ends the changelog",
          lambda at: at[TAG] < at[LINE] < at[NOTE] == len(PARTS) - 1, "the note on versions would go into git, or the tag would not")))
