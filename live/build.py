"""Build what a page needs to run Python, from the installed packages and npm's Pyodide, into _build/live/<hash>/.

The folder is named by everything that goes into it, so a cached file never meets one of another build, and a second
build with the same inputs has nothing to do.
"""

import hashlib
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIVE = ROOT / "live"
OUT = ROOT / "_build/live"
PACKAGES = ["anywidget", "comm", "ipywidgets", "psygnal", "traitlets", "typing_extensions"]
SCRIPTS = [LIVE / "worker.mjs", LIVE / "start_python.mjs"]
MODULES = [LIVE / "IPython.py", LIVE / "page_python.py"]
PROJECT = ["pyproject.toml", "README.md", "LICENSE", "pfncache_edu"]


def name_of_build():
    """A hash of all that goes in: our sources, and the versions of everything else."""
    digest = hashlib.sha256("".join(f"{name}=={metadata.version(name)}\n" for name in PACKAGES).encode())
    own = [path for path in (ROOT / "pfncache_edu").rglob("*") if path.suffix in {".py", ".js", ".css", ".json"}]
    for path in sorted([*own, *LIVE.glob("*.*"), ROOT / "package-lock.json", ROOT / "pyproject.toml"]):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def add_package(name, site):
    """Copy an installed package's Python files; what is compiled for this machine is of no use to a browser."""
    origin = pathlib.Path(importlib.util.find_spec(name).origin)
    if origin.name != "__init__.py":
        shutil.copy(origin, site)
        return
    unwanted = shutil.ignore_patterns("*.so", "*.pyd", "*.js", "*.map", "__pycache__", "tests", "nbextension", "labextension")
    shutil.copytree(origin.parent, site / name, ignore=unwanted)
    versions = metadata.distribution(name).locate_file("")              # some packages ask for their own version
    for info in pathlib.Path(versions).glob(f"{name}-*.dist-info/METADATA"):
        (site / info.parent.name).mkdir()
        shutil.copy(info, site / info.parent.name)


def wheel_of_the_package(scratch):
    """Build the wheel of pfncache_edu that a user would install."""
    source = scratch / "source"
    source.mkdir()
    for name in PROJECT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", scratch, source], check=True)
    wheel, = scratch.glob("pfncache_edu-*.whl")
    return wheel


def add_wheel(site, scratch):
    """Unpack the package's wheel."""
    zipfile.ZipFile(wheel_of_the_package(scratch)).extractall(site)
    for room in ("conformance", "lab"):
        shutil.rmtree(site / f"pfncache_edu/{room}/recordings")        # more than all the rest, and no page replays them


def build(target):
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        site, result = scratch / "site", scratch / "result"
        site.mkdir()
        result.mkdir()
        for name in PACKAGES:
            add_package(name, site)
        add_wheel(site, scratch)
        for module in MODULES:
            shutil.copy(module, site)
        for script in SCRIPTS:
            shutil.copy(script, result)
        if subprocess.run(["node", "--no-warnings", LIVE / "make_runtime.mjs", site, result]).returncode:
            sys.exit(1)                                                # it has said why
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir(parents=True)
        shutil.move(result, target)


def main():
    target = OUT / name_of_build()
    if target.exists():
        print(f"nothing has changed: {target.relative_to(ROOT)}")
    else:
        build(target)
        print(f"built {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
