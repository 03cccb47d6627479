"""The house keeps its shape: imports point down, and the engine needs the standard library only."""
import ast
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parent.parent / "pfncache_edu"
FLOORS = [                      # from the ground up: a module may import from its own floor's rooms and from lower floors
    {"steps", "arguments"},
    {"locks"},
    {"program", "lock_words"},
    {"verdict"},
    {"kvm", "interpreters"},    # neighbours that never import each other
    {"properties", "lent_page"},
    {"scenarios", "conformance", "contention", "turns", "changelog"},
    {"mutants", "calibrate", "lab", "doctor", "diagnostic"},
    {"ablations", "announce", "callers", "former_bugs", "mmap_lock", "ranges"},
    {"render"},
    {"grading", "contend", "claims"},
    {"widgets"},
    {"cli"},
]
GUESTS = {                      # what else a module may import, when it is asked for and not before
    "interpreters/accelerated.py": {"numba", "numpy"},
    "render/figures.py": {"matplotlib"},
}
ENGINE = {room for floor in FLOORS[:10] for room in floor}


def floor_of(room: str) -> int:
    return next(n for n, floor in enumerate(FLOORS) if room in floor)


def room_of(file: pathlib.Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules():
    return sorted(f for f in PACKAGE.rglob("*.py") if f.relative_to(PACKAGE).parts[0] not in ("__init__.py", "__main__.py"))


def imported(file: pathlib.Path):
    """Each import of a file as (the package's room or None, the top-level module)."""
    inside = len(file.relative_to(PACKAGE).parts) - 1
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            if node.level > inside:
                for name in ([node.module] if node.module else [alias.name for alias in node.names]):
                    yield name.split(".")[0], "pfncache_edu"
            elif node.level:
                yield room_of(file), "pfncache_edu"
            elif node.module.split(".")[0] == "pfncache_edu":
                yield ([*node.module.split("."), *(a.name for a in node.names)])[1], "pfncache_edu"
            else:
                yield None, node.module.split(".")[0]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                yield (parts[1] if parts[0] == "pfncache_edu" and len(parts) > 1 else None), parts[0]


@pytest.mark.parametrize("file", modules(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_point_down(file):
    room = room_of(file)
    for target, _ in imported(file):
        if target and target != room:
            assert floor_of(target) < floor_of(room), f"{room} imports {target}, which is not below it"


@pytest.mark.parametrize("file", [f for f in modules() if room_of(f) in ENGINE], ids=lambda f: str(f.relative_to(PACKAGE)))
def test_the_engine_imports_only_the_standard_library(file):
    allowed = sys.stdlib_module_names | {"pfncache_edu"} | GUESTS.get(file.relative_to(PACKAGE).as_posix(), set())
    for _, module in imported(file):
        assert module in allowed, f"{module} is not in the standard library"


def test_the_package_and_its_checks_import_without_site_packages():
    """They must run in a browser, where nothing else is installed."""
    code = "import pfncache_edu, pfncache_edu.grading, pfncache_edu.interpreters.tables, pfncache_edu.contention, sys; " \
           "pfncache_edu.explore(pfncache_edu.scenarios.page_moves_during_use()); " \
           "assert 'pfncache_edu.interpreters.accelerated' not in sys.modules"
    subprocess.run([sys.executable, "-S", "-c", code], check=True, cwd=PACKAGE.parent, env={"PYTHONPATH": str(PACKAGE.parent)})
