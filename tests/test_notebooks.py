"""Notebooks are kept in their normal form, so that a diff shows what an author changed and no more."""

import importlib.util
import pathlib

import pytest
from tasks import ROOT, notebooks

spec = importlib.util.spec_from_file_location("normalize_notebooks", ROOT / "book/normalize_notebooks.py")
normalize_notebooks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(normalize_notebooks)


@pytest.mark.parametrize("path", [*notebooks(), ROOT / "tests/site/live_cells.ipynb"], ids=lambda path: path.stem)
def test_a_notebook_is_in_normal_form(path: pathlib.Path):
    assert normalize_notebooks.differences(path) == []


def test_the_normal_form_forgets_what_changes_from_run_to_run():
    nbformat = pytest.importorskip("nbformat")
    cell = nbformat.v4.new_code_cell("1", execution_count=41, metadata={"execution": {"x": "12:00"}, "tags": ["live"]}, outputs=[
        nbformat.v4.new_output("stream", text="a\n"), nbformat.v4.new_output("stream", text="b\n"),
        nbformat.v4.new_output("execute_result", {normalize_notebooks.RANDOM: {"model_id": "f00"}, "text/plain": "1"}, execution_count=41)])
    normal = normalize_notebooks.normal_form(nbformat.v4.new_notebook(cells=[cell]), "chapter").cells[0]
    assert (normal.id, normal.execution_count, normal.metadata) == ("chapter-01", 1, {"tags": ["live"]})
    assert [output.output_type for output in normal.outputs] == ["stream", "execute_result"]
    assert normal.outputs[1].data == {"text/plain": "1"}
