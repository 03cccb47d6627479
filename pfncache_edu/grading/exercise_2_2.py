"""Exercise 2.2, "Five callers, one bug each": name the wrong line of each, and the rule that it breaks."""
from __future__ import annotations

import re

from ..callers import CALLERS, RULES
from ..interpreters.explorer import explore
from ..render.page import Code, Picture, drawn
from .answers import AnswerFailed, Answers, data, shown_value
from .exercise import Exercise, Finding, Judged
from .questions import right_choices

ORDER = ("writes_too_late", "refreshes_under_the_lock", "reads_the_address_first", "never_gives_up", "trusts_refresh")
LETTERS = dict(zip("ABCDE", ORDER))
LOOK_AT = {
    "A": "Ask of each line which lock is held when it is done.",
    "B": "Ask of each line which lock is held when it is done.",
    "C": "Ask of each line what another user may have done since the line before.",
    "D": "Ask what happens if there is no page, today and tomorrow.",
    "E": "Ask of each line what the host may have done since the last check.",
}


def source_of(letter: str) -> list[str]:
    """The lines of a caller, without its name and without what would give it away."""
    lines = [re.sub(r"\s+#.*$", "", line) for line in CALLERS[LETTERS[letter]].lines]
    return [line.replace(LETTERS[letter], f"caller_{letter.lower()}", 1) for line in lines]


def five_callers() -> Code:
    """The five functions with their lines numbered."""
    shown = ("\n".join(f"{n:>2}  {line}" for n, line in enumerate(source_of(letter), start=1)) for letter in LETTERS)
    return Code("five callers", "\n\n".join(f"**{letter}**\n\n```python\n{text}\n```" for letter, text in zip(LETTERS, shown)))


def shortest_schedule(letter: str) -> Picture:
    """What the explorer finds wrong with a caller: the shortest schedule, as a picture."""
    caller = CALLERS[LETTERS[letter]]
    return drawn(explore(caller.situation(caller.livepatch)), title=f"Caller {letter}")


def rules() -> Code:
    """The rules that can be broken, each with its name."""
    return Code("the rules", "\n".join(f"- `{name}`: {text}" for name, text in RULES.items()))


def wrong_lines(answers: Answers) -> Finding:
    """A point for each caller whose wrong line is named; of two lines in the wrong order either will do."""
    given = {key: value for key, value in answers.table("lines").items() if value is not None}
    unknown = [key for key in given if key not in LETTERS]
    if unknown:
        raise AnswerFailed(f"lines has no caller {unknown[0]!r}: its keys are {', '.join(map(repr, LETTERS))}")
    wrong = [letter for letter in LETTERS if letter in given and given[letter] not in CALLERS[LETTERS[letter]].wrong_lines]
    missing = [letter for letter in LETTERS if letter not in given]
    said = [f"{letter}: line {shown_value(given[letter])} may stay as it is. {LOOK_AT[letter]}" for letter in wrong]
    return Finding(len(LETTERS) - len(wrong) - len(missing), " ".join(said + ([f"Not answered: {', '.join(missing)}."] if missing else [])))


BROKEN = {letter: CALLERS[name].rule for letter, name in LETTERS.items()}

EXERCISE = Exercise(
    "2.2", "Five callers, one bug each",
    (data("lines", "a dict from \"A\" to \"E\" to the number of the wrong line"),
     data("rules_broken", "a dict from \"A\" to \"E\" to the name of the broken rule")),
    (Judged("the_wrong_line_of_each", 5, "for each caller the number of the line that is wrong", "use, or else drop and refresh",
            wrong_lines, of=("lines",), hint="draw the shortest schedule of the caller: at which of its lines could it have prevented it?"),
     Judged("the_rule_that_it_breaks", 5, "for each caller the rule that the line breaks", "check",
            right_choices("rules_broken", BROKEN, why=LOOK_AT, only=tuple(RULES)), of=("rules_broken",),
            hint="every rule is broken by exactly one caller")))
