"""Exercise 3.2, "Eight tests that find ten bugs": the student's tests, judged by the wrong hooks that they catch.

A test is (start, end, uhva, valid, withdrawn). It finds a bug if the wrong hook does otherwise than the test says. Tests that
refuse a right hook find nothing: whoever expects the wrong outcome would find every bug.
"""
from __future__ import annotations

from ..kvm.structs import PAGE_SIZE, TASK_SIZE_MAX
from ..ranges import RIGHT_TESTS, WRONG_TESTS, RangeTest, judged_by
from .answers import AnswerFailed, Answers, data, shown_value
from .exercise import Exercise, Finding, Judged

AT_MOST = 8
Case = tuple[int, int, int, bool, bool]
SAYS = "a list of at most eight tests (start, end, uhva, valid, withdrawn)"


def cases_of(answers: Answers) -> list[Case]:
    """The tests, if they can be run. AnswerFailed says what a test looks like."""
    given = answers.items("tests")
    if len(given) > AT_MOST:
        raise AnswerFailed(f"there are {len(given)} tests: choose the {AT_MOST} that find most")
    return [case_of(n, one) for n, one in enumerate(given, start=1)]


def case_of(number: int, given: object) -> Case:
    where = f"test {number}, {in_hex(given)},"
    if not isinstance(given, list) or len(given) != 5:
        raise AnswerFailed(f"{where} is no test: write (start, end, uhva, valid, withdrawn), such as (0x5000, 0x9000, 0x7040, True, True)")
    *addresses, valid, withdrawn = given
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= TASK_SIZE_MAX for one in addresses):
        raise AnswerFailed(f"{where} has a first, second or third part that is no user address")
    if not (isinstance(valid, bool) and isinstance(withdrawn, bool)):
        raise AnswerFailed(f"{where} has a fourth or fifth part that is neither True nor False")
    start, end, uhva = addresses
    if start % PAGE_SIZE or end % PAGE_SIZE or start >= end:
        raise AnswerFailed(f"{where} has no possible range: ranges consist of whole pages, and are not empty")
    return start, end, uhva, valid, withdrawn


def in_hex(given: object) -> str:
    """A test in a sentence, its addresses in hexadecimal."""
    if not isinstance(given, list):
        return shown_value(given)
    return "(" + ", ".join(hex(one) if isinstance(one, int) and not isinstance(one, bool) else shown_value(one) for one in given) + ")"


def finds(test: RangeTest, cases: list[Case]) -> Case | None:
    """The first of the cases in which a hook does otherwise."""
    return next((case for case in cases if judged_by(test, *case[:4]) != case[4]), None)


def bugs_found(answers: Answers) -> Finding:
    """A point for each wrong hook that is found; none if a right one is refused."""
    cases = cases_of(answers)
    for test in RIGHT_TESTS.values():
        refused = finds(test, cases)
        if refused:
            does = "leaves the cache alone" if refused[4] else "withdraws the cache"
            return Finding(0, f"the test {in_hex(list(refused))} refuses a right hook, which {does}")
    missed = [test for test in WRONG_TESTS.values() if not finds(test, cases)]
    if not missed:
        return Finding(len(WRONG_TESTS))
    are = "is" if len(missed) == 1 else "are"
    return Finding(len(WRONG_TESTS) - len(missed), f"{len(missed)} of {len(WRONG_TESTS)} bugs {are} not found. Think of a hook that {missed[0].difference}")


EXERCISE = Exercise(
    "3.2", "Eight tests that find ten bugs", (data("tests", SAYS),),
    (Judged("bugs_that_the_tests_find", 10, "at most eight tests, of which each right hook passes all, and each wrong one fails at least one",
            "find overlap", bugs_found, hint="stand a cache at each border of a range of three pages; then change what is left: valid, the offset, the upper half"),))
