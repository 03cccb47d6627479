"""In the browser's Python the same verdicts come out, with the same numbers of states."""
import json
import pathlib
import shutil
import subprocess

import pytest

from pfncache_edu import MUTANTS, explore, scenarios

ROOT = pathlib.Path(__file__).parent.parent
PYODIDE = ROOT / "node_modules/pyodide/pyodide.mjs"
SITUATIONS = ["page_moves_during_use", "page_moves_during_refresh", "one_of_two_pages_moves", "invalidation_never_ends"]
PYTHON = """
import json, sys
sys.path.insert(0, "/book")
from pfncache_edu import MUTANTS, explore, scenarios
from pfncache_edu.interpreters.canaries import sick_canaries
livepatches = {"": None, **{name: mutant.livepatch for name, mutant in MUTANTS.items()}}
json.dumps([sick_canaries(), [[name, mutant, str(explore(getattr(scenarios, name)(livepatch)))]
                              for name in %r for mutant, livepatch in livepatches.items()]])
"""


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("node") and PYODIDE.exists()), reason="needs node, and npm ci (make site does it)")
def test_verdicts_and_state_counts_are_the_same_in_pyodide():
    script = (f"import {{ loadPyodide }} from {json.dumps(PYODIDE.as_uri())};"
              "const python = await loadPyodide();"
              f"python.mountNodeFS('/book', {json.dumps(str(ROOT))});"
              f"console.log(python.runPython({json.dumps(PYTHON % SITUATIONS)}));")
    run = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    sick, found = json.loads(run.stdout.splitlines()[-1])
    assert sick == []
    for name, mutant, verdict in found:
        assert verdict == str(explore(getattr(scenarios, name)(mutant and MUTANTS[mutant].livepatch or None))), (name, mutant)
    assert len(found) == len(SITUATIONS) * (len(MUTANTS) + 1)
