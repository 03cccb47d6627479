"""Attacks on the grader, as students have tried them on others: each may only cost its own submission its marks.

Every attack runs in each sandbox that works here: without root's rights, with limits on memory, processes and time, and
nothing to connect to but a server that this test opens on the loopback address.
"""
import os
import re
import socket
import time
from pathlib import Path
from textwrap import indent

import pytest

from pfncache_edu.grading import judge, sandbox
from pfncache_edu.grading.batch import answers_elsewhere, own_workplace, sandbox_here
from pfncache_edu.grading.judge import Terms
from pfncache_edu.grading.sandbox import LIMITS, NoSandbox, choose, examine
from pfncache_edu.grading.seccomp import MACHINES, filter_program

pytestmark = pytest.mark.slow
SECONDS = 3.0


BOXES = [one for one in sandbox.SANDBOXES if one.is_boundary]


@pytest.fixture(scope="module", params=[one.name for one in BOXES if not one.why_not()] or [BOXES[0].name])
def box(request):
    """A sandbox that is installed; if it does not work here it is skipped, with what `pfncache grade doctor` says of it."""
    return box_or_skip(request.param)


def box_or_skip(name):
    try:
        return sandbox_here(name, False)
    except NoSandbox as problem:
        pytest.skip(str(problem))


# Each of these would be worth full marks, or would be seen, if it worked. None defines a right answer.
ENDS = {
    "sys.exit": "import sys; sys.exit(0)",
    "os._exit": "import os; os._exit(0)",
    "abort": "import os; os.abort()",
    "a crash of the interpreter": "import ctypes; ctypes.string_at(0)",
    "a crash by a code object": "def f(): pass\nf.__code__ = f.__code__.replace(co_code=b'd\\xff' * 50)\nf()",
    "kills itself": "import os; os.kill(os.getpid(), 9)",
    "stops itself": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "kills its parent": "import os; os.kill(os.getppid(), 9)",
    "kills the first process": "import os; os.kill(1, 9)",
    "kills its group": "import os; os.killpg(0, 9)",
    "kills everybody": "import os\nfor n in range(2, 400):\n    try: os.kill(n, 9)\n    except OSError: pass",
    "deep recursion": "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "recursion in C": "x = []\nfor _ in range(10**6): x = [x]\nrepr(x) == x",
    "a null byte": "open('a\\0b')",
    "a name that is too long": "open('x' * 100_000)",
    "bad unicode": "open('\\udcff\\ud800')",
    "raises in a finaliser": "class A:\n    def __del__(self): raise SystemExit\nA()",
    "an exit handler": "import atexit, os\natexit.register(os._exit, 0)",
    "changes signals": "import signal\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass",
    "closes every file": "import os\nos.closerange(0, 64)",
}
LOOPS = {
    "in Python": "while True: pass",
    "in C": "sum(iter(int, 1))",
    "in one number": "9 ** 9 ** 9",
    "in a regular expression": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "asleep": "import time; time.sleep(1000)",
    "in select": "import select; select.select([], [], [])",
    "waiting for a signal": "import signal; signal.pause()",
    "that catches everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "reading for ever": "f = open('/dev/urandom', 'rb')\nwhile True: f.read(1 << 20)",
    "in a finaliser": "class A:\n    def __del__(self):\n        while True: pass\nA()",
    "in a name": "class A(dict):\n    def __missing__(self, key):\n        while True: pass\nA()['x']",
    "of a lock": "import threading\nlock = threading.Lock(); lock.acquire(); lock.acquire()",
}
BOMBS = {
    "memory at once": "x = bytearray(1 << 40)",
    "memory in pieces": "x = []\nwhile True: x.append('x' * 1_000_000)",
    "memory by a number": "x = 1 << (1 << 40)",
    "memory mapped": "import mmap\nx = [mmap.mmap(-1, 1 << 30) for _ in range(100)]",
    "a zip bomb": "import zlib\nx = zlib.decompress(zlib.compress(b'0' * 10_000_000) * 1)\nx *= 10_000",
    "prints": "for _ in range(300): print('x' * 1_000_000)",
    "prints to the file itself": "import os\nfor _ in range(3000): os.write(1, b'x' * 100_000); os.write(2, b'x' * 100_000)",
    "threads": "import threading, time\nfor _ in range(10_000): threading.Thread(target=time.sleep, args=(100,), daemon=True).start()",
    "open files": "x = [open('/dev/null') for _ in range(10_000)]",
    "names": "for n in range(200_000): globals()[f'name{n}'] = 'x' * 100",
    "values": "given = ['x' * 1000] * 100_000",
    "complaints": "raise ValueError('x' * 50_000_000)",
}
PROCESSES = {
    "a fork bomb": "import os\nwhile True: os.fork()",
    "a fork bomb that goes on": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "a child": "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])",
    "a shell": "import os; assert os.system('sleep 100') == 0",
    "a daemon": "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        import time; time.sleep(100)\n    os._exit(0)",
    "multiprocessing": "import multiprocessing; multiprocessing.Process(target=print).start()",
    "posix_spawn": "import os; os.posix_spawn('/bin/sh', ['sh', '-c', 'sleep 100'], {})",
    "another program in its place": "import os, sys; os.execv(sys.executable, ['python', '-c', 'print(1)'])",
}
PATCHES = {
    "the check": "import pfncache_edu\npfncache_edu.check = lambda *a, **k: 25",
    "the explorer": "from pfncache_edu.interpreters import explorer\nexplorer.explore = lambda *a, **k: None",
    "the verdict": "from pfncache_edu import verdict\nverdict.Verdict.holds = True",
    "the steps": "from pfncache_edu import steps\nsteps.Step.effect = lambda self, *old: (None, *old)",
    "the locks": "from pfncache_edu import locks\nlocks.conflicts = lambda *a: False",
    "the properties": "from pfncache_edu import properties\nproperties.takes_for_write = lambda *a: False",
    "equality": "import builtins\nbuiltins.len = lambda x: 25\nbuiltins.sum = lambda x: 25",
    "json": "import json\njson.dumps = lambda *a, **k: '{\"points\": 25}'",
    "the worker's answer": "from pfncache_edu.grading import worker\nworker.Worker.answer = lambda *a: {'points': 25, 'names': [], 'complaints': []}",
    "the worker's run": "from pfncache_edu.grading import worker\nworker.Worker.run = lambda *a: {'complaints': [], 'names': [['gfn_to_pfn_cache_invalidate_start', "
                        "{'finished': ['pfncache_edu.kvm.pfncache', 'gfn_to_pfn_cache_invalidate_start']}]]}",
    "a name of the judge's": "from pfncache_edu.grading import worker\nworker.Worker.run = lambda *a: {'complaints': [], 'names': [['gfn_to_pfn_cache_invalidate_start', "
                             "{'finished': ['pfncache_edu.grading.exercise_8_2', 'EXERCISE']}]]}",
    "the interpreter's syntax trees": "import ast\nast.parse = lambda *a, **k: None\nimport doctest\ndoctest.testmod = lambda *a: (0, 25)",
    "imports": "import sys\nclass F:\n    def find_spec(self, *a): raise SystemExit\nsys.meta_path.insert(0, F())",
    "tracing": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
    "the exercises": "import pfncache_edu.grading.exercises",
    "frames": "import sys\nf = sys._getframe()\nwhile f:\n    f.f_locals.update(points=25, report=25)\n    f = f.f_back",
    "garbage": "import gc\nfor x in gc.get_objects():\n    if type(x) is dict:\n        x.get('points') and x.update(points=25)",
}
LOOKS = """
import os
found = []
def attempt(what, function):
    try:
        found.append(f"{what}: {function()!r}"[:200])
    except BaseException:
        pass
"""
SEES = {
    "files": "\n".join(f"attempt({path!r}, lambda: open({path!r}).read(20))" for path in (
        "/etc/passwd", "/etc/shadow", "/etc/hostname", "/proc/self/environ", "/proc/1/cmdline", "/proc/self/maps", "/proc/meminfo",
        "/sys/kernel/ostype", "/root/.bashrc", "/home", str(Path(__file__)), str(Path(judge.__file__)),
        str(Path(judge.__file__).with_name("exercise_8_2.py")))),
    "folders": "\n".join(f"attempt({path!r}, lambda: os.listdir({path!r}))" for path in ("/tmp/pytest-of-root", "/home", "/root/.ssh", "/proc", "/sys", "/run", "/var", "/etc")),
    "the exercises": "\n".join(f"attempt({name!r}, lambda: [n for n in vars(__import__('pfncache_edu.grading.{name}', fromlist=['x'])) if n[:2] != '__'][0])" for name in (
        "exercises", "exercise_8_2", "judge", "hidden", "ledger", "solutions", "sealed")),
    "secrets in memory": "import gc\nattempt('gc', lambda: [x for x in gc.get_objects() if type(x) is str and 'withdraws_a_page_in_the_range' in x][0])",
    "the environment": "attempt('environ', lambda: {key: value for key, value in os.environ.items() if key not in "
                       "('LANG', 'LC_CTYPE', 'PATH', 'PWD', 'LD_LIBRARY_PATH', 'PFNCACHE_RUN')}.popitem())",
    "other processes": "attempt('processes', lambda: [n for n in range(3, 4000) if os.path.exists(f'/proc/{n}')][0])",
    "who it is": "attempt('root', lambda: [n for n in (os.getuid(), os.geteuid(), os.getgid()) if n == 0][0])\nattempt('setuid', lambda: os.setuid(0))\n"
                 "attempt('chroot', lambda: os.chroot('/'))\nattempt('nice', lambda: os.nice(-5))",
    "the limits": "import resource\nattempt('limits', lambda: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2))\n"
                  "attempt('processes', lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000)))",
    "writing": "\n".join(f"attempt({place!r}, lambda: open({place!r} + '/planted', 'w'))" for place in (
        "/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/home", "/root", "/usr/lib", ".", str(Path(judge.__file__).parent))),
    "writing into Python": "import sys, json\nfor place in [*sys.path, os.path.dirname(json.__file__), os.path.dirname(__import__('pfncache_edu').__file__)]:\n"
                           "    for name in ('sitecustomize.py', 'usercustomize.py', 'x.pth', '__init__.py', 'json.py', '__pycache__/x.pyc'):\n"
                           "        attempt(place, lambda: open(place + '/' + name, 'a'))",
    "changing files": "import pfncache_edu\nfile = pfncache_edu.__file__\nfor change in (lambda: os.unlink(file), lambda: os.rename(file, file + 'x'), lambda: (os.chmod(file, 0o777), [m for m in (os.stat(file).st_mode,) if m & 0o777 == 0o777][0]),\n"
                      "        lambda: os.truncate(file, 0), lambda: os.symlink('/etc/passwd', '/tmp/link'), lambda: os.mkfifo('/tmp/fifo'), lambda: os.mkdir('/tmp/folder'),\n"
                      "        lambda: os.link(file, '/tmp/x'), lambda: os.utime(file)):\n    attempt('change', change)",
    "temporary files": "import tempfile\nattempt('temporary', tempfile.mkstemp)\nattempt('memfd', lambda: os.memfd_create('x'))",
    "shared memory": "import multiprocessing.shared_memory as s\nattempt('shm', lambda: s.SharedMemory('x', create=True, size=10))\n"
                     "import ctypes\nattempt('sysv', lambda: [n for n in (ctypes.CDLL(None).shmget(1234, 4096, 0o1666),) if n >= 0][0])",
    "sockets": "import socket\nfor kind in (1, 2, 10, 16, 17, 40):\n    for how in (1, 2, 3, 5, 6):\n"
               "        attempt(f'{kind} {how}', lambda: socket.socket(kind, how))\nattempt('pair', lambda: socket.socketpair())\nattempt('name', lambda: socket.getaddrinfo('localhost', 80))",
    "system calls": "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nfor number in (101, 165, 272, 308, 310, 321, 425, 435, 434, 438, 175, 250, 298, 161):\n"
                    "    attempt(f'call {number}', lambda: [r for r in (libc.syscall(number, 0, 0, 0, 0, 0),) if r >= 0][0])",
    "other namespaces": "import ctypes\nlibc = ctypes.CDLL(None)\nattempt('unshare', lambda: [r for r in (libc.unshare(0x10000000),) if r == 0][0])",
    "terminals": "import fcntl\nfor n in range(40):\n    attempt('TIOCSTI', lambda: fcntl.ioctl(n, 0x5412, b'x'))\nattempt('tty', lambda: open('/dev/tty', 'w'))",
}
IF_THERE = """
try:
{}
except (ImportError, OSError):
    import sys
    if sys.platform != "wasi":     # whose Python has no such module at all
        raise
"""
TELLS = """
@__import__('pfncache_edu').kernel
def gfn_to_pfn_cache_invalidate_start(kvm, start, end):
    raise ValueError("; ".join(found) or "nothing was found")
    yield
"""


def report_on(box, source, name="8.2.py", seconds=SECONDS):
    place = own_workplace()
    terms = Terms(lambda: box.start(place.edition, seconds=3 * seconds, token=place.token), seconds)
    with answers_elsewhere():
        return judge.judge(name, source.encode() if isinstance(source, str) else source, None, terms).report


def processes():
    """The processes of other users than root, such as attacks would leave behind."""
    return {path.name for path in Path("/proc").glob("[0-9]*") if path.exists() and path.stat().st_uid >= sandbox.FIRST_UID}


@pytest.mark.parametrize("source", [*ENDS.values(), *BOMBS.values(), *PROCESSES.values(), *PATCHES.values()],
                         ids=[*ENDS, *BOMBS, *PROCESSES, *PATCHES])
def test_an_attack_earns_nothing_and_gets_a_reason(box, source):
    report = report_on(box, source)
    assert report.points == 0 and report.reason
    assert len(str(report.as_dict())) < 100_000


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
def test_a_loop_without_an_end_costs_its_own_time_only(box, source):
    report = report_on(box, source, seconds=1.0)
    assert report.points == 0 and re.search("not done after 1 seconds|processor time|is no kernel|run the cell|process ended", report.reason)


@pytest.mark.parametrize("source", SEES.values(), ids=SEES)
def test_there_is_nothing_to_be_seen_or_changed(box, source):
    """What an attack finds it says in the message of an error, where this test reads it."""
    report = report_on(box, LOOKS + IF_THERE.format(indent(source, "    ")) + TELLS)
    assert "nothing was found" in report.reason


def test_what_an_attack_finds_is_seen_here(box):
    """Or the test above would say nothing."""
    assert "the answer: 42" in report_on(box, LOOKS + "attempt('the answer', lambda: 42)" + TELLS).reason


def test_nothing_reaches_a_server_on_this_machine(box):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        report = report_on(box, f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 2).send(b'marks')")
        with pytest.raises(TimeoutError):
            server.accept()
    assert report.points == 0


def test_nothing_is_left_behind(box):
    """Neither a process nor a file of one submission meets the next one."""
    before = processes()
    report_on(box, "import os, subprocess, sys\nfor _ in range(3):\n    try:\n        if os.fork() == 0:\n            os.setsid()\n            import time; time.sleep(100)\n"
              "    except OSError: pass\nopen('/tmp/planted', 'w')")
    for _ in range(50):
        if processes() <= before:
            break
        time.sleep(0.02)
    assert processes() <= before and not Path("/tmp/planted").exists()
    assert "nothing was found" in report_on(box, LOOKS + "attempt('planted', lambda: open('/tmp/planted'))" + TELLS).reason


@pytest.mark.parametrize("name", [one.name for one in BOXES])
def test_a_sandbox_that_is_taken_keeps_its_promise(name):
    found = examine(box_or_skip(name), own_workplace().edition)
    assert found.works and found.escapes == () and found.sandbox.is_boundary


def test_limits_alone_are_no_boundary_and_have_to_be_asked_for():
    edition = own_workplace().edition
    assert examine(LIMITS, edition).escapes
    with pytest.raises(NoSandbox, match="--i-trust-these-students"):
        choose(edition, name="limits")
    assert choose(edition, name="limits", trusting=True) is LIMITS


def test_without_a_sandbox_the_grader_says_what_to_install(monkeypatch):
    for one in sandbox.SANDBOXES[:-1]:
        monkeypatch.setattr(type(one), "why_not", lambda self: "it is not here")
    with pytest.raises(NoSandbox, match="apt-get install bubblewrap"):
        choose(own_workplace().edition)
    assert sandbox.doctor(own_workplace().edition)[-1].startswith("no sandbox works here")


def test_a_sandbox_that_does_not_start_is_not_taken(monkeypatch):
    monkeypatch.setattr(type(sandbox.BUBBLEWRAP), "program", property(lambda self: "/bin/false"))
    found = examine(sandbox.BUBBLEWRAP, own_workplace().edition)
    assert not found.works and "does not start" in found.why_not


@pytest.mark.parametrize("machine", MACHINES)
def test_every_jump_of_the_filter_ends_inside_it(machine):
    program = filter_program(machine)
    lines = [program[n:n + 8] for n in range(0, len(program), 8)]
    assert len(lines) < 4096
    for n, line in enumerate(lines):
        if line[0] & 7 == 5:                                   # a jump
            assert n + 1 + max(line[2], line[3]) < len(lines)
    assert lines[-1][0] == 6 and filter_program("pdp11") is None


def test_a_student_s_process_is_never_root(box):
    assert "nothing was found" in report_on(box, LOOKS + SEES["who it is"] + TELLS).reason
    assert os.geteuid() != 0 or box.uid
