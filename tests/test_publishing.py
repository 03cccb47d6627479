"""What the book needs to be published: addresses of notebooks elsewhere, files for Binder, lines for Colab, cards, a page for what is missing."""
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = "https://github.com/example/inside-pfncache"
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "book/_ext")]
sphinx = pytest.importorskip("sphinx", reason="the book's tools are not installed")

import launch  # noqa: E402
import pfn_cards  # noqa: E402
import pfn_launch  # noqa: E402
import pfn_missing  # noqa: E402
import pfn_paths  # noqa: E402

each_notebook = pytest.mark.parametrize("path", launch.notebooks(), ids=lambda path: path.stem)


def first_code_cell(path):
    return next(cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")


# ---- Binder and Colab ------------------------------------------------------------------------------------------------

def test_without_an_address_there_is_nothing_to_launch():
    assert pfn_launch.launchers("", "main", "book/chapters/ranges.ipynb") == {}


@each_notebook
def test_every_notebook_has_its_address_on_binder_and_colab(path):
    place = path.relative_to(ROOT).as_posix()
    assert pfn_launch.launchers(EXAMPLE, "main", place) == {
        "Binder": f"https://mybinder.org/v2/gh/example/inside-pfncache/main?urlpath=lab/tree/{place}",
        "Colab": f"https://colab.research.google.com/github/example/inside-pfncache/blob/main/{place}"}


@pytest.mark.parametrize("written", [EXAMPLE + "/", EXAMPLE + ".git"])
def test_an_address_may_end_as_git_writes_it(written):
    assert pfn_launch.launchers(written, "main", "a.ipynb") == pfn_launch.launchers(EXAMPLE, "main", "a.ipynb")


def test_a_branch_with_a_slash_stays_one_part_of_the_address():
    assert "/inside-pfncache/spring%2F2027?" in pfn_launch.launchers(EXAMPLE, "spring/2027", "a.ipynb")["Binder"]


def test_a_repository_elsewhere_runs_on_binder_only():
    assert pfn_launch.launchers("https://gitlab.com/a/b", "main", "c.ipynb") == {"Binder": "https://mybinder.org/v2/gl/a%2Fb/main?urlpath=lab/tree/c.ipynb"}
    assert pfn_launch.launchers("https://git.example.org/a/b", "main", "c.ipynb") == {
        "Binder": "https://mybinder.org/v2/git/https%3A%2F%2Fgit.example.org%2Fa%2Fb/main?urlpath=lab/tree/c.ipynb"}


@pytest.mark.parametrize("wrong", ["example/inside-pfncache", "https://github.com/example", "git@github.com:example/inside-pfncache"])
def test_what_is_no_address_is_answered_with_one(wrong):
    with pytest.raises(Exception, match="such as https://github.com/example/inside-pfncache"):
        pfn_launch.launchers(wrong, "main", "a.ipynb")


def pinned():
    """The versions of requirements.txt, by name."""
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.M))


def test_what_binder_installs_has_the_versions_of_the_book():
    """By way of a constraints file, so that no version stands twice; each name must be in it, or it would not be pinned."""
    lines = [line for line in (ROOT / "binder/requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "-c ../requirements.txt" and lines[-1] == "."
    assert set(lines[1:-1]) <= pinned().keys()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {re.match(r"[\w-]+", need)[0] for need in project["widgets"] + project["grade"]} <= set(lines), "the chapters need these"


@pytest.mark.parametrize("name", ["anywidget", "ipywidgets", "matplotlib"])
def test_a_pinned_version_satisfies_the_project(name):
    packaging = pytest.importorskip("packaging.requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    needs = [packaging.Requirement(need) for group in project.values() for need in group if need.startswith(name)]
    assert needs and all(need.specifier.contains(pinned()[name]) for need in needs)


def test_binder_runs_a_python_that_the_pins_are_made_for():
    minor = int(re.fullmatch(r"python-3\.(\d+)\n", (ROOT / "binder/runtime.txt").read_text())[1])
    low, high = map(int, re.search(r"for Python 3\.(\d+) to 3\.(\d+)", (ROOT / "requirements.txt").read_text()).groups())
    assert low <= minor <= high


def test_binder_checks_its_image_before_a_reader_gets_it():
    script = ROOT / "binder/postBuild"
    assert script.stat().st_mode & 0o111, "postBuild must be executable"
    command = re.search(r'python -c "(.*)"', script.read_text())[1]
    subprocess.run([sys.executable, "-c", command], check=True, cwd=ROOT, capture_output=True)


@each_notebook
def test_a_notebook_names_the_address_of_the_setting_or_none(path):
    cell, setting = first_code_cell(path), launch.setting()
    assert cell.source == launch.with_lines(cell.source, *setting), "write: python3 book/launch.py ADDRESS"


@pytest.mark.parametrize("path", [path for path in launch.notebooks() if path.parent.name == "chapters"], ids=lambda path: path.stem)
def test_the_lines_for_colab_would_stand_where_the_page_does_not_show_them(path):
    assert {"remove-input", "remove-cell", "hide-input"} & set(first_code_cell(path).metadata.get("tags", []))


def test_what_no_notebook_has_to_run_again_for_is_imported_by_none():
    """The rooms left out of the stamp: after a change to them the kept results are still right."""
    from tasks import NOT_IN_NOTEBOOKS
    rooms = "|".join(name.removesuffix(".py") for name in NOT_IN_NOTEBOOKS - {"__pycache__"})
    modules = [path for path in (ROOT / "pfncache_edu").rglob("*.py") if not set(path.relative_to(ROOT / "pfncache_edu").parts) & NOT_IN_NOTEBOOKS]
    for path in [*modules, *launch.notebooks(), ROOT / "book/index.md"]:
        assert not re.search(rf"(from|import) +(pfncache_edu)?\.*({rooms})\b|from \.+ import .*\b({rooms})\b", path.read_text(encoding="utf-8")), path


@each_notebook
def test_the_lines_for_colab_come_and_go_without_a_trace(path):
    bare = launch.with_lines(first_code_cell(path).source, "", "main")
    once = launch.with_lines(bare, EXAMPLE, "main")
    assert once.endswith(bare) and f"git+{EXAMPLE}@main" in once
    assert launch.with_lines(once, EXAMPLE, "main") == once and launch.with_lines(once, "", "main") == bare


@pytest.mark.parametrize("there", [True, False])
def test_the_lines_for_colab_act_only_where_the_package_is_missing(there, tmp_path):
    """In a real IPython, with a pip that only says what it was asked for."""
    pytest.importorskip("IPython")
    hidden = "" if there else "sys.meta_path.insert(0, type('Missing', (), {'find_spec': staticmethod(missing)}))"
    (tmp_path / "cell.py").write_text(launch.with_lines("print('the cell')", EXAMPLE, "main"))
    (tmp_path / "run.py").write_text(f"""
import sys
from IPython.core.interactiveshell import InteractiveShell
def missing(name, path=None, target=None):
    if name == "pfncache_edu":
        raise ModuleNotFoundError(name)
{hidden}
shell = InteractiveShell()
shell.register_magic_function(lambda line: print("pip", line), "line", "pip")
shell.run_cell(open({str(tmp_path / "cell.py")!r}).read()).raise_error()
""")
    said = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, check=True, cwd=ROOT,
                          env={"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path)}).stdout
    asked = f'pip install --quiet "pfncache-edu[widgets] @ git+{EXAMPLE}@main"\n'
    assert said == ("" if there else asked) + "the cell\n"


def test_an_address_is_written_into_the_setting_and_every_notebook(tmp_path, monkeypatch, capsys):
    config, notebook = tmp_path / "_config.yml", tmp_path / "a.ipynb"
    config.write_text((ROOT / "_config.yml").read_text())
    notebook.write_text(launch.notebooks()[0].read_text(encoding="utf-8"), encoding="utf-8")
    before = config.read_text(), notebook.read_text(encoding="utf-8")
    monkeypatch.setattr(launch, "CONFIG", config)
    monkeypatch.setattr(launch, "notebooks", lambda: [notebook])
    monkeypatch.setattr(sys, "argv", ["launch.py", EXAMPLE, "--branch", "spring"])
    launch.main()
    assert launch.setting() == (EXAMPLE, "spring") and f"git+{EXAMPLE}@spring" in first_code_cell(notebook).source
    monkeypatch.setattr(sys, "argv", ["launch.py", ""])
    launch.main()
    assert (config.read_text(), notebook.read_text(encoding="utf-8")) == before


# ---- cards -----------------------------------------------------------------------------------------------------------

def test_every_chapter_has_a_question_that_its_card_can_hold():
    for plan in pfn_cards.chapters().values():
        assert plan["question"].endswith("?") and len(plan["question"]) <= 110, plan["title"]


def test_a_description_is_whole_sentences_as_many_as_are_shown():
    assert pfn_cards.shortened("One. " + "Two is long. " * 30).endswith("Two is long.")
    assert len(pfn_cards.shortened("word " * 100)) <= pfn_cards.LONGEST


def test_a_card_says_what_it_shows_and_quotes_nothing_raw():
    lines = list(pfn_cards.tags("A & B", "article", 'say "no"', "card.png", "A picture"))
    assert '<meta property="og:title" content="A &amp; B" />' in lines and '<meta name="description" content="say &quot;no&quot;" />' in lines
    assert not any("og:url" in line for line in lines)


@pytest.mark.slow
def test_a_card_is_a_picture_of_the_right_size_and_the_same_whenever_it_is_drawn(tmp_path):
    importlib.metadata.version("matplotlib")
    for name in ("one.png", "two.png"):
        pfn_cards.draw(tmp_path / name, "CHAPTER 3", "Ranges: what a notifier tells you", "Whom does it concern?", 1 / 3)
    data = (tmp_path / "one.png").read_bytes()
    assert data == (tmp_path / "two.png").read_bytes() and len(data) < 100_000
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == pfn_cards.SIZE


@pytest.mark.slow
def test_the_words_of_every_card_stay_on_it(monkeypatch):
    from matplotlib.figure import Figure
    inside = []

    def measure(figure, *_, **__):
        figure.draw_without_rendering()
        title, question = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: -box.y0)[1:]
        inside.append(max(title.x1, question.x1) <= pfn_cards.SIZE[0] - 40 and question.y1 < title.y0)
    monkeypatch.setattr(Figure, "savefig", measure)
    for plan in pfn_cards.chapters().values():
        pfn_cards.draw("", f"CHAPTER {plan['number']}", plan["title"], plan["question"], 0.5)
    assert len(inside) == 10 and all(inside)


# ---- what is missing, and what comes next ----------------------------------------------------------------------------

def test_the_page_for_what_is_missing_begins_where_the_book_is_published():
    page = pfn_missing.filled("{{ base }}|{{ contents }}|{{ pages }}", "/project/", [("a.html", "A </script> & B")])
    base, contents, pages = page.split("|")
    assert base == "/project/" and '<a href="a.html">A &lt;/script&gt; &amp; B</a>' in contents
    assert json.loads(pages) == [["a.html", "A </script> & B"]] and "</script>" not in pages


def test_the_page_for_what_is_missing_brings_everything_with_it():
    page = pfn_missing.TEMPLATE.read_text()
    assert not re.findall(r'<(?:link rel="stylesheet"|script src|img)', page)
    assert re.findall(r'(?:href|src|action)="(/|\.\.|https?:)', page) == []


def test_a_neighbour_is_timed_or_for_looking_up():
    assert pfn_paths.time_of(24) == "24 min" and pfn_paths.time_of(None) == "to look things up"
