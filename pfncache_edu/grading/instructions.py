"""An answer that takes no step any more: how it is stopped, by counting the instructions that it runs, never by the clock."""
from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from ..interpreters.threads import Suspended

MAX_INSTRUCTIONS = 100_000  # bytecode instructions that an answer may run between two of its steps
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBRARY = os.path.dirname(os.__file__), os.path.join(sys.prefix, "lib")

answers_run_here = True
"""False in the judge: its answers run in another process, which counts their instructions itself."""


class RunsForEver(BaseException):
    """An answer that takes no step any more. Not an Exception: an answer's own `except Exception` must not swallow it."""


@contextmanager
def limited_instructions(limit: int = MAX_INSTRUCTIONS):
    """While it is open, an answer that runs `limit` instructions without a step is stopped by RunsForEver.

    From Python 3.12 on only jumps are counted: no loop is without one.
    """
    if sys.gettrace() or not answers_run_here:            # a debugger or a coverage tool is at work: leave it alone
        yield
        return
    with (counting_jumps if hasattr(sys, "monitoring") else counting_instructions)(Budget(limit)):
        yield


class Budget:
    """How many instructions an answer may still run before its next step."""

    def __init__(self, limit: int):
        self.limit = self.left = limit
        self.own: dict[str, bool] = {}

    def concerns(self, file: str) -> bool:
        """Whether code of this file is the answer's, not the package's or the library's."""
        if file not in self.own:
            self.own[file] = not file.startswith((PACKAGE, *LIBRARY, "<frozen", "<string"))
        return self.own[file]

    def renew(self) -> None:
        self.left = self.limit

    def spend(self, frame) -> None:
        self.left -= 1
        if self.left < 0:
            raise RunsForEver(f"it ran {self.limit:,} instructions without a step, the last of them in line {frame.f_lineno} of "
                              f"{frame.f_code.co_name}(): does the loop there ever end, and does it yield?")


@contextmanager
def counting_instructions(budget: Budget):
    advance = Suspended._advance.__code__

    def instruction(frame, event, _):
        budget.spend(frame)
        return instruction

    def call(frame, event, _):
        if frame.f_code is advance:
            budget.renew()
        if not budget.concerns(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes = True           # lines alone would not do: `while True: pass` is a single one
        return instruction
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(None)


@contextmanager
def counting_jumps(budget: Budget):
    """The same by sys.monitoring, which costs nothing where nothing is counted."""
    monitoring, tool = sys.monitoring, 4
    events = monitoring.events

    def jump(code, at, to):
        if not budget.concerns(code.co_filename):
            return monitoring.DISABLE
        budget.spend(sys._getframe(1))

    def start(code, at):
        budget.renew()
    try:
        monitoring.use_tool_id(tool, "pfncache_edu")
    except ValueError:                         # somebody else has it: then without a limit
        yield
        return
    monitoring.register_callback(tool, events.JUMP, jump)
    monitoring.register_callback(tool, events.PY_START, start)
    monitoring.set_events(tool, events.JUMP)
    monitoring.set_local_events(tool, Suspended._advance.__code__, events.PY_START)
    try:
        yield
    finally:
        monitoring.set_local_events(tool, Suspended._advance.__code__, 0)
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
