"""A student's code as the judge sees it: a process that is asked, and objects here that stand for what it defined.

A kernel function stands here as one that yields the steps which the process answers. The explorer searches it like any
other. Three things keep what the process says from being more than that:

- Each question is answered once. The answers are kept by function, arguments and history, for all tests together, so
  what is judged is one function of its history, whatever the process would say the next time or to another test.
- Which places in it are one and the same, so that a retry loop has finitely many, is the process's own claim. A false
  claim cannot hide a step that the search would object to: the steps and claims together are a program (the automaton
  that has a state for each claimed place), and that program is what the search sees all of. To earn marks with claims
  that do not fit the code, one has to describe a right program all the same. `contradiction` then replays: for places
  that are claimed to be one, every continuation that the search took from one is asked for from the others, and random
  longer ones, and the answers have to agree.
- A process that dies, says nothing for too long, or says what is no answer, fails the test at hand. It is started again
  for the next one, twice at most.
"""
from __future__ import annotations

import builtins
import errno
import json
import linecache
import os
import random
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from .. import steps
from ..interpreters.threads import Elsewhere, MistakeElsewhere
from ..steps import KernelFunction, Mistake
from ..verdict import Place
from . import wire
from .answers import MAX_CALL, MAX_TEXT, AnswerFailed, Asked
from .instructions import PACKAGE, RunsForEver
from .notebook import SEED

RESTARTS = 2
MAX_STACK = 50
WALKS, WALK_STEPS = 4, 60
PACKAGE_FILES = {str(path) for path in Path(PACKAGE).rglob("*.py")}


class Silent(RunsForEver):
    """The student's process gave no answer; the message says why. The test at hand has failed by that."""


class Process:
    """The process of one submission, and the questions to it."""

    def __init__(self, start: Callable[[], subprocess.Popen], seconds: float):
        self.start, self.seconds = start, seconds
        self.process: subprocess.Popen | None = None
        self.starts = 0
        self.timed_out = False
        self.deadline = 0.0

    def begin_test(self) -> None:
        """From now on there are `seconds` for all questions of one test."""
        self.deadline = time.monotonic() + self.seconds

    def ask(self, op: str, data: bytes = b"", **question) -> dict:
        """The answer to a question. Silent if there is none."""
        if self.process is None:
            raise Silent("its process is not running")
        nonce = secrets.token_hex(8)
        size = {"size": len(data)} if data else {}
        try:
            self.write(wire.line_of({"op": op, "nonce": nonce, **question, **size}) + data)
            answer = wire.message_of(self.read_line())
            if answer.pop("nonce", None) != nonce:
                raise ValueError("an answer to another question")
            return answer
        except ValueError as error:
            self.end()
            raise Silent(f"its process answered what is no answer: {error}") from None

    def write(self, data: bytes) -> None:
        pipe = self.process.stdin.fileno()
        while data:
            self.wait(writable=pipe)
            try:
                data = data[os.write(pipe, data[:1 << 16]):]
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno != errno.EPIPE:
                    raise
                self.gone()

    def read_line(self) -> bytes:
        received, pipe = bytearray(), self.process.stdout.fileno()
        while not received.endswith(b"\n"):
            self.wait(readable=pipe)
            part = os.read(pipe, 1 << 16)
            if not part:
                self.gone()
            received += part
            if len(received) > wire.MAX_LINE:
                raise ValueError(f"it is longer than {wire.MAX_LINE:,} bytes")
        return bytes(received)

    def wait(self, readable: int | None = None, writable: int | None = None) -> None:
        """Until the pipe is ready. Silent when the test's time is up."""
        left = self.deadline - time.monotonic()
        ready = left > 0 and select.select([readable] if readable else [], [writable] if writable else [], [], left)
        if not ready or not any(ready):
            self.timed_out = True
            self.end()
            raise Silent(f"it was not done after {self.seconds:g} seconds: does a loop never end?")

    def gone(self) -> None:
        """Say how the process ended."""
        code = self.end()
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            self.timed_out = True              # SIGKILL: of the limit, or of somebody else, so it is worth another try
        raise Silent(how_it_ended(code))

    def begin(self) -> None:
        """Start it, a limited number of times."""
        if self.starts > RESTARTS:
            raise Silent("its process ended too often before, and is not started again")
        self.starts += 1
        self.process = self.start()
        os.set_blocking(self.process.stdin.fileno(), False)

    def end(self) -> int:
        """End it with all that it started; its exit code, or minus the signal that ended it."""
        process, self.process = self.process, None
        if process is None:
            return 0
        code = process.poll()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()
        if code is None:
            code = process.wait()
        return 128 - code if code > 128 else code         # as a sandbox passes the signal of what it runs on


def how_it_ended(code: int) -> str:
    """Why a process ended that should have answered."""
    if code == -signal.SIGXCPU:
        return "it used too much processor time: does a loop never end?"
    if code < 0 and code != -signal.SIGKILL:
        with suppress(ValueError):
            return f"its process crashed ({signal.Signals(-code).name})"
    return "its process ended before it was assessed: does it call os._exit(), or need too much memory?"


# --- what it said ---------------------------------------------------------------------------------------------------------

class Said:
    """What a function does after one history, and after what may follow: frozen at its first answer."""
    __slots__ = "entry", "after", "history", "life", "step", "place"

    def __init__(self, entry: dict, history: tuple, life: int):
        self.entry, self.after, self.history, self.life = entry, {}, history, life
        self.step = json.dumps([entry["v"], entry["c"], entry["a"]]) if "v" in entry else ""
        self.place = self.claimed_place()

    def claimed_place(self) -> tuple | None:
        """The place that the process claims it to be, with the step there; None where there is no step.

        A process that is started again numbers its places anew, so no place of one life is one of another.
        """
        return ((self.life, self.entry["at"]), self.step) if "v" in self.entry else None

    def agrees_with(self, other: Said) -> bool:
        """Whether this may be said where the other was, if they are said to be in the same place."""
        if self.place is None or other.place is None:
            return self.entry == other.entry
        return self.step == other.step and (self.life != other.life or self.place == other.place)


class Conversation:
    """All that was asked of one kernel function with one set of arguments."""

    def __init__(self, student: Student, number: int, key: str):
        self.student, self.number, self.key = student, number, key
        self.function: str = json.loads(key)["function"]
        self.start: Said | None = None
        self.told_in = 0                   # in which of the process's lives it has been told of the world

    def first(self) -> Said:
        if self.start is None:
            self.start = self.ask(())
        return self.start

    def next(self, said: Said, result: str) -> Said:
        """What it does when its last step has answered `result`, a value as JSON."""
        if result not in said.after:
            said.after[result] = self.ask((*said.history, json.loads(result)))
        return said.after[result]

    def ask(self, history: tuple) -> Said:
        student = self.student
        student.make_ready()
        new = {} if self.told_in == student.process.starts else {"new": json.loads(self.key)}
        entries = student.process.ask("step", call=self.number, history=history, **new).get("steps")
        self.told_in = student.process.starts
        if type(entries) is not list or not 0 < len(entries) <= 100 or not all(map(is_entry, entries)):
            student.process.end()
            raise Silent("its process answered what is no answer: not a step")
        life = self.told_in
        first = said = Said(entries[0], history, life)
        for entry in entries[1:]:          # it ran ahead while the answers could only be None
            history = *history, None
            said.after["null"] = Said(entry, history, life)
            said = said.after["null"]
        return first


def is_entry(entry) -> bool:
    """Whether this is the shape of a step, or of what may come instead of one."""
    if type(entry) is not dict:
        return False
    if "v" in entry:
        return (entry.keys() == {"v", "c", "a", "at", "stack"} and type(entry["at"]) is int and type(entry["stack"]) is list
                and 0 < len(entry["stack"]))
    return len(entry) == 1 and next(iter(entry)) in {"done", "wrong", "raised", "exit", "loops"}


class RemoteSteps(Elsewhere):
    """A kernel function that runs in the student's process: the generator of its steps."""

    def __init__(self, conversation: Conversation, objects: wire.Objects, labels: set[str]):
        self.conversation, self.objects, self.labels = conversation, objects, labels
        self.said: Said | None = None

    def send(self, value):
        before, result = self.said, ""
        if before is None:
            self.said = self.conversation.first()
        else:
            result = json.dumps(wire.encoded(value, self.objects, new=False))
            self.said = self.conversation.next(before, result)
        self.conversation.student.heard.setdefault(self.said, (self.conversation, self.said, before, result))
        entry = self.said.entry
        if "v" not in entry:
            self.stop(entry)
        try:
            step = wire.decoded_step({key: entry[key] for key in "vca"}, self.objects)
            self.stack = tuple(place_of(told, self.labels) for told in entry["stack"][-MAX_STACK:])
        except (ValueError, TypeError) as error:
            raise MistakeElsewhere(f"its process answered what is no step: {error}") from None
        self.identity = self.conversation.number, self.said.life, entry["at"]
        return step

    def stop(self, entry: dict) -> None:
        """Raise what came instead of a step."""
        (what, said), = entry.items()
        if what == "done":
            raise StopIteration(readable(lambda: wire.decoded(said, self.objects)))
        if what == "raised":
            raise exception_of(said)
        said = readable(lambda: wire.text(said))
        if what == "loops":
            raise RunsForEver(said)
        if what == "exit":
            raise GeneratorExit() if said == "GeneratorExit" else SystemExit()
        raise MistakeElsewhere(said)


def readable(value: Callable[[], object]):
    try:
        return value()
    except ValueError as error:
        raise MistakeElsewhere(f"its process answered what is no answer: {error}") from None


EXCEPTIONS = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)}


def exception_of(said) -> BaseException:
    """The exception that a student's function raised: a built-in one, or one of the same name that means nothing here."""
    try:
        name, message = wire.text(said[0], 100), wire.text(said[1], 500)
    except (ValueError, TypeError, IndexError, KeyError):
        return MistakeElsewhere("its process answered what is no answer")
    if name in ("SystemExit", "GeneratorExit"):
        return SystemExit() if name == "SystemExit" else GeneratorExit()
    kind = EXCEPTIONS.get(name, Exception)
    if issubclass(kind, (StopIteration, StopAsyncIteration)):
        kind = Exception
    return type(name, (kind,), {"__str__": lambda self: message, "__init__": lambda self: None})()


def place_of(told, labels: set[str]) -> Place:
    """A place in words of ours: a file is one of the submission's cells or of the package, or it is not said.

    Whoever shows a place shows its line, and the process must not choose which file's.
    """
    if type(told) is not list or len(told) != 6:
        raise ValueError("not a place")
    function, file, *numbers = told
    if any(type(n) is not int or not 0 <= n < 1 << 31 for n in numbers):
        raise ValueError("not a place")
    file = wire.text(file)
    if file not in labels:
        file = PACKAGE + file if PACKAGE + file in PACKAGE_FILES else "<elsewhere>"
    return Place(wire.text(function, 100), file, *numbers)


# --- the student ------------------------------------------------------------------------------------------------------------

class Student:
    """A submission: the process that runs it, and what it defined, as objects that can be assessed."""

    def __init__(self, start: Callable[[], subprocess.Popen], name: str, data: bytes, seconds: float):
        self.process = Process(start, seconds)
        self.name, self.data = name, data
        self.cells: tuple[str, ...] = ()
        self.labels: set[str] = set()
        self.complaints: tuple[str, ...] = ()
        self.kinds: dict[str, str] = {}
        self.ran_in = 0                     # in which of the process's lives the cells have run
        self.conversations: dict[str, Conversation] = {}
        self.recent: dict[tuple, tuple] = {}
        self.heard: dict[Said, tuple] = {}  # what was said in this test, each with its conversation and what it followed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.end()
        for label in self.labels:
            linecache.cache.pop(label, None)

    # --- the notebook -----------------------------------------------------------------------------------------------------

    def read(self) -> str:
        """Read the file over there; the reason why that cannot be done, or ""."""
        self.process.begin()
        answer = self.process.ask("read", self.data, name=self.name)
        if "problem" in answer:
            return wire.text(answer["problem"])
        cells = answer.get("cells")
        if type(cells) is not list or not all(type(cell) is str for cell in cells):
            raise Silent("its process answered what is no answer: no cells")
        self.cells = tuple(map(wire.clean, cells))
        self.remember_lines()
        return ""

    def remember_lines(self) -> None:
        """Have the lines of the submission at hand for whoever shows a place."""
        for number, source in enumerate(self.cells, start=1):
            label = f"<code cell {number}>" if len(self.cells) > 1 else f"<{Path(self.name).name}>"
            self.labels.add(label)
            linecache.cache[label] = len(source), None, source.splitlines(True), label

    def run(self, asks: tuple[Asked, ...]) -> dict[str, object]:
        """Run the cells; what they defined, by its name. What is asked for comes first."""
        self.kinds = {asked.name: asked.kind for asked in asks} | {SEED: "data"}
        self.process.begin_test()
        answer = self.process.ask("run", first=list(self.kinds))
        self.ran_in = self.process.starts
        try:
            self.complaints = tuple(wire.text(complaint) for complaint in answer["complaints"][:10])
            return {wire.text(name, 100): self.stand_in(name, about) for name, about in answer["names"][:1000]}
        except (ValueError, TypeError, KeyError) as error:
            raise Silent(f"its process answered what is no answer: {error}") from None

    def make_ready(self) -> None:
        """A process in which the cells have run, also after the last one has died."""
        if self.process.process is None:
            self.process.begin()
            self.process.ask("read", self.data, name=self.name)
        if self.ran_in != self.process.starts:
            self.process.ask("run", first=list(self.kinds))
            self.ran_in = self.process.starts

    def begin_test(self) -> None:
        self.process.begin_test()
        self.recent.clear()
        self.heard.clear()

    # --- what stands here for what is there -----------------------------------------------------------------------------

    def stand_in(self, name: str, about) -> object:
        """An object that can be assessed in place of the student's."""
        if type(name) is not str or type(about) is not dict or len(about) != 1:
            raise ValueError("not a name")
        (kind, told), = about.items()
        if kind == "value":
            return wire.decoded(told)
        if kind == "finished":
            return wire.kernel_function(*map(wire.text, told)) or function_of_the_package(name)
        if kind == "long":
            return "…" * (MAX_TEXT + 1)
        if kind == "kernel" or kind == "generator" and self.kinds.get(name) != "function":
            return self.kernel_function(name, told if kind == "kernel" else True)
        if kind == "function" or kind == "generator":
            module, type_name = map(wire.text, told)
            if self.kinds.get(name) == "data":
                return wire.opaque(type_name)
            return function_of_the_package(name) if module.startswith("pfncache_edu") else self.function(name)
        if kind == "async":
            return asynchronous(bool(told))
        return wire.opaque(wire.text(told, 100))

    def kernel_function(self, name: str, yields: bool) -> KernelFunction:
        def function(*arguments):
            conversation, objects = self.conversation_about(name, arguments)
            return RemoteSteps(conversation, objects, self.labels)
        function.__name__ = function.__qualname__ = name
        function.__module__ = "__main__"
        if yields:
            function.__wrapped__ = one_that_yields
        made = KernelFunction(function)
        made.remote_name = name
        return made

    def conversation_about(self, name: str, arguments: tuple) -> tuple[Conversation, wire.Objects]:
        key = name, *map(id, arguments)
        if key not in self.recent:
            objects = wire.Objects()
            new = {"function": name, "args": wire.encoded(arguments, objects), "objects": objects.described,
                   "livepatch": self.livepatch()}
            self.recent[key] = self.open(json.dumps(new)), objects, arguments      # who is kept keeps their id
        return self.recent[key][:2]

    def open(self, key: str) -> Conversation:
        """The conversation about a function with arguments in a world, all as JSON."""
        if key not in self.conversations:
            self.conversations[key] = Conversation(self, len(self.conversations), key)
        return self.conversations[key]

    @staticmethod
    def livepatch() -> list:
        """Which kernel functions are replaced by the student's now."""
        return [[[original.__module__, original.__name__], replacement.remote_name]
                for original, replacement in steps._livepatches.items() if hasattr(replacement, "remote_name")]

    def function(self, name: str) -> Callable:
        """A plain function: called with plain data, it returns plain data."""
        def function(*arguments):
            try:
                self.make_ready()
                answer = self.process.ask("call", name=name, args=wire.encoded(list(arguments)), limit=MAX_CALL)
            except Silent as silent:
                raise AnswerFailed(f"{name}(): {silent}") from None
            if "loops" in answer:
                raise RunsForEver(readable(lambda: wire.text(answer["loops"])))
            if "raised" in answer:
                raise exception_of(answer["raised"])
            return readable(lambda: wire.decoded(answer.get("value", {})))
        function.__name__ = function.__qualname__ = name
        function.__module__ = "__main__"
        return function

    # --- whether what was claimed is so ---------------------------------------------------------------------------------

    def contradiction(self, seed: str) -> str:
        """What the process says otherwise than before, when what it claimed to be one is asked for again; or ""."""
        for conversation in list(self.conversations.values()):
            if conversation.start is None:
                continue
            known = by_place(conversation.start)
            for said, result in [*continuations(known), *walks(conversation, known, random.Random(f"{seed} {conversation.number}"))]:
                other = next((s.after[result] for s in known[said.place] if result in s.after), None)
                if other is not None and not conversation.next(said, result).agrees_with(other):
                    return (f"{conversation.function}() was in the same place twice, was answered the same, and did not do the "
                            "same: a kernel function may depend only on its arguments and on what its steps answer")
        return ""


def by_place(start: Said) -> dict[tuple, list[Said]]:
    """All that was said, grouped by the place that it was claimed to be."""
    known: dict[tuple, list[Said]] = {}
    level = [start]
    while level:
        for said in level:
            if said.place:
                known.setdefault(said.place, []).append(said)
        level = [after for said in level for after in said.after.values()]
    return known


def continuations(known: dict[tuple, list[Said]]) -> Iterator[tuple[Said, str]]:
    """Each place's known continuations, from each history that is claimed to lead there and was not asked for them."""
    for said_there in known.values():
        results = {key for said in said_there for key in said.after}
        for said in said_there:
            for key in sorted(results - said.after.keys()):
                yield said, key


def walks(conversation: Conversation, known: dict[tuple, list[Said]], chance: random.Random) -> Iterator[tuple[Said, str]]:
    """Random long histories, one step after the other, along what is known of the claimed places."""
    for _ in range(WALKS):
        said = conversation.start
        for _ in range(WALK_STEPS):
            results = sorted({key for other in known.get(said.place, ()) for key in other.after}) if said.place else []
            if not results:
                break
            key = chance.choice(results)
            yield said, key
            said = said.after.get(key)
            if said is None:
                break


# --- stand-ins for what is no answer ------------------------------------------------------------------------------------

def one_that_yields():
    """What a kernel function of a student's is for whoever asks whether it yields at all."""
    yield


def asynchronous(generator: bool):
    async def coroutine():
        pass

    async def async_generator():
        yield
    return async_generator if generator else coroutine


def function_of_the_package(name: str):
    """A function that says that it comes from the package, and does nothing."""
    def function(*_, **__):
        raise Mistake(f"{name} is a finished function of the package")
    function.__name__ = name
    function.__module__ = "pfncache_edu"
    return function
