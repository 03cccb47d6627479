"""`pfncache conform`: all recordings, one as a story, and files of others, whole or damaged."""
import argparse
import gzip
import json

import pytest

from pfncache_edu.conformance import command
from pfncache_edu.conformance.recordings import shipped


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Writes a file of recordings: given lines, or a recording with changes."""
    folder = tmp_path_factory.mktemp("files")
    recording = next(r for r in shipped() if r.name == "basic_activate_check_deactivate" and r.version == "6.12")
    good = dict(schema="gpc-trace/1", api="6.12", name="mine", n_caches=1, level=0, features=[], steps=recording.steps)

    def write(name, *lines, data=None, **changes):
        path = folder / name
        text = "\n".join(lines) if lines else json.dumps({**good, **changes})
        path.write_bytes(data if data is not None else gzip.compress(text.encode()))
        return str(path)
    return write


def operation(op, id=0, **args):
    return {"id": id, "op": op, "args": args}


def test_a_file_of_ones_own_replays(files, capsys):
    assert command.main(["--file", files("good.jsonl.gz")]) == 0
    assert "1 recordings (1 of level 0), 10 operations" in capsys.readouterr().out


@pytest.mark.parametrize("name, changes, message", [
    ("no-gzip", dict(data=b"{}"), "is not gzip"),
    ("cut", dict(data=gzip.compress(b"x" * 1000)[:-12]), "is damaged, it does not decompress"),
    ("flipped", dict(data=gzip.compress(bytes(range(256)) * 9)[:40] + b"\0" * 40), "is damaged"),
    ("empty", dict(data=gzip.compress(b"\n")), "is empty"),
    ("schema", dict(schema="gpc-trace/9"), "line 1: has the schema 'gpc-trace/9'; this program reads 'gpc-trace/1'"),
    ("version", dict(api="5.15"), "line 1, mine: is of kernel version '5.15'; this program knows 6.1 and 6.12"),
    ("caches", dict(n_caches="two"), "`n_caches` is 'two', and should be an int"),
    ("unknown", dict(steps=[operation("fly")]), "operation 0 (fly): there is no such operation; there are init, activate"),
    ("6.1 only", dict(steps=[operation("unmap", c=0)]), "operation 0 (unmap): there is no such operation in 6.12, only in 6.1"),
    ("missing", dict(steps=[operation("activate", c=0, len=8)]), "the argument `gpa` is missing"),
    ("surplus", dict(steps=[operation("init", c=0, gpa=1)]), "there is no argument `gpa`; there are c"),
    ("range", dict(steps=[operation("inv_start", start=8, end=8)]), "the range ends at 0x8, before it starts"),
    ("negative", dict(steps=[operation("check", c=0, len=-1)]), "`len` is -1, and should be a number from 0"),
    ("no cache", dict(steps=[operation("init", c=3)]), "cache 3 does not exist; there are 1, numbered from 0"),
    ("twice", dict(steps=[operation("init", c=0), operation("init", c=0)]), "the id is taken by an operation before it"),
    ("point", dict(steps=[{**operation("init", c=0), "hooks": [{"at": "lunch", "n": 1, "do": []}]}]), "a hook at 'lunch'; there are"),
    ("unbalanced", dict(steps=[operation("inv_end", start=0, end=4096)]), "operation 0 (inv_end): no invalidation is open"),
    ("unlock", dict(steps=[operation("read_unlock", c=0)]), "operation 0 (read_unlock): nobody holds the lock of cache 0"),
    ("half", dict(steps=[{**operation("init", c=0), "res": {}}]), "its steps are not as the format says: KeyError: 'status'"),
])
def test_what_is_wrong_with_a_file_is_said_and_where(files, capsys, name, changes, message):
    path = files(f"{name}.jsonl.gz", **changes)
    assert command.main(["--file", path]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"pfncache conform: {path}") and message in said.err and "Traceback" not in said.err


def test_the_line_of_the_damage_is_named(files, capsys):
    good = gzip.open(files("good.jsonl.gz")).read().decode()
    path = files("second.jsonl.gz", good, good[:-40])
    assert command.main(["--file", path]) == 2
    assert "second.jsonl.gz, line 2: is damaged, it is not JSON" in capsys.readouterr().err


def test_a_file_that_differs_is_no_success(files, capsys):
    steps = json.loads(json.dumps(shipped_steps()))
    steps[-1]["state"]["gpc"][0]["active"] = True
    assert command.main(["--file", files("wrong.jsonl.gz", steps=steps)]) == 1
    out = capsys.readouterr().out
    assert "differs: " in out and "cache 0's active is False, but the recording has True" in out and "1 divergences" in out


def shipped_steps():
    return next(r for r in shipped() if r.name == "basic_activate_check_deactivate" and r.version == "6.12").steps


def test_a_file_that_is_not_there_and_a_name_that_is_unknown(capsys, tmp_path):
    assert command.main(["--file", str(tmp_path / "none.jsonl.gz")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
    assert command.main(["--trace", "basic_activate_deactivate"]) == 2
    assert "there is no recording 'basic_activate_deactivate'; did you mean basic_activate_check_deactivate" in capsys.readouterr().err


def story(capsys, *arguments):
    assert command.main(arguments) == 0
    return " ".join(capsys.readouterr().out.split())


def test_the_story_tells_why_6_1_takes_a_write_lock_and_6_12_takes_none(capsys):
    told = story(capsys, "--trace", "unrelated_invalidation…")
    before, after = told.split("unrelated_invalidation_takes_no_write_lock, Linux 6.12")
    assert "Linux 6.1 finds that out only under the write lock, one for each cache" in before
    assert "took 10 write locks for it: one for each look, because Linux 6.1 takes the write lock first" in before
    assert "Linux 6.12 looks under the read lock first, and that look was enough: no write lock" in after
    assert "took no write lock for it" in after and "our functions did exactly that, field for field" in after


def test_the_story_tells_what_happens_inside_an_operation_and_who_waits(capsys):
    told = story(capsys, "--trace", "invalidation_during_refresh_forces_retry", "--api", "6.12")
    assert "While it has looked the page up, and does not use it yet:" in told and "It looked the page up 2 times" in told
    told = story(capsys, "--trace", "reader_section_matching", "--api", "6.12")
    assert "It has to wait: somebody uses the cache." in told and "Now operation 8 goes on." in told


def test_a_cache_in_the_middle_of_a_look_up_is_not_called_unconcerned(capsys):
    told = story(capsys, "--trace", "hva_cache_outside_memslots_misses")
    assert "Cache 0 is for an address in the range, but may not be used now anyway" in told and "In all" not in told


@pytest.mark.slow
def test_every_named_scenario_can_be_told(capsys):
    for name in {r.name for r in shipped() if not r.name.startswith("open-")}:
        assert command.main(["--trace", name]) == 0
    assert command.main(["--trace", "open-6.1-0000"]) == 0
    assert "None" not in capsys.readouterr().out


def test_it_is_a_subcommand_that_another_parser_can_take():
    parser = argparse.ArgumentParser()
    command.add_conform_command(parser.add_subparsers())
    asked = parser.parse_args(["conform", "--api", "6.12", "--trace", "zero_len"])
    assert asked.run(asked) == 0
