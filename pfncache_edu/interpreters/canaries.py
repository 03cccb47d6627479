"""Canaries: generators whose future hides in places that an interpreter might not show us.

The explorer identifies a suspended generator by what `freeze` sees of it. On a Python that does not show the value
stack of a generator (PyPy, for one) two different futures would look alike and a verdict would be wrong. So each
canary is run once before the first search: at no two of its yields may it look the same.
"""
from __future__ import annotations

import sys
from functools import cache

from .threads import freeze


def _for_range():
    for _ in range(3):
        yield


def _for_list():
    for _ in [0, 0, 0]:
        yield


def _for_tuple():
    for _ in (None, None, None):
        yield


def _for_enumerate():
    for _, _ in enumerate("aa"):
        yield


def _for_zip():
    for _ in zip([1, 1], [2, 2]):
        yield


def _for_map():
    for _ in map(abs, [1, 1]):
        yield


def _for_reversed():
    for _ in reversed([1, 1]):
        yield


def _for_dict():
    for _ in {1: 0, 2: 0}:
        _ = None
        yield


def _for_generator():
    for _ in (None for _ in range(3)):
        yield


def _value_on_the_stack():
    return (yield), (yield), (yield)


def _in_try():
    try:
        yield
    except ValueError:
        yield
    finally:
        _ = 1
    yield


def _in_except():
    try:
        raise ValueError(1)
    except ValueError:
        yield
    yield


def _nested():
    yield from _for_range()
    yield from _for_range()


def _closure():
    n = 0

    def up():
        nonlocal n
        n += 1
    while n < 3:
        up()
        yield


def _one_of_two_bound():
    if (yield):
        a = 5      # noqa: F841
    else:
        b = 5      # noqa: F841
    yield


def _list_grows():
    seen = []
    while len(seen) < 3:
        seen.append(None)
        yield


CANARIES = (_for_range, _for_list, _for_tuple, _for_enumerate, _for_zip, _for_map, _for_reversed, _for_dict,
            _for_generator, _value_on_the_stack, _in_try, _in_except, _nested, _closure, _list_grows)


def looks(generator) -> list:
    """What a generator looks like at each of its yields."""
    seen = []
    for _ in generator:
        seen.append(freeze(generator, {}))
    return seen


def sick_canaries() -> list[str]:
    """The canaries that look the same at two different yields, or differ between two runs; none on a sound Python."""
    sick = [c.__name__ for c in CANARIES if len(set(looks(c()))) != len(looks(c())) or looks(c()) != looks(c())]
    left, right = _one_of_two_bound(), _one_of_two_bound()
    for generator, answer in ((left, True), (right, False)):
        next(generator)
        generator.send(answer)
    return sick + (["_one_of_two_bound"] if freeze(left, {}) == freeze(right, {}) else [])


@cache
def refuse_unsound_interpreters() -> None:
    """RuntimeError on a Python whose suspended generators do not show everything that their future depends on."""
    sick = sick_canaries()
    if sick:
        raise RuntimeError(f"this Python ({sys.implementation.name} {sys.version.split()[0]}) hides part of a suspended "
                           f"generator, so verdicts would be wrong ({', '.join(sick)}): use CPython 3.11 or newer")
