"""The process in which a student's code runs. It holds that code and nothing else: no test, no answer, no other student.

It answers three questions, each a line of JSON with a nonce that the answer repeats: which names did the notebook
define, what does f(args) return, and what is a kernel function's next step after its earlier steps answered this? The
judge (judge.py) believes none of it: it is what a student says.

The package that this process sees is an edition without exercises (edition.py), in a sandbox (sandbox.py).
"""
from __future__ import annotations

import importlib
import inspect
import io
import json
import linecache
import os
import sys
import types
from contextlib import suppress

from ..interpreters.threads import Suspended
from ..kvm.structs import Cells
from ..locks import READ_LOCK, WRITE_LOCK, MUTEX_LOCK, SPIN_LOCK
from ..program import Thread
from ..steps import COND_RESCHED, SMP_RMB, SMP_WMB, STORE, Cell, KernelFunction, Mistake, Struct, livepatched
from . import wire
from .instructions import PACKAGE, RunsForEver, limited_instructions
from .loops import compiled
from .submission import NotASubmission, Submission, read_submission, run_cells, sentence_of

try:
    import resource
except ImportError:                # in WebAssembly: there the host sets the limits
    resource = None

MAX_NOTES = 5
MAX_NAMES = 300
MAX_VALUE = 150_000                # characters of a value that a notebook defines
MAX_NAMES_LENGTH = 600_000         # and of all of them together
RUNS_AHEAD = 32
TAKES_ARE_SILENT = {READ_LOCK, WRITE_LOCK, MUTEX_LOCK, SPIN_LOCK, STORE, SMP_RMB, SMP_WMB, COND_RESCHED}
SELF = "?"                         # the name of the only thread here: the judge puts the real one in its place


def main(arguments: str) -> None:
    """Give up what is not needed, then answer questions until nobody asks any more."""
    asked = json.loads(arguments)
    questions, answers = own_pipes()
    become(asked["uid"])
    limit_resources(asked["memory"], asked["seconds"])
    worker = Worker()
    for line in questions:
        request = json.loads(line)
        data = questions.read(request["size"]) if "size" in request else b""
        answer = worker.answer(request, data)
        answers.write(wire.line_of({"nonce": request["nonce"], **answer}))
        answers.flush()
    os._exit(0)                    # not sys.exit(): a submission may have left threads and exit handlers behind


def own_pipes():
    """Standard input and output for ourselves; whoever prints or asks finds nobody there."""
    if sys.platform == "wasi":                 # which cannot duplicate a file
        sys.stdin = sys.stdout = sys.stderr = io.TextIOWrapper(io.BufferedRWPair(Nobody(), Nobody()))
        return open(0, "rb", closefd=False), open(1, "wb", closefd=False)
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with suppress(OSError):
        nobody = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nobody, standard)
    return questions, answers


class Nobody(io.RawIOBase):
    """Where nothing comes from, and everything may go to."""

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, buffer):
        return 0

    def write(self, data):
        return len(data)


def become(uid: int | None) -> None:
    """Stop being root. In a sandbox that root built, nothing but the right to do this was left."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def limit_resources(memory: int, seconds: float) -> None:
    """Limits on memory, processor time, threads, files and core dumps, where the system has them."""
    for name, value in (("RLIMIT_AS", memory), ("RLIMIT_CPU", int(seconds) + 1), ("RLIMIT_FSIZE", 1), ("RLIMIT_NOFILE", 64),
                        ("RLIMIT_CORE", 0), ("RLIMIT_NPROC", 16), ("RLIMIT_MSGQUEUE", 0), ("RLIMIT_MEMLOCK", 0)):
        limit = getattr(resource, name, None)
        with suppress(ValueError, OSError):      # a stricter limit is set already, or the system does not let us
            if limit is not None:
                resource.setrlimit(limit, (value, value))


class Call:
    """A kernel function of the student's with its arguments, in a world of the judge's."""

    def __init__(self, function, described: list[dict], arguments: list, livepatch: dict):
        self.objects = world_of(described)
        self.thread = Thread(SELF, function, tuple(wire.decoded(arguments, self.objects)))
        self.livepatch = livepatch
        self.history: list = []
        self.suspended: Suspended | None = None

    def go_to(self, history: list) -> Suspended:
        """The function after its steps have answered `history`: from where it is, or from its start."""
        if self.suspended is None or history[:len(self.history)] != self.history:
            self.suspended, self.history = None, []
            self.suspended = Suspended(self.thread)
        for result in history[len(self.history):]:
            self.send(result)
        return self.suspended

    def send(self, result) -> None:
        if self.suspended.step is None:
            self.suspended = None
            raise Mistake(f"{SELF}: {self.thread.function.__name__}: it was done earlier than before: a kernel function may depend "
                          "only on its arguments and on what its steps answer, not on time, chance or variables outside of it")
        suspended, self.suspended = self.suspended, None          # if it fails, the next question starts again
        suspended.send(wire.decoded(result, self.objects))
        self.suspended = suspended
        self.history.append(result)


class Worker:
    """A student's submission, and what became of it so far."""

    def __init__(self):
        self.submission: Submission | None = None
        self.namespace: dict[str, object] = {"__name__": "__main__"}
        self.calls: dict[int, Call] = {}
        self.places: dict[object, int] = {}

    def answer(self, request: dict, data: bytes) -> dict:
        return {"read": self.read, "run": self.run, "step": self.step, "call": self.call}[request["op"]](request, data)

    # --- the notebook ---------------------------------------------------------------------------------------------------

    def read(self, request: dict, data: bytes) -> dict:
        """The code cells of a file."""
        try:
            self.submission = read_submission(request["name"], data)
        except NotASubmission as problem:
            return {"problem": str(problem)}
        except MemoryError:
            return {"problem": "the file needs too much memory to be read: clear the notebook's outputs"}
        if sum(map(len, self.submission.cells)) > wire.MAX_LINE // 8:
            return {"problem": f"its code has more than {wire.MAX_LINE // 8:,} characters: hand in only your answer"}
        return {"cells": self.submission.cells}

    def run(self, request: dict, data: bytes) -> dict:
        """What the cells defined, and what they complained of."""
        complaints = run_cells(self.submission, self.namespace, compiled)
        linecache.checkcache = lambda *_: None
        return {"complaints": [complaint[:1000] for complaint in complaints[:MAX_NOTES]], "names": self.names(request["first"])}

    def names(self, first: list[str]) -> list:
        """The names that the notebook defined, those that are asked for first, and what each stands for."""
        own = [name for name in list(self.namespace) if type(name) is str and not name.startswith("_") and name not in first]
        found, length = [], 0
        for name in [*(name for name in first if name in self.namespace), *own][:MAX_NAMES]:
            entry = [name[:100], described(self.namespace[name])]
            length += len(json.dumps(entry))
            if length > MAX_NAMES_LENGTH:
                break
            found.append(entry)
        return found

    # --- functions ------------------------------------------------------------------------------------------------------

    def call(self, request: dict, data: bytes) -> dict:
        """What a function returns."""
        function = self.namespace[request["name"]]
        arguments = wire.decoded(request["args"])
        try:
            with limited_instructions(request["limit"]):
                return {"value": wire.encoded(function(*arguments))}
        except RunsForEver as loop:
            return {"loops": str(loop)}
        except BaseException as error:
            return {"raised": [type(error).__name__, sentence_of(error), own_place(error)]}

    def step(self, request: dict, data: bytes) -> dict:
        """The next step of a kernel function after a history; and the ones after it, as long as their answers are certain."""
        if "new" in request:
            new = request["new"]
            if new["function"] not in self.namespace:
                return {"steps": [{"wrong": f"there is no function {new['function']}"}]}
            livepatch = {wire.kernel_function(*original): as_kernel(self.namespace[name]) for original, name in new["livepatch"]}
            self.calls[request["call"]] = Call(self.namespace[new["function"]], new["objects"], new["args"], livepatch)
        call, entries = self.calls[request["call"]], []
        with livepatched(call.livepatch), limited_instructions():
            entries.append(self.entry(call, request["history"]))
            while "v" in entries[-1] and len(entries) < RUNS_AHEAD and call.suspended.step.verb in TAKES_ARE_SILENT:
                entries.append(self.entry(call, [*call.history, None]))
        return {"steps": entries}

    def entry(self, call: Call, history: list) -> dict:
        """One step as data, or what came instead of it."""
        try:
            suspended = call.go_to(history)
            if suspended.step is None:
                return {"done": wire.encoded(suspended.result, call.objects, new=False)}
            place = self.places.setdefault(suspended.key(), len(self.places))
            return wire.encoded_step(suspended.step, call.objects) | {"at": place, "stack": [told(p) for p in suspended.stack]}
        except RunsForEver as loop:
            return {"loops": str(loop)}
        except Mistake as mistake:
            cause = mistake.__cause__
            if cause is not None and call.suspended is None and not call.history and not own_place(cause):
                return {"raised": [type(cause).__name__, sentence_of(cause), None]}
            return {"wrong": str(mistake).removeprefix(f"{SELF}: ")[:1000]}
        except (SystemExit, GeneratorExit) as error:
            return {"exit": type(error).__name__}
        except BaseException as error:
            return {"wrong": f"{call.thread.function.__name__}: {type(error).__name__}: {sentence_of(error)}"}


def as_kernel(function) -> KernelFunction:
    return function if isinstance(function, KernelFunction) else KernelFunction(function)


def told(place) -> list:
    """A place; of a file of the package, its path there."""
    return [place.function, relative(place.file), place.line, place.column, place.end_column, place.end_line]


def relative(file: str) -> str:
    return file.removeprefix(PACKAGE) if file.startswith(PACKAGE) else file[:200]


def own_place(error: BaseException) -> list | None:
    """The innermost line of the student's that an exception came through."""
    place, at = None, error.__traceback__
    while at:
        code = at.tb_frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            place = [code.co_name[:100], code.co_filename[:200], at.tb_lineno]
        at = at.tb_next
    return place


# --- what a name stands for ---------------------------------------------------------------------------------------------

def described(value) -> dict:
    """What the judge needs to make something that can stand for the value."""
    try:
        return description(value)
    except BaseException:                        # an object can refuse to be looked at
        return {"?": "object"}


def description(value) -> dict:
    if isinstance(value, KernelFunction) and value.__module__.startswith("pfncache_edu."):
        return {"finished": [value.__module__, value.__name__]}
    if isinstance(value, KernelFunction):
        return {"kernel": inspect.isgeneratorfunction(inspect.unwrap(value.function))}
    if inspect.isclass(value) or isinstance(value, types.ModuleType):
        return {"?": type(value).__name__}
    if inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value):
        return {"async": inspect.isasyncgenfunction(value)}
    if callable(value):
        kind = "generator" if inspect.isgeneratorfunction(inspect.unwrap(value)) else "function"
        return {kind: [str(getattr(value, "__module__", "")), type(value).__name__]}
    found = wire.encoded(value)
    return {"value": found} if len(json.dumps(found)) <= MAX_VALUE else {"long": type(value).__name__}


# --- the judge's world ---------------------------------------------------------------------------------------------------

def world_of(described: list[dict]) -> wire.Objects:
    """Structs, cells and tables as they were described, that hold nothing."""
    objects = wire.Objects()
    for description in described:
        objects.add(shell_of(description), description)
    for thing, description in zip(objects.known, described):
        if "has" in description:
            for key, value in description["has"].items():
                object.__setattr__(thing, key, wire.decoded(value, objects))
        elif "cells" in description:
            thing.update({key: objects.of_number(number) for key, number in description["cells"]})
        elif description["guard"] is not None:
            thing.guard = objects.of_number(description["guard"])
    return objects


def shell_of(description: dict):
    if "cell" in description:
        return Cell(description["cell"], kind=description["kind"], declared=description["declared"])
    if "table" in description:
        return Cells(description["table"], None)
    return object.__new__(class_of(*description["struct"]))


def class_of(module: str, name: str) -> type:
    """The struct's class; for one that only the judge has, a class of the same name."""
    with suppress(ImportError, AttributeError):
        found = getattr(importlib.import_module(module), name)
        if isinstance(found, type):        # not the nothing that an exercise's module has here
            return found
    return type(name, (Struct,), {})


if __name__ == "__main__":
    main(sys.argv[1])
