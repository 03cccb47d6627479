"""Writing kernel functions: what a step is, and what a mistake is told to write instead."""
import gc

import pytest

from pfncache_edu import Mistake, Program, Stepper, Thread, explore, kernel, read_lock, run, write_lock, write_unlock
from pfncache_edu.locks import rwlock_t
from pfncache_edu.steps import Cell, Step, Struct, cmpxchg, field, forgotten, livepatched, unguarded, without_collecting


class account(Struct):
    lock = rwlock_t()
    balance = field(0, under=lock)
    limit = field(5, under=lock)


def program(*functions, **options):
    shared = account("account")
    return Program("test", tuple(Thread(f"{'ab'[n]}", f, (shared,)) for n, f in enumerate(functions)), **options)


def mistake_in(function) -> str:
    with pytest.raises(Mistake) as caught:
        explore(program(function))
    return str(caught.value)


@kernel
def deposit(account):
    yield write_lock(account.lock)
    balance = yield account.balance
    yield account.balance.set(balance + 1)
    yield write_unlock(account.lock)


def test_a_load_answers_the_value_and_a_store_changes_it():
    assert [(e.words, e.changed) for e in run(program(deposit))][1:3] == [
        ("reads account.balance -> 0", ()), ("stores 1 in account.balance", (("account.balance", 0, 1),))]


def test_a_field_used_without_yield_is_told_to_yield():
    @kernel
    def forgets(account):
        if account.balance:
            yield account.balance.set(1)
    assert "write `(yield account.balance)` to read it" in mistake_in(forgets)


def test_a_comparison_without_yield_is_told_to_yield():
    @kernel
    def forgets(account):
        yield account.limit
        return account.balance == 3
    assert "write `(yield account.balance)` to compare it" in mistake_in(forgets)


def test_a_step_that_is_dropped_is_reported():
    @kernel
    def forgets(account):
        write_lock(account.lock)
        yield account.balance
    assert "was made but not yielded" in mistake_in(forgets)


def test_a_call_without_yield_from_is_reported():
    @kernel
    def forgets(account):
        deposit(account)
        yield account.balance
    assert "deposit() was called without `yield from`" in mistake_in(forgets)


def test_a_call_with_yield_alone_is_reported():
    @kernel
    def forgets(account):
        yield deposit(account)
    assert "call it with `yield from`" in mistake_in(forgets)


def test_a_call_used_as_a_condition_is_reported():
    @kernel
    def forgets(account):
        if deposit(account):
            yield account.balance
    assert "call it with `yield from deposit(…)`" in mistake_in(forgets)


def test_something_else_that_is_yielded_is_reported_with_the_readers_line():
    @kernel
    def confused(account):
        yield 42
    message = mistake_in(confused)
    assert "yielded 42" in message and "line" in message


def test_an_exception_is_reported_with_the_readers_line():
    @kernel
    def fails(account):
        yield account.balance
        return 1 / 0
    message = mistake_in(fails)
    assert message.startswith("a: fails, line ") and "ZeroDivisionError" in message


def test_an_attribute_that_is_assigned_is_told_to_store():
    @kernel
    def assigns(account):
        yield account.limit
        account.balance = 3
    assert "write `yield account.balance.set(…)` to store in it" in mistake_in(assigns)


def test_a_lock_of_the_wrong_kind_is_reported():
    @kernel
    def confused(account):
        yield read_lock(account.balance)
    assert "read_lock() takes a rwlock, but account.balance is a data" in mistake_in(confused)


def test_a_function_that_depends_on_a_variable_outside_of_it_is_reported():
    calls = []

    @kernel
    def counts_calls(account):
        calls.append(None)
        if len(calls) % 2:
            yield account.balance
        yield account.limit
    assert "may depend only on its arguments" in mistake_in(counts_calls)


def test_an_unknown_field_is_refused_with_the_ones_there_are():
    with pytest.raises(TypeError, match="has no field colour; it has lock, balance, limit"):
        account("account", colour=1)


def test_a_livepatch_reaches_calls_in_other_functions_and_the_original_stays_reachable():
    @kernel
    def twice(account):
        yield from deposit.function(account)
        yield from deposit.function(account)

    @kernel
    def caller(account):
        yield from deposit(account)
    patched = program(caller, livepatch={deposit: twice})
    assert sum(e.step.verb.name == "store" for e in run(patched)) == 2
    with livepatched({}):
        assert sum(e.step.verb.name == "store" for e in run(program(caller))) == 1


def test_a_still_field_is_no_step_and_must_stay():
    shared = account("account")
    still = Program("still", (Thread("a", deposit, (shared,)),), still=frozenset({shared.balance}))
    with pytest.raises(Mistake, match="account.balance stays 0"):
        run(still)

    @kernel
    def reads(account):
        limit = yield account.limit
        yield account.limit.set(limit)
        return (yield account.balance)
    shared = account("account")
    quiet = Program("still", (Thread("a", reads, (shared,)),), still=frozenset({shared.limit}))
    assert [e.words for e in run(quiet)] == ["reads account.balance -> 0"]


def test_the_stepper_says_who_is_in_the_way_and_undoes():
    machine = Stepper(program(deposit, deposit))
    machine.step("a")
    assert machine.waits("b") == "waits for account.lock, which a holds for write"
    with pytest.raises(ValueError, match="b cannot run: it waits for account.lock"):
        machine.step("b")
    machine.undo()
    assert machine.choices() == ["a", "b"] and machine.schedule == ""


def test_a_schedule_that_cannot_be_read_says_what_one_looks_like():
    with pytest.raises(ValueError, match=r"'x3' is not a part of a schedule: .* a3 \(a = a, b = b\)"):
        run(program(deposit, deposit), "a2 x3")


def test_compare_and_swap_stores_only_where_it_finds_what_it_expects():
    cell = Cell("lock.word", 0)
    assert cmpxchg(cell, 0, 1).effect(0) == (True, 1) and cmpxchg(cell, 0, 1).effect(4) == (False, 4)


def test_what_is_forgotten_is_noted_unless_nobody_would_read_it():
    shared = account("account")

    def forgets():
        forgotten.clear()
        write_lock(shared.lock)
        deposit(shared)
        return len(forgotten)
    assert forgets() == 2
    with unguarded():
        with unguarded():
            assert forgets() == 0
        assert forgets() == 0 and isinstance(next(deposit(shared)), Step)         # a call is its generator
    assert forgets() == 2
    forgotten.clear()


def test_the_collector_is_as_it_was_afterwards():
    with without_collecting():
        with without_collecting():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
