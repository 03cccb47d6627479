#!/usr/bin/env python3
"""Set up, build, serve and test the book: `python3 tasks.py COMMAND`, with nothing but the standard library.

`make COMMAND` calls this script; people without make call it themselves. Set-up happens on first use and is done
again only when what it depends on has changed: each finished step leaves the hash of its inputs in a stamp file.
"""

import argparse
import contextlib
import functools
import hashlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
BUILD = ROOT / "_build"
SITE = BUILD / "html"
REPORTS = BUILD / "reports"
NEEDED_DISK_GB = 3


class Stop(Exception):
    """Something the reader has to know or do before we can go on."""


def say(text):
    print(f"\n== {text}", flush=True)


def run(*command, env=None, may_fail=False):
    """Run a command in the project's folder, its output in view; its exit code."""
    code = subprocess.call([str(part) for part in command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL)
    if code and not may_fail:
        raise Stop(f"this command failed (exit code {code}), its message is above:\n   {' '.join(map(str, command))}")
    return code


def environment():
    """The environment for tools in .venv: no kernels, start-up files or settings from the reader's own account."""
    own = {"PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}", "JUPYTER_PREFER_ENV_PATH": "1",
           "IPYTHONDIR": str(BUILD / "ipython"), "VIRTUAL_ENV": str(VENV), "PYDEVD_DISABLE_FILE_VALIDATION": "1",
           "PFNCACHE_NO_RECORD": "1"}
    return {**os.environ, **own}


# ---- stamps: what is already done ------------------------------------------------------------------------------------

def hash_of(paths, extra=""):
    """One hash for the names and contents of files and of all files in folders."""
    digest = hashlib.sha256(extra.encode())
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix != ".pyc":
                digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def once(stamp, key):
    """Yield whether the step still has to be done; when its block ends without an exception, it counts as done."""
    done = stamp.exists() and stamp.read_text() == key
    yield not done
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)


@contextlib.contextmanager
def nobody_else_builds():
    """One build at a time in this folder; the lock goes when its process ends, however it ends."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "lock", "a+") as lock:
        try:
            import fcntl
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:                                  # Windows has no flock: builds there are not guarded
            pass
        except OSError:
            lock.seek(0)
            raise Stop(f"process {lock.read() or '?'} is building in this folder: wait until it ends, then try again")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


# ---- set-up ----------------------------------------------------------------------------------------------------------

def check_machine():
    if sys.version_info < (3, 11):
        raise Stop(f"this is Python {sys.version.split()[0]}, and the book needs 3.11 or newer: "
                   "run `python3.11 tasks.py …`, or `make PYTHON=python3.11 …`")
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_DISK_GB and not VENV.exists():
        raise Stop(f"{free:.1f} GB are free on this disk, and set-up needs {NEEDED_DISK_GB} GB: make room, then try again")
    if not os.access(ROOT, os.W_OK):
        raise Stop(f"{ROOT} cannot be written to: clone the repository into a folder of your own")


def can_install():
    """Whether we may install Debian packages: as root, where apt-get exists."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages):
    """Install Debian packages; whether that worked."""
    say(f"installing {' '.join(packages)} with apt-get")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", env=env, may_fail=True)
    return run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=env, may_fail=True) == 0


def make_venv():
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        package = f"python3.{sys.version_info.minor}-venv"
        if not (can_install() and apt_install(package)):
            raise Stop(f"Python's venv module is missing: run `sudo apt-get install {package}`, then try again")
    say("making a virtual environment in .venv")
    run(sys.executable, "-m", "venv", "--clear", VENV)


def set_up_python():
    requirements, project = ROOT / "requirements.txt", ROOT / "pyproject.toml"
    key = hash_of([requirements, project], f"{sys.version} {ROOT}")
    with once(VENV / "stamp", key) as needed:
        if not needed:
            return
        if not PYTHON.exists() or subprocess.call([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL):
            make_venv()
        say("installing requirements.txt into .venv (about a minute on first use)")
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--progress-bar", "off"]
        run(*pip, "-r", requirements)
        run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)


def why_no_npm():
    """Install the npm packages; None, or why the site goes without live Python and typeset formulas."""
    if os.environ.get("PFNCACHE_WITHOUT_NPM"):
        return "PFNCACHE_WITHOUT_NPM is set"
    if not (shutil.which("npm") and shutil.which("node")) and not (can_install() and apt_install("nodejs", "npm")):
        return "npm is not installed (on Debian: sudo apt-get install nodejs npm)"
    try:
        with once(ROOT / "node_modules/stamp", hash_of([ROOT / "package.json", ROOT / "package-lock.json"])) as needed:
            if needed:
                say("installing what the page serves and what typesets its formulas, with npm ci")
                run("npm", "ci", "--no-progress", "--no-audit", "--no-fund", "--loglevel=error")
    except Stop:
        return "npm ci failed, its message is above"


def set_up():
    check_machine()
    set_up_python()
    problem = why_no_npm()
    if problem:
        say(f"no live Python on the page and no typeset formulas: {problem}")
    return problem


BROWSER_PACKAGES = ["chromium", "libatomic1"]               # the second: Playwright's driver is linked with it


def why_no_browser():
    """Have a Chromium that the tests can drive; None, or why there is none."""
    if browser_works() or (can_install() and apt_install(*BROWSER_PACKAGES) and browser_works()):
        return None
    return f"no Chromium that Playwright can drive (on Debian: sudo apt-get install {' '.join(BROWSER_PACKAGES)})"


def browser_works():
    driver = [PYTHON, "-m", "playwright", "--version"]
    return find_chromium() is not None and subprocess.call(driver, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def find_chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


# ---- building --------------------------------------------------------------------------------------------------------

EVERY_PAGE_DEPENDS_ON = ["_config.yml", "book/_ext", "book/_templates", "book/_toc.yml", "book/assets", "book/chapters.toml", "book/glossary.md",
                         "live", "pfncache_edu", "requirements.txt", "package-lock.json"]


NOT_IN_NOTEBOOKS = {"cli.py", "claims", "__pycache__"}       # no notebook imports these: none has to run again


def build_site(problem, every_page=True):
    """Build the book into _build/html; a warning, or a cell that fails, fails the build. Without `every_page`, only pages that changed are
    written, if the last build succeeded and nothing has changed that concerns them all.
    """
    runtime = BUILD / "live"
    if problem:
        shutil.rmtree(runtime, ignore_errors=True)
    else:
        say("building the page's Python runtime")
        run(PYTHON, ROOT / "live/build.py", env=environment())
    seen_by_notebooks = [path for path in sorted((ROOT / "pfncache_edu").iterdir()) if path.name not in NOT_IN_NOTEBOOKS]
    with once(BUILD / "package.stamp", hash_of(seen_by_notebooks)) as changed:
        if changed:                                          # the cache of results knows the cells, not what they import
            shutil.rmtree(BUILD / ".jupyter_cache", ignore_errors=True)
    env = {**environment(), "PFNCACHE_NO_LIVE": problem or ""}
    stamp, key = BUILD / "site.stamp", hash_of([ROOT / path for path in EVERY_PAGE_DEPENDS_ON], f"{problem} {sys.version}")
    every_page |= not (SITE / "index.html").exists() or not stamp.exists() or stamp.read_text() != key
    stamp.unlink(missing_ok=True)                            # a page that was warned of once must be looked at again
    say("building the book: " + ("every page" if every_page else "the pages that changed") + ", warnings are errors")
    shutil.rmtree(SITE / "lite", ignore_errors=True)         # no page of the book: it comes back when this build is done
    run(PYTHON.with_name("jupyter-book"), "build", "book", "--config", "_config.yml", "--path-output", ".",
        *(["--all"] if every_page else []), "-W", "-n", "--keep-going", env=env)
    stamp.write_text(key)
    offer_extras()
    say(f"the book is in {SITE.relative_to(ROOT)}/index.html" + (f", without live Python: {problem}" if problem else ""))


# ---- beside the pages, if asked for ----------------------------------------------------------------------------------

EXTRAS = {BUILD / "lite": BUILD / "lite.stamp", BUILD / "inside-pfncache.pdf": BUILD / "pdf.stamp"}


def key_of_extras():
    """A hash of all that the book is made of: an extra of another state of it is not offered."""
    return hash_of([ROOT / name for name in ("book", "exercises", "pfncache_edu", "live", "lite", "_config.yml", "package-lock.json")])


def offer_extras():
    """Put those extras into the site that are of this state of the book."""
    key = key_of_extras()
    current = [extra for extra, stamp in EXTRAS.items() if extra.exists() and stamp.exists() and stamp.read_text() == key]
    run(PYTHON, ROOT / "book/extras.py", SITE, *current)


def build_lab():
    requirements = ROOT / "lite/requirements.txt"
    with once(VENV / "lite.stamp", hash_of([requirements], str(ROOT))) as needed:
        if needed:
            run(PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--progress-bar", "off", "-r", requirements)
    lab = BUILD / "lite"
    with once(EXTRAS[lab], key_of_extras()) as needed:
        if needed or not lab.exists():
            say("building a JupyterLab that runs in the browser, with every notebook")
            run(PYTHON, ROOT / "lite/build_lab.py", env=environment())


# ---- serving ---------------------------------------------------------------------------------------------------------

class QuietHandler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map,
                      ".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}

    missing_page = "404.html"

    def send_error(self, code, message=None, explain=None):
        """As a host does: the book's own page for what is not there."""
        page = pathlib.Path(self.directory) / self.missing_page
        if code != 404 or not page.is_file():
            return super().send_error(code, message, explain)
        body = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(port):
    """Serve the built book to this machine only, until Ctrl+C."""
    handler = functools.partial(QuietHandler, directory=str(SITE))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise Stop(f"port {port} cannot be used ({error.strerror}): leave --port out, and a free one is chosen")
    say(f"read the book at http://127.0.0.1:{server.server_address[1]}/ (Ctrl+C ends this)")
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


# ---- testing ---------------------------------------------------------------------------------------------------------

def notebooks():
    """Every notebook with results to compare: the chapters and the exercises, but not the sample submissions."""
    found = [*ROOT.glob("book/**/*.ipynb"), *ROOT.glob("exercises/**/*.ipynb")]
    return sorted(p for p in found if not {"samples", ".ipynb_checkpoints", "_build"} & set(p.parts))


def pytest(name, *arguments):
    """Run one pytest session; its exit code, and {passed, failed, skipped} by its own report."""
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    code = run(PYTHON, "-m", "pytest", f"--junitxml={report}", *arguments, env=environment(), may_fail=True)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if report.exists():
        suite = ElementTree.parse(report).getroot().find("testsuite")
        number = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
        counts["failed"], counts["skipped"] = number["failures"] + number["errors"], number["skipped"]
        counts["passed"] = number["tests"] - counts["failed"] - counts["skipped"]
    return (0 if code == 5 else code), counts                # 5: nothing was collected


def test_sessions(no_browser):
    """Name, arguments or None, and why it is left out: what `make test` runs, in order."""
    books = notebooks()
    yield "pytest", ["-m", "not browser and not boots", "-n", "2", "-q"], None
    yield ("nbval", ["--nbval", "-n", "2", "--dist", "loadfile", "-q", *books] if books else None,
           None if books else "there is no notebook")
    yield "browser", None if no_browser else ["-m", "browser", "-n", "2", "--dist", "loadfile", "-q", "--durations=5"], no_browser
    yield "kernels", ["-m", "boots", "-q"], None             # alone, since it needs both CPUs


def test(arguments):
    started = time.monotonic()
    problem = set_up()
    no_browser = why_no_browser()
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    lines, total, failed = [], {"passed": 0, "failed": 0, "skipped": 0}, False
    with nobody_else_builds():
        if not (problem or no_browser):
            build_lab()
        build_site(problem)
    for name, options, why_not in test_sessions(no_browser):
        if options is None:
            lines.append(f"{name}: not run, {why_not}")
            continue
        say(f"tests: {name}")
        code, counts = pytest(name, *options)
        failed |= code != 0
        total = {key: total[key] + counts[key] for key in total}
        lines.append(f"{name}: " + ", ".join(f"{n} {key}" for key, n in counts.items())
                     + (f", exit code {code}" if code else ""))
    say(f"what ran, in {time.monotonic() - started:.0f} s")
    if problem:
        lines.append(f"live Python: not built and not tested, {problem}")
    totals = "{passed} passed, {failed} failed, {skipped} skipped".format(**total)
    (REPORTS / "totals.txt").write_text(totals + "\n")
    print(*lines, totals, sep="\n", flush=True)
    return 1 if failed else 0


# ---- commands --------------------------------------------------------------------------------------------------------

def book(arguments):
    site(arguments)
    serve(arguments.port)


def site(arguments, every_page=False):
    problem = set_up()
    with nobody_else_builds():
        build_site(problem, every_page)


def offline(arguments):
    site(arguments, every_page=True)
    archive = shutil.make_archive(str(BUILD / "inside-pfncache"), "zip", SITE)
    say(f"a copy to carry along: {pathlib.Path(archive).relative_to(ROOT)}; unpack it, and serve the folder, as `python3 -m http.server` does")


def pdf(arguments):
    problem = set_up()
    no_browser = why_no_browser()
    if no_browser:
        raise Stop(f"a page is printed by a browser: {no_browser}")
    paper = BUILD / "inside-pfncache.pdf"
    with nobody_else_builds():
        build_site(problem)
        with once(EXTRAS[paper], key_of_extras()) as needed:
            if needed or not paper.exists():
                say("printing the book")
                run(PYTHON, ROOT / "book/print_pages.py", SITE, paper, find_chromium(), env=environment())
        offer_extras()
    say(f"the book is in {paper.relative_to(ROOT)}, and its site links it")


def jupyterlite(arguments):
    problem = set_up()
    if problem:
        raise Stop(f"the browser's Python comes from npm: {problem}")
    with nobody_else_builds():
        build_lab()
        build_site(problem)
    say(f"every notebook is in {SITE.relative_to(ROOT)}/lite, and the book links it")


def guide(arguments):
    set_up()
    with nobody_else_builds():
        run(PYTHON.with_name("jupyter-book"), "build", "instructor", "--path-output", BUILD / "instructor", "--all", "-W", "-n", "--keep-going",
            env=environment())
    say("the instructor's guide is in _build/instructor/_build/html/index.html")


def slides(arguments):
    set_up()
    run(PYTHON, ROOT / "instructor/slides.py", BUILD / "slides", env=environment())


def check(arguments):
    set_up()
    run(PYTHON, "-m", "pytest", "-m", "not browser and not site and not slow", "-n", "2", "-q", env=environment())


def lab(arguments):
    set_up()
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    run(PYTHON, "-m", "jupyterlab", "--notebook-dir", ROOT, "--ip", "127.0.0.1", *as_root, env={**environment(), "PFNCACHE_NO_RECORD": ""},
        may_fail=True)                                    # here a reader works, whose progress counts


def kernels(arguments):
    """Become `pfncache lab run`, so that Ctrl+C is its own. Any Python does: it needs the standard library only."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pfncache_edu.cli", "lab", "run"])


def normalize(arguments):
    set_up()
    run(PYTHON, ROOT / "book/normalize_notebooks.py", *(arguments.notebooks or notebooks()), env=environment())


def requirements(arguments):
    set_up_python()
    run(PYTHON, "-m", "pip", "install", "--quiet", "uv")
    run(PYTHON, "-m", "uv", "pip", "compile", "--universal", "--python-version", "3.11", "--no-emit-index-url", "--no-annotate",
        "--no-header", "--quiet", "requirements.in", "--output-file", "requirements.txt")
    pinned = ROOT / "requirements.txt"
    pinned.write_text("# Written by `make requirements` from requirements.in; complete, for Python 3.11 to 3.13.\n" + pinned.read_text())


def clean(arguments):
    for folder in (BUILD, VENV, ROOT / "node_modules"):
        shutil.rmtree(folder, ignore_errors=True)


COMMANDS = {
    book: "set up, build the book, serve it on a free local port",
    site: "set up and build the book into _build/html",
    test: "set up, build, and run every test: pytest, nbval, a real browser",
    check: "the quick tests, to run before each commit",
    lab: "open the chapters in JupyterLab",
    kernels: "boot a Linux from before the patch and one from after it in QEMU, and count (pfncache lab run)",
    offline: "set up and build the book as one archive, to read without a network",
    pdf: "set up, build, and print the whole book as one PDF; the site then links it",
    jupyterlite: "build a JupyterLab with every notebook that runs in the browser; the site then links it",
    guide: "build the instructor's guide, a book of its own",
    slides: "make slides of the chapters into _build/slides",
    normalize: "run notebooks again and write them in their normal form",
    requirements: "resolve requirements.in anew and pin it in requirements.txt",
    clean: "remove everything that set-up and builds have made",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for function, what in COMMANDS.items():
        command = commands.add_parser(function.__name__, help=what)
        command.set_defaults(function=function, port=0)
        if function is book:
            command.add_argument("--port", type=int, default=0, help="default: a free one")
        if function is normalize:
            command.add_argument("notebooks", nargs="*", help="default: all")
    arguments = parser.parse_args()
    try:
        return arguments.function(arguments)
    except Stop as problem:
        print(f"\n{sys.argv[0]}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
