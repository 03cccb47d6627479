"""Tell the book where it is published, so that its chapters can be opened on Binder and Colab.

    python book/launch.py https://github.com/OWNER/NAME [--branch main]
    python book/launch.py ""                                 # nowhere: no launch buttons, no lines in the notebooks

Writes `repository_url` in `_config.yml`, and into the first cell of each notebook of the book the lines that install the
package where it is missing. Colab opens a notebook alone, so they have to stand in it; where the package is there, they do nothing.
"""

import argparse
import pathlib
import re
import sys

import nbformat

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "book/_ext")]

from normalize_notebooks import text_of  # noqa: E402
from pfn_launch import parts_of  # noqa: E402

CONFIG = ROOT / "_config.yml"
LINES = '''\
try:                        # this notebook alone, as on Colab: install its package
    import pfncache_edu
except ModuleNotFoundError:
    %pip install --quiet "pfncache-edu[widgets] @ git+{repository}@{branch}"

'''
WRITTEN = re.compile(r"\Atry: +# this notebook alone.*?\n\n", re.S)
URL, BRANCH = (re.compile(rf"^( +repository_{key}: )(.*?)( +#.*)?$", re.M) for key in ("url", "branch"))


def notebooks() -> list[pathlib.Path]:
    """The notebooks of the book."""
    return sorted([*(ROOT / "book/chapters").glob("*.ipynb"), *(ROOT / "book/appendices").glob("*.ipynb")])


def with_lines(source: str, repository: str, branch: str) -> str:
    """The first code cell of a notebook with the lines that fetch its package, or without them where no address is known."""
    bare = WRITTEN.sub("", source)
    return LINES.format(repository=repository.rstrip("/"), branch=branch) + bare if repository else bare


def setting() -> tuple[str, str]:
    """The repository's address and branch, as `_config.yml` has them."""
    text = CONFIG.read_text(encoding="utf-8")
    return URL.search(text)[2].strip('"'), BRANCH.search(text)[2]


def write(path: pathlib.Path, repository: str, branch: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = with_lines(first.source, repository, branch)
    path.write_text(text_of(notebook), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", help='such as https://github.com/example/inside-pfncache, or ""')
    parser.add_argument("--branch", default="main", help="default: main")
    arguments = parser.parse_args()
    if arguments.repository:
        parts_of(arguments.repository)                          # or an error that says what to write
    text = CONFIG.read_text(encoding="utf-8")
    text = URL.sub(lambda old: f'{old[1]}"{arguments.repository}"{old[3] or ""}', text, count=1)
    CONFIG.write_text(BRANCH.sub(lambda old: f"{old[1]}{arguments.branch}{old[3] or ''}", text, count=1), encoding="utf-8")
    for path in notebooks():
        write(path, arguments.repository, arguments.branch)
    print(f"written: _config.yml and {len(notebooks())} notebooks" + ("" if arguments.repository else ", which name no address now"))


if __name__ == "__main__":
    main()
