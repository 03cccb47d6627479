"""Editions: what students get gives nothing away, and is all that they need."""
import ast
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

from pfncache_edu.cli import main
from pfncache_edu.grading import EXERCISES, assess
from pfncache_edu.grading.answers import data
from pfncache_edu.grading.editions import NoRelease, Student, read_students, release, seed_of, with_seed
from pfncache_edu.grading.exercise import Exercise, Finding, Judged
from pfncache_edu.grading.hidden import Hidden, hardened, hidden_tests
from pfncache_edu.grading.questions import chosen_set, order, right_choices
from pfncache_edu.grading.release import without
from pfncache_edu.grading.sealed import Sealed, sealed, with_sealed_answers
from pfncache_edu.mutants import MUTANTS

EXERCISE_SOURCES = pathlib.Path(__file__).parent.parent / "exercises"
WIDE = 40                       # a line of a solution that is as long as this is nobody's but the solution's


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    out = tmp_path_factory.mktemp("release") / "student"
    release("student", EXERCISE_SOURCES, out)
    return out


def bytes_of(folder):
    return {path: path.read_text(encoding="utf-8") for path in folder.rglob("*")
            if path.is_file() and path.suffix not in (".gz", ".pyc", ".xz")}


def hidden_names():
    """Names that only an instructor may know: of samples, and of what hidden tests define."""
    samples = {path.name for path in EXERCISE_SOURCES.glob("**/samples/*") if path.is_dir()}
    defined = {name for path in EXERCISE_SOURCES.glob("**/hidden.py") for node in ast.walk(ast.parse(path.read_text()))
               for name in ([node.name] if isinstance(node, ast.FunctionDef) else
                            [target.id for target in node.targets if isinstance(target, ast.Name)] if isinstance(node, ast.Assign) else [])}
    return {name for name in samples | defined if "_" in name} - {"does_nothing", *MUTANTS}      # a single word is anybody's


# --- nothing is given away --------------------------------------------------------------------------------------------

def test_no_hidden_test_or_sample_is_named_in_a_byte_of_the_student_edition(student):
    hidden = hidden_names() - public_names()
    told = {(path.name, name) for path, text in bytes_of(student).items() for name in hidden & set(re.findall(r"\w+", text))}
    assert told == set() and len(hidden) > 50


def public_names():
    """Names that the book's own, tested code has as well: of functions, and of what exercises give points for."""
    package = pathlib.Path(sys.modules["pfncache_edu"].__file__).parent
    code = "\n".join(path.read_text() for path in package.rglob("*.py"))
    return {*re.findall(r"(?:def|class) (\w+)", code), *(p.name for exercise in EXERCISES.values() for p in exercise.properties)}


def test_no_line_of_a_solution_is_in_a_notebook_of_the_student_edition(student):
    notebooks = {path.stem: "".join(line for cell in json.loads(text)["cells"] for line in cell["source"])
                 for path, text in bytes_of(student / "exercises").items()}
    assert notebooks.keys() == EXERCISES.keys()
    for source in EXERCISE_SOURCES.glob("**/source.py"):
        text = source.read_text(encoding="utf-8")
        for block in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", text, re.DOTALL):
            for line in {line.strip() for line in block.splitlines()} - {line.strip() for line in without("SOLUTION", text).splitlines()}:
                assert len(line) < WIDE or line not in notebooks[source.parent.name.split("-")[0]]


def test_the_package_of_the_student_edition_has_no_solutions_and_no_plain_answers(student):
    assert not list(student.rglob("solutions")) and not list((student / "exercises").rglob("hidden.py"))
    for path in student.glob("package/pfncache_edu/grading/exercise_*.py"):
        assert "BEGIN ANSWERS" not in path.read_text()


def test_what_installs_the_student_edition_takes_all_of_its_data_along(student):
    """Folders such as starters/ are no packages: only a pattern that reaches into folders finds what is in them."""
    patterns = tomllib.loads((student / "package/pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    data = [path for path in (student / "package/pfncache_edu").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert len(data) > 50 and [path.name for path in data if not any(path.match(pattern.removeprefix("**/")) for pattern in patterns)] == []


def test_hint_4_of_the_student_edition_says_that_it_is_closed(student):
    code = "from pfncache_edu.grading import check; print(check('8.2', lambda kvm, start, end: (yield), hint=4))"
    told = subprocess.run([sys.executable, "-c", code], cwd=student / "package", capture_output=True, text=True, check=True).stdout
    assert "your instructor keeps the worked solution closed" in told


def test_the_package_of_the_student_edition_judges_as_ours_does(student):
    starter = next(student.glob("exercises/**/8.2.ipynb"))
    told = subprocess.run([sys.executable, "-m", "pfncache_edu.cli", "check", "8.2", str(starter)], cwd=student / "package", capture_output=True, text=True)
    assert told.returncode == 1 and "0 of 25 points" in told.stdout, told.stderr


# --- sealed answers ---------------------------------------------------------------------------------------------------

RIGHT, ORDER, CHOSEN = {"a": "yes", "b": 2, "c": None}, ["x", "y", "z"], ("p", "q")
VALUES = [(right_choices("v", RIGHT), right_choices("v", sealed(RIGHT)), {"a": "yes", "b": 2.0}),
          (right_choices("v", RIGHT), right_choices("v", sealed(RIGHT)), {"a": "no", "b": 2}),
          (order("v", ORDER), order("v", sealed(ORDER)), ["y", "x", "z"]),
          (chosen_set("v", CHOSEN, "pqr"), chosen_set("v", sealed(CHOSEN), "pqr"), ["p", "r"])]


@pytest.mark.parametrize("plain, judge, value", VALUES)
def test_sealed_answers_judge_as_plain_ones(plain, judge, value):
    def of(judge):
        report = assess(Exercise("99.9", "", (data("v", "something"),), (Judged("is_right", 3, "", "", judge),)), {"v": value})
        return report.points, report.reason
    assert of(plain) == of(judge)


def test_a_sealed_answer_says_nothing_of_itself():
    assert "secret" not in repr(sealed({"a": "secret"})) and sealed(["secret"]) == ["secret"] and Sealed("x") != "secret"
    assert sealed(True) != 1 and sealed(5) == 5.0


def test_answers_between_the_marks_are_sealed_in_place():
    source = "import this\n### BEGIN ANSWERS\nRIGHT = {'a': 'yes'}\nORDER = ['p', 'q']\n### END ANSWERS\nrest = 1\n"
    made = with_sealed_answers(source)
    assert "yes" not in made and "'p'" not in made and "rest = 1" in made and "from .sealed import Sealed" in made
    assert with_sealed_answers("plain = 1\n") == "plain = 1\n"


DRAWN = {"exercise_5_3.py": "the four traces that students match are made of what they are to be matched with"}


@pytest.mark.parametrize("module", sorted((EXERCISE_SOURCES.parent / "pfncache_edu/grading").glob("exercise_*_*.py")), ids=lambda path: path.stem)
def test_the_right_answers_of_questions_stand_between_the_marks(module):
    """A name that is judged against, and is bound to plain values, is sealed."""
    source = module.read_text(encoding="utf-8")
    judged = {call.args[1].id for call in ast.walk(ast.parse(source)) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
              and call.func.id in ("right_choices", "chosen_set", "order") and isinstance(call.args[1], ast.Name)}
    plain = {statement.targets[0].id for statement in ast.parse(with_sealed_answers(source)).body if isinstance(statement, ast.Assign)
             and isinstance(statement.targets[0], ast.Name) and not any(isinstance(part, ast.Call) for part in ast.walk(statement.value))}
    assert not judged & plain or module.name in DRAWN


def test_only_plain_values_can_be_sealed():
    with pytest.raises(ValueError, match="write NAME = and plain values"):
        with_sealed_answers("### BEGIN ANSWERS\nRIGHT = compute()\n### END ANSWERS\n")


# --- hidden tests -----------------------------------------------------------------------------------------------------

def test_every_hidden_test_belongs_to_a_property_and_spares_the_reference():
    tests = hidden_tests(EXERCISE_SOURCES)
    assert tests and all(hardened(EXERCISES[id], found).points == EXERCISES[id].points for id, found in tests.items())


def test_a_hidden_test_takes_the_points_and_tells_no_more_than_its_hint():
    def judge_of(secret):
        def judge(answers):
            return Finding(2) if answers.number("v") >= secret else Finding(0, f"the secret is {secret}")
        return judge
    exercise = Exercise("99.9", "", (data("v", "a number"),), (Judged("is_large", 2, "it is large", "", judge_of(1)),))
    hard = hardened(exercise, (Hidden("is_large", judge_of(77), hint="think of a larger one"),))
    report = assess(hard, {"v": 5})
    assert (assess(exercise, {"v": 5}).points, report.points, assess(hard, {"v": 77}).points) == (2, 0, 2)
    assert "think of a larger one" in report.reason and "77" not in report.reason


@pytest.mark.parametrize("hidden, said", [(Hidden("nothing", print, hint="x"), "has no property 'nothing'"), (Hidden("deadlock_free", print), "needs a hint")])
def test_a_hidden_test_that_belongs_nowhere_is_refused(hidden, said):
    with pytest.raises(ValueError, match=said):
        hardened(EXERCISES["8.2"], (hidden,))


def test_a_file_of_hidden_tests_must_have_them(tmp_path):
    (tmp_path / "8.2-x").mkdir()
    (tmp_path / "8.2-x/hidden.py").write_text("HIDDEN = 1\n")
    with pytest.raises(ValueError, match="write HIDDEN = "):
        hidden_tests(tmp_path)


# --- variants, rosters, the command -----------------------------------------------------------------------------------

def test_a_students_seed_is_always_the_same_and_nobody_elses():
    seeds = {seed_of(b"s" * 16, student, exercise) for student in ("ann", "bob") for exercise in ("1.1", "7.1")}
    assert len(seeds) == 4 and seed_of(b"s" * 16, "ann", "1.1") in seeds and seed_of(b"t" * 16, "ann", "1.1") not in seeds


def test_a_starter_gets_the_seed_in_its_line():
    notebook = json.dumps({"cells": [{"source": ["SEED = 1     # yours\n", "x = 'SEED = 1'\n"]}]})
    assert json.loads(with_seed(notebook, 42))["cells"][0]["source"] == ["SEED = 42     # yours\n", "x = 'SEED = 1'\n"]


def test_with_a_roster_each_student_gets_a_folder(tmp_path):
    release("student", EXERCISE_SOURCES, tmp_path / "out", students=[Student("s1", "One"), Student("s2", "Two")], secret=b"s" * 16)
    assert sorted(path.name for path in (tmp_path / "out/students").iterdir()) == ["s1", "s2"]


@pytest.mark.parametrize("text, said", [("", "first line with the columns"), ("name\nx\n", "first line with the columns"), ("id,name\n../x,y\n", "line 2: '../x' is no id"),
                                        ("id,name\n.hidden,y\n", "is no id")])
def test_a_roster_that_is_not_one_is_refused(tmp_path, text, said):
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(NoRelease, match=said):
        read_students(tmp_path / "roster.csv")


@pytest.mark.parametrize("arguments, said", [(["--exercises", "nowhere"], "no source.py"), (["--roster", "x"], "need both"), (["--edition", "solutions", "--out", "."], "is not empty")])
def test_the_command_says_what_to_do_instead(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(EXERCISE_SOURCES.parent)
    assert main(["release", "--out", str(tmp_path / "new"), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_other_editions_have_what_the_student_edition_must_not(tmp_path):
    release("instructor", EXERCISE_SOURCES, tmp_path / "i")
    release("solutions", EXERCISE_SOURCES, tmp_path / "s")
    assert list((tmp_path / "i").glob("**/hidden.py")) and {path.stem for path in (tmp_path / "s").rglob("*.ipynb")} == EXERCISES.keys()
