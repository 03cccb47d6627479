"""Five callers to read: the wrong users of callers.py under letters, without what would give them away."""
from __future__ import annotations

import re

from ..callers import CALLERS, RULES
from ..interpreters.explorer import explore
from .page import Code, Picture, drawn

LETTERS = dict(zip("ABCDE", ("writes_too_late", "refreshes_under_the_lock", "reads_the_address_first", "never_gives_up", "trusts_refresh")))


def source_of_caller(letter: str) -> list[str]:
    """The lines of a caller, from `def` on, without its name and its comments."""
    lines = [re.sub(r"\s+#.*$", "", line) for line in CALLERS[LETTERS[letter]].lines]
    return [line.replace(LETTERS[letter], f"caller_{letter.lower()}", 1) for line in lines]


def five_callers() -> Code:
    """The five functions with their lines numbered."""
    shown = ("\n".join(f"{n:>2}  {line}" for n, line in enumerate(source_of_caller(letter), start=1)) for letter in LETTERS)
    return Code("five callers", "\n\n".join(f"**{letter}**\n\n```python\n{text}\n```" for letter, text in zip(LETTERS, shown)))


def rules() -> Code:
    """The rules that can be broken, each with its name."""
    return Code("the rules", "\n".join(f"- `{name}`: {text}" for name, text in RULES.items()))


def shortest_schedule(letter: str) -> Picture:
    """What the explorer finds wrong with a caller: the shortest schedule, as a picture."""
    caller = CALLERS[LETTERS[letter]]
    return drawn(explore(caller.situation(caller.livepatch)), title=f"Caller {letter}")
