"""The edition of this package that a student's process sees: without exercises, tests, answers and the judge.

What is there: everything that a student may import, and the few modules that run a submission. `check()`, `pose()` and the modules
of the exercises can be imported, since notebooks do so to show a question; they do nothing, and have nothing in them.
"""
from __future__ import annotations

import ast
import compileall
import hashlib
import shutil
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
WORKS_THERE = ("worker.py", "probe.py", "wire.py", "submission.py", "instructions.py", "loops.py")
LEFT_OUT = ("grading", "cli.py", "recordings", "__pycache__")
STUB = '''"""Grading takes place elsewhere: here check() and pose() do nothing, and the exercises have nothing in them."""
import sys
from importlib.machinery import ModuleSpec


def check(*_, **__):
    """Nothing: the judge asks for itself."""


def pose(*_, **__):
    """Nothing: the questions are known."""


class Nothing(str):
    """What a notebook imports to show its question, where nobody looks: an empty text, and whatever is asked of it is nothing, too."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_, **__):
        return self

    def __getitem__(self, key):
        return self


class Questions:
    """Finds the modules of the exercises, of which only their questions were here for."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith(__name__ + ".exercise_"):
            return ModuleSpec(name, Questions)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        nothing = Nothing()
        module.__getattr__ = lambda name: getattr(nothing, name)


sys.meta_path.append(Questions)
'''


def make_edition(folder: Path) -> Path:
    """Write the edition into a new folder; the folder."""
    inside = folder / "pfncache_edu"
    shutil.copytree(PACKAGE, inside, ignore=shutil.ignore_patterns(*LEFT_OUT))
    front = inside / "__init__.py"
    front.write_text(imports_when_asked_for(front.read_text(encoding="utf-8")), encoding="utf-8")
    (inside / "grading").mkdir()
    (inside / "grading/__init__.py").write_text(STUB, encoding="utf-8")
    for name in WORKS_THERE:
        shutil.copy2(PACKAGE / "grading" / name, inside / "grading" / name)
    compileall.compile_dir(inside, quiet=2, legacy=False, workers=1)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


LAZY = """
_FROM = {names!r}


def __getattr__(name):
    from importlib import import_module
    if name not in _FROM:
        raise AttributeError(f"module 'pfncache_edu' has no attribute {{name!r}}")
    module, attribute = _FROM[name]
    value = import_module(module, 'pfncache_edu')
    value = getattr(value, attribute) if attribute else value
    globals()[name] = value
    return value
"""


def imports_when_asked_for(source: str) -> str:
    """A package's own imports `from .x import y`, made when the name is asked for: most notebooks need few of them."""
    tree = ast.parse(source)
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level == 1]
    names = {alias.asname or alias.name: (f".{node.module}", alias.name) if node.module else (f".{alias.name}", "")
             for node in imports for alias in node.names}
    tree.body = [node for node in tree.body if node not in imports]
    return ast.unparse(tree) + LAZY.format(names=names)


def suite_hash(*settings) -> str:
    """What results depend on besides the submission: every source of this package, and the settings."""
    known = hashlib.sha256(repr(settings).encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        known.update(f"\n{path.relative_to(PACKAGE).as_posix()}\n".encode())
        known.update(path.read_bytes())
    return known.hexdigest()
