"""Build a JupyterLab that runs in the browser, with every notebook of the book, into _build/lite.

    python lite/build_lab.py

It is made of JupyterLite, npm's Pyodide and the wheels of `wheels.txt`, and asks nothing of any other host when it runs.
"""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from email.parser import HeaderParser

import plain_notebooks

ROOT = pathlib.Path(__file__).resolve().parent.parent
LITE = ROOT / "lite"
OUT = ROOT / "_build/lite"
WHEELS = ROOT / "_build/wheels"
PYODIDE = ROOT / "node_modules/pyodide"
CORE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"]
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@jupyterlite/pyodide-kernel-extension", "anywidget"]
KERNEL_WHEELS = ["ipykernel", "piplite", "pyodide_kernel", "widgetsnbextension-4"]      # come with the kernel; the first and last are stand-ins
AT_START = ["micropip", "piplite", "ipykernel", "comm", "pyodide-kernel", "jedi", "ipython", "ipywidgets", "anywidget", "pfncache-edu"]
FONT_OF_ANOTHER_HOST = re.compile(r"@import\s+(?:url\()?['\"]?https?://[^;]*;")

sys.path.insert(0, str(ROOT / "live"))
from build import wheel_of_the_package  # noqa: E402


def extensions():
    return pathlib.Path(sys.prefix) / "share/jupyter/labextensions"


# ---- the browser's Python --------------------------------------------------------------------------------------------

def fetch_wheels(folder):
    """The wheels of wheels.txt, from PyPI or from an earlier build."""
    wanted = LITE / "wheels.txt"
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:",
                    "--python-version", "314", "--implementation", "py", "--abi", "none", "--platform", "any", "--find-links", folder,
                    "--dest", folder, "--requirement", wanted], check=True)
    pinned = wanted.read_text(encoding="utf-8")
    return [wheel for wheel in sorted(folder.glob("*.whl")) if hash_of(wheel) in pinned]


def hash_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def locked(wheel):
    """What Pyodide has to know about a wheel to load it by name."""
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
        info, = {name.split("/")[0] for name in files if name.split("/")[0].endswith(".dist-info")}
        metadata = HeaderParser().parsestr(archive.read(f"{info}/METADATA").decode())
    name = metadata["Name"].lower().replace("_", "-")
    top = {file.split("/")[0].removesuffix(".py") for file in files if file.endswith(".py") and ".dist-info/" not in file and ".data/" not in file}
    return name, {"name": name, "version": metadata["Version"], "file_name": wheel.name, "sha256": hash_of(wheel), "install_dir": "site",
                  "package_type": "package", "imports": sorted(top), "depends": needed(metadata), "unvendored_tests": False}


def needed(metadata):
    """The names of what a package asks for in the browser's Python."""
    from packaging.requirements import Requirement
    there = {"sys_platform": "emscripten", "platform_system": "Emscripten", "os_name": "posix", "python_version": "3.14",
             "python_full_version": "3.14.2", "platform_python_implementation": "CPython", "implementation_name": "cpython", "extra": ""}
    asked = map(Requirement, metadata.get_all("Requires-Dist") or [])
    return [one.name.lower().replace("_", "-") for one in asked if not one.marker or one.marker.evaluate(there)]


def put_python(folder, wheels):
    """Pyodide's core, the wheels, and a lock that knows these and no others."""
    folder.mkdir(parents=True)
    for file in [*(PYODIDE / name for name in CORE), *wheels]:
        shutil.copy(file, folder)
    packages = dict(map(locked, wheels))
    for entry in packages.values():
        entry["depends"] = [name for name in entry["depends"] if name in packages]
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text(encoding="utf-8"))
    (folder / "pyodide-lock.json").write_text(json.dumps(lock | {"packages": packages}, indent=1), encoding="utf-8")


# ---- JupyterLab ------------------------------------------------------------------------------------------------------

def settings():
    """jupyter-lite.json: a kernel that loads what the lock has, and nothing from PyPI."""
    kernel = {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": AT_START}}
    return {"jupyter-lite-schema-version": 0, "jupyter-config-data": {
        "appName": "Inside pfncache", "appUrl": "./lab", "exposeAppInBrowser": True,
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel},
        "disabledExtensions": ["@jupyterlab/apputils-extension:announcements"]}}


OVERRIDES = {"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}}}


def build(scratch, out):
    """Put everything into place, have JupyterLite build it, and take out what would ask another host."""
    WHEELS.mkdir(parents=True, exist_ok=True)
    own = [next(extensions().glob(f"@jupyterlite/pyodide-kernel-extension/static/pypi/{name}-*.whl")) for name in KERNEL_WHEELS[:3]]
    own += extensions().glob(f"@jupyterlite/pyodide-kernel-extension/static/pypi/{KERNEL_WHEELS[3]}*.whl")
    put_python(scratch / "static/pyodide", [*fetch_wheels(WHEELS), *own, wheel_of_the_package(scratch)])
    plain_notebooks.write(scratch / "notebooks")
    for name, content in {"jupyter-lite.json": settings(), "overrides.json": OVERRIDES}.items():
        (scratch / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    config = {"LiteBuildConfig": {"apps": ["lab"], "contents": ["notebooks"], "output_dir": str(out), "ignore_sys_prefix": True, "no_sourcemaps": True,
                                  "no_unused_shared_packages": True, "federated_extensions": [str(extensions() / name) for name in EXTENSIONS]}}
    (scratch / "jupyter_lite_config.json").write_text(json.dumps(config), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", scratch], check=True, cwd=scratch)
    for style in out.rglob("*.css"):
        style.write_text(FONT_OF_ANOTHER_HOST.sub("", style.read_text(encoding="utf-8")), encoding="utf-8")


def main():
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder).resolve()
        build(scratch, scratch / "out")
        shutil.rmtree(OUT, ignore_errors=True)
        shutil.move(scratch / "out", OUT)
    size = sum(path.stat().st_size for path in OUT.rglob("*") if path.is_file()) / 1e6
    print(f"built {OUT.relative_to(ROOT)}: {len(plain_notebooks.notebooks())} notebooks, {size:.0f} MB")


if __name__ == "__main__":
    main()
