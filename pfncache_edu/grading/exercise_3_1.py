"""Exercise 3.1, "Two ranges": do two half-open ranges have an address in common? Checked against the list of all addresses.

The formula of the textbook is wrong for an empty range inside the other one. A function that always says no is right about
half of the cases, so nothing counts unless both answers are given where they are due.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator

from ..kvm.structs import PAGE_SIZE, TASK_SIZE_MAX, ULONG_MAX
from .answers import AnswerFailed, Answers, plain_function
from .exercise import Exercise, Finding, Gate, Judged

SMALL = 8
Case = tuple[int, int, int, int]


def small_cases(kind: Callable[..., bool]) -> tuple[Case, ...]:
    """All cases of a kind with addresses from 0 to 8."""
    return tuple(case for case in every_small_case() if kind(*case))


def every_small_case() -> Iterator[Case]:
    for start in range(SMALL + 1):
        for end in range(start, SMALL + 1):
            for first in range(SMALL):
                for length in range(1, SMALL + 1 - first):
                    yield start, end, first, length


def in_common(start: int, end: int, first: int, length: int) -> bool:
    """Whether some address is in both, looked up one by one where there are few; else by where an overlap would begin and end."""
    if max(end, first + length) <= SMALL:
        return any(start <= address < end for address in range(first, first + length))
    return max(start, first) < min(end, first + length)


def is_empty(start, end, first, length):
    return start == end


def at_the_left_edge(start, end, first, length):
    return start < end and end in (first, first + 1)


def at_the_right_edge(start, end, first, length):
    return start < end and end > first + 1 and start in (first + length - 1, first + length)


def inside_or_far(start, end, first, length):
    return start < end and end not in (first, first + 1) and start not in (first + length - 1, first + length)


LAST_PAGE = TASK_SIZE_MAX - PAGE_SIZE
WHOLE = (
    (0, ULONG_MAX, 0x7000, 8), (0, ULONG_MAX, LAST_PAGE, PAGE_SIZE), (0, TASK_SIZE_MAX, LAST_PAGE, PAGE_SIZE),
    (0, LAST_PAGE, LAST_PAGE, PAGE_SIZE), (LAST_PAGE, TASK_SIZE_MAX, LAST_PAGE, PAGE_SIZE), (LAST_PAGE, TASK_SIZE_MAX, 0x7000, 8),
    (0, 1 << 32, (1 << 32) - 8, 8), (0, 1 << 32, 1 << 32, 8), (1 << 32, 1 << 33, (1 << 32) - 8, 8), (0x7000, 0x8000, 0x1_0000_7000, 8),
)


def agrees_on(cases: tuple[Case, ...], points: int) -> Callable[[Answers], Finding]:
    """Judge a function by the first case on which it differs from the list of addresses."""
    def judge(answers: Answers) -> Finding:
        for case in cases:
            said = answers.call("overlaps", *case)
            if not isinstance(said, bool):
                raise AnswerFailed(f"overlaps{case} returned {said!r}: return True or False")
            if said != in_common(*case):
                return Finding(0, told(case, said))
        return Finding(points)
    return judge


def told(case: Case, said: bool) -> str:
    start, end, first, length = (hex(number) if max(case) > SMALL else str(number) for number in case)
    last = hex(case[2] + case[3]) if max(case) > SMALL else str(case[2] + case[3])
    if said and is_empty(*case):
        return f"overlaps({start}, {end}, {first}, {length}) is True, but [{start}, {end}) is empty: it has no address at all, in [{first}, {last}) or elsewhere"
    return (f"overlaps({start}, {end}, {first}, {length}) is {said}, but [{start}, {end}) and [{first}, {last}) have "
            f"{'no address' if said else 'an address'} in common")


def part(name: str, points: int, expected: str, cases: tuple[Case, ...], hint: str) -> Judged:
    return Judged(name, points, expected, "find overlap", agrees_on(cases, points), hint=hint)


interior = part("inside_or_far_apart", 3, "True where the ranges share more than an edge, False where they are apart", small_cases(inside_or_far),
                "draw the two ranges: each must begin before the other one ends")
EXERCISE = Exercise(
    "3.1", "Two ranges", (plain_function("overlaps", "a function of (start, end, first, length) that returns True or False"),),
    (interior,
     part("at_the_left_edge", 2, "a range that ends with the first byte touches it; one that ends right before it does not",
          small_cases(at_the_left_edge), "`end` is the first address that is not in the range"),
     part("at_the_right_edge", 2, "a range that begins with the last byte touches it; one that begins right behind it does not",
          small_cases(at_the_right_edge), "the last byte is at first + length - 1"),
     part("an_empty_range", 1, "an empty range touches nothing, wherever it stands", small_cases(is_empty),
          "what if start and end are the same address, in the middle of the bytes?"),
     part("all_of_the_address_space", 2, "the same for large addresses: all of the address space, its last page, and beyond 32 bits", WHOLE,
          "compare addresses; do not list them, and do not cut them to 32 bits")),
    gates=(Gate(interior, "the plain cases are not right yet, so nothing else counts"),))
