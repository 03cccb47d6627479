"""The simulator: a program in virtual time, so that waiting can be counted and costs what it costs.

    machine = Simulator(program, costs=FAR, in_interrupt={"handler"})
    machine.run(until=1_000_000)                 ns; can be called again to go on
    machine.waits, machine.counts, machine.notes         what happened

Every thread has a CPU of its own. A step takes the time that `Costs` says, and its effect happens at the end of that time.

A cache line is a single server: one transfer between CPUs at a time, the others stand in line. Taking a lock, also for
read, writes to the lock's line, so that readers who never wait for each other still wait for the line. Without this a
simulator invents speed where there is none.

A rwlock is the kernel's queued rwlock (kernel/locking/qrwlock.c). Whoever cannot enter at once stands in one FIFO. While
a writer is its head, the lock says "a writer waits", and readers who come join the end; a reader in interrupt context
does not join, it waits only while a writer *holds* the lock. A trylock for read fails when a writer holds or is such a
head, one for write when anybody holds or waits. Mutexes and spinlocks are FIFO.
"""
from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush, heappushpop
from typing import NamedTuple

from ..locks import WRITE_UNLOCK
from ..program import Program
from ..steps import (ADD, COND_RESCHED, LOAD, SMP_RMB, SMP_WMB, STORE, WAIT_UNTIL, Cell, Mistake, Step, Verb, as_step,
                     livepatched)

# --- steps that only mean something in time -------------------------------------------------------------------------

SPEND = Verb("spend", "works for {argument} ns", lambda _: (None,))
CLOCK = Verb("clock", "looks at the clock -> {result}", lambda _: (0.0,))
NOTE = Verb("note", "notes {argument}", lambda _: (None,))


def spend(ns: float) -> Step:
    """Work for that long, touching nothing that others can see."""
    if not ns >= 0:
        raise ValueError(f"a thread cannot work for {ns} ns")
    return Step(SPEND, (), ns)


def clock() -> Step:
    """What time it is, in ns since the start. It takes no time."""
    return Step(CLOCK, ())


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
FREE = Costs(load=0, miss=0, rmw=0, remote=0, hand_off=0, barrier=0, resched=0)
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
    __slots__ = ("name", "value", "line", "writer", "readers", "queue", "interrupted", "sleepers", "fixed")

    def __init__(self, cell: Cell, line: _Line, fixed: bool):
        self.name, self.value, self.line, self.fixed = cell.name, cell.initial, line, fixed
        self.writer: _Cpu | None = None
        self.readers: list[_Cpu] = []
        self.queue: deque[_Cpu] = deque()
        self.interrupted: list[_Cpu] = []              # readers in interrupt context who wait
        self.sleepers: list[_Cpu] = []


class _Cpu:
    """A thread and its CPU: the generator, and the step that it is in the middle of."""
    __slots__ = ("name", "generator", "bit", "in_interrupt", "step", "delayed", "granted", "mode", "asked", "behind", "waiting", "stored", "since")

    def __init__(self, name: str, generator: Generator, bit: int, in_interrupt: bool):
        self.name, self.generator, self.bit, self.in_interrupt = name, generator, bit, in_interrupt
        self.step: Step | Cell | None = None
        self.delayed = self.granted = False
        self.mode, self.asked, self.behind, self.waiting, self.stored = "", 0.0, "", False, False
        self.since: dict[_Variable, tuple[str, float]] = {}


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

    def __init__(self, program: Program, *, costs: Costs = FAR, in_interrupt: Iterable[str] = (), record_holds: bool = False):
        unknown = set(in_interrupt) - {thread.name for thread in program.threads}
        if unknown:
            raise ValueError(f"there is no thread {sorted(unknown)[0]!r} to run in interrupt context")
        self.program, self.costs, self.now = program, costs, 0.0
        self.waits: list[Wait] = []
        self.notes: list[Note] = []
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.holds: list[Hold] = []
        self.steps = 0
        self._record_holds = record_holds
        self._variables: dict[Cell, _Variable] = {}
        self._lines: dict[str, _Line] = {}
        self._order = 0
        self._agenda: list[tuple[float, int, _Cpu]] = []
        with livepatched(program.livepatch):
            self._cpus = [_Cpu(thread.name, iter(thread.function(*thread.args)), 1 << n, thread.name in in_interrupt)
                          for n, thread in enumerate(program.threads)]
            for cpu in self._cpus:
                self._later(0.0, cpu)

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
        asked += [(cpu, self._variables[cpu.step.cells[0]]) for cpu in self._cpus if cpu.granted]
        return [Wait(cpu.name, lock.name, cpu.mode, cpu.asked, None, cpu.behind, cpu.waiting) for cpu, lock in asked]

    def held_now(self) -> list[Hold]:
        """The stays in locks that are not over, if `record_holds`."""
        return [Hold(cpu.name, lock.name, mode, since, None) for cpu in self._cpus for lock, (mode, since) in cpu.since.items()
                if since <= self.now]

    def run(self, until: float) -> None:
        """Go on until that time, in ns. It ends early if all threads are done, or wait for each other: see `stuck`."""
        agenda = self._agenda
        with livepatched(self.program.livepatch):
            while agenda and agenda[0][0] <= until:
                time, _, cpu = heappop(agenda)
                while True:
                    if cpu.delayed:
                        cpu.delayed, ready = False, self._begin(cpu, time)
                    else:
                        answer = self._complete(cpu, time)
                        ready = None if answer is _BLOCKED else self._next(cpu, answer, time)
                    if ready is None:
                        break
                    if not agenda or ready < agenda[0][0]:
                        if ready > until:
                            self._later(ready, cpu)
                            break
                        time = ready                  # nobody is earlier: run ahead, without the heap
                    else:
                        self._order += 1
                        time, _, cpu = heappushpop(agenda, (ready, self._order, cpu))
                        if time > until:
                            self._later(time, cpu)
                            break
        self.now = until

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

    # --- from one step to the end of the next ------------------------------------------------------------------------

    def _next(self, cpu: _Cpu, answer, time: float) -> float | None:
        """Answer the thread's step; when the next one will be complete, None if there is none."""
        send, variables, now = cpu.generator.send, self._variables, time
        try:
            while True:
                step = send(answer)
                self.steps += 1
                if type(step) is Cell:
                    if step.kind != "data":
                        as_step(step)
                    variable = variables.get(step) or self._variable(step)
                    if variable.fixed:                # it never changes, so it does not matter when it is read
                        time += self.costs.load
                        answer = variable.value
                        continue
                elif type(step) is Step:
                    step.yielded = True
                    verb = step.verb
                    if verb is SPEND:
                        cpu.step = step
                        return time + step.argument
                    if verb is CLOCK:
                        answer = time
                        continue
                    if verb is NOTE:
                        self.notes.append(Note(time, cpu.name, *step.argument))
                        answer = None
                        continue
                else:
                    as_step(step)                     # says what is wrong with it
                cpu.step = step
                if time > now and self._agenda and self._agenda[0][0] < time:
                    cpu.delayed = True                # others come to the cache line before
                    return time
                return self._begin(cpu, time)
        except StopIteration:
            cpu.step = None
            return None

    def _begin(self, cpu: _Cpu, time: float) -> float:
        """Stand in line for the cache line of the CPU's step; when the step will be complete."""
        step, costs = cpu.step, self.costs
        if type(step) is Cell:
            return self._fetch(cpu, self._variables[step].line, time)
        verb = step.verb
        if not step.cells:
            return time + {SMP_RMB: costs.barrier, SMP_WMB: costs.barrier, COND_RESCHED: costs.resched}.get(verb, costs.load)
        variable = self._variables.get(step.cells[0]) or self._variable(step.cells[0])
        if verb is LOAD or verb is WAIT_UNTIL:
            return self._fetch(cpu, variable.line, time)
        return self._own(cpu, variable.line, time, costs.load if verb is STORE else costs.rmw)

    def _fetch(self, cpu: _Cpu, line: _Line, time: float) -> float:
        """When the CPU has a copy of the line and has read it."""
        if line.copies & cpu.bit:
            return time + self.costs.load
        if not line.copies:                           # nobody touched it yet: no other CPU has to send it
            line.copies = cpu.bit
            return time + self.costs.load
        line.copies |= cpu.bit
        line.busy_until = max(time, line.busy_until) + self.costs.miss
        return line.busy_until

    def _own(self, cpu: _Cpu, line: _Line, time: float, local: float) -> float:
        """When the CPU has the line for itself and has written it."""
        if line.copies == cpu.bit or not line.copies:
            line.copies = cpu.bit
            return time + local
        line.copies = cpu.bit
        line.busy_until = max(time, line.busy_until) + self.costs.remote
        return line.busy_until

    def _complete(self, cpu: _Cpu, time: float):
        """Let the step of the CPU happen: its answer, or _BLOCKED."""
        step = cpu.step
        if cpu.granted:
            return self._entered(cpu, time)
        if step is None:                              # it has not begun yet
            return None
        if type(step) is Cell:
            return self._variables[step].value
        verb = step.verb
        if verb is SPEND:
            return None
        if verb is STORE:
            cpu.stored = True
            variable = self._variables[step.cells[0]]
            if variable.fixed and variable.value != step.argument:
                raise Mistake(f"{cpu.name}: {step!r}, but in this program {variable.name} stays {variable.value!r}")
            variable.value = step.argument
            if variable.sleepers:
                self._wake(variable, time)
            return None
        if verb.takes:
            return self._try(cpu, step, time) if verb.tries else self._ask(cpu, step, time)
        if verb.releases:
            return self._release(cpu, step, time)
        return self._other(cpu, step, time)

    def _other(self, cpu: _Cpu, step: Step, time: float):
        variables = [self._variable(cell) for cell in step.cells]
        outcome = step.effect(*(variable.value for variable in variables))
        if outcome is None:
            variables[0].sleepers.append(cpu)
            return _BLOCKED
        cpu.stored = cpu.stored or step.verb is ADD
        for variable, new in zip(variables, outcome[1:]):
            changed, variable.value = variable.value != new, new
            if changed and variable.sleepers:
                self._wake(variable, time)
        return outcome[0]

    def _wake(self, variable: _Variable, time: float) -> None:
        sleepers, variable.sleepers = variable.sleepers, []
        for cpu in sleepers:                          # they look again, and sleep on if it is not their value
            self._later(time + self.costs.hand_off, cpu)

    # --- locks --------------------------------------------------------------------------------------------------------

    def _try(self, cpu: _Cpu, step: Step, time: float) -> bool:
        lock, verb = self._variable(step.cells[0]), step.verb
        self.counts[verb.name, cpu.name, lock.name] += 1
        if verb.takes == "read":
            free = lock.writer is None and not _a_writer_waits(lock)
        else:
            free = lock.writer is None and not lock.readers and not lock.queue
        if free:
            self._enter(cpu, lock, verb.takes, time)
        else:
            self.counts["failed", cpu.name, lock.name] += 1
        return free

    def _ask(self, cpu: _Cpu, step: Step, time: float):
        lock, mode = self._variable(step.cells[0]), step.verb.takes
        self.counts[step.verb.name, cpu.name, lock.name] += 1
        if mode == "read":
            enters = lock.writer is None and (cpu.in_interrupt or not _a_writer_waits(lock))
        else:
            enters = lock.writer is None and not lock.readers and not lock.queue
        if enters:
            self._enter(cpu, lock, mode, time)
            return None
        cpu.mode, cpu.asked = mode, time
        holder = lock.writer or (lock.queue[0] if mode == "read" else lock.readers[0] if lock.readers else lock.queue[0])
        cpu.behind, cpu.waiting = holder.name, holder is not lock.writer and holder not in lock.readers
        self.counts["waited", cpu.name, lock.name] += 1
        (lock.interrupted if cpu.in_interrupt and mode == "read" else lock.queue).append(cpu)
        return _BLOCKED

    def _enter(self, cpu: _Cpu, lock: _Variable, mode: str, time: float) -> None:
        if self._record_holds:
            cpu.since[lock] = mode, time
        if mode == "read":
            lock.readers.append(cpu)
        else:
            lock.writer, cpu.stored = cpu, False

    def _release(self, cpu: _Cpu, step: Step, time: float) -> None:
        lock = self._variable(step.cells[0])
        holds = cpu in lock.readers if step.verb.releases == "read" else lock.writer is cpu
        if not holds:
            raise ValueError(f"{cpu.name} drops {lock.name}, which it does not hold")
        if self._record_holds:
            self.holds.append(Hold(cpu.name, lock.name, *cpu.since.pop(lock), time))
        if step.verb.releases == "read":
            lock.readers.remove(cpu)
        else:
            lock.writer = None
            if step.verb is WRITE_UNLOCK:
                self.counts["for a store" if cpu.stored else "for nothing", cpu.name, lock.name] += 1
        if lock.interrupted or lock.queue:
            self._admit(lock, time)

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
        cpu.granted = True
        self._later(time, cpu)

    def _entered(self, cpu: _Cpu, time: float) -> None:
        cpu.granted = False
        self.waits.append(Wait(cpu.name, cpu.step.cells[0].name, cpu.mode, cpu.asked, time, cpu.behind, cpu.waiting))


_BLOCKED = object()


def _a_writer_waits(lock: _Variable) -> bool:
    """Whether the lock word says so: a writer says it when it is first in the queue."""
    return bool(lock.queue) and lock.queue[0].mode == "write"
