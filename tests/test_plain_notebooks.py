"""The notebooks for the JupyterLab in the browser: all of them, in Markdown that any Jupyter shows."""
import importlib.util
import json
import pathlib
import posixpath
import re

import pytest

pytest.importorskip("nbformat")
ROOT = pathlib.Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location("plain_notebooks", ROOT / "lite/plain_notebooks.py")
plain_notebooks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plain_notebooks)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("notebooks")
    plain_notebooks.write(target)
    return target


@pytest.fixture(scope="module")
def prose(folder):
    """{place: its Markdown}, without code in it."""
    found = {"START-HERE.md": (folder / "START-HERE.md").read_text(encoding="utf-8")}
    for path in folder.rglob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found[path.relative_to(folder).as_posix()] = "\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    return {place: re.sub(r"^```.*?^```|(?<!\[)`[^`]*`(?!\])", "", text, flags=re.MULTILINE | re.DOTALL) for place, text in found.items()}


def test_every_chapter_and_every_exercise_is_there(folder):
    assert len(list(folder.glob("chapters/*.ipynb"))) == len(list(ROOT.glob("book/chapters/*.ipynb"))) == 10
    assert len(list(folder.glob("exercises/*/*/starter.ipynb"))) == len(list(ROOT.glob("exercises/*/*/source.py")))


def test_no_role_and_no_directive_of_the_book_is_left(prose):
    left = {place: re.findall(r"\{\w+\}`|^:{3,}.*|^`{3,}\{.*", text, re.MULTILINE) for place, text in prose.items()}
    assert {place: found for place, found in left.items() if found} == {}


def test_a_link_between_notebooks_leads_to_one_that_is_there(prose, folder):
    dead = [(place, target) for place, text in prose.items() for target in re.findall(r"\]\(([^)#]+)\)", text)
            if not target.startswith("http") and not (folder / posixpath.normpath(posixpath.join(posixpath.dirname(place), target))).exists()]
    assert dead == []


def test_an_answer_folds_and_other_notes_are_quoted():
    answer = plain_notebooks.plain_text(":::{admonition} Answer 1\n:class: dropdown\nBecause.\n:::", {})
    assert answer == "<details><summary>Answer 1</summary>\n\nBecause.\n\n</details>"
    assert plain_notebooks.plain_text(":::{admonition} Note\nOne.\n\nTwo.\n:::", {}) == "> **Note**\n>\n> One.\n>\n> Two."


def test_a_term_is_its_words_and_the_evidence_stays_in_the_book():
    assert plain_notebooks.plain_text("A {term}`guest pages <guest page>` moves {claim}`c1-x`.", {}) == "A guest pages moves."


def test_code_that_the_book_hides_is_folded(folder):
    for cell in json.loads((folder / "chapters/ranges.ipynb").read_text(encoding="utf-8"))["cells"]:
        hidden = {"hide-input", "remove-input"} & set(cell["metadata"].get("tags", []))
        assert bool(hidden) == (cell["metadata"].get("jupyter") == {"source_hidden": True})


def test_what_both_browsers_pythons_load_has_the_same_version_in_both():
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))
    wheels = re.findall(r"^([\w-]+)==(\S+) --hash=sha256:[0-9a-f]{64}$", (ROOT / "lite/wheels.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"ipywidgets", "anywidget", "traitlets", "ipython"} <= {name for name, _ in wheels}
    assert {name: version for name, version in wheels if pins.get(name, version) != version} == {}
