"""Callers with one bug each, a look-up that waits for mmap_lock, and tests of ranges: what each shows, pinned."""
import pytest

from pfncache_edu import explore
from pfncache_edu.callers import CALLERS, RULES, refresh_finds_no_page
from pfncache_edu.grading.exercise_2_2 import BROKEN, LINES
from pfncache_edu.grading.exercise_3_2 import RIGHT_TESTS, WRONG_TESTS, judged_by
from pfncache_edu.kvm.structs import PAGE_SIZE
from pfncache_edu.mmap_lock import LOOKS_UP_UNDER_THE_LOCK, look_up_waits_for_mmap_lock
from pfncache_edu.ranges import caches_at, visited, withdrawn
from pfncache_edu.render.five_callers import LETTERS, source_of_caller
from pfncache_edu.scenarios import (cache_goes_away_during_refresh, page_moves_during_refresh, page_moves_during_use,
                                    page_moves_under_two_users)

EXPECTED = {       # caller -> what is broken, and the length of the shortest schedule that shows it
    "reads_the_address_first": ("guest_writes_reach_the_guest", 27),
    "writes_too_late": ("guest_writes_reach_the_guest", 23),
    "trusts_refresh": ("guest_writes_reach_the_guest", 44),
    "refreshes_under_the_lock": ("no_deadlock", 3),
    "never_gives_up": ("gives_up_when_refresh_fails", 23),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_caller_goes_wrong_in_its_situation(name):
    caller = CALLERS[name]
    verdict = explore(caller.situation(caller.livepatch))
    assert (verdict.broken, len(verdict.threads)) == EXPECTED[name]


WRONG = {          # caller -> the lines of which one must change
    "reads_the_address_first": ["khva = yield gpc.khva", "yield write_guest(gpc.kvm.mm, khva)"],
    "writes_too_late": ["yield read_unlock_irq(gpc.lock)", "yield write_guest(gpc.kvm.mm, khva)"],
    "trusts_refresh": ["may_use = True"],
    "refreshes_under_the_lock": ["if (yield from kvm_gpc_refresh(gpc, 8)):"],
    "never_gives_up": ["yield from kvm_gpc_refresh(gpc, 8)"],
}


def test_each_rule_is_broken_by_one_caller_in_the_lines_that_are_right_answers():
    assert EXPECTED.keys() == CALLERS.keys() == set(LETTERS.values()) and sorted(BROKEN.values()) == sorted(RULES)
    for letter, name in LETTERS.items():
        source = source_of_caller(letter)
        assert [source[number - 1].strip() for number in LINES[letter]] == WRONG[name]
        assert source[0] == f"def caller_{letter.lower()}(gpc: gfn_to_pfn_cache) -> Steps[None]:" and "#" not in "".join(source)


@pytest.mark.slow
@pytest.mark.parametrize("situation", [page_moves_during_use, page_moves_during_refresh, page_moves_under_two_users,
                                       cache_goes_away_during_refresh, refresh_finds_no_page])
def test_the_kernels_own_shape_of_a_user_keeps_every_rule(situation):
    assert explore(situation()).holds


def test_a_user_stops_when_there_is_no_page():
    verdict = explore(refresh_finds_no_page())
    assert verdict.holds and verdict.states == 20


def test_refresh_never_waits_for_mmap_lock_with_its_own_lock_held():
    assert str(explore(look_up_waits_for_mmap_lock())) == "holds: 941 states, all of them"
    verdict = explore(look_up_waits_for_mmap_lock(LOOKS_UP_UNDER_THE_LOCK))
    assert (verdict.outcome, len(verdict.threads)) == ("deadlock", 14)
    assert "vcpu0 waits for mm.mmap_lock, which notifier holds" in verdict.sentence


PAGE = 0x1000
SMALL = [(start * PAGE, end * PAGE, uhva * PAGE + offset, valid)
         for start in range(1, 4) for end in range(start + 1, 5) for uhva in range(5) for offset in (0, 0x40) for valid in (True, False)]


def kernels(start, end, uhva, valid):
    gpc, = caches = caches_at([uhva], valid)
    return withdrawn(visited(caches, start, end), gpc)


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT_TESTS)
def test_a_right_test_judges_every_small_range_as_the_kernel_does(name):
    assert PAGE == PAGE_SIZE
    for case in SMALL:
        assert judged_by(RIGHT_TESTS[name], *case) == kernels(*case), case


@pytest.mark.parametrize("name", WRONG_TESTS)
def test_a_wrong_test_is_wrong_about_some_range(name):
    cases = [*SMALL, (PAGE, 3 * PAGE, (1 << 32) + PAGE, True)]
    assert any(WRONG_TESTS[name].concerns(*case) != (case[3] and case[0] <= case[2] < case[1]) for case in cases)
