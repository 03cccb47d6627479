"""The stepper: you choose who runs next.

    machine = Stepper(program)
    machine.step("notifier")            one step of that thread; ValueError says why it cannot run
    machine.run_statement("notifier")   all steps of its line of code; rest_of_statement() shows them without taking them
    machine.waits("vcpu0")              why it cannot run, or None
    machine.undo()                      as often as you like, and redo()
    machine.go_to(7)                    the state after the first 7 steps; the later ones stay ahead
    machine.branch()                    a second machine in the same state
    machine.paste("v2 n14")             another schedule, from the start
"""
from __future__ import annotations

from ..locks import conflicts
from ..program import Program, Thread
from ..steps import Cell, Violation, livepatched
from ..verdict import ARRIVES, QUEUES, Event, Trace, format_schedule, parse_schedule
from .taking import IN_INTERRUPT, Taken, cells_of, leave_interrupt, take
from .threads import Memory, Place, Suspended, check_end, memory_after, memory_at_start


class Stepper:
    """A program on fresh generators, one step at a time, in the order that the caller chooses."""

    def __init__(self, program: Program, schedule: str = ""):
        self.program = program
        self.ahead: list[str] = []
        """The threads whose steps were taken back and can be redone, until another step is taken."""
        self._restart([])
        self.play(schedule)

    def _restart(self, threads: list[str]) -> None:
        self.values: dict[Cell, object] = {}
        self.trace: list[Event] = []
        self.wrong: Violation | None = None
        with livepatched(self.program.livepatch):
            self.threads = {thread.name: Suspended(thread, self.program.still) for thread in self.program.threads}
        start = memory_at_start(self.program.watches)
        self.memories: dict[str, Memory] = {name: start for name in self.threads}
        for name in threads:
            self._step(name)

    def value(self, cell: Cell):
        """What the cell holds now."""
        return self.values.get(cell, cell.initial)

    def next_step(self, name: str):
        """The step that the thread takes next, None if it is done. ValueError if there is no such thread."""
        if name not in self.threads:
            raise ValueError(f"there is no thread {name!r} here; there are {', '.join(self.threads)}")
        return self.threads[name].step

    def stack(self, name: str) -> tuple[Place, ...]:
        """Where the thread is suspended, outermost call first."""
        self.next_step(name)
        return self.threads[name].stack

    def waits(self, name: str) -> str | None:
        """Why the thread cannot run now ("waits for gpc.lock, which vcpu0 holds for read"), None if it can."""
        step = self.next_step(name)
        if step is None:
            return "is done"
        if self._taken(name) is not None:
            return None
        thread = self._thread(name)
        cpu = self.program.cpu_of(thread)
        if cpu is not None and self.value(cpu) == IN_INTERRUPT and not thread.interrupts:
            return "was interrupted"
        if thread.interrupts and not self.memories[name].arrived:
            return f"waits until interrupts are on where {thread.interrupts} runs"
        lock = step.cells[0]
        for other, memory in self.memories.items():
            for held, mode in memory.held:
                if held is lock and conflicts(step.verb.takes or "write", mode):
                    who = "it holds itself" if other == name else f"{other} holds"
                    return f"waits for {lock.name}, which {who}{' for ' + mode if lock.kind == 'rwlock' else ''}"
        for other, memory in self.memories.items():
            if memory.queued and self.next_step(other).cells[0] is lock:
                return f"waits behind {other}, which waits for {lock.name} for write"
        return f"waits for {', '.join(cell.name for cell in step.cells)}"

    def _thread(self, name: str) -> Thread:
        return next(thread for thread in self.program.threads if thread.name == name)

    def _taken(self, name: str) -> Taken | None:
        thread, step = self._thread(name), self.next_step(name)
        old = tuple(map(self.value, cells_of(self.program, thread, step)))
        return take(self.program, thread, self.memories[name], step, old)

    def choices(self) -> list[str]:
        """The threads that can run now."""
        return [name for name in self.threads if not self.waits(name)]

    def step(self, name: str) -> Event:
        """Let the thread take its next step. The event says what happened, and in `wrong` what is wrong with it."""
        event = self._step(name)
        self.ahead = self.ahead[1:] if self.ahead[:1] == [name] else []
        return event

    def _step(self, name: str) -> Event:
        if self.wrong:
            raise ValueError(f"the program is broken here ({self.wrong.sentence}): undo, or start again")
        reason = self.waits(name)
        if reason:
            raise ValueError(f"{name} cannot run: it {reason}")
        suspended = self.threads[name]
        thread, step, stack = self._thread(name), suspended.step, suspended.stack
        cells = cells_of(self.program, thread, step)
        old = tuple(map(self.value, cells))
        result, new = self._taken(name)
        with livepatched(self.program.livepatch):
            try:
                self.memories[name] = memory_after(self.memories[name], self.program.watches, name, step, old, result)
                if result not in (QUEUES, ARRIVES):
                    suspended.send(result)
                new = leave_interrupt(self.program, thread, suspended.step is None, new)
                if suspended.step is None:
                    check_end(self.memories[name], self.program.watches, name)
            except Violation as violation:
                self.wrong = violation
        self.values.update(zip(cells, new))
        self.wrong = self.wrong or self._broken_invariant()
        changed = tuple((c.name, a, b) for c, a, b in zip(cells, old, new) if a != b)
        self.trace.append(Event(len(self.trace) + 1, name, step, result, changed, stack,
                                self.wrong.sentence if self.wrong else None))
        return self.trace[-1]

    def _broken_invariant(self) -> Violation | None:
        for invariant in self.program.invariants:
            sentence = invariant.wrong(*map(self.value, invariant.cells))
            if sentence:
                return Violation(invariant.name, sentence)
        return None

    # --- one line of code at a time -----------------------------------------------------------------------------------

    def run_statement(self, name: str) -> Trace:
        """Let the thread take all steps of the line of code where it is: more than one if the line yields more than once.

        It ends early where the thread has to wait or where a property breaks. A line that is evaluated again, in a loop,
        is another statement; so are the lines of the functions that it calls.
        """
        started, here, done = len(self.trace), _line(self.stack(name)), []
        while True:
            self.step(name)
            done.append(self.trace[-1].stack)
            stack = self.stack(name)
            if self.wrong or self.waits(name) or _line(stack) != here or stack in done:
                return tuple(self.trace[started:])

    def rest_of_statement(self, name: str) -> Trace:
        """The steps that `run_statement(name)` would take now; nothing happens yet."""
        return self.branch().run_statement(name)

    # --- back, forth and aside ------------------------------------------------------------------------------------------

    def go_to(self, step: int) -> None:
        """Go to the state after the first `step` steps, back or forth along the schedule that was played last.

        ValueError if there are not that many.
        """
        threads = self._threads_so_far() + self.ahead
        if not 0 <= step <= len(threads):
            raise ValueError(f"there is no step {step}: this schedule has {len(threads)}")
        if step < len(self.trace):
            self._restart(threads[:step])
        for name in threads[len(self.trace):step]:
            self._step(name)
        self.ahead = threads[step:]

    def undo(self, steps: int = 1) -> None:
        """Take the last steps back."""
        self.go_to(max(len(self.trace) - steps, 0))

    def redo(self, steps: int = 1) -> None:
        """Take steps again that were taken back, as far as there are any."""
        self.go_to(min(len(self.trace) + steps, len(self.trace) + len(self.ahead)))

    def branch(self) -> Stepper:
        """Another Stepper in the same state, with the same steps ahead; what is done to one does not reach the other."""
        copy = Stepper(self.program)
        copy._restart(self._threads_so_far())
        copy.ahead = list(self.ahead)
        return copy

    def play(self, schedule: str) -> Trace:
        """Run a schedule string from here."""
        return tuple(self.step(name) for name in parse_schedule(self.program, schedule))

    def paste(self, schedule: str) -> Trace:
        """Start again with this schedule. If it cannot be run, ValueError says why and everything stays as it is."""
        self._restart(Stepper(self.program, schedule)._threads_so_far())
        self.ahead = []
        return tuple(self.trace)

    def _threads_so_far(self) -> list[str]:
        return [event.thread for event in self.trace]

    @property
    def schedule(self) -> str:
        """How to get here again."""
        return format_schedule(self.program, self._threads_so_far())


def _line(stack: tuple[Place, ...]) -> tuple | None:
    """The calls a thread is in and the line of code of the innermost one, None if it is done."""
    return (*stack[:-1], stack[-1].function, stack[-1].file, stack[-1].line) if stack else None
