"""The engines that the benchmark compares agree on the number of states. Its times are nobody's test."""
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

from pfncache_edu import explore

BENCHMARKS = pathlib.Path(__file__).parent.parent / "benchmarks"
sys.path.append(str(BENCHMARKS))
from one_cache import program  # noqa: E402

COUNTS = {"R1 F1 I1": 2_612, "R1 R1 F1 I1": 13_138}


@pytest.mark.parametrize("instance", COUNTS)
def test_the_model_has_as_many_states_as_the_benchmark_says(instance):
    for symmetry in (True, False):
        verdict = explore(program(instance), symmetry=symmetry)
        assert verdict.holds and verdict.states == COUNTS[instance]


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("spin") and shutil.which("gcc")), reason="needs spin and gcc (Debian: apt-get install spin gcc)")
def test_spin_finds_as_many_states_in_the_model_written_by_hand_and_in_the_printed_one():
    run = subprocess.run([sys.executable, BENCHMARKS / "explorer.py", "--quick", "--repeat", "1", "--json"],
                         capture_output=True, text=True, check=True)
    for instance, engines in json.loads(run.stdout)["results"].items():
        states = {name: row["states"] for name, row in engines.items() if name != "harmony"}     # Harmony counts its own way
        assert {"python", "pan", "pan, our automata"} <= states.keys()
        assert set(states.values()) == {COUNTS[instance]}
