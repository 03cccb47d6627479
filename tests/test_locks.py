"""Locks: what each policy allows, and the deadlocks that come from it. The explorer is the witness."""
import pytest

from pfncache_edu import (Invariant, Program, Thread, explore, kernel, mutex_lock, mutex_unlock, read_lock, read_lock_irq,
                          read_trylock, read_unlock, read_unlock_irq, run, spin_lock, spin_unlock, write_lock,
                          write_lock_irq, write_trylock, write_unlock, write_unlock_irq)
from pfncache_edu.locks import mutex, rwlock_t, spinlock_t
from pfncache_edu.steps import Struct, field


class place(Struct):
    lock = rwlock_t()
    mutex = mutex()
    spinlock = spinlock_t()
    readers = field(0)
    writers = field(0)
    got = field("")


@kernel
def reads(s):
    yield read_lock(s.lock)
    yield s.readers.add(1)
    yield s.readers.add(-1)
    yield read_unlock(s.lock)


@kernel
def writes(s):
    yield write_lock(s.lock)
    yield s.writers.add(1)
    yield s.writers.add(-1)
    yield write_unlock(s.lock)


@kernel
def reads_twice(s):
    yield read_lock(s.lock)
    yield read_lock(s.lock)
    yield read_unlock(s.lock)
    yield read_unlock(s.lock)


@kernel
def upgrades(s):
    yield read_lock(s.lock)
    yield write_lock(s.lock)
    yield write_unlock(s.lock)
    yield read_unlock(s.lock)


def program(*functions, handlers=(), fair=False, properties=lambda s: ()):
    s = place("s")
    threads = [Thread("abcd"[n], f, (s,)) for n, f in enumerate(functions)]
    threads += [Thread("irq", f, (s,), interrupts=name) for name, f in handlers]
    return Program("locks", tuple(threads), properties(s), fair_locks=fair)


def writers_are_alone(s):
    return (Invariant("writers_are_alone", (s.readers, s.writers),
                      lambda r, w: f"{r} readers and {w} writers are inside" if w > 1 or w and r else None),)


def two_readers_never_meet(s):
    return (Invariant("two_readers_never_meet", (s.readers,), lambda r: "two readers are inside" if r > 1 else None),)


@pytest.mark.parametrize("fair", [False, True])
def test_a_writer_is_alone_and_readers_are_not(fair):
    assert explore(program(reads, reads, writes, writes, fair=fair, properties=writers_are_alone)).holds
    assert explore(program(reads, reads, fair=fair, properties=two_readers_never_meet)).outcome == "violated"


def test_reading_twice_is_harmless_while_readers_may_pass_a_waiting_writer():
    assert explore(program(reads_twice, writes)).holds


def test_reading_twice_is_a_deadlock_when_a_waiting_writer_goes_first():
    verdict = explore(program(reads_twice, writes, fair=True))
    assert (verdict.outcome, verdict.schedule) == ("deadlock", "a1 b1")
    assert verdict.sentence == ("a wants s.lock for read, behind b, which waits for it for write; "
                                "b waits for s.lock, which a holds for read")


@pytest.mark.parametrize("fair", [False, True])
def test_an_upgrade_is_a_deadlock_by_oneself(fair):
    verdict = explore(program(upgrades, fair=fair))
    assert verdict.outcome == "deadlock" and "a waits for s.lock, which it holds itself for read" in verdict.sentence


def test_a_writer_that_waits_says_so_in_a_step_of_its_own():
    trace = run(program(reads, writes, fair=True), "a1 b1 a3 b1")
    assert [event.words for event in trace if event.thread == "b"] == [
        "stands in line for s.lock (write)", "takes s.lock for write"]


@kernel
def tries(s):
    yield s.got.set("tried and " + ("got it" if (yield read_trylock(s.lock)) else "did not get it"))


@kernel
def tries_and_releases(s):
    if (yield read_trylock(s.lock)):
        yield read_unlock(s.lock)


@kernel
def tries_to_write(s):
    if (yield write_trylock(s.lock)):
        yield write_unlock(s.lock)


def test_a_trylock_fails_when_a_writer_holds_or_waits():
    held = run(program(tries, writes), "b1 a1")
    waiting = run(program(tries, writes, reads, fair=True), "c1 b1 a1")
    passing = run(program(tries, writes, reads), "c1 a1")
    assert [t[-1].result for t in (held, waiting, passing)] == [False, False, True]


def test_trylocks_never_wait():
    assert explore(program(tries_and_releases, tries_to_write, writes, fair=True)).holds


@kernel
def writes_with_interrupts_off(s):
    yield write_lock_irq(s.lock)
    yield write_unlock_irq(s.lock)


@kernel
def reads_with_interrupts_off(s):
    yield read_lock_irq(s.lock)
    yield read_unlock_irq(s.lock)


def test_an_interrupt_that_reads_deadlocks_with_a_write_holder_that_left_interrupts_on():
    verdict = explore(program(writes, handlers=[("a", reads)]))
    assert (verdict.outcome, verdict.schedule) == ("deadlock", "a1 i1")
    assert "irq waits for s.lock, which a holds for write" in verdict.sentence


def test_write_lock_irq_keeps_the_interrupt_out():
    assert explore(program(writes_with_interrupts_off, handlers=[("a", reads)])).holds


def test_an_interrupt_reader_passes_a_waiting_writer():
    """Otherwise it would wait for ever: the reader that it interrupted keeps the writer out."""
    assert explore(program(reads, writes_with_interrupts_off, handlers=[("a", reads)], fair=True)).holds


def test_while_a_handler_runs_the_thread_it_interrupted_stands_still():
    p = program(reads, handlers=[("a", reads)])
    with pytest.raises(ValueError, match="a cannot run: it was interrupted"):
        run(p, "a1 i1 a1")
    assert [event.thread for event in run(p, "a1 i5 a3")] == ["a"] + ["irq"] * 5 + ["a"] * 3


def test_a_handler_waits_while_interrupts_are_off():
    with pytest.raises(ValueError, match="irq cannot run: it waits until interrupts are on where a runs"):
        run(program(reads_with_interrupts_off, handlers=[("a", reads)]), "a1 i1")


@kernel
def sleeps(s):
    yield mutex_lock(s.mutex)
    yield spin_lock(s.spinlock)
    yield spin_unlock(s.spinlock)
    yield mutex_unlock(s.mutex)


def test_mutex_and_spinlock_let_one_in_at_a_time():
    verdict = explore(program(sleeps, sleeps, sleeps))
    assert verdict.holds and verdict.searched < verdict.states


def test_an_interrupt_of_nobody_is_refused():
    with pytest.raises(ValueError, match="irq interrupts 'z', but the threads are a, irq"):
        program(reads, handlers=[("z", reads)])
