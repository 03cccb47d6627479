"""Exercise 9.1, What does it leave out: find what a terse changelog answers, in its own words, and what it does not."""
from __future__ import annotations

from .answers import AnswerFailed, Answers, data, shown_value
from .exercise import Exercise, Finding, Judged

TEXT = ("If the guest address of a valid cache moves within its page, the refresh finds the page unchanged and returns early, with the "
        "old khva. Set khva to the new offset before it returns.")
QUESTIONS = {
    "a": "What does the new code do that the old code did not?",
    "b": "What happened to a guest because of the old code?",
    "c": "In which situation was the old code wrong?",
    "d": "Which kernels need the change, because they have the fault?",
    "e": "Why did the old code miss it?",
    "f": "How can one see that the fault is gone?",
}
NOTHING = "nothing"
SAID = {"a": ("set khva to the new offset",), "c": ("moves within its page",), "e": ("finds the page unchanged", "returns early")}
"""For each question that the text answers: what the words that a student quotes must contain, one of them."""
UNSAID = ("b", "d", "f")
WHY = {"b": "A khva that is wrong is no harm yet: somebody must have read or written through it. The text leaves that to the reader.",
       "d": "There is no `Fixes:` and no version, so whoever keeps an older kernel has to search.",
       "f": "No reproducer and no test is named."}
LONGEST = 14


def judged(answers: Answers) -> dict[str, str]:
    """For each question that was answered: "nothing", or the words of the text. AnswerFailed if they are not its words."""
    given = {}
    for key, value in answers.table("ANSWERS").items():
        if key not in QUESTIONS:
            raise AnswerFailed(f"ANSWERS has no question {key!r}: its keys are {', '.join(map(repr, QUESTIONS))}")
        if value is None or value == "":
            continue
        words = " ".join(str(value).lower().strip(" .,\"").split())
        if words != NOTHING and words not in TEXT.lower():
            raise AnswerFailed(f"ANSWERS[{key!r}] is {shown_value(value)}: copy the words as they stand in the text, or write {NOTHING!r}")
        if len(words.split()) > LONGEST:
            raise AnswerFailed(f"ANSWERS[{key!r}] has {len(words.split())} words: copy only those that answer the question, at most {LONGEST}")
        given[key] = words
    return given


def finds_what_is_missing(answers: Answers) -> Finding:
    """A point for each question that the text leaves open, minus one for each accused wrongly; one more if all is right."""
    given = judged(answers)
    called = [key for key, words in given.items() if words == NOTHING]
    wrong = [key for key in called if key not in UNSAID]
    overlooked = [key for key in UNSAID if key in given and key not in called]
    missing = [key for key in UNSAID if key not in given]
    right = len(UNSAID) - len(overlooked) - len(missing)
    said = [f"{key}: the text does answer this: read it again." for key in wrong]
    said += [f"{key}: the words that you quote do not answer it. {WHY[key]}" for key in overlooked]
    said += [f"Not answered: {', '.join(missing)}."] if missing else []
    return Finding(max(0, right - len(wrong)) + (right == len(UNSAID) and not wrong), " ".join(said))


def quotes_what_is_there(answers: Answers) -> Finding:
    """A point for each question whose answer is quoted; one more for all of them."""
    given = judged(answers)
    right = [key for key, keys in SAID.items() if any(part in given.get(key, "") for part in keys)]
    said = [f"{key}: these words do not answer \"{QUESTIONS[key]}\"" for key in SAID
            if key not in right and given.get(key, NOTHING) != NOTHING]
    said += [f"{key}: it does stand there." for key in SAID if given.get(key) == NOTHING]
    missing = [key for key in SAID if key not in given]
    said += [f"Not answered: {', '.join(missing)}."] if missing else []
    return Finding(len(right) + (len(right) == len(SAID)), " ".join(said))


EXERCISE = Exercise(
    "9.1", "What does it leave out?",
    (data("ANSWERS", "a dict from \"a\" … \"f\" to words of the text, or \"nothing\""),),
    (Judged("finds_what_is_missing", 4, "each question that the text leaves open has the answer \"nothing\", and no other", "",
            finds_what_is_missing, hint="three of the six are open; a true sentence about the code need not answer the question"),
     Judged("quotes_what_is_there", 4, "each question that the text answers has the words that answer it", "",
            quotes_what_is_there, hint="look for the clause with \"if\", for the verb that orders something, and for the early return")))
