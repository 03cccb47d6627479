"""Soundness: engines that share nothing with ours agree, and a checker that is broken on purpose is caught."""
import random
import re
import shutil
import subprocess

import pytest
from test_explorer import as_program, never_both_two, random_instructions, search, shared

from pfncache_edu import MUTANTS, Program, Thread, explore, kernel, scenarios
from pfncache_edu.interpreters import explorer, threads
from pfncache_edu.interpreters.promela import to_promela

SCENARIOS = ["unrelated_range", "page_moves_during_use", "page_moves_during_refresh", "one_of_two_pages_moves",
             "page_moves_under_two_users"]


def states_that_spin_finds(program, folder) -> int:
    (folder / "model.pml").write_text(to_promela(program))
    for command in ("spin -a -o2 -o3 model.pml", "gcc -w -O1 -DSAFETY -DNOREDUCE -DNOFAIR -o pan pan.c"):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    output = subprocess.run(["./pan", "-E", "-m1000000"], cwd=folder, check=True, capture_output=True, text=True).stdout
    assert "errors: 0" in output
    return int(re.search(r"(\d+) states, stored", output)[1])


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("spin") and shutil.which("gcc")), reason="needs spin and gcc (Debian: apt-get install spin gcc)")
@pytest.mark.parametrize("name", SCENARIOS)
def test_spin_counts_the_same_states(name, tmp_path):
    program = getattr(scenarios, name)()
    assert states_that_spin_finds(program, tmp_path) == explore(program).states


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("spin") and shutil.which("gcc")), reason="needs spin and gcc (Debian: apt-get install spin gcc)")
def test_spin_counts_the_same_states_of_random_programs(tmp_path):
    rng = random.Random(7)
    program = as_program([random_instructions(rng) for _ in range(3)])
    assert states_that_spin_finds(program, tmp_path) == explore(program, spinning=False).states


# --- a broken checker is noticed ---------------------------------------------------------------------------------------

def agrees(seeds=range(60)) -> bool:
    """Whether the explorer and the independent search agree on random programs, twins included."""
    for seed in seeds:
        rng = random.Random(seed)
        programs = [tuple(random_instructions(rng)) for _ in range(2)]
        programs += [programs[0]] * (seed % 2)
        states, bad, _ = search(programs)
        try:
            everything = explore(as_program(programs), spinning=False)
            verdict = explore(as_program(programs, [never_both_two]), spinning=False)
        except Exception:
            return False
        if everything.holds and everything.states != states:
            return False
        if verdict.outcome == "violated" and len(verdict.threads) != bad or verdict.holds and bad is not None:
            return False
    return True


def test_the_checker_as_it_is_agrees():
    assert agrees()


def without_the_value_stack(monkeypatch):
    monkeypatch.setattr(threads, "_freeze_generator", lambda g, seen: (
        "generator", g.gi_frame and g.gi_frame.f_lasti, threads.freeze(tuple((g.gi_frame.f_locals if g.gi_frame else {}).items()), seen)))


def without_locals(monkeypatch):
    monkeypatch.setattr(threads, "_freeze_generator", lambda g, seen: ("generator", g.gi_frame and g.gi_frame.f_lasti))


def without_the_step_that_was_yielded(monkeypatch):
    monkeypatch.setattr(threads.Suspended, "key", lambda self: "done" if self.step is None else threads.freeze(self.generator, {}))


def without_the_locks_that_are_held(monkeypatch):
    real = threads.memory_after
    monkeypatch.setattr(explorer, "memory_after", lambda memory, *rest: (real(memory, *rest), memory)[1])


def without_new_bits_in_the_masks(monkeypatch):
    real = explorer.Slot.code

    def code(self, frozen, value):
        lookers, self.lookers = self.lookers, [one for one in self.lookers if not isinstance(one, explorer.Row)]
        try:
            return real(self, frozen, value)
        finally:
            self.lookers = lookers
    monkeypatch.setattr(explorer.Slot, "code", code)


def without_the_weights_of_twins(monkeypatch):
    monkeypatch.setattr(explorer.Twins, "ways_to_tell_apart", lambda self, part: 1)


def without_looking_at_all_of_a_level(monkeypatch):
    real = explorer.Team.after
    monkeypatch.setattr(explorer.Team, "after", lambda self, states: real(self, states[:3]))


def without_the_cells_that_a_move_depends_on(monkeypatch):
    real = explorer.Team.look_at
    monkeypatch.setattr(explorer.Team, "look_at", lambda self, *slots: real(self, *{role.slot for role in self.roles}))


def without_asking_whom_a_step_concerns(monkeypatch):
    monkeypatch.setattr(explorer, "WIDE", 0)
    monkeypatch.setattr(explorer.Search, "quiet_share", lambda self, mine, others: len(others))
    monkeypatch.setattr(explorer.Search, "is_quiet", lambda self, row: True)


BROKEN = [without_the_value_stack, without_locals, without_the_step_that_was_yielded, without_the_locks_that_are_held,
          without_new_bits_in_the_masks, without_the_weights_of_twins, without_looking_at_all_of_a_level,
          without_the_cells_that_a_move_depends_on, without_asking_whom_a_step_concerns]


@kernel
def adds_what_it_read_first(cells):
    for value in [(yield cells.x), (yield cells.y)]:
        yield cells.x.add(value)


@kernel
def doubles(cells):
    yield cells.x.set((yield cells.x) + (yield cells.x))


@kernel
def sets_x(cells):
    yield cells.x.set(1)


def hidden_in_the_stack() -> list:
    """Programs whose threads keep what they know on the value stack, or in the step that they have just yielded."""
    cells = shared("s")
    found = []
    for function in (adds_what_it_read_first, doubles):
        verdict = explore(Program("stack", (Thread("a", function, (cells,)), Thread("b", sets_x, (cells,)))))
        found.append((verdict.outcome, verdict.states))
    return found


@pytest.mark.slow
def test_wide_levels_are_searched_like_narrow_ones(monkeypatch):
    """Random programs have none: so let every level be one."""
    def verdicts():
        made = [getattr(scenarios, name)(mutant.livepatch) for name in SCENARIOS[1:3] for mutant in MUTANTS.values()]
        return [(v.outcome, v.states, v.depth, v.schedule) for v in map(explore, made)]
    right = verdicts()
    monkeypatch.setattr(explorer, "WIDE", 0)
    assert agrees() and verdicts() == right


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda f: f.__name__)
def test_a_checker_that_forgets_something_is_caught(breaks, monkeypatch):
    right = hidden_in_the_stack()
    breaks(monkeypatch)
    try:
        stack = hidden_in_the_stack()
    except Exception:
        stack = None
    assert not agrees() or stack != right


# --- what a student may write ------------------------------------------------------------------------------------------

def test_code_from_a_notebook_cell_or_from_exec_is_searched_like_any_other():
    names = {}
    exec("from pfncache_edu import kernel\n@kernel\ndef up(cells):\n    def inner(n):\n        return n + 1\n"
         "    yield cells.x.set(inner((yield cells.x)))\n", names)
    cells = shared("s")
    assert str(explore(Program("exec", (Thread("a", names["up"], (cells,)), Thread("b", names["up"], (cells,)))))) \
        == "holds: 12 states, all of them"


def test_a_random_choice_is_a_mistake_not_a_verdict():
    from pfncache_edu import Mistake

    @kernel
    def tosses(cells):
        yield cells.x
        if random.random() < 0.5:
            yield cells.y
        yield cells.x.set(1)
    random.seed(1)
    cells = shared("s")
    found = set()
    for _ in range(20):
        try:
            found.add(explore(Program("random", (Thread("a", tosses, (cells,)), Thread("b", tosses, (cells,))))).outcome)
        except Mistake:
            found.add("mistake")
    assert "mistake" in found
