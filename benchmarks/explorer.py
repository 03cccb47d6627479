#!/usr/bin/env python3
"""The explorer against Spin and Harmony: one model, side by side, as ratios of CPU time.

    python benchmarks/explorer.py [--quick] [--repeat N] [--json]

Every engine is a process of its own; its time is the CPU time of that process and its children, start-up included. The
engines take turns, N times, and a ratio is taken within each turn: what is printed is its median, least and most.
README.md says what is compared with what, and what the numbers mean.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
os.environ["PYTHONPATH"] = str(HERE.parent)                         # for the processes that we measure
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)                     # theirs are compiled before the first turn, too

from one_cache import ROLES, program  # noqa: E402

from pfncache_edu.interpreters.promela import to_promela  # noqa: E402

INSTANCES = {                   # R reader, F refresher, I invalidator, each with its number of rounds: states
    "R1 F1 I1": 2_612,
    "R1 R1 F1 I1": 13_138,
    "R1 R1 F1 I1 I1": 246_427,
    "R2 R2 F2 I2": 199_946,
    "R1 R1 R1 F1 I1 I1": 1_253_891,
    "R1 R1 R1 R1 F1 I1 I1": 6_626_631,
}
SMALLEST, MIDDLE, *LARGE = "R1 F1 I1", "R1 R1 F1 I1 I1", "R1 R1 R1 F1 I1 I1", "R1 R1 R1 R1 F1 I1 I1"
PATIENCE = 2_000_000             # states that Python alone is asked to visit
QUICK = ["R1 F1 I1", "R1 R1 F1 I1"]


class Engine(NamedTuple):
    """`prepare(instance)` makes files in the working directory; `commands(instance)` are what is timed."""
    name: str
    commands: Callable[[str], list[list[str]]]
    prepare: Callable[[str], None] = lambda instance: None
    missing: str = ""           # why it cannot run here
    counts_alike: bool = True   # whether its number of states must be ours
    most: int = 10**8           # states of an instance that it is still asked for


class Ratio(NamedTuple):
    """What is claimed of two engines: the first takes less than `target` times the CPU time of the second."""
    ours: str
    peer: str
    instances: list[str]
    target: float


RATIOS = [
    Ratio("python, full", "pan", [MIDDLE], 3),
    Ratio("python", "spin + gcc + pan", [SMALLEST], 0.1),
    Ratio("python", "harmony", list(INSTANCES), 1),
    Ratio("numba, full", "pan", LARGE, 1),
]


# --- the engines --------------------------------------------------------------------------------------------------------

def ours(backend: str, symmetry: bool) -> Engine:
    name = backend + ("" if symmetry else ", full")
    missing = "" if backend == "python" or find_spec(backend) else f"{backend} is not installed: pip install pfncache-edu[fast]"
    return Engine(name, lambda instance: [[sys.executable, str(HERE / "one_cache.py"), instance, backend, str(int(symmetry))]],
                  missing=missing, most=10**8 if symmetry or backend == "numba" else PATIENCE)


def write_promela(instance: str) -> None:
    """The hand-written model with a process for each thread."""
    lines = [(HERE / "one_cache.pml").read_text()]
    for n, (role, *rounds) in enumerate(instance.split()):
        calls = f"{ROLES[role].__name__}(); " * int("".join(rounds))
        lines.append(f"active proctype t{n}() {{ byte used, old, page; {calls}end: false }}\n")
    Path("model.pml").write_text("".join(lines))


def pan_commands(instance: str) -> tuple[list[str], ...]:
    bits = max(16, INSTANCES[instance].bit_length() + 1)            # a hash table that fits
    return (["spin", "-a", "-o2", "-o3", "model.pml"],
            ["gcc", "-w", "-O2", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"],
            ["./pan", "-m100000", f"-w{bits}"])


def build_pan(instance: str) -> None:
    for command in pan_commands(instance)[:2]:
        subprocess.run(command, check=True, capture_output=True)


def pan_of(write: Callable[[str], object], name: str, most: int = 10**8) -> Engine:
    def prepare(instance):
        write(instance)
        build_pan(instance)
    return Engine(name, lambda instance: [pan_commands(instance)[2]], prepare, NO_SPIN, most=most)


def write_our_automata(instance: str) -> None:
    text = to_promela(program(instance), max_states=10**8)
    Path("model.pml").write_text(text.replace("init {", "init {\nend:"))      # everybody may be done


def write_harmony(instance: str) -> None:
    """The hand-written model with a `spawn` for each thread."""
    spawns = [f"spawn {ROLES[word[0]].__name__}({word[1:]})\n" for word in instance.split()]
    Path("model.hny").write_text((HERE / "one_cache.hny").read_text() + "".join(spawns))


def why_no(*tools: str) -> str:
    missing = [tool for tool in tools if not shutil.which(tool)]
    return f"{' and '.join(missing)} not installed (Debian: apt-get install spin gcc)" if missing else ""


NO_SPIN = why_no("spin", "gcc")
HARMONY = shutil.which("harmony", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
NO_HARMONY = "" if HARMONY else "Harmony is not installed: pip install harmony (it needs gcc)"

ENGINES = [
    ours("python", symmetry=False),
    ours("python", symmetry=True),
    ours("numba", symmetry=False),
    ours("numba", symmetry=True),
    pan_of(write_promela, "pan"),
    Engine("spin + gcc + pan", lambda instance: list(pan_commands(instance)), write_promela, NO_SPIN),
    Engine("harmony", lambda instance: [[HARMONY, "--noweb", "-W", "-R", "-w", "1", "model.hny"]], write_harmony, NO_HARMONY,
           counts_alike=False),
]
PROOF = pan_of(write_our_automata, "pan, our automata", PATIENCE)           # only counts: it is not timed


# --- measuring ----------------------------------------------------------------------------------------------------------

def cpu_seconds(commands: list[list[str]], folder: Path) -> tuple[float, str]:
    """User and system seconds of the commands with their children, and the last one's output."""
    seconds = 0.0
    for command in commands:
        with open(folder / "output", "w+") as output:
            process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read()
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{text}")
        seconds += used.ru_utime + used.ru_stime
    return seconds, text


def states_in(output: str) -> int:
    """The number of states that an engine says it found; it must not have found anything wrong."""
    if not re.search(r"errors: 0\b|^holds|No issues found", output, re.MULTILINE):
        raise SystemExit(f"an engine found something wrong in this model:\n{output}")
    return int(re.search(r"(\d+) states", output)[1])


def compare(instance: str, engines: list[Engine], repeat: int, top: Path) -> dict[str, dict]:
    """Run every engine `repeat` times in turn: {engine: {"states", "seconds": [CPU seconds, …]}}."""
    folders, results = {}, {}
    engines = [engine for engine in engines if INSTANCES[instance] <= engine.most]
    for n, engine in enumerate(engines):
        folders[engine.name] = top / f"{instance.replace(' ', '')}-{n}"
        folders[engine.name].mkdir()
        os.chdir(folders[engine.name])
        engine.prepare(instance)
        _, output = cpu_seconds(engine.commands(instance), folders[engine.name])     # not timed: caches fill, numba compiles
        states = states_in(output)
        if engine.counts_alike and states != INSTANCES[instance]:
            raise SystemExit(f"{instance}: {engine.name} finds {states:,} states, not {INSTANCES[instance]:,}")
        results[engine.name] = {"states": states, "seconds": []}
    for turn in range(repeat):
        for engine in engines[turn % len(engines):] + engines[:turn % len(engines)]:
            if engine is not PROOF:
                seconds, _ = cpu_seconds(engine.commands(instance), folders[engine.name])
                results[engine.name]["seconds"].append(seconds)
    return results


def ratios(result: dict[str, dict], ours: str, peer: str) -> list[float]:
    """Our CPU time by theirs, turn by turn; [] if one of the two did not run."""
    if ours not in result or peer not in result:
        return []
    return [a / max(b, 0.001) for a, b in zip(result[ours]["seconds"], result[peer]["seconds"])]


# --- telling ------------------------------------------------------------------------------------------------------------

def spread(values: list[float]) -> str:
    return f"{median(values):.3g} [{min(values):.3g}, {max(values):.3g}]"


def tell(instance: str, result: dict[str, dict]) -> None:
    print(f"\n{instance}: {INSTANCES[instance]:,} states")
    peers = [name for name in ("pan", "spin + gcc + pan", "harmony") if name in result]
    print(f"  {'':<19}{'states':>11}  {'CPU seconds':<26}" + "".join(f"{'/ ' + peer:<26}" for peer in peers))
    for name, row in result.items():
        if row["seconds"]:
            cells = [spread(row["seconds"]), *(spread(ratios(result, name, peer)) if peer != name else "" for peer in peers)]
        else:
            cells = ["the same number"]
        print(f"  {name:<19}{row['states']:>11,}  " + "".join(f"{cell:<26}" for cell in cells).rstrip(), flush=True)


def tell_targets(results: dict[str, dict]) -> None:
    print("\nwhat is claimed")
    for ratio in RATIOS:
        for instance in ratio.instances:
            values = ratios(results.get(instance, {}), ratio.ours, ratio.peer)
            told = f"{'yes' if median(values) < ratio.target else 'NO':<4} {spread(values)}" if values else "not run"
            print(f"  {instance:<21} {ratio.ours} / {ratio.peer} < {ratio.target:g}: {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the two smallest instances only")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="how often each engine is timed (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the measurements as JSON")
    asked = parser.parse_args()
    engines = [engine for engine in [*ENGINES, PROOF] if not engine.missing]
    skipped = {engine.name: engine.missing for engine in [*ENGINES, PROOF] if engine.missing}
    results = {}
    with tempfile.TemporaryDirectory() as top:
        for instance in QUICK if asked.quick else INSTANCES:
            results[instance] = compare(instance, engines, asked.repeat, Path(top))
            if not asked.json:
                tell(instance, results[instance])
        os.chdir(HERE)
    if asked.json:
        print(json.dumps({"results": results, "skipped": skipped}, indent=2))
    else:
        tell_targets(results)
        for name, why in skipped.items():
            print(f"skipped {name}: {why}")


if __name__ == "__main__":
    main()
