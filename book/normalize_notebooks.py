"""Run notebooks again and write them in their normal form, so that a diff shows what an author changed and no more.

    python book/normalize_notebooks.py [--check] NOTEBOOK …

In the normal form a cell's id is its chapter and its place, code cells are counted from 1 as in one run from the top,
outputs carry no times and no random widget ids, and a stream is one output. `--check` runs nothing and changes nothing: it lists what is not in normal form.
"""

import argparse
import copy
import itertools
import json
import pathlib
import re
import sys

import nbformat

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
          "language_info": {"name": "python"}}
KEPT_CELL_METADATA = {"tags", "mystnb", "slideshow", "nbgrader", "otter"}
KEPT_METADATA = {"jupytext", "otter", "mystnb"}
RANDOM = "application/vnd.jupyter.widget-view+json"          # names a model that exists only while its kernel does


def normal_form(notebook, chapter):
    """The notebook as its file should say it."""
    notebook = copy.deepcopy(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    kept = {key: value for key, value in notebook.metadata.items() if key in KEPT_METADATA}
    notebook.metadata = nbformat.from_dict({**kept, **KERNEL})
    counts = itertools.count(1)
    for place, cell in enumerate(notebook.cells, start=1):
        cell.id = f"{chapter[:60]}-{place:02}"
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key in KEPT_CELL_METADATA})
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.execution_count = next(counts) if cell.source.strip() else None
            cell.outputs = joined_streams(cell.outputs)
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count
                if "data" in output:
                    output.data.pop(RANDOM, None)
                    output.metadata = nbformat.from_dict({})
    return notebook


def joined_streams(outputs):
    """Outputs with neighbouring pieces of one stream in one: how a kernel cuts them depends on its timing."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("output_type") == "stream" and last.name == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def text_of(notebook):
    """A notebook as text: sorted keys, one space of indentation."""
    return nbformat.writes(notebook, indent=1, sort_keys=True, ensure_ascii=False).rstrip("\n") + "\n"


def chapter_of(path):
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", path.stem)


def run_again(notebook, path):
    from nbclient import NotebookClient
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(notebook, timeout=120, kernel_name="python3", store_widget_state=False,
                   resources={"metadata": {"path": str(path.parent)}}).execute()


def differences(path):
    """What in the file is not in normal form: an empty list when nothing is."""
    text = path.read_text(encoding="utf-8")
    normal = text_of(normal_form(nbformat.reads(text, as_version=4), chapter_of(path)))
    if text == normal:
        return []
    number, line = next(((n, old) for n, (old, new) in enumerate(zip(text.splitlines(), normal.splitlines()), 1) if old != new),
                        (len(normal.splitlines()), "(one file is longer)"))
    return [f"{path}:{number}: not in normal form: {line.strip()[:80]} (run `make normalize`)"]


def normalize(path):
    notebook = nbformat.read(path, as_version=4)
    run_again(notebook, path)
    text = text_of(normal_form(notebook, chapter_of(path)))
    changed = text != path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    print(f"{'written' if changed else 'unchanged'}: {path}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only list what is not in normal form")
    parser.add_argument("notebooks", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    problems = []
    for path in arguments.notebooks:
        try:
            if arguments.check:
                problems += differences(path)
            else:
                normalize(path)
        except (OSError, nbformat.reader.NotJSONError, json.JSONDecodeError) as error:
            problems.append(f"{path}: not a notebook that can be read: {error}")
    print(*problems, sep="\n", file=sys.stderr) if problems else None
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
