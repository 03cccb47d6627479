"""The simulator: a program in virtual time, so that waiting can be counted and costs what it costs.

    machine = Simulator(program, costs=FAR, in_interrupt={"handler"})
    machine.run(until=1_000_000)                 ns; can be called again to go on
    machine.waits, machine.counts, machine.notes         what happened

Every thread has a CPU of its own, or, with `cpus=4`, they share so many (processors.py says how). A step takes the time that `Costs` says, and its effect happens at the end of that time.

A cache line is a single server: one transfer between CPUs at a time, the others stand in line. Taking a lock, also for
read, writes to the lock's line, so that readers who never wait for each other still wait for the line. Without this a
simulator invents speed where there is none.

A rwlock is the kernel's queued rwlock (kernel/locking/qrwlock.c). Whoever cannot enter at once stands in one FIFO. While
a writer is its head, the lock says "a writer waits", and readers who come join the end; a reader in interrupt context
does not join, it waits only while a writer *holds* the lock. A trylock for read fails when a writer holds or is such a
head, one for write when anybody holds or waits. Mutexes and spinlocks are FIFO.
"""
from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heappushpop
from typing import NamedTuple

from ..program import Program, Thread
from ..steps import (ADD, COND_RESCHED, LOAD, SMP_RMB, SMP_WMB, STORE, WAIT_UNTIL, Cell, Mistake, Step, Verb, as_step,
                     livepatched, unguarded, without_collecting)
from .processors import GIVE_CPU, GIVE_WAY, SLEEP, SPEND, TAKE_CPU, Processors, sharing_cpus

# --- steps that only mean something in time -------------------------------------------------------------------------

CLOCK = Verb("clock", "looks at the clock -> {result}", lambda _: (0.0,))
NOTE = Verb("note", "notes {argument}", lambda _: (None,))


def spend(ns: float) -> Step:
    """Work for that long, touching nothing that others can see."""
    if not ns >= 0:
        raise ValueError(f"a thread cannot work for {ns} ns")
    return Step(SPEND, (), ns)


def sleep(ns: float) -> Step:
    """Do nothing for that long: where threads share CPUs, another one can run."""
    if not ns >= 0:
        raise ValueError(f"a thread cannot sleep for {ns} ns")
    return Step(SLEEP, (), ns)


def clock() -> Step:
    """What time it is, in ns since the start. It takes no time."""
    return _LOOK


_LOOK = Step(CLOCK, ())          # nothing distinguishes one look from another
_LOOK.yielded = True


def note(what: str, number: float) -> Step:
    """Write a number down in the simulator's `notes`. It takes no time."""
    return Step(NOTE, (), (what, number))


# --- what a step costs ----------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Costs:
    """What steps cost, in ns. Where no source is given for a field, it stands in the comment of FAR and NEAR."""
    load: float = 1.0
    """A load or store in the CPU's own cache. Assumed: 4 cycles at 4 GHz, what vendors state for an L1 hit."""
    miss: float = 50.0
    """A load of a line that another CPU wrote."""
    rmw: float = 2.1
    """A locked read-modify-write of a line that this CPU has for itself. Measured: a locked add in a loop, AMD EPYC Zen 4."""
    remote: float = 70.0
    """A write or locked read-modify-write of a line that others have."""
    hand_off: float = 80.0
    """From the release of a lock until the next in line, who spins on it, has noticed and is inside."""
    barrier: float = 0.0
    """smp_rmb() and smp_wmb(). On x86 they keep the compiler from reordering, and are no instruction."""
    resched: float = 1.0
    """cond_resched() with nobody else to run: it looks at a flag. Assumed, as `load`."""
    switch: float = 2_450.0
    """From the last step of a thread to the first of the next on the same CPU. Measured: a byte through a pipe and back,
    with the system calls that takes, AMD EPYC Zen 4. It only matters where threads share CPUs."""

    def __post_init__(self):
        for name, value in vars(self).items():
            if not value >= 0:
                raise ValueError(f"{name} costs {value} ns: a cost is 0 or more")


# Measured: two pinned threads on a user-space lock with qrwlock's rule (AMD EPYC Zen 4, two virtual CPUs, which the
# hypervisor placed in two ways, hence two tables), reader throughput after the patch / before it, for paced invalidations.
# `remote` and `miss` come from a fit of a simpler model to that; `hand_off` was fitted with this simulator to the rows in
# tests/test_simulator.py, in steps of 20 to 40 ns. It then misses the ratios by 1.4 % (far) and 1.1 % (near), root mean
# square, in sample. No other machine was measured.
FAR = Costs(remote=70.0, miss=50.0, hand_off=80.0)
NEAR = Costs(remote=8.0, miss=50.0, hand_off=20.0)
FREE = Costs(load=0, miss=0, rmw=0, remote=0, hand_off=0, barrier=0, resched=0, switch=0)
"""Only `spend` takes time: for comparison with formulas. A loop that waits by looking again never ends with it."""


# --- what is recorded -----------------------------------------------------------------------------------------------

class Wait(NamedTuple):
    """Somebody who could not enter a lock at once. Times in ns; `entered` is after the hand-off, None if it still waits.

    `behind` is the writer that holds the lock or waits for it first, or else the first reader who holds it, and `waiting`
    says whether that one was itself waiting.
    """
    thread: str
    lock: str
    mode: str
    asked: float
    entered: float | None
    behind: str
    waiting: bool


class Hold(NamedTuple):
    """Somebody who was in a lock, from `entered` to `left` ns; `left` is None while it still is."""
    thread: str
    lock: str
    mode: str
    entered: float
    left: float | None


class Note(NamedTuple):
    """What a thread wrote down with `note`: the time in ns, who, what, and its number."""
    time: float
    thread: str
    what: str
    number: float


class _Line:
    """A cache line: who has a copy (a bit per CPU), and until when it is on its way."""
    __slots__ = ("copies", "busy_until")

    def __init__(self):
        self.copies, self.busy_until = 0, 0.0


class _Variable:
    """A cell's value and line; for a lock, who is in it and who waits; `sleepers` wait for a value."""
    __slots__ = ("name", "value", "line", "writer", "readers", "queue", "interrupted", "sleepers", "fixed", "kind", "reads", "writes", "others")

    def __init__(self, cell: Cell, line: _Line, fixed: bool):
        self.name, self.value, self.line, self.fixed, self.kind = cell.name, cell.initial, line, fixed, cell.kind
        self.writer: _Cpu | None = None
        self.readers: list[_Cpu] = []
        self.queue: deque[_Cpu] = deque()
        self.interrupted: list[_Cpu] = []              # readers in interrupt context who wait
        self.sleepers: list[_Cpu] = []
        self.reads: dict[_Cpu, int] = defaultdict(int)            # how often a lock was asked for by whom
        self.writes: dict[_Cpu, int] = defaultdict(int)
        self.others: dict[tuple[str, _Cpu], int] = defaultdict(int)

    def counts(self) -> Iterator[tuple[str, str, int]]:
        """(what, thread, how often) of what happened to the lock."""
        alone = _ALONE.get(self.kind, "")
        for what, asked in (("read_lock", self.reads), (alone, self.writes)):
            yield from ((what, cpu.name, n) for cpu, n in asked.items())
        yield from ((what, cpu.name, n) for (what, cpu), n in self.others.items())


_ALONE = {"rwlock": "write_lock", "mutex": "mutex_lock", "spinlock": "spin_lock"}


class _Cpu:
    """A thread and its CPU: its generator, and the step that it is in the middle of, with how that will end."""
    __slots__ = ("name", "send", "bit", "turn", "in_interrupt", "step", "variable", "finish", "mode", "asked", "behind", "waiting",
                 "stored", "since")

    def __init__(self, name: str, generator: Generator, bit: int, in_interrupt: bool):
        self.name, self.send, self.bit, self.in_interrupt = name, generator.send, bit, in_interrupt
        self.turn = 0.0
        self.step: Step | Cell | None = None
        self.variable: _Variable | None = None
        self.finish: Callable = _nothing
        self.mode, self.asked, self.behind, self.waiting, self.stored = "", 0.0, "", False, False
        self.since: dict[_Variable, tuple[str, float]] = {}


_Plan = tuple[Callable, bool, float]
"""What the simulator does with a verb: `finish(cpu, variable, time)`, which answers it, whether it writes to its cache line,
and what it costs if no line moves. A plain tuple: it is unpacked at each step, and a named one takes four times as long."""


# --- the machine ------------------------------------------------------------------------------------------------------

class Simulator:
    """A program in virtual time, from the start to wherever `run` is told to stop. The same program gives the same run.

    waits     every wait for a lock that is over, in the order of entering
    counts    (what, thread, lock) -> how often: what is "read_lock", "read_trylock", …; "waited"; "failed", a trylock;
              "for a store" and "for nothing", a rwlock that was held for write, and whether anything was stored under it
    notes     what threads noted
    holds     every stay in a lock that is over, if `record_holds`
    now       the time in ns
    """

    def __init__(self, program: Program, *, costs: Costs = FAR, in_interrupt: Iterable[str] = (), record_holds: bool = False,
                 cpus: int | None = None):
        if cpus is not None and cpus < 1:
            raise ValueError(f"{cpus} CPUs run nothing: give a number from 1 on, or None for one for each thread")
        unknown = set(in_interrupt) - {thread.name for thread in program.threads}
        if unknown:
            raise ValueError(f"there is no thread {sorted(unknown)[0]!r} to run in interrupt context")
        self.program, self.costs, self.now = program, costs, 0.0
        self.waits: list[Wait] = []
        self.notes: list[Note] = []
        self.holds: list[Hold] = []
        self._record_holds = record_holds
        self._variables: dict[Cell, _Variable] = {}
        self._data: dict[Cell, _Variable] = {}                    # those that were loaded
        self._lines: dict[str, _Line] = {}
        self._plans: dict[Verb, _Plan] = {}
        self._order = 0
        self._agenda: list[tuple[float, int, _Cpu]] = []
        with livepatched(program.livepatch):
            self._processors = Processors(cpus or 0)
            self._cpus = [self._started(thread, 1 << (n + (cpus or 0)), thread.name in in_interrupt, cpus is not None)
                          for n, thread in enumerate(program.threads)]
            for cpu in self._cpus:
                self._later(0.0, cpu)

    @staticmethod
    def _started(thread: Thread, bit: int, in_interrupt: bool, shared: bool) -> _Cpu:
        steps = iter(thread.function(*thread.args))
        return _Cpu(thread.name, sharing_cpus(steps) if shared and not in_interrupt else steps, bit, in_interrupt)

    @property
    def counts(self) -> Counter[tuple[str, str, str]]:
        return Counter({(what, thread, variable.name): n for variable in self._variables.values()
                        for what, thread, n in variable.counts()})

    def value(self, cell: Cell):
        """What the cell holds now."""
        return self._variables[cell].value if cell in self._variables else cell.initial

    def stuck(self) -> list[str]:
        """The threads that wait for a lock or a value now."""
        return [cpu.name for variable in self._variables.values()
                for cpu in (*variable.queue, *variable.interrupted, *variable.sleepers)]

    def waiting_now(self) -> list[Wait]:
        """The waits for locks that are not over."""
        asked = [(cpu, variable) for variable in self._variables.values() for cpu in (*variable.queue, *variable.interrupted)]
        asked += [(cpu, cpu.variable) for cpu in self._cpus if cpu.finish == self._entered]
        return [Wait(cpu.name, lock.name, cpu.mode, cpu.asked, None, cpu.behind, cpu.waiting) for cpu, lock in asked]

    def held_now(self) -> list[Hold]:
        """The stays in locks that are not over, if `record_holds`."""
        return [Hold(cpu.name, lock.name, mode, since, None) for cpu in self._cpus for lock, (mode, since) in cpu.since.items()
                if since <= self.now]

    def run(self, until: float) -> None:
        """Go on until that time, in ns. It ends early if all threads are done, or wait for each other: see `stuck`."""
        end = until, math.inf, None                   # comes after everything that happens until then
        heappush(self._agenda, end)
        try:
            with livepatched(self.program.livepatch), unguarded(), without_collecting():
                while self._run_on():
                    pass
        except BaseException:
            self._agenda[:] = [entry for entry in self._agenda if entry is not end]
            heapify(self._agenda)
            raise
        self.now = until

    def _run_on(self) -> bool:
        """Let the CPU that is first go on, until it has to wait or another one is earlier, and so on with that one.

        Whether there is more to do before the end.

        All that happens hundreds of thousands of times a second is in this one loop.
        """
        agenda, variables, loaded, plans, load = self._agenda, self._variables, self._data, self._plans, self.costs.load
        miss, remote, still = self.costs.miss, self.costs.remote, self.program.still
        time, _, cpu = heappop(agenda)
        if cpu is None:
            return False
        send, bit, finish, variable = cpu.send, cpu.bit, cpu.finish, cpu.variable
        notes, new = self.notes, tuple.__new__          # Note(…) itself would take twice as long
        try:
            while True:
                if finish is _begin:                  # it only now comes to the line of its step
                    step, began = cpu.step, time
                else:
                    if finish is _load:
                        answer = variable.value
                    elif finish is _nothing:
                        answer = None
                    else:
                        answer = finish(cpu, variable, time)
                        if answer is _BLOCKED:
                            return True
                    began, step = time, send(answer)
                # Now find out what the step needs: `ready` is when it is complete.
                while True:
                    while step in still:              # it never changes, so it does not matter when it is read
                        time += load
                        step = send(step.initial)
                    if type(step) is Cell:
                        variable = loaded.get(step) or self._loaded(step)
                        finish, writes, local = _load, False, load
                    else:
                        verb = step.verb if type(step) is Step else as_step(step).verb
                        if verb is SPEND:
                            finish, ready = _nothing, time + step.argument
                            break
                        if verb is CLOCK:
                            step = send(time)
                            continue
                        if verb is NOTE:
                            what, number = step.argument
                            notes.append(new(Note, (time, cpu.name, what, number)))
                            step = send(None)
                            continue
                        if verb is SLEEP:
                            finish, ready = _nothing, time + step.argument
                            break
                        finish, writes, local = plans.get(verb) or self._plan(verb)
                        if not step.cells:
                            ready = time + local
                            break
                        variable = variables.get(step.cells[0]) or self._variable(step.cells[0])
                    if time > began and agenda[0][0] < time:
                        finish, ready = _begin, time      # others come to the line before
                        break
                    line = variable.line
                    if line.copies == bit or not line.copies or not writes and line.copies & bit:
                        ready = time + local
                        line.copies |= bit
                    else:
                        free = line.busy_until
                        ready = line.busy_until = (free if free > time else time) + (remote if writes else miss)
                        line.copies = bit if writes else line.copies | bit
                    break
                cpu.step, cpu.variable, cpu.finish = step, variable, finish
                if agenda[0][0] <= ready:
                    self._order += 1
                    time, _, cpu = heappushpop(agenda, (ready, self._order, cpu))
                    if cpu is None:
                        return False
                    send, bit, finish, variable = cpu.send, cpu.bit, cpu.finish, cpu.variable
                else:
                    time = ready                      # nobody is earlier: run ahead, without the heap
        except StopIteration:
            cpu.step = None
            return True

    def _later(self, time: float, cpu: _Cpu) -> None:
        self._order += 1
        heappush(self._agenda, (time, self._order, cpu))

    def _variable(self, cell: Cell) -> _Variable:
        variable = self._variables.get(cell)
        if variable is None:
            name = cell.name if cell.kind != "data" else cell.name.rpartition(".")[0] or cell.name
            line = self._lines.setdefault(name, _Line())
            variable = self._variables[cell] = _Variable(cell, line, cell in self.program.still)
        return variable

    def _loaded(self, cell: Cell) -> _Variable:
        """The variable of a cell that was yielded to load it. TypeError if it is a lock."""
        as_step(cell)
        self._data[cell] = self._variable(cell)
        return self._data[cell]

    def _plan(self, verb: Verb) -> _Plan:
        costs = self.costs
        if verb is STORE:
            plan = self._store, True, costs.load
        elif verb.tries:
            plan = self._try, True, costs.rmw
        elif verb.takes or verb.releases:
            finish = {("read", None): self._ask_to_read, ("write", None): self._ask_to_write,
                      (None, "read"): self._leave_as_reader, (None, "write"): self._leave_alone}[verb.takes, verb.releases]
            plan = finish, True, costs.rmw
        elif verb in (TAKE_CPU, GIVE_CPU, GIVE_WAY):
            finish = {TAKE_CPU: self._take_cpu, GIVE_CPU: self._give_cpu, GIVE_WAY: self._give_way}[verb]
            plan = finish, False, 0.0
        elif verb in (LOAD, WAIT_UNTIL):
            plan = self._other, False, costs.load
        elif verb is ADD:
            plan = self._add, True, costs.rmw
        else:
            local = {SMP_RMB: costs.barrier, SMP_WMB: costs.barrier, COND_RESCHED: costs.resched}.get(verb, costs.rmw)
            plan = self._other, True, local
        self._plans[verb] = plan
        return plan

    # --- how a step ends ---------------------------------------------------------------------------------------------

    def _store(self, cpu: _Cpu, variable: _Variable, time: float) -> None:
        cpu.stored, value = True, cpu.step.argument
        if variable.fixed and variable.value != value:
            raise Mistake(f"{cpu.name}: {cpu.step!r}, but in this program {variable.name} stays {variable.value!r}")
        variable.value = value
        if variable.sleepers:
            self._wake(variable, time)

    def _add(self, cpu: _Cpu, variable: _Variable, time: float):
        cpu.stored, variable.value = True, variable.value + cpu.step.argument
        if variable.sleepers:
            self._wake(variable, time)
        return variable.value

    def _other(self, cpu: _Cpu, _, time: float):
        step = cpu.step
        variables = [self._variable(cell) for cell in step.cells]
        outcome = step.effect(*(variable.value for variable in variables))
        if outcome is None:
            variables[0].sleepers.append(cpu)
            return _BLOCKED
        for variable, new in zip(variables, outcome[1:]):
            changed, variable.value = variable.value != new, new
            if changed and variable.sleepers:
                self._wake(variable, time)
        return outcome[0]

    def _wake(self, variable: _Variable, time: float) -> None:
        sleepers, variable.sleepers = variable.sleepers, []
        for cpu in sleepers:                          # they look again, and sleep on if it is not their value
            self._later(time + self.costs.hand_off, cpu)

    # --- CPUs that are shared -----------------------------------------------------------------------------------------

    def _take_cpu(self, cpu: _Cpu, _, time: float):
        if self._processors.take(cpu, time):
            self._go_on(cpu, time)
        return _BLOCKED

    def _give_cpu(self, cpu: _Cpu, _, time: float) -> None:
        following = self._processors.give(cpu, time)
        if following:
            self._go_on(following, time + self.costs.switch)

    def _give_way(self, cpu: _Cpu, _, time: float):
        following = self._processors.give_way(cpu, time)
        if not following:
            return None
        self._go_on(following, time + self.costs.switch)
        return _BLOCKED

    def _go_on(self, cpu: _Cpu, time: float) -> None:
        """Let a thread that was given a CPU go on there."""
        cpu.finish = _nothing
        self._later(time, cpu)

    # --- locks --------------------------------------------------------------------------------------------------------

    def _try(self, cpu: _Cpu, lock: _Variable, time: float) -> bool:
        verb = cpu.step.verb
        lock.others[verb.name, cpu] += 1
        free = lock.writer is None and (not _a_writer_waits(lock) if verb.takes == "read" else not lock.readers and not lock.queue)
        if free:
            self._enter(cpu, lock, verb.takes, time)
        else:
            lock.others["failed", cpu] += 1
        return free

    def _ask_to_read(self, cpu: _Cpu, lock: _Variable, time: float):
        lock.reads[cpu] += 1
        if lock.writer is None and (not lock.queue or cpu.in_interrupt or not _a_writer_waits(lock)):
            lock.readers.append(cpu)
            if self._record_holds:
                cpu.since[lock] = "read", time
            return None
        return self._wait(cpu, lock, "read", lock.writer or lock.queue[0], time)

    def _ask_to_write(self, cpu: _Cpu, lock: _Variable, time: float):
        lock.writes[cpu] += 1
        if lock.writer is None and not lock.readers and not lock.queue:
            self._enter(cpu, lock, "write", time)
            return None
        return self._wait(cpu, lock, "write", lock.writer or (lock.readers or lock.queue)[0], time)

    def _wait(self, cpu: _Cpu, lock: _Variable, mode: str, behind: _Cpu, time: float):
        cpu.mode, cpu.asked = mode, time
        cpu.behind, cpu.waiting = behind.name, behind is not lock.writer and behind not in lock.readers
        lock.others["waited", cpu] += 1
        (lock.interrupted if cpu.in_interrupt and mode == "read" else lock.queue).append(cpu)
        return _BLOCKED

    def _enter(self, cpu: _Cpu, lock: _Variable, mode: str, time: float) -> None:
        if self._record_holds:
            cpu.since[lock] = mode, time
        if mode == "read":
            lock.readers.append(cpu)
        else:
            lock.writer, cpu.stored = cpu, False

    def _leave_as_reader(self, cpu: _Cpu, lock: _Variable, time: float) -> None:
        try:
            lock.readers.remove(cpu)
        except ValueError:
            raise _not_held(cpu, lock) from None
        if self._record_holds:
            self._note_hold(cpu, lock, time)
        if lock.queue or lock.interrupted:
            self._admit(lock, time)

    def _leave_alone(self, cpu: _Cpu, lock: _Variable, time: float) -> None:
        if lock.writer is not cpu:
            raise _not_held(cpu, lock)
        lock.writer = None
        if lock.kind == "rwlock":
            lock.others["for a store" if cpu.stored else "for nothing", cpu] += 1
        if self._record_holds:
            self._note_hold(cpu, lock, time)
        if lock.queue or lock.interrupted:
            self._admit(lock, time)

    def _note_hold(self, cpu: _Cpu, lock: _Variable, time: float) -> None:
        self.holds.append(Hold(cpu.name, lock.name, *cpu.since.pop(lock), time))

    def _admit(self, lock: _Variable, time: float) -> None:
        """Let those in who can enter now. Each in the queue notices only after the one before has left it."""
        if lock.writer is None and lock.interrupted:
            for cpu in lock.interrupted:
                self._grant(cpu, lock, time + self.costs.hand_off)
            lock.interrupted = []
        while lock.queue and lock.writer is None and (lock.queue[0].mode == "read" or not lock.readers):
            time += self.costs.hand_off
            self._grant(lock.queue.popleft(), lock, time)

    def _grant(self, cpu: _Cpu, lock: _Variable, time: float) -> None:
        self._enter(cpu, lock, cpu.mode, time)
        lock.line.copies = cpu.bit
        cpu.finish = self._entered
        self._later(time, cpu)

    def _entered(self, cpu: _Cpu, lock: _Variable, time: float) -> None:
        self.waits.append(Wait(cpu.name, lock.name, cpu.mode, cpu.asked, time, cpu.behind, cpu.waiting))


_BLOCKED = object()


def _nothing(*_) -> None:
    """The end of a step that answers nothing."""


def _begin(*_) -> None:
    """Not an end: the step has yet to begin."""


def _load(_, variable: _Variable, __):
    return variable.value


def _not_held(cpu: _Cpu, lock: _Variable) -> ValueError:
    return ValueError(f"{cpu.name} drops {lock.name}, which it does not hold")


def _a_writer_waits(lock: _Variable) -> bool:
    """Whether the lock word says so: a writer says it when it is first in the queue."""
    return bool(lock.queue) and lock.queue[0].mode == "write"
