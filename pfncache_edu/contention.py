"""Contention: what an invalidation that has nothing to do with a cache costs the cache's users, before and after the patch.

    before, after = simulate(Workload(readers=8, rate=100_000), patched=False), simulate(Workload(readers=8, rate=100_000))
    before.turned_away, after.turned_away                  reads that had to wait: many, and none at all
    for outcome in sweep(grid(Workload())): ...            many workloads, on all CPUs

Readers take the read lock, check, use the cache for `hold_ns`, release, and think. Notifiers call the kernel's own
kvm_mmu_notifier_invalidate_range_start() and _end(). Both are the functions in kvm/, in virtual time (interpreters/simulator.py).

Counts teach, times only illustrate: the costs are those of one machine, and a lock taken for nothing is one everywhere.
"""
from __future__ import annotations

import math
import os
import queue
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from uuid import UUID, uuid4

from .interpreters.simulator import FAR, Costs, Hold, Note, Simulator, Wait, clock, note, sleep, spend
from .kvm import before_the_patch
from .kvm.mmu_notifier import kvm_mmu_notifier_invalidate_range_end, kvm_mmu_notifier_invalidate_range_start
from .kvm.pfncache import gfn_to_pfn_cache_invalidate_start, kvm_gpc_check, kvm_gpc_refresh
from .kvm.structs import PAGE_SIZE, gfn_to_pfn_cache, khva_t, kvm, kvm_memory_slot, kvm_memslots, mm_struct
from .locks import read_lock_irq, read_trylock, read_unlock, read_unlock_irq
from .program import Program, Thread
from .steps import Steps, kernel

FIRST_PAGE = 0x7000
BEFORE, AFTER = "before", "after"
LIVEPATCHES = {BEFORE: {gfn_to_pfn_cache_invalidate_start: before_the_patch.gfn_to_pfn_cache_invalidate_start}, AFTER: {}}
BATCHES = 20
STUDENT_T = 2.093                     # 95 % of Student's t with BATCHES - 1 degrees of freedom lie within
QUANTILES = (0.5, 0.9, 0.99, 0.999)


@dataclass(frozen=True)
class Workload:
    """Who uses the caches and who invalidates. Times in ns, `rate` in invalidations per second of each notifier.

    readers             how many vCPUs use a cache; reader n uses cache n modulo `caches`
    rate                a paced (open) notifier begins that often, or at once if it is late; None: back to back (closed)
    pause_ns            back to back: from the end of an invalidation to the start of the next. A refresh can only succeed
                        where no invalidation is open, so with related ones and no pause the readers wait for ever
    related             the share of invalidations whose range is the page of a cache; the others hit no memslot
    interrupt_readers   so many of the readers are in interrupt context: they pass a waiting writer and cannot refresh
    trying_readers      so many of the others use read_trylock, and give up if it fails or the cache is not valid
    cpus                how many CPUs the threads share, except those in interrupt context; None: each has one of its own
    random_times        thinking and pacing are exponential with these means; otherwise exactly as long. Holding is exact.
    """
    readers: int = 8
    rate: float | None = 100_000
    related: float = 0.0
    caches: int = 1
    notifiers: int = 1
    pause_ns: float = 100
    hold_ns: float = 500
    think_ns: float = 10_000
    interrupt_readers: int = 0
    trying_readers: int = 0
    random_times: bool = True
    cpus: int | None = None

    def __post_init__(self):
        if self.caches < 1 or self.readers < 0 or self.notifiers < 0:
            raise ValueError("a workload has at least one cache, and no negative number of readers or notifiers")
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise ValueError(f"{self.rate} is no rate: give invalidations per second, or None for back to back")
        if not 0 <= self.related <= 1:
            raise ValueError(f"the related share is between 0 and 1, not {self.related}")
        if not (self.hold_ns >= 0 and self.think_ns >= 0 and self.pause_ns >= 0):
            raise ValueError("holding, thinking and pausing take 0 ns or more")
        if self.cpus is not None and self.cpus < 1:
            raise ValueError(f"{self.cpus} CPUs run nothing: give a number from 1 on, or None for one for each thread")
        if min(self.interrupt_readers, self.trying_readers) < 0 or self.interrupt_readers + self.trying_readers > self.readers:
            raise ValueError(f"interrupt_readers and trying_readers are some of the {self.readers} readers")


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval by batch means: the truth lies within `mean` ± `half_width`, if batches are long enough."""
    mean: float
    half_width: float
    unit: str

    def __str__(self):
        return f"{self.mean:,.4g} ± {self.half_width:,.2g} {self.unit}"


@dataclass(frozen=True)
class Outcome:
    """What came out of a simulation, after the warm-up.

    reads                    completed reads: under the read lock, of a valid cache
    turned_away              those of them that could not enter the read lock at once
    turned_away_by           the same by who was in the way: "notifier holds", "notifier waits", "vcpu holds", "vcpu waits"
    share_turned_away        turned_away / reads
    trylock_failures         read_trylock() that answered no
    gave_up                  reads that found the cache invalid, or the trylock busy, and could not refresh
    invalidations            completed ones
    write_locks              how often notifiers held a cache's lock for write, and gave it back
    write_locks_for_nothing  those of them under which nothing was stored
    hook                     ns in kvm_mmu_notifier_invalidate_range_start(), each
    latency                  quantile -> ns from wanting to read to having released, and 1.0 -> the longest
    throughput               reads per second, all readers together
    seconds                  virtual seconds that were observed
    """
    variant: str
    workload: Workload
    seconds: float
    reads: int
    turned_away: int
    turned_away_by: dict[str, int]
    share_turned_away: Estimate
    trylock_failures: int
    gave_up: int
    invalidations: int
    write_locks: int
    write_locks_for_nothing: int
    hook: Estimate
    latency: dict[float, float]
    throughput: Estimate
    waits_ns: tuple[float, ...] = field(repr=False, default=())
    """How long each of the reads that were turned away waited in the lock, in ns, in the order of their ends."""


# --- who takes part -------------------------------------------------------------------------------------------------

@kernel
def reads_again_and_again(gpc: gfn_to_pfn_cache, workload: Workload, kind: str, dice: random.Random) -> Steps[None]:
    """A reader: thinks, reads, notes how long that took, for ever."""
    read = {"vcpu": read_once, "handler": read_in_interrupt, "trier": read_if_free}[kind]
    while True:
        yield spend(dice.expovariate(1 / workload.think_ns) if workload.random_times and workload.think_ns else workload.think_ns)
        began = yield clock()
        done = yield from read(gpc, workload.hold_ns)
        yield note("read" if done else "gave up", (yield clock()) - began)


@kernel
def read_once(gpc: gfn_to_pfn_cache, hold_ns: float) -> Steps[bool]:
    """What every user of a cache does: take the read lock - check - use, or else drop and refresh - release."""
    while True:
        yield read_lock_irq(gpc.lock)
        if (yield from kvm_gpc_check(gpc, 8)):
            break
        yield read_unlock_irq(gpc.lock)
        if (yield from kvm_gpc_refresh(gpc, 8)):
            return False
    yield spend(hold_ns)
    yield read_unlock_irq(gpc.lock)
    return True


@kernel
def read_in_interrupt(gpc: gfn_to_pfn_cache, hold_ns: float) -> Steps[bool]:
    """As an event channel is set from an interrupt: with a cache that is not valid it is left to somebody who may sleep."""
    yield read_lock_irq(gpc.lock)
    return (yield from use(gpc, hold_ns))


@kernel
def read_if_free(gpc: gfn_to_pfn_cache, hold_ns: float) -> Steps[bool]:
    """As the run state is updated where nobody may spin: if the lock is not free it is left for later."""
    if not (yield read_trylock(gpc.lock)):
        return False
    return (yield from use(gpc, hold_ns))


@kernel
def use(gpc: gfn_to_pfn_cache, hold_ns: float) -> Steps[bool]:
    """Use the cache if it is valid, and release its lock."""
    valid = yield from kvm_gpc_check(gpc, 8)
    if valid:
        yield spend(hold_ns)
    yield read_unlock(gpc.lock)
    return valid


@kernel
def invalidates_again_and_again(kvm: kvm, workload: Workload, dice: random.Random) -> Steps[None]:
    """A notifier: waits for its time, then runs one invalidation from start to end, for ever."""
    due = 0.0
    while True:
        if workload.rate is not None:
            gap = 1e9 / workload.rate
            due += dice.expovariate(1 / gap) if workload.random_times else gap
            now = yield clock()
            if now < due:
                yield sleep(due - now)
        else:
            yield spend(workload.pause_ns)
        start = choose_range(workload, dice)
        began = yield clock()
        yield from kvm_mmu_notifier_invalidate_range_start(kvm, start, start + PAGE_SIZE)
        yield note("hook", (yield clock()) - began)
        yield from kvm_mmu_notifier_invalidate_range_end(kvm, start, start + PAGE_SIZE)


def choose_range(workload: Workload, dice: random.Random) -> int:
    """The user address where the next invalidated page begins: the page of one of the caches, or one behind all memslots."""
    related, which = dice.random() < workload.related, dice.randrange(workload.caches)
    return FIRST_PAGE + (which if related else workload.caches + 1) * PAGE_SIZE


def program_of(workload: Workload, variant: str = AFTER, seed: int = 0) -> tuple[Program, frozenset[str]]:
    """The workload as a program, and which of its threads are in interrupt context.

    Both variants of a seed get the same random numbers, so that what differs is the patch. A program is for one run.
    """
    vm, caches = machine(workload.caches)
    kinds = (["handler"] * workload.interrupt_readers + ["trier"] * workload.trying_readers)
    kinds += ["vcpu"] * (workload.readers - len(kinds))
    readers = [Thread(f"{kind}{n}", reads_again_and_again,
                      (caches[n % workload.caches], workload, kind, random.Random(f"{seed} {kind}{n}")))
               for n, kind in enumerate(kinds)]
    notifiers = [Thread(f"notifier{n}", invalidates_again_and_again, (vm, workload, random.Random(f"{seed} notifier{n}")))
                 for n in range(workload.notifiers)]
    still = {vm.memslots, vm.mn_memslots_update_rcuwait, vm.gpc_list}
    still |= {cell for gpc in caches for cell in (gpc.active, gpc.generation, gpc.gpa, gpc.uhva, gpc.memslot)}
    program = Program("contention", (*readers, *notifiers), (), LIVEPATCHES[variant], frozenset(still))
    return program, frozenset(thread.name for thread in readers if thread.name.startswith("handler"))


def machine(caches: int) -> tuple[kvm, tuple[gfn_to_pfn_cache, ...]]:
    """A VM whose guest pages 0, 1, … are cached and valid."""
    pages = {FIRST_PAGE + n * PAGE_SIZE: f"page{n}" for n in range(caches)}
    vm = kvm("kvm", mm=mm_struct("mm", pages), memslots=kvm_memslots(1, (kvm_memory_slot(0, caches, FIRST_PAGE),)))
    made = tuple(gfn_to_pfn_cache(f"gpc{n}", kvm=vm, active=True, valid=True, generation=1, gpa=n * PAGE_SIZE, uhva=uhva,
                                  pfn=page, khva=khva_t(page)) for n, (uhva, page) in enumerate(pages.items()))
    vm.gpc_list.initial = made
    return vm, made


# --- one simulation ---------------------------------------------------------------------------------------------------

def simulate(workload: Workload, *, patched: bool = True, seconds: float = 0.02, seed: int = 0, costs: Costs = FAR,
             progress: Callable[[float], None] = lambda _: None) -> Outcome:
    """Run a workload for so many virtual seconds, after a tenth as much of warm-up. The same arguments give the same outcome.

    `progress` hears now and then what share is done, 0 to 1.
    ValueError if `seconds` is not positive.
    """
    if not 0 < seconds < math.inf:
        raise ValueError(f"{seconds} is no number of seconds to simulate")
    variant = AFTER if patched else BEFORE
    program, in_interrupt = program_of(workload, variant, seed)
    simulator = Simulator(program, costs=costs, in_interrupt=in_interrupt, cpus=workload.cpus)
    begin, length = seconds * 1e8, seconds * 1e9
    simulator.run(begin)
    warm_up = Counter(simulator.counts)
    for n in range(1, BATCHES + 1):
        simulator.run(begin + length * n / BATCHES)
        progress(n / BATCHES)
    counts = simulator.counts - warm_up
    reads, hooks = _noted(simulator, "read", begin), _noted(simulator, "hook", begin)
    away = _turned_away(reads, simulator.waits)
    batch = length / BATCHES
    per_batch = _batches(reads, begin, batch)
    away_per_batch = _batches([n for n, _ in away], begin, batch)
    return Outcome(
        variant=variant, workload=workload, seconds=seconds, reads=len(reads), turned_away=len(away),
        turned_away_by=dict(sorted(Counter(_who(wait) for _, wait in away).items())),
        share_turned_away=batch_means([len(a) / len(b) for a, b in zip(away_per_batch, per_batch) if b], "of reads"),
        trylock_failures=_total(counts, "failed", "trier"), gave_up=len(_noted(simulator, "gave up", begin)),
        invalidations=len(hooks), write_locks=_total(counts, "for a store", "notifier") + _total(counts, "for nothing", "notifier"),
        write_locks_for_nothing=_total(counts, "for nothing", "notifier"),
        hook=batch_means([fmean(n.number for n in b) for b in _batches(hooks, begin, batch) if b], "ns"),
        latency=_quantiles([n.number for n in reads]),
        throughput=batch_means([len(b) / batch * 1e9 for b in per_batch], "reads/s"),
        waits_ns=tuple(wait.entered - wait.asked for _, wait in away))


def _noted(simulator: Simulator, what: str, begin: float) -> list[Note]:
    return [n for n in simulator.notes if n.what == what and n.time >= begin]


def _turned_away(reads: list[Note], waits: list[Wait]) -> list[tuple[Note, Wait]]:
    """Each read that waited in the read lock of its cache, with its first such wait."""
    of_thread: dict[str, list[Wait]] = defaultdict(list)
    for wait in waits:
        if wait.mode == "read":
            of_thread[wait.thread].append(wait)
    at: Counter[str] = Counter()
    away = []
    for read in reads:
        own, began, first = of_thread[read.thread], read.time - read.number, None
        while at[read.thread] < len(own) and own[at[read.thread]].entered <= read.time:
            wait = own[at[read.thread]]
            at[read.thread] += 1
            if wait.asked >= began and first is None:
                first = wait
        if first:
            away.append((read, first))
    return away


def _who(wait: Wait) -> str:
    return f"{wait.behind.rstrip('0123456789')} {'waits' if wait.waiting else 'holds'}"


def _total(counts: Counter, what: str, role: str) -> int:
    """How often threads of a role did something to the lock of a cache."""
    return sum(n for (counted, thread, lock), n in counts.items()
               if counted == what and thread.startswith(role) and lock.startswith("gpc"))


def _batches(notes: list[Note], begin: float, batch: float) -> list[list[Note]]:
    batches: list[list[Note]] = [[] for _ in range(BATCHES)]
    for n in notes:
        batches[min(int((n.time - begin) / batch), BATCHES - 1)].append(n)
    return batches


def batch_means(means: list[float], unit: str) -> Estimate:
    """An estimate from the means of BATCHES batches; nan if there are none, and an endless interval if there is one."""
    if not means:
        return Estimate(math.nan, math.nan, unit)
    if len(means) == 1:
        return Estimate(means[0], math.inf, unit)
    return Estimate(fmean(means), STUDENT_T * stdev(means) / math.sqrt(len(means)), unit)


def _quantiles(values: list[float]) -> dict[float, float]:
    """The smallest value that so great a share of all does not exceed."""
    ordered = sorted(values)
    return {q: ordered[max(math.ceil(q * len(ordered)) - 1, 0)] for q in (*QUANTILES, 1.0)} if ordered else {}


# --- a short time, closely ------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class CloseUp:
    """Who held and who waited for the lock of a cache from `begin` to `end` ns. A thread that still waits has entered None."""
    variant: str
    workload: Workload
    begin: float
    end: float
    threads: tuple[str, ...]
    holds: tuple[Hold, ...]
    waits: tuple[Wait, ...]


def close_up(workload: Workload, *, patched: bool = True, begin: float = 20_000, length: float = 10_000, seed: int = 0,
             costs: Costs = FAR, lock: str = "gpc0.lock") -> CloseUp:
    """What happened at one lock in `length` ns of the same run that `simulate` counts, from `begin` ns on."""
    variant = AFTER if patched else BEFORE
    program, in_interrupt = program_of(workload, variant, seed)
    simulator = Simulator(program, costs=costs, in_interrupt=in_interrupt, record_holds=True, cpus=workload.cpus)
    simulator.run(end := begin + length)
    holds = tuple(h for h in (*simulator.holds, *simulator.held_now()) if h.lock == lock and (h.left is None or h.left > begin))
    waits = tuple(w for w in (*simulator.waits, *simulator.waiting_now())
                  if w.lock == lock and (w.entered is None or w.entered > begin))
    return CloseUp(variant, workload, begin, end, tuple(t.name for t in program.threads), holds, waits)


# --- many simulations -------------------------------------------------------------------------------------------------

READERS = (1, 2, 4, 8, 16, 32, 64, 128)
RATES = (1_000, 5_000, 10_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


@dataclass(frozen=True)
class Job:
    """One simulation of a sweep."""
    workload: Workload
    patched: bool
    seconds: float
    seed: int = 0
    costs: Costs = FAR

    def run(self) -> Outcome:
        """Simulate it."""
        return simulate(self.workload, patched=self.patched, seconds=self.seconds, seed=self.seed, costs=self.costs)


def grid(workload: Workload, readers: Iterable[int] = READERS, rates: Iterable[float] = RATES, *, steps: int = 30_000,
         seed: int = 0, costs: Costs = FAR) -> list[Job]:
    """Both variants of the workload for all these numbers of readers and rates, each for about so many steps."""
    cells = [replace(workload, readers=n, rate=rate) for n in readers for rate in rates]
    return [Job(cell, patched, steps / steps_per_second(cell), seed, costs) for cell in cells for patched in (False, True)]


def steps_per_second(workload: Workload) -> float:
    """How many steps a virtual second has if nobody waits: 13 for a read, 14 and 4 for each cache for an invalidation."""
    rate = workload.rate or 1e9 / (workload.pause_ns + 100)
    return (13 * workload.readers * 1e9 / (workload.hold_ns + workload.think_ns + 100)
            + (14 + 4 * workload.caches) * workload.notifiers * rate)


def sweep(jobs: Iterable[Job], executor=None, *, processes: int | None = None,
          finished: Callable[[Outcome], None] = lambda _: None) -> Iterator[Outcome]:
    """The outcomes of the jobs, as they come: keep each, and what is finished is kept when you are interrupted.

    `executor` is anything with `submit(function, *arguments)` whose futures have `add_done_callback`, `result` and
    `cancel`: an executor of concurrent.futures or a Dask client. It stays open. Without one, `processes`
    processes are started and ended, by default one per CPU.
    """
    own = executor is None
    if own:
        from concurrent.futures import ProcessPoolExecutor      # not where there are no processes, as in a browser

        executor = ProcessPoolExecutor(processes or os.cpu_count() or 1, initializer=_leave_interrupts_to_the_parent)
    futures = []
    try:
        done: queue.SimpleQueue = queue.SimpleQueue()
        futures = [executor.submit(_run, job, uuid4()) for job in jobs]
        for future in futures:
            future.add_done_callback(done.put)
        for _ in futures:
            outcome = done.get().result()
            finished(outcome)
            yield outcome
    finally:
        for future in futures:
            future.cancel()
        if own:
            executor.shutdown(wait=True, cancel_futures=True)


def _run(job: Job, _: UUID) -> Outcome:
    """Run a job, as a task unlike all others: Dask takes equal calls for one, and would cancel it in another sweep, too."""
    return job.run()


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches all processes of a terminal; the one that collects the outcomes deals with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
