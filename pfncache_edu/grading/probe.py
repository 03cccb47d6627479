"""What a sandbox must not let a student's process do, tried from inside. The doctor (sandbox.py) runs it and reads what it says."""
from __future__ import annotations

import json
import os
import socket
import sys
import threading

from .worker import become, limit_resources

FILES = ("/etc/passwd", "/etc/group", "/etc/fstab", "/proc/self/status", "/proc/1/cmdline", "/sys/kernel/ostype")
FOLDERS = ("/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/run", "/home", ".")
ENOUGH = 64


def main(arguments: str) -> None:
    """Try everything, and say for each what came of it: "" if it could not be done."""
    asked = json.loads(arguments)
    become(asked["uid"])
    limit_resources(asked["memory"], asked["seconds"])
    tried = {}
    for name, attempt in ATTEMPTS.items():
        try:
            tried[name] = attempt(asked) or ""
        except (OSError, MemoryError, ImportError):
            tried[name] = ""
        except Exception as error:
            if isinstance(error, AttributeError) and error.obj is os:          # this system has no such call at all
                tried[name] = ""
                continue
            tried[name] = f"{name} could not be tried ({type(error).__name__}: {error})"
    print(json.dumps(tried), flush=True)
    os._exit(0)


def is_root(asked) -> str:
    return "its user is root" if 0 in (os.getuid(), os.geteuid()) else ""


def has_capabilities(asked) -> str:
    import ctypes
    libc = ctypes.CDLL(None)
    effective = [number for number in range(41) if libc.prctl(23, number, 0, 0, 0) == 1 and os.geteuid() == 0]      # PR_CAPBSET_READ
    return f"{len(effective)} capabilities" if effective else ""


def reads_files(asked) -> str:
    for path in (*FILES, asked["canary"]):
        try:
            with open(path, "rb") as file:
                file.read(1)
            return f"{path} can be read"
        except OSError:
            continue
    return ""


def writes_files(asked) -> str:
    for folder in (*FOLDERS, os.path.dirname(asked["canary"]), os.path.dirname(__file__)):
        path = os.path.join(folder, f"pfncache-probe-{os.getpid()}")
        try:
            with open(path, "wb"):
                pass
            os.unlink(path)
            return f"a file can be made in {folder}"
        except OSError:
            continue
    return ""


def changes_files(asked) -> str:
    before = os.stat(__file__).st_mode
    os.chmod(__file__, before ^ 0o100)
    return "the rights of a file can be changed" if os.stat(__file__).st_mode != before else ""


def connects(asked) -> str:
    with socket.socket() as reached:
        reached.settimeout(1)
        reached.connect(("127.0.0.1", asked["port"]))
    return "a server on this machine can be reached"


def starts_processes(asked) -> str:
    for count in range(ENOUGH):
        if os.fork() == 0:
            threading.Event().wait(0.5)
            os._exit(0)
    return f"{ENOUGH} processes can be started"


def signals_others(asked) -> str:
    os.kill(asked["judge"], 0)
    return "the judge's process can be reached by a signal"


def takes_memory(asked) -> str:
    bytearray(2 * asked["memory"])
    return "more memory than is allowed can be had"


def sees_the_exercises(asked) -> str:
    from . import exercises
    return f"the exercises are there: {exercises.__name__}"


ATTEMPTS = {function.__name__: function for function in (
    is_root, has_capabilities, reads_files, writes_files, changes_files, connects, starts_processes, signals_others, takes_memory, sees_the_exercises)}

if __name__ == "__main__":
    main(sys.argv[1])
