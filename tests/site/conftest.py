"""Real browsers for the tests: the built book on a server of its own, a small book of live cells, and JupyterLab.

A test that uses one of these is marked `browser`, and is skipped, with its reason, where Chromium or the built book is
missing. No page reaches another host: requests that leave the server are refused, and fail the test.
"""

import os
import pathlib
import shutil
import subprocess

import nbformat
import pytest
from browsing import CHROMIUM_FLAGS, ROOT, SITE, JupyterLab, Served, Troubles, needs_site
from tasks import environment, find_chromium

# ---- servers ---------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def book():
    """The address of the built book."""
    needs_site()
    served = Served(SITE)
    yield served.url
    served.close()


@pytest.fixture(scope="session")
def build_small_book():
    """`build_small_book(folder, **environment)`: build one page of live cells with the real book's settings, or others; its site."""
    def build(folder, config=ROOT / "_config.yml", **variables):
        source = folder / "book"
        for name in ("assets", "_templates"):
            shutil.copytree(ROOT / "book" / name, source / name)
        shutil.copy(ROOT / "tests/site/live_cells.ipynb", source)
        (source / "_toc.yml").write_text("format: jb-book\nroot: live_cells\n")
        command = [shutil.which("jupyter-book", path=environment()["PATH"]), "build", source, "--config", config,
                   "--path-output", folder, "-W", "-n", "--keep-going"]
        built = subprocess.run(command, capture_output=True, text=True, env={**environment(), **variables})
        assert built.returncode == 0, built.stdout + built.stderr
        return folder / "_build/html"

    return build


@pytest.fixture(scope="session")
def small_book(tmp_path_factory, build_small_book):
    """The folder of the site with one page of live cells."""
    needs_site()
    return build_small_book(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def live_page(small_book):
    """The address of a page of live cells."""
    if not any((small_book / "_static/live").glob("*/worker.mjs")):
        pytest.skip("the page's Python is not built: it needs npm")
    served = Served(small_book)
    yield served.url + "live_cells.html"
    served.close()


# ---- browsers --------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def chromium():
    """One Chromium for all tests."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = find_chromium()
    if not path:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """`page = open_page(url, **options of a browser context)`; `page.troubles` lists errors and external requests."""
    contexts = []

    def open_page(url, expect_troubles=False, **options):
        context = chromium.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        troubles = Troubles()
        troubles.watch(context)
        page = context.new_page()
        page.troubles = troubles
        contexts.append((context, troubles, expect_troubles))
        page.goto(url)
        return page

    yield open_page
    for context, _, _ in contexts:
        context.close()
    assert not [trouble for _, troubles, expected in contexts if not expected for trouble in troubles]


@pytest.fixture
def at_chapter(book, open_page):
    """`open_chapter = at_chapter(path, Reader)`; then `open_chapter(fragment, **options)` is a Reader of that page."""
    def at(path, reader):
        if not (SITE / path).exists():
            pytest.skip("the chapter is not built: run `make site`")
        return lambda fragment="", **options: reader(open_page(f"{book}{path}{fragment}", **options))
    return at


# ---- JupyterLab ------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def jupyterlab_server(tmp_path_factory):
    server = JupyterLab(tmp_path_factory.mktemp("jupyterlab"))
    yield server
    server.close()


@pytest.fixture
def jupyterlab(chromium, jupyterlab_server, open_page):
    """`page = jupyterlab(notebook)`: a notebook (a path, or a list of cells' sources), opened in JupyterLab, all its cells run."""
    def open_notebook(notebook):
        if isinstance(notebook, (list, tuple)):
            cells = [nbformat.v4.new_code_cell(source) for source in notebook]
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
            name = f"cells-{os.urandom(4).hex()}.ipynb"
            nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), jupyterlab_server.folder / name)
        else:
            name = f"{os.urandom(4).hex()}-{pathlib.Path(notebook).name}"
            shutil.copy(notebook, jupyterlab_server.folder / name)
        page = open_page(f"{jupyterlab_server.url}lab/tree/{name}?reset", expect_troubles=True)
        idle = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        page.wait_for_function(f"() => window.jupyterapp && {idle}", timeout=60_000)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(f"""() => {idle} && jupyterapp.shell.currentWidget.content.widgets
            .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim())
            .every(cell => cell.model.executionCount)""", timeout=60_000)
        return page

    return open_notebook
