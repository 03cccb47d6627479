"""What the tests of the built book share: where it is, a server for it, what counts as trouble on a page, JupyterLab."""

import functools
import http.server
import pathlib
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from tasks import QuietHandler, environment

ROOT = pathlib.Path(__file__).resolve().parents[2]
SITE = ROOT / "_build/html"
AXE = ROOT / "node_modules/axe-core/axe.min.js"
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync"]


def pages():
    """The path of every page of the built book, without the JupyterLab that may be beside it."""
    found = (path.relative_to(SITE) for path in SITE.rglob("*.html"))
    return sorted(path.as_posix() for path in found if not {"_static", "lite"} & set(path.parts))


def needs_site():
    if not (SITE / "index.html").exists():
        pytest.skip("the book is not built: run `make site`")


class Served:
    """A folder on a free local port; `url` is where its first page is."""

    def __init__(self, folder, handler=QuietHandler):
        handler = functools.partial(handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Troubles(list):
    """What went wrong on a page: errors on its console, and requests that left its server."""

    def watch(self, context):
        context.route(lambda url: not url.startswith(("http://127.0.0.1:", "file:", "blob:", "data:")), self.refuse)
        context.on("console", lambda message: message.type == "error" and self.append(f"console: {message.text}"))
        context.on("weberror", lambda error: self.append(f"error: {error.error}"))

    def refuse(self, route):
        self.append(f"left the site: {route.request.url}")
        route.abort()


def goes_offline(page):
    """Take the network away, after everything that the page asked for by itself has come."""
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)


def axe_violations(page):
    """What axe-core finds against WCAG 2.0 to 2.2, levels A and AA, as one readable line each."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs npm")
    page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)["violations"]
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


class JupyterLab:
    """A JupyterLab server with a folder of its own."""

    def __init__(self, folder):
        self.folder = folder / "notebooks"
        self.folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = folder / "settings/lab/user-settings/@jupyterlab/apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        own = {"JUPYTER_CONFIG_DIR": str(folder / "settings"), "JUPYTER_DATA_DIR": str(folder / "data"),
               "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings/lab/user-settings"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
        command = ["-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
                   "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--expose-app-in-browser",
                   f"--ServerApp.root_dir={self.folder}"]
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen([sys.executable, *command], env={**environment(), **own},
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.url = f"http://127.0.0.1:{port}/"
        self.wait_until_up(folder / "log")

    def wait_until_up(self, log):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.url + "api/status", timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("JupyterLab did not start:\n" + log.read_text())

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.log.close()


