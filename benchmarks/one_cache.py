"""One cache under readers, refreshers and invalidators: the model that benchmarks/explorer.py gives to every engine.

It is virt/kvm/pfncache.c with fewer fields, so that it can be written by hand in the languages of other checkers, step
for step the same: one_cache.pml for Spin, one_cache.hny for Harmony. One `yield` is one step there, too.

`python one_cache.py "R1 F1 I1" BACKEND SYMMETRY` is what the benchmark times of ours.

Pages are numbers from 1 on; each invalidation moves the guest's page to the next one. 0 is no page.
"""
import sys

from pfncache_edu import Program, Thread, explore, kernel
from pfncache_edu.locks import (mutex, mutex_lock, mutex_unlock, read_lock, read_unlock, rwlock_t, spin_lock, spin_unlock,
                                spinlock_t, write_lock, write_unlock)
from pfncache_edu.program import Watch
from pfncache_edu.steps import Step, Struct, Verb, Violation, field

USE = Verb("use", "writes to page {argument}", lambda _, host: (None, host))


class one_cache(Struct):
    """A cache, the page table entry `host` behind it, and the notifier's count and sequence."""
    refresh_lock = mutex()
    lock = rwlock_t()
    gpc_lock = spinlock_t()
    mmu_lock = rwlock_t()
    mn_lock = spinlock_t()
    valid = field(False)
    pfn = field(0)
    khva = field(0)
    host = field(1)
    count = field(0)
    seq = field(0)


@kernel
def reader(c, rounds):
    """Writes to the guest's page, `rounds` times: check - use, or else refresh and check again."""
    for _ in range(rounds):
        while True:
            yield read_lock(c.lock)
            if (yield c.valid):
                break
            yield read_unlock(c.lock)
            yield from refresh(c)
        yield Step(USE, (c.host,), (yield c.khva))
        yield read_unlock(c.lock)


@kernel
def refresher(c, rounds):
    """Refreshes the cache, `rounds` times."""
    for _ in range(rounds):
        yield from refresh(c)


@kernel
def refresh(c):
    """Make the cache valid again."""
    yield mutex_lock(c.refresh_lock)
    yield write_lock(c.lock)
    if not (yield c.valid):
        yield from look_up(c)
    yield write_unlock(c.lock)
    yield mutex_unlock(c.refresh_lock)


@kernel
def look_up(c):
    """Look the page up until no invalidation came in between, then publish it."""
    while True:
        seq = yield c.seq
        yield write_unlock(c.lock)
        page = yield c.host
        yield write_lock(c.lock)
        if (yield c.count) == 0 and (yield c.seq) == seq:
            break
    yield c.valid.set(True)
    yield c.pfn.set(page)
    yield c.khva.set(page)


@kernel
def invalidator(c, rounds):
    """Moves the guest's page, `rounds` times, inside the bracket that tells the cache."""
    for _ in range(rounds):
        yield spin_lock(c.mn_lock)
        yield c.count.add(1)
        yield spin_unlock(c.mn_lock)

        yield spin_lock(c.gpc_lock)
        yield read_lock(c.lock)
        if (yield c.valid):
            yield read_unlock(c.lock)
            yield write_lock(c.lock)
            if (yield c.valid):
                yield c.valid.set(False)
            yield write_unlock(c.lock)
        else:
            yield read_unlock(c.lock)
        yield spin_unlock(c.gpc_lock)

        yield c.host.add(1)

        yield write_lock(c.mmu_lock)
        yield c.seq.add(1)
        yield write_unlock(c.mmu_lock)

        yield spin_lock(c.mn_lock)
        yield c.count.add(-1)
        yield spin_unlock(c.mn_lock)


def _use(_, thread, step, old, result):
    if step.verb is USE and old != (step.argument,):
        raise Violation("uses_the_current_page", f"{thread} writes to page {step.argument}, but the guest's is {old[0]}")


ROLES = {"R": reader, "F": refresher, "I": invalidator}


def program(instance: str) -> Program:
    """The threads that an instance such as "R1 R1 F1 I1" names: a role and its number of rounds, each."""
    c = one_cache("c")
    threads = tuple(Thread(f"{word}.{n}", ROLES[word[0]], (c, int(word[1:]))) for n, word in enumerate(instance.split()))
    return Program(instance, threads, (Watch("uses_the_current_page", _use),))


def main(instance: str, backend: str, symmetry: str) -> None:
    """One search. Like pan and Harmony as the benchmark calls them, it does not look for endless loops."""
    verdict = explore(program(instance), max_states=10**8, symmetry=symmetry == "1", spinning=False, backend=backend)
    print(f"{verdict.outcome}: {verdict.states} states")


if __name__ == "__main__":
    main(*sys.argv[1:])
