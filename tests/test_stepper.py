"""The stepper: you choose who runs, one step or one line of code at a time, and can go to any state again."""
import pytest

from pfncache_edu import MUTANTS, Program, Stepper, Thread, kernel, read_lock, scenarios, write_lock, write_unlock
from pfncache_edu.locks import rwlock_t
from pfncache_edu.steps import Struct, field


class shared(Struct):
    lock = rwlock_t()
    x = field(0)
    y = field(0)


@kernel
def get(cell):
    return (yield cell)


@kernel
def compares(cells):
    if (yield cells.x) == (yield cells.y):
        yield from get(cells.x)
    for _ in range(2):
        yield cells.x.add(1)


@kernel
def stores(cells):
    yield cells.x.set(5)


def two_threads():
    cells = shared("s")
    return Program("two", (Thread("a", compares, (cells,)), Thread("b", stores, (cells,))))


def words(trace):
    return [event.words for event in trace]


# --- lines of code --------------------------------------------------------------------------------------------------

def test_a_line_that_yields_twice_is_two_steps_of_one_statement():
    machine = Stepper(two_threads())
    assert words(machine.run_statement("a")) == ["reads s.x -> 0", "reads s.y -> 0"]
    assert machine.schedule == "a2"


def test_a_called_function_has_statements_of_its_own_and_so_has_each_turn_of_a_loop():
    machine = Stepper(two_threads())
    statements = []
    while machine.waits("a") != "is done":
        statements.append(words(machine.run_statement("a")))
    assert statements == [["reads s.x -> 0", "reads s.y -> 0"], ["reads s.x -> 0"], ["adds 1 to s.x -> 1"], ["adds 1 to s.x -> 2"]]


def test_the_steps_of_a_statement_can_be_seen_before_they_happen():
    machine = Stepper(two_threads(), "a1")
    assert words(machine.rest_of_statement("a")) == ["reads s.y -> 0"]
    assert machine.schedule == "a1"


def test_somebody_may_run_in_the_middle_of_a_statement():
    machine = Stepper(two_threads(), "a1 b1")
    machine.run_statement("a")
    assert machine.schedule == "a1 b1 a1"


def test_a_statement_ends_where_the_thread_has_to_wait_and_goes_on_from_there():
    one, other = shared("one"), shared("other")

    @kernel
    def takes_both():
        return (yield read_lock(one.lock)), (yield read_lock(other.lock))

    @kernel
    def writes():
        yield write_lock(other.lock)
        yield write_unlock(other.lock)
    machine = Stepper(Program("both", (Thread("a", takes_both), Thread("b", writes))), "b1")
    assert words(machine.run_statement("a")) == ["takes one.lock for read"]
    with pytest.raises(ValueError, match="a cannot run: it waits for other.lock, which b holds for write"):
        machine.run_statement("a")
    machine.run_statement("b")
    assert words(machine.run_statement("a")) == ["takes other.lock for read"]


def test_a_statement_ends_where_a_property_breaks():
    program = scenarios.page_moves_during_use(MUTANTS["clears_under_the_read_lock"].livepatch)
    machine = Stepper(program, "v2 n14")
    assert [event.wrong is None for event in machine.run_statement("vcpu0")] == [True, False]
    with pytest.raises(ValueError, match="the program is broken here"):
        machine.run_statement("vcpu0")


# --- back, forth and aside ------------------------------------------------------------------------------------------

def test_any_state_of_a_schedule_can_be_gone_to_back_and_forth():
    machine = Stepper(two_threads(), "a2 b1 a2")
    after = {}
    for n in (5, 0, 3, 2, 4, 1):
        machine.go_to(n)
        assert len(machine.trace) == n and len(machine.ahead) == 5 - n
        after[n] = machine.schedule, {cell.name: value for cell, value in machine.values.items()}
    assert after[3] == ("a2 b1", {"s.x": 5, "s.y": 0})
    assert after[0] == ("", {})
    with pytest.raises(ValueError, match="no step 6: this schedule has 5"):
        machine.go_to(6)


def test_what_was_undone_can_be_redone_until_another_step_is_taken():
    machine = Stepper(two_threads(), "a2 b1")
    machine.undo(2)
    machine.redo()
    assert (machine.schedule, machine.ahead) == ("a2", ["b"])
    machine.undo()
    machine.step("a")
    assert machine.ahead == ["b"], "the same step again keeps what comes after it"
    machine.step("a")
    assert machine.ahead == []
    machine.redo()
    assert machine.schedule == "a3"


def test_a_broken_state_can_be_left_and_come_back_to():
    program = scenarios.page_moves_during_use(MUTANTS["clears_under_the_read_lock"].livepatch)
    machine = Stepper(program, "v2 n14 v2")
    machine.undo()
    assert machine.wrong is None
    machine.redo()
    assert machine.wrong.property == "guest_writes_reach_the_guest"


def test_a_branch_goes_its_own_way():
    machine = Stepper(two_threads(), "a2 b1")
    machine.undo()
    branch = machine.branch()
    branch.step("a")
    assert (machine.schedule, branch.schedule) == ("a2", "a3")
    assert (machine.ahead, branch.ahead) == (["b"], [])


def test_a_schedule_can_be_pasted_and_a_bad_one_changes_nothing():
    machine = Stepper(two_threads(), "b1")
    assert words(machine.paste("a1 b1"))[-1] == "stores 5 in s.x"
    for bad in ("x3", "a1 b2"):
        with pytest.raises(ValueError):
            machine.paste(bad)
        assert machine.schedule == "a1 b1"
