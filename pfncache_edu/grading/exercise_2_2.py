"""Exercise 2.2, "Five callers, one bug each": name the wrong line of each, and the rule that it breaks."""
from __future__ import annotations

from ..callers import RULES
from .answers import AnswerFailed, Answers, data, shown_value
from .exercise import Exercise, Finding, Judged
from .questions import right_choices

### BEGIN ANSWERS
LINES = {"A": [9, 10], "B": [4], "C": [3, 6], "D": [7], "E": [9]}
BROKEN = {"A": "use_under_the_lock", "B": "drop_before_refresh", "C": "lock_before_check", "D": "give_up", "E": "check_after_refresh"}
### END ANSWERS

LOOK_AT = {
    "A": "Ask of each line which lock is held when it is done.",
    "B": "Ask of each line which lock is held when it is done.",
    "C": "Ask of each line what another user may have done since the line before.",
    "D": "Ask what happens if there is no page, today and tomorrow.",
    "E": "Ask of each line what the host may have done since the last check.",
}


def wrong_lines(answers: Answers) -> Finding:
    """A point for each caller whose wrong line is named; of two lines in the wrong order either will do."""
    given = {key: value for key, value in answers.table("lines").items() if value is not None}
    unknown = [key for key in given if key not in LINES]
    if unknown:
        raise AnswerFailed(f"lines has no caller {unknown[0]!r}: its keys are {', '.join(map(repr, LINES))}")
    wrong = [letter for letter in LINES if letter in given and given[letter] not in LINES[letter]]
    missing = [letter for letter in LINES if letter not in given]
    said = [f"{letter}: line {shown_value(given[letter])} may stay as it is. {LOOK_AT[letter]}" for letter in wrong]
    return Finding(len(LINES) - len(wrong) - len(missing), " ".join(said + ([f"Not answered: {', '.join(missing)}."] if missing else [])))


EXERCISE = Exercise(
    "2.2", "Five callers, one bug each",
    (data("lines", "a dict from \"A\" to \"E\" to the number of the wrong line"),
     data("rules_broken", "a dict from \"A\" to \"E\" to the name of the broken rule")),
    (Judged("the_wrong_line_of_each", 5, "for each caller the number of the line that is wrong", "use, or else drop and refresh",
            wrong_lines, of=("lines",), hint="draw the shortest schedule of the caller: at which of its lines could it have prevented it?"),
     Judged("the_rule_that_it_breaks", 5, "for each caller the rule that the line breaks", "check",
            right_choices("rules_broken", BROKEN, why=LOOK_AT, only=tuple(RULES)), of=("rules_broken",),
            hint="every rule is broken by exactly one caller")))
