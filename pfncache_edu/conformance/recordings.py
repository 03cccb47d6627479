"""Recordings: what the real pfncache.c did, read from files in the format gpc-trace/1.

The unmodified virt/kvm/pfncache.c of Debian's Linux 6.1.192 and 6.12.117 sources was compiled in user space, over page tables,
kernel mappings and locks that do exactly what they are told, and driven by named scenarios and by random sequences of
operations. A recording has every operation with its result, the locks it took, what it asked of its surroundings, and the
state of every cache after it. Barriers did nothing there, so nothing is said about memory ordering.

A file is gzip; each line is one recording, as JSON.
"""
from __future__ import annotations

import functools
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

SCHEMA = "gpc-trace/1"
VERSIONS = ("6.1", "6.12")
POINTS = ("hva_to_pfn.enter", "hva_to_pfn.exit", "map.exit", "unmap.enter", "refresh_lock", "gpc_read_lock", "gpc_write_lock",
          "gpc_read_unlock", "gpc_write_unlock", "gpc_list_lock", "gpc_list_unlock", "mmu_unlock", "synchronize_srcu",
          "flush_shadow_memslot")
ARGS = {  # operation -> (arguments it needs, arguments it may have), where both versions agree
    "init": ("c", ""), "activate": ("c gpa len", ""), "check": ("c len", ""), "refresh": ("c len", ""), "deactivate": ("c", ""),
    "inv_start": ("start end", "may_block"), "inv_end": ("start end", "may_block"),
    "set_memory_region": ("slot gpa npages uhva", "flags"), "zap_gfn_range": ("gfn_start gfn_end", ""),
    "set_pte": ("uhva pte", "count"), "set_memremap_fail": ("pfn fail", ""), "read_lock": ("c", ""), "read_unlock": ("c", "")}
ARGS_OF = {
    "6.12": {**ARGS, "activate_hva": ("c uhva len", "")},
    "6.1": {**ARGS, "activate": ("c gpa len", "usage vcpu"), "check": ("c gpa len", ""), "refresh": ("c gpa len", ""),
            "unmap": ("c", ""), "set_in_guest": ("vcpu value", "")}}
WORDS = {"usage": ("NONE", "GUEST", "HOST", "BOTH"), "pte": ("FAULT", "HWPOISON", "RO_FAULT", "SIGPENDING")}


class Unreadable(Exception):
    """The file is no file of recordings. The message says where, and what is wrong."""


class Impossible(Exception):
    """A recording asks for an operation that makes no sense at that point."""


@dataclass(frozen=True)
class Recording:
    """One recording: the kernel's version, its name, and its steps as they stand in the file."""
    version: str
    name: str
    title: str
    caches: int
    level: int
    features: tuple[str, ...]
    steps: list
    where: str = ""

    @property
    def label(self) -> str:
        return f"{self.version}/{self.name}"


def shipped(begins: str = "") -> list[Recording]:
    """The recordings that come with the package: 138 named scenarios and 600 random ones; or those whose name begins so."""
    kinds = [kind for kind in ("scenarios", "open") if not begins or (kind == "open") == begins.startswith("open-")]
    return [recording for kind in kinds for version in VERSIONS for recording in _shipped_file(f"{kind}-{version}.jsonl.gz")
            if recording.name.startswith(begins)]


@functools.cache
def _shipped_file(name: str) -> tuple[Recording, ...]:
    return tuple(read((resources.files(__package__) / "recordings" / name).read_bytes(), name))


def read(data: bytes, file: str) -> Iterator[Recording]:
    """The recordings in a file's bytes; Unreadable says what is wrong with them, and where."""
    if data[:2] != b"\x1f\x8b":
        raise Unreadable(f"{file}: is not gzip: a file of recordings is gzip-compressed JSON, one recording a line")
    try:
        lines = gzip.decompress(data).decode().splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{file}: is damaged, it does not decompress: {error}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{file}: is damaged, it is not text: {error}") from error
    if not any(line.strip() for line in lines):
        raise Unreadable(f"{file}: is empty: it has no recording")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _recording(line, f"{file}, line {number}")


def _recording(line: str, where: str) -> Recording:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise Unreadable(f"{where}: is damaged, it is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Unreadable(f"{where}: is not a recording, which is a JSON object, but {type(found).__name__}")
    if found.get("schema") != SCHEMA:
        raise Unreadable(f"{where}: has the schema {found.get('schema')!r}; this program reads {SCHEMA!r}")
    named = f"{where}, {found.get('name')}"
    if found.get("api") not in VERSIONS:
        raise Unreadable(f"{named}: is of kernel version {found.get('api')!r}; this program knows {' and '.join(VERSIONS)}")
    for key, kind in (("name", str), ("n_caches", int), ("level", int), ("features", list), ("steps", list)):
        if not isinstance(found.get(key), kind):
            raise Unreadable(f"{named}: `{key}` is {found.get(key)!r}, and should be a{'n' if kind is int else ''} {kind.__name__}")
    recording = Recording(found["api"], found["name"], found.get("title") or "", found["n_caches"], found["level"],
                          tuple(found["features"]), found["steps"], named)
    _check_steps(recording, recording.steps, set())
    return recording


def _check_steps(recording: Recording, steps: object, ids: set) -> None:
    if not isinstance(steps, list):
        raise Unreadable(f"{recording.where}: a list of operations is {steps!r}")
    for step in steps:
        _check_step(recording, step, ids)
        for hook in step.get("hooks") or []:
            where = f"{recording.where}, operation {step['id']}"
            if not isinstance(hook, dict) or hook.get("at") not in POINTS:
                raise Unreadable(f"{where}: a hook at {hook.get('at') if isinstance(hook, dict) else hook!r}; "
                                 f"there are {', '.join(POINTS)}")
            if not isinstance(hook.get("n"), int) or hook["n"] < 1:
                raise Unreadable(f"{where}: a hook at the {hook.get('n')!r}-th time; it counts from 1")
            _check_steps(recording, hook.get("do", []), ids)


def _check_step(recording: Recording, step: object, ids: set) -> None:
    if not isinstance(step, dict) or not {"id", "op", "args"} <= step.keys() or not isinstance(step["args"], dict):
        raise Unreadable(f"{recording.where}: an operation needs `id`, `op` and `args`, and this one is {str(step)[:80]}")
    where = f"{recording.where}, operation {step['id']} ({step['op']})"
    if not isinstance(step["id"], (int, str)) or step["id"] in ids:
        raise Unreadable(f"{where}: the id is taken by an operation before it")
    ids.add(step["id"])
    known = ARGS_OF[recording.version]
    if step["op"] not in known:
        other = next((v for v in VERSIONS if step["op"] in ARGS_OF[v]), None)
        raise Unreadable(f"{where}: there is no such operation" + (f" in {recording.version}, only in {other}" if other else
                                                                   f"; there are {', '.join(known)}"))
    needed, possible = (names.split() for names in known[step["op"]])
    args = step["args"]
    for name in needed:
        if name not in args:
            raise Unreadable(f"{where}: the argument `{name}` is missing")
    for name, value in args.items():
        if name not in (*needed, *possible, "srcu"):
            raise Unreadable(f"{where}: there is no argument `{name}`; there are {', '.join((*needed, *possible)) or 'none'}")
        if not (isinstance(value, int) and value >= 0 or value in WORDS.get(name, ()) or name == "vcpu" and value is None):
            raise Unreadable(f"{where}: `{name}` is {value!r}, and should be a number from 0"
                             + (f" or one of {', '.join(WORDS[name])}" if name in WORDS else ""))
    if "c" in args and args["c"] >= recording.caches:
        raise Unreadable(f"{where}: cache {args['c']} does not exist; there are {recording.caches}, numbered from 0")
    if "end" in args and args["end"] <= args["start"]:
        raise Unreadable(f"{where}: the range ends at {args['end']:#x}, before it starts")
    if not isinstance(step.get("res", {}), (dict, type(None))):
        raise Unreadable(f"{where}: `res` is {step['res']!r}")
