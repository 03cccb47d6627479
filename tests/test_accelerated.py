"""The compiled search gives the verdicts, the counts and the schedules of the one in Python."""
import random
import sys

import pytest
from test_explorer import as_program, forward, backward, for_ever, maybe_too_late, never_both_two, random_instructions, two_locks

from pfncache_edu import MUTANTS, Invariant, Program, Thread, explore, scenarios
from pfncache_edu.interpreters import explorer

SITUATIONS = ["unrelated_range", "page_moves_during_use", "page_moves_during_refresh", "one_of_two_pages_moves",
              "page_moves_under_two_users", "invalidation_never_ends"]


def both(program, **options) -> tuple:
    """All that a verdict says, from either back end."""
    pytest.importorskip("numba", reason="needs numba (pip install pfncache-edu[fast])")
    verdicts = [explore(program, backend=backend, **options) for backend in ("python", "numba")]
    return tuple((v.outcome, v.states, v.searched, v.depth, v.broken, v.sentence, v.schedule) for v in verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("name", SITUATIONS)
def test_scenarios_and_their_mutants(name):
    for mutant in (None, *MUTANTS.values()):
        python, numba = both(getattr(scenarios, name)(mutant and mutant.livepatch))
        assert python == numba, mutant


@pytest.mark.slow
@pytest.mark.parametrize("symmetry", [True, False])
def test_random_programs(symmetry):
    for seed in range(150):
        rng = random.Random(seed)
        programs = [tuple(random_instructions(rng)) for _ in range(2)]
        programs += [programs[0]] * (seed % 2)
        for properties in ((), (never_both_two,)):
            python, numba = both(as_program(programs, properties), symmetry=symmetry)
            assert python == numba, seed


def test_deadlocks_and_endless_loops():
    s = two_locks("s")
    a, b, c = Thread("a", forward, (s,)), Thread("b", backward, (s,)), Thread("c", for_ever, (s,))
    late = Invariant("late", (s.x,), lambda x: "late" if x == 1 else None)
    for program in (Program("ab-ba", (a, b)), Program("ab-ba", (a, b, c)), Program("both", (a, b, c), (late,)),
                    maybe_too_late("waiter"), maybe_too_late("v", "w")):
        python, numba = both(program)
        assert python == numba


def test_a_search_that_is_cut_off():
    python, numba = both(scenarios.page_moves_under_two_users(), max_states=500)
    assert python == numba and python[0] == "incomplete"


def test_a_state_of_more_than_62_bits_is_searched_in_python(monkeypatch):
    pytest.importorskip("numba", reason="needs numba (pip install pfncache-edu[fast])")
    from pfncache_edu.interpreters import accelerated
    program, searches = scenarios.page_moves_during_use(), []
    real = explorer.Search.run
    monkeypatch.setattr(accelerated, "WIDEST", 10)
    monkeypatch.setattr(explorer.Search, "run", lambda self, *rest: (searches.append(type(self)), real(self, *rest))[1])
    assert explore(program, backend="numba").holds
    assert searches == [accelerated.AcceleratedSearch, explorer.Search]


def test_without_numba_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "pfncache_edu.interpreters.accelerated", raising=False)
    with pytest.raises(ImportError, match=r"pip install pfncache-edu\[fast\]"):
        explore(scenarios.page_moves_during_use(), backend="numba")


def test_an_unknown_back_end_is_refused():
    with pytest.raises(ValueError, match="python"):
        explore(scenarios.page_moves_during_use(), backend="numpy")
