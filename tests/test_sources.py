"""The map from our functions to the C is complete, and true of the sources where they are at hand."""
import importlib
import inspect
import os
import pathlib
import re
import subprocess
import sys

import pytest

from pfncache_edu.kvm import pfncache, sources, structs, v6_1
from pfncache_edu.kvm.sources import OURS_ALONE, SOURCES
from pfncache_edu.steps import KernelFunction

MODULES = ("pfncache", "v6_1", "mmu_notifier", "memslots", "host_pages", "host_mm", "bug")
WHERE = {"v6_12": "LINUX_SOURCE_6_12", "v6_1": "LINUX_SOURCE_6_1"}


@pytest.mark.parametrize("module", MODULES)
def test_every_kernel_function_is_on_the_map(module):
    here = importlib.import_module(f"pfncache_edu.kvm.{module}")
    functions = {name for name, value in vars(here).items() if isinstance(value, KernelFunction) and value.__module__ == here.__name__}
    mapped = {s.function for s in SOURCES if s.module == module}
    assert functions - mapped - OURS_ALONE.keys() == set()
    assert all(hasattr(here, name) for name in mapped)


def test_the_map_is_printed():
    printed = subprocess.run([sys.executable, "-m", "pfncache_edu.kvm"], capture_output=True, text=True, check=True,
                             cwd=pathlib.Path(__file__).parent.parent).stdout
    assert re.search(r"pfncache\.hva_to_pfn_retry +hva_to_pfn_retry +virt/kvm/pfncache\.c +155-246 +-\n", printed)
    assert re.search(r"v6_1\.hva_to_pfn_retry +hva_to_pfn_retry +virt/kvm/pfncache\.c +- +142-239\n", printed)
    assert printed.startswith(sources.table())


@pytest.mark.parametrize("version", WHERE)
def test_the_lines_are_those_of_the_sources(version):
    """Unpack Debian's linux-source-6.12 (6.12.117) and linux-source-6.1 (6.1.192), and name the folders in the environment."""
    tree = os.environ.get(WHERE[version])
    if not tree:
        pytest.skip(f"${WHERE[version]} does not name an unpacked kernel source")
    for source in SOURCES:
        found = getattr(source, version)
        if found:
            lines = (pathlib.Path(tree) / source.file).read_text().splitlines()
            first, last = found
            begins = max(n for n, line in enumerate(lines[:first], 1)
                         if re.match(rf"(\w.*[\s*])?{source.in_c}\(", line) and not line.endswith(";"))
            ends = next(n for n, line in enumerate(lines[begins:], begins + 1) if line == "}")
            assert begins <= first < last <= ends, source
            if not source.part:
                assert (begins, ends) == found, source


def test_every_exception_from_the_lock_discipline_has_its_place_in_the_c():
    declared = [(f"{struct.__name__}.{field.name}", function)
                for struct in (structs.kvm, structs.gfn_to_pfn_cache, v6_1.gfn_to_pfn_cache)
                for field in struct.fields().values() for function in field.unguarded or ()]
    assert [(e.field, e.function) for e in sources.exceptions()] == declared
    assert all(e.source.startswith("virt/kvm/pfncache.c:") and e.reason for e in sources.exceptions())


@pytest.mark.parametrize("exception", sources.exceptions(), ids=lambda e: f"{e.version}-{e.field}-{e.function}")
def test_no_exception_is_declared_in_vain(exception):
    """The function named does touch the field: so says its source."""
    module = v6_1 if exception.version == "6.1" else pfncache
    source = inspect.getsource(getattr(module, exception.function).function)
    assert re.search(rf"\.{exception.field.split('.')[1]}\b", source)
