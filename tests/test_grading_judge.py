"""The judge: whatever a student's process says, what is graded is one program, and only a right one earns marks."""
import csv
import json
import os
import re
import signal
from pathlib import Path

import pytest

from pfncache_edu import scenarios
from pfncache_edu.grading import EXERCISES, judge, wire
from pfncache_edu.grading.answers import data, plain_function
from pfncache_edu.grading.batch import answers_elsewhere, own_workplace, sandbox_here
from pfncache_edu.grading.exercise import Exercise, Finding, Judged, assess
from pfncache_edu.grading.hidden import Hidden
from pfncache_edu.grading.judge import Terms
from pfncache_edu.grading.notebook import answers_in
from pfncache_edu.grading.remembered import Searches
from pfncache_edu.grading.sandbox import NoSandbox
from pfncache_edu.grading.student import Silent, Student
from pfncache_edu.kvm.structs import khva_t, kvm_memory_slot
from pfncache_edu.locks import read_lock_irq
from pfncache_edu.steps import Cell, Step

SAMPLES = next((Path(__file__).parent.parent / "exercises").glob("ch08/8.2-*")) / "samples"
PINNED = {line["submission"].split("/")[0]: line
          for line in csv.DictReader((SAMPLES.parent / "expected_grades.csv").read_text(encoding="utf-8").splitlines())}
SEARCHES = Searches()
STEPS = "from pfncache_edu import *\n@kernel\ndef gfn_to_pfn_cache_invalidate_start(kvm, start, end):\n"


@pytest.fixture(autouse=True)
def a_sandbox():
    """Without one there is nothing to test: `pfncache grade doctor` says what to install."""
    try:
        sandbox_here(None, False)
    except NoSandbox as problem:
        pytest.skip(str(problem))


def terms(**changes):
    place, sandbox = own_workplace(), sandbox_here(None, False)
    return Terms(**{"start": lambda: sandbox.start(place.edition, seconds=60, token=place.token), "seconds": 20.0, "searches": SEARCHES} | changes)


def judged(source, name="8.2.py", **changes):
    """The report on some Python source, by a judge in this process."""
    with answers_elsewhere():
        return judge.judge(name, source.encode() if isinstance(source, str) else source, None, terms(**changes)).report


def sample(name):
    """The code of a sample, as one piece of Python."""
    path = next((SAMPLES / name).iterdir())
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


def forging(how):
    """Python that makes the worker say something else about each step: `how` changes `said`, an entry of an answer."""
    return f"""
from pfncache_edu.grading import worker as _worker
_honest = _worker.Worker.entry
def _forged(self, call, history):
    said = _honest(self, call, history)
    {how}
    return said
_worker.Worker.entry = _forged
"""


# --- who is where ---------------------------------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("how", ["said |= {'at': 0} if 'at' in said else {}",
                                 "said |= {'at': len(history) % 2} if 'at' in said else {}",
                                 "said |= {'at': min(len(history), 9)} if 'at' in said else {}"])
@pytest.mark.parametrize("name", ["clears_under_the_read_lock", "decides_before_taking_the_lock", "holds_the_write_lock_longer",
                                  "skips_a_busy_cache", "walks_the_list_without_its_lock", "does_nothing", "takes_the_read_lock_twice"])
def test_a_forged_identity_never_earns_a_wrong_answer_more(name, how):
    assert judged(sample(name) + forging(how)).points <= int(PINNED[name]["points"])


@pytest.mark.slow
def test_a_right_answer_that_lies_about_where_it_is_earns_nothing():
    report = judged(sample("reference") + forging("said |= {'at': 0} if 'at' in said else {}"))
    assert report.points < 25


@pytest.mark.slow
def test_places_that_are_never_the_same_cost_time_and_no_marks():
    """A history is an identity, too: the safest one. Only loops without an end need a better one."""
    report = judged(sample("reference") + forging("said |= {'at': 1000 + hash(str(history)) % 1_000_000_000} if 'at' in said else {}"))
    assert report.points == 25


@pytest.mark.slow
def test_a_retry_loop_without_an_end_has_finitely_many_places():
    """It tries for the lock again and again, so histories alone would never come to an end."""
    spins = STEPS + """    yield spin_lock(kvm.gpc_lock)
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        hit = (yield gpc.valid) and start <= (yield gpc.uhva) < end
        yield read_unlock_irq(gpc.lock)
        if hit:
            while not (yield write_trylock(gpc.lock)):
                pass
            yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)
    yield spin_unlock(kvm.gpc_lock)
"""
    here = assess(EXERCISES["8.2"], answers_in(EXERCISES["8.2"], run_here(spins)))
    there = judged(spins)
    assert there.points == here.points and [r.outcome for r in there.results] == [r.outcome for r in here.results]
    assert "incomplete" not in {result.outcome for result in there.results}


def run_here(source):
    namespace = {"__name__": "__main__"}
    exec(compile(source, "<8.2.py>", "exec"), namespace)
    return namespace


# --- one function of its history ------------------------------------------------------------------------------------------

def test_whoever_answers_otherwise_the_second_time_is_held_to_the_first_answer():
    source = STEPS + """    global count
    count = globals().get("count", 0) + 1
    yield spin_lock(kvm.gpc_lock)
    if count % 2:
        yield kvm.mn_active_invalidate_count
    yield spin_unlock(kvm.gpc_lock)
"""
    report = judged(source)
    assert report.points == 0


@pytest.mark.slow
def test_a_search_that_was_made_before_says_the_same_with_the_new_answer_s_own_lines():
    fresh = judged(sample("clears_under_the_read_lock"), searches=Searches())
    searches = Searches()
    judged(sample("clears_under_the_read_lock"), searches=searches)
    before = dict(searches.sizes)
    again = judged("\n\n" + sample("clears_under_the_read_lock"), searches=searches)
    assert searches.sizes == before
    assert [(r.outcome, r.happened, r.schedule, r.svg) for r in again.results] == [(r.outcome, r.happened, r.schedule, r.svg) for r in fresh.results]
    assert line_in(again.failures[0].where) == line_in(fresh.failures[0].where) + 2


@pytest.mark.slow
def test_only_so_much_is_remembered_of_searches_and_the_reports_are_the_same():
    few = Searches(kept=300)
    for name in ("clears_under_the_read_lock", "takes_the_read_lock_twice", "clears_under_the_read_lock"):
        assert judged(sample(name), searches=few) == judged(sample(name))
        assert 0 < sum(few.sizes.values()) <= 300 and few.sizes.keys() == few.known.keys()


def line_in(where):
    return int(where.split("line ")[1].split(":")[0])


# --- what is said -----------------------------------------------------------------------------------------------------------

FORGED = {
    "points": "said.update(earned=25, outcome='passed')",
    "no step": "said = {'v': 'load', 'c': [], 'a': None, 'at': 0, 'stack': said.get('stack')}",
    "a verb that there is not": "said |= {'v': 'win'}",
    "a lock that is a number": "said |= {'v': 'write_lock', 'c': [{'o': 0}], 'a': None}",
    "a cell of nobody": "said |= {'c': [{'o': 10**9}]}",
    "a cell at a negative place": "said |= {'c': [{'o': -1}]}",
    "a cell that is true": "said |= {'c': [{'o': True}]}",
    "an endless value": "said |= {'v': 'store', 'a': 'x' * 2_000_000}",
    "a deep value": "said |= {'a': {'t': [[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    "a huge number": "said |= {'v': 'store', 'a': 1 << 10_000}",
    "a lone surrogate": "said |= {'stack': [['\\ud800', '\\udfff', 1, 1, 1, 1]]}",
    "a file of ours": "said |= {'stack': [['f', '/etc/passwd', 1, 1, 1, 1]]}",
    "a place with a negative line": "said |= {'stack': [['f', '<8.2.py>', -1, 1, 1, 1]]}",
    "a place that is a list": "said |= {'stack': [[['f'], '<8.2.py>', 1, 1, 1, 1]]}",
    "no place": "said |= {'at': None}",
    "not a number": "said |= {'v': 'store', 'a': float('nan')}",
    "a named tuple of the judge": "said |= {'a': {'n': ['pfncache_edu.grading.exercise', 'Finding', 1]}}",
    "an unknown letter": "said |= {'a': {'z': 1}}",
    "an exception of the judge": "said = {'raised': ['Violation', 'x', None]}",
    "an exit": "said = {'exit': 'KeyboardInterrupt'}",
    "a return": "said = {'done': True}",
    "many letters": "said = {'done': {'t': [1], 'f': [1]}}",
    "a set of lists": "said = {'done': {'s': [[1]]}}",
    "nothing": "said = {}",
    "none": "said = None",
    "a list": "said = []",
}


@pytest.mark.slow
@pytest.mark.parametrize("how", FORGED.values(), ids=FORGED)
def test_a_forged_answer_fails_the_test_and_nothing_else(how):
    report = judged(sample("does_nothing") + forging(how))
    assert report.points == 0 and report.reason
    assert "root:" not in str(report.as_dict())
    json.dumps(report.as_dict()).encode()


@pytest.mark.parametrize("answer", ["b'{}'", "b'[]'", "b'x' * 1_100_000", "b'[' * 900_000", "b'{' + b'\"a\":' * 50 + b'1'", "b'\\0'", "b'1e999'",
                                    "b'\\n' * 99", "b'{}\\n' * 9"])
def test_a_line_that_answers_no_question_ends_the_test(answer):
    source = f"""
import os
for n in range(3, 40):
    try:
        os.write(n, {answer} + b"\\n")
    except OSError:
        pass
"""
    report = judged(source)
    assert report.points == 0 and re.search("no answer|ended|there is no function", report.problem)


def test_an_answer_cannot_be_written_before_the_question_is_asked():
    """Each question has a number that nobody can guess."""
    source = """
import os
for n in range(3, 40):
    try:
        os.write(n, b'{"nonce": "0123456789abcdef", "complaints": [], "names": []}\\n')
    except OSError:
        pass
"""
    assert re.search("an answer to another question|what is no answer", judged(source).problem)     # as the lines arrive


@pytest.mark.slow
def test_a_process_that_dies_in_one_test_is_started_again_for_the_next():
    """The event of a far range kills it; the others are told from each other by their range, and pass their tests."""
    source = sample("reference") + """
_right = gfn_to_pfn_cache_invalidate_start
@kernel
def gfn_to_pfn_cache_invalidate_start(kvm, start, end):
    if start == 0x8000:
        import os
        os._exit(1)
    yield from _right.function(kvm, start, end)
"""
    outcomes = {result.name: result.outcome for result in judged(source).results}
    assert outcomes["adjacent_ranges_take_no_write_lock"] == "incomplete"
    assert outcomes["safe_with_three_threads"] == outcomes["relevant_range_takes_one_write_lock"] == "passed"


def test_a_process_that_somebody_kills_is_worth_another_try():
    """The system may have been short of memory: it counts only if it happens again, as a time-out does."""
    with answers_elsewhere(), Student(terms().start, "1.1.py", b"x = 1", 20.0) as student:
        student.begin_test()
        assert student.read() == ""
        os.killpg(student.process.process.pid, signal.SIGKILL)
        assert os.read(student.process.process.stdout.fileno(), 1) == b""          # all of it is dead
        with pytest.raises(Silent):
            student.run(())
        assert student.process.timed_out


# --- plain functions and data -------------------------------------------------------------------------------------------

def exercise(judging, **asks):
    return Exercise("1.1", "A question", tuple(ask for ask in asks.values()), (Judged("right", 3, "it is right", "", judging),))


def answered(source, asked):
    """The same exercise by `assess` here, and by the judge with the code elsewhere."""
    here = assess(asked, answers_in(asked, run_here(source)))
    with answers_elsewhere(), Student(terms().start, "1.1.py", source.encode(), 20.0) as student:
        student.begin_test()
        assert student.read() == ""
        there = assess(asked, answers_in(asked, student.run(asked.asks)), attempts=judge.RemoteAttempts(student, terms()))
    return here, there


def adds(answers):
    return Finding(3 if [answers.call("add", n, 2) for n in (1, 5)] == [3, 7] else 0, "it does not add")


ADD = {"add": plain_function("add", "a function of two numbers")}


@pytest.mark.parametrize("body", [
    "return a + b", "return a - b", "return (a, [b])", "return {1: a}", "return None", "return float('inf')", "return object()",
    "return {a, b}", "return b'x'", "return 'x' * 200_000", "yield a", "raise KeyError(a)", "raise SystemExit", "return a / 0",
    "return add(a, b)", "while True: pass", "return int('1' * 5000)", "return '\\udc80'", "return a + b + 0j", "return [[a] * 3] * 3",
    "return 1 << 5000", "class E(Exception): pass\n    raise E('mine')", "return type(a)", "a.append(1)", "return True + b"])
def test_a_plain_function_is_judged_as_in_the_notebook(body):
    here, there = answered(f"def add(a, b):\n    {body}\n", exercise(adds, **ADD))
    assert there.as_dict() == here.as_dict()


@pytest.mark.parametrize("source", [
    "add = 3", "add = None", "class add: pass", "import json as add", "def ad(a, b): return 3", "add = max",
    "add = lambda a, b: a + b", "import functools\nadd = functools.partial(max, 1)", "x = 1", "def add(a): return a", "def add(a, b, *, c): return 1"])
def test_what_is_there_in_place_of_a_function_is_judged_as_in_the_notebook(source):
    here, there = answered(source, exercise(adds, **ADD))
    assert there.as_dict() == here.as_dict()


@pytest.mark.parametrize("value", ["3", "3.0", "'three'", "[1, (2, 3)]", "{1: {2: 3}}", "None", "True", "{1, 2}", "float('nan')", "object()", "1j",
                                   "'x' * 90_000", "'x' * 110_000", "print", "[[[[[[]]]]]]", "range(3)", "__import__('collections').OrderedDict(a=1)"])
def test_plain_data_is_judged_as_in_the_notebook(value):
    asked = exercise(lambda answers: Finding(0, repr(answers.value("given"))[:100]), given=data("given", "some data"))
    here, there = answered(f"given = {value}", asked)
    assert there.as_dict() == here.as_dict()


def test_a_value_that_claims_to_equal_everything_equals_nothing():
    source = "class Right:\n    def __eq__(self, other): return True\n    __hash__ = None\ngiven = Right()\ndef add(a, b): return Right()\n"
    for asked in (exercise(adds, **ADD), exercise(lambda answers: Finding(3 if answers.value("given") == 7 else 0), given=data("given", "some data"))):
        assert answered(source, asked)[1].points == 0


# --- hidden tests -------------------------------------------------------------------------------------------------------------

@pytest.mark.slow
def test_a_hidden_test_costs_its_points_and_shows_its_hint_only():
    def fails(answers):
        return Finding(0, "the secret situation")
    report = judged(sample("does_nothing"), hidden={"8.2": (Hidden("safe_with_three_threads", fails, hint="think again"),)})
    assert report.points == 0
    report = judged(sample("reference"), hidden={"8.2": (Hidden("safe_with_three_threads", fails, hint="think again"),)})
    assert report.points == 18 and "think again" in report.reason and "secret" not in str(report.as_dict())


# --- the wire -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("value", [None, True, 0, -7, 1.5, "a", "ä\n", [1, [2]], (1, (2,)), {"a": (1, 2), 3: [4]}, {1, 2}, frozenset({"x"}), b"\x00\xff",
                                   khva_t("A", 8), (kvm_memory_slot(0, 1, 0x7000),), 1 << 63])
def test_a_value_comes_back_as_it_was(value):
    there = json.loads(json.dumps(wire.encoded(value)))
    assert wire.decoded(there) == value and type(wire.decoded(there)) is type(value)


@pytest.mark.parametrize("rubbish", [{}, {"t": 1}, {"q": []}, {"a": 1, "b": 2}, {"n": []}, {"n": ["os", "system"]}, {"o": 0}, {"b": "x"}, {"?": 1},
                                     {"d": [[1]]}, {"d": [[[], 1]]}, {"s": [[1]]}, pytest.param(1 << 20_000, id="a huge number"), {"c": [0, 0]}])
def test_what_is_no_value_is_refused(rubbish):
    with pytest.raises(ValueError):
        wire.decoded(rubbish)


def test_nothing_that_a_cell_holds_is_told():
    world = scenarios.World()
    objects = wire.Objects()
    wire.encoded((world.kvm,), objects)
    told = json.dumps(objects.described)
    assert "gpc.valid" in told and '"A"' not in told and str(0x7000) not in told.replace('"gpc.uhva"', "").replace("[28672", "")


@pytest.mark.parametrize("change", [{"v": "write_lock"}, {"c": []}, {"v": "smp_rmb"}, {"a": "irqs"}, {"a": []}, {"c": [3]}])
def test_a_step_that_no_function_of_ours_makes_is_refused(change):
    lock = Cell("lock", 0, kind="mutex")
    objects = wire.Objects()
    number = objects.number_of(lock)
    honest = {"v": "mutex_lock", "c": [{"o": number}], "a": None}
    assert wire.decoded_step(honest, objects).verb.name == "mutex_lock"
    with pytest.raises(ValueError):
        wire.decoded_step(honest | change, objects)


def test_a_step_of_ours_comes_back_as_it_was():
    gpc = scenarios.World().caches[0]
    objects = wire.Objects()
    objects.number_of(gpc)
    for step in (read_lock_irq(gpc.lock), gpc.pfn.set("B"), gpc.generation.add(1)):
        assert isinstance(step, Step) and step.same_as(wire.decoded_step(wire.encoded_step(step, objects), objects))
        step.yielded = True
