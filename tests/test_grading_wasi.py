"""Python as WebAssembly, as a sandbox: the same marks, loops that can be told apart, and machine code that only its owner can write."""
import csv
import dis
import json
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

from pfncache_edu.grading import judge, loops, wasi
from pfncache_edu.grading.batch import answers_elsewhere, own_workplace, sandbox_here
from pfncache_edu.grading.judge import Terms
from pfncache_edu.grading.remembered import Searches
from pfncache_edu.grading.sandbox import WASI, NoSandbox

EXERCISES = Path(__file__).parent.parent / "exercises"
SEARCHES = Searches()
SAMPLES = [next(path.parent.iterdir()) for id in ("8.2", "5.1", "2.3") for path in sorted(next(EXERCISES.glob(f"ch*/{id}-*")).glob("samples/*/*"))]
LOOPS = """
def rounds():
    seen = []
    for n in [1, 2]:
        for letter in "ab":
            seen.append((n, letter))
    yield from (n for n in (3, 4) if n)
    yield from seen
    yield {n: m for n, m in {1: 2}.items()}
    yield [*[5], *range(2)]
"""


@pytest.fixture(scope="module")
def box():
    try:
        return sandbox_here(WASI.name, False)
    except NoSandbox as problem:
        pytest.skip(str(problem))


@pytest.fixture
def hidden(monkeypatch):
    """A Python that keeps the count of a loop to itself."""
    monkeypatch.setattr(loops, "HIDDEN", True)
    monkeypatch.setitem(vars(loops.builtins), loops.ITER, iter)


# --- in it ------------------------------------------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES[:1] if WASI.why_not() else SAMPLES, ids=lambda path: path.parent.name)
def test_a_submission_earns_there_what_it_earns_elsewhere(box, sample):
    place = own_workplace()
    terms = Terms(lambda: box.start(place.edition, seconds=60, token=place.token), 20.0, searches=SEARCHES)
    with answers_elsewhere():
        report = judge.judge("/".join(sample.parts[-4:]), sample.read_bytes(), None, terms).report
    pinned = next(line for line in csv.DictReader((sample.parent.parent.parent / "expected_grades.csv").read_text(encoding="utf-8").splitlines())
                  if line["submission"].split("/")[0] == sample.parent.name)
    assert f"{report.points:g}" == pinned["points"]


@pytest.mark.slow
def test_no_canary_is_sick_there(box):
    """It is Python 3.15, which hides a loop's count: the modules that it is given do not let it."""
    edition = wasi.edition_for_wasi(own_workplace().edition, wasi.module(print))
    assert "pfncache_edu/interpreters/__pycache__/canaries.cpython-315.pyc" in {p.relative_to(edition).as_posix() for p in edition.rglob("*.pyc")}
    with answers_elsewhere():
        code = ("from pfncache_edu.interpreters.canaries import sick_canaries\nimport pfncache_edu\n@pfncache_edu.kernel\n"
                "def gfn_to_pfn_cache_invalidate_start(kvm, start, end):\n    raise ValueError(f'sick: {sick_canaries()}')\n    yield\n")
        place = own_workplace()
        terms = Terms(lambda: box.start(place.edition, seconds=60, token=place.token), 20.0)
        assert "sick: []" in judge.judge("8.2.py", code.encode(), None, terms).report.reason


# --- loops --------------------------------------------------------------------------------------------------------------------

def run(code):
    namespace = {}
    exec(code, namespace)
    return list(namespace["rounds"]())


def test_a_loop_through_an_iterator_does_what_the_loop_does(hidden):
    assert run(loops.compiled(LOOPS, "x", "exec")) == run(compile(LOOPS, "x", "exec"))


def places(code):
    inner = [place for const in code.co_consts if isinstance(const, CodeType) for place in places(const)]
    return {(i.opname, i.positions) for i in dis.get_instructions(code) if i.opname in ("YIELD_VALUE", "FOR_ITER", "STORE_FAST")} | set(inner)


def test_no_line_and_no_column_changes(hidden):
    assert places(loops.compiled(LOOPS, "x", "exec")) == places(compile(LOOPS, "x", "exec"))


def test_a_name_of_the_student_s_changes_no_loop(hidden):
    assert run(loops.compiled("iter = None\ndef rounds():\n    for n in [1]:\n        yield n\n", "x", "exec")) == [1]


def test_a_mistake_is_told_as_without_it(hidden):
    with pytest.raises(TypeError, match="'int' object is not iterable"):
        run(loops.compiled("def rounds():\n    for n in 5:\n        yield\n", "x", "exec"))
    with pytest.raises(SyntaxError, match="never closed"):
        loops.compiled("f(", "x", "exec")


# --- what is made once ------------------------------------------------------------------------------------------------------

def test_machine_code_that_others_could_change_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = wasi.cache()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(wasi.NotReady, match="others can write"):
        wasi.cache()


def compiler(tmp_path, monkeypatch, source):
    """In place of the compiler, this program."""
    program = tmp_path / "program.py"
    program.write_text(source)
    monkeypatch.setattr(wasi, "__file__", str(program))


def test_who_waits_for_the_compiler_is_told(tmp_path, monkeypatch):
    compiler(tmp_path, monkeypatch, "import sys\nopen(sys.argv[2], 'w').write('code')")
    file, told = tmp_path / "python.cwasm", []
    wasi.made_by_another_process(file, told.append)
    assert file.read_text() == "code" and str(tmp_path) in told[0] and "compiled in" in told[-1]


def test_a_compiler_that_fails_leaves_nothing_and_says_why(tmp_path, monkeypatch):
    compiler(tmp_path, monkeypatch, "import sys\nopen(sys.argv[2], 'w').write('co')\nsys.exit('no memory left')")
    with pytest.raises(wasi.NotReady, match="no memory left"):
        wasi.made_by_another_process(tmp_path / "python.cwasm", print)
    assert not list(tmp_path.glob("*.cwasm")) and not list(tmp_path.glob("*.part"))


def test_the_host_imports_nothing_of_the_package():
    """It is started for every submission."""
    loaded = subprocess.run([sys.executable, "-I", "-c", f"import sys, json, runpy; runpy.run_path({wasi.__file__!r}); print(json.dumps(list(sys.modules)))"],
                            check=True, capture_output=True).stdout
    assert not [name for name in json.loads(loaded) if name.startswith("pfncache_edu")]
