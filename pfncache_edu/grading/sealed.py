"""Sealed answers: values that can be recognised, but not read.

A module of an exercise keeps the right answers of its questions between two marks, as plain values under names:

    ### BEGIN ANSWERS
    RIGHT = {"first": "holds", "second": "deadlock"}
    ### END ANSWERS

`pfncache release` puts digests in their place for the student edition: `given == RIGHT["first"]` is still answered, and
nobody reads it by accident. Whoever tries all choices finds it out, as they would by asking check() each time.
"""
from __future__ import annotations

import ast
import hashlib
import json
import re

ROUNDS = 5_000
BLOCK = re.compile(r"^### BEGIN ANSWERS\n(?P<block>.*?)^### END ANSWERS\n", re.MULTILINE | re.DOTALL)


class Sealed:
    """Equal to the one plain value that it was made of."""

    def __init__(self, digest: str):
        self.digest = digest

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sealed):
            return self.digest == other.digest
        return self.digest == digest_of(other)

    def __hash__(self):
        raise TypeError("a sealed answer cannot be looked up: compare it with ==, or look for it in a list or tuple")

    def __repr__(self):
        return f"Sealed({self.digest!r})"


def digest_of(value: object) -> str:
    """The digest of a plain value; 5.0 and 5 have the same, True and 1 have not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        found = json.dumps(value, sort_keys=True).encode()
    except (TypeError, ValueError):
        return ""                                  # nothing that can be handed in
    for _ in range(ROUNDS):
        found = hashlib.sha256(found).digest()
    return found.hex()[:32]


def sealed(value: object) -> object:
    """The value with each of its texts and numbers sealed; keys of dicts stay."""
    if isinstance(value, dict):
        return {key: sealed(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(sealed, value))
    return Sealed(digest_of(value))


def with_sealed_answers(source: str) -> str:
    """A module's source with the answers between its marks sealed. ValueError if there is more than `NAME = value` between them."""
    def seal(match: re.Match) -> str:
        lines = ["from .sealed import Sealed", ""]
        for statement in ast.parse(match["block"]).body:
            try:
                (target,), value = statement.targets, ast.literal_eval(statement.value)
            except (AttributeError, ValueError):
                raise ValueError(f"between ### BEGIN ANSWERS and ### END ANSWERS stands `{ast.unparse(statement)[:60]}`: "
                                 "write NAME = and plain values only") from None
            lines.append(f"{target.id} = {sealed(value)!r}")
        return "\n".join(lines) + "\n"
    return BLOCK.sub(seal, source)
