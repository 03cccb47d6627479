"""Exercise 3.2, "Eight tests that find ten bugs": the student's tests, judged by the wrong hooks that they catch.

A test is (start, end, uhva, valid, withdrawn). It finds a bug if the wrong hook does otherwise than the test says. Tests that
refuse a right hook find nothing: whoever expects the wrong outcome would find every bug.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..kvm.structs import PAGE_ALIGN_DOWN, PAGE_SIZE, TASK_SIZE_MAX, ULONG_MAX, kvm
from ..locks import spin_lock, spin_unlock, write_lock_irq, write_unlock_irq
from ..ranges import caches_at, visited, withdrawn
from ..steps import KernelFunction, Steps, kernel
from .answers import AnswerFailed, Answers, data, shown_value
from .exercise import Exercise, Finding, Judged

# --- hooks with another test in the place of `valid and start <= uhva < end` -------------------------------------------

Test = Callable[[int, int, int, bool], bool]


@dataclass(frozen=True)
class RangeTest:
    """A test of (start, end, uhva, valid), and what is different about it, in a sentence."""
    name: str
    difference: str
    concerns: Test


WRONG_TESTS = {test.name: test for test in (
    RangeTest("left_open", "takes `start` for an address that is not in the range",
              lambda start, end, uhva, valid: valid and start < uhva < end),
    RangeTest("right_closed", "takes `end` for an address that is in the range",
              lambda start, end, uhva, valid: valid and start <= uhva <= end),
    RangeTest("ignores_end", "never looks at `end`", lambda start, end, uhva, valid: valid and start <= uhva),
    RangeTest("ignores_start", "never looks at `start`", lambda start, end, uhva, valid: valid and uhva < end),
    RangeTest("only_the_first_page", "looks at the first page of the range only",
              lambda start, end, uhva, valid: valid and start <= uhva < start + PAGE_SIZE),
    RangeTest("misses_the_last_page", "does not look at the last page of the range",
              lambda start, end, uhva, valid: valid and start <= uhva < end - PAGE_SIZE),
    RangeTest("wants_a_page_from_uhva_on", "wants a whole page from `uhva` on to be in the range",
              lambda start, end, uhva, valid: valid and start <= uhva and uhva + PAGE_SIZE <= end),
    RangeTest("does_not_ask_valid", "withdraws a cache that is not valid", lambda start, end, uhva, valid: start <= uhva < end),
    RangeTest("looks_at_32_bits", "keeps the lower half of `uhva` only",
              lambda start, end, uhva, valid: valid and start <= uhva & 0xffff_ffff < end),
    RangeTest("takes_end_for_a_length", "takes its second number for the length of the range",
              lambda start, end, uhva, valid: valid and start <= uhva < start + end),
)}
RIGHT_TESTS = {test.name: test for test in (
    RangeTest("not_outside", "says that it is neither before nor behind the range",
              lambda start, end, uhva, valid: valid and not (uhva < start or end <= uhva)),
    RangeTest("by_its_page", "compares the address of the page",
              lambda start, end, uhva, valid: valid and start <= PAGE_ALIGN_DOWN(uhva) < end),
    RangeTest("by_one_comparison", "subtracts, as unsigned numbers do",
              lambda start, end, uhva, valid: valid and (uhva - start) & ULONG_MAX < end - start),
)}


def hook_with(test: RangeTest) -> KernelFunction:
    """A hook that takes each cache's write lock, and withdraws it if the test says so."""
    @kernel
    def hook(kvm: kvm, start: int, end: int) -> Steps[None]:
        yield spin_lock(kvm.gpc_lock)
        for gpc in (yield kvm.gpc_list):
            yield write_lock_irq(gpc.lock)
            if test.concerns(start, end, (yield gpc.uhva), (yield gpc.valid)):
                yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
        yield spin_unlock(kvm.gpc_lock)
    return hook


def judged_by(test: RangeTest, start: int, end: int, uhva: int, valid: bool) -> bool:
    """Whether a hook with this test withdraws a cache."""
    gpc, = caches = caches_at([uhva], valid)
    return withdrawn(visited(caches, start, end, hook_with(test)), gpc)


# --- the student's tests ------------------------------------------------------------------------------------------------

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
