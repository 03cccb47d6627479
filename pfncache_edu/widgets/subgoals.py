"""Sub-goals: which part of its plan a thread is in, in the words that the whole book uses for it.

A ladder is the plan of a kind of thread; `subgoal(tables, node)` says which rung the node's next step belongs to. It
looks at the functions on the stack, at what the step does and to which cell, never at line numbers, so it also knows
the rungs of a variant that nobody has written yet.
"""
from __future__ import annotations

LADDERS = {
    "user": ("take the read lock", "check", "use, or else drop and refresh", "release"),
    "refresh": ("withdraw", "snapshot", "drop the lock", "look up and map", "retake the lock", "retry or publish"),
    "invalidate": ("announce", "find overlap", "withdraw and drain", "(MM zaps)", "retire"),
}


def subgoal(tables: dict, node: dict) -> tuple[str, str] | None:
    """(ladder, rung) of the step that comes next at a node, None when the thread is done or plays no known role."""
    if not node["stack"]:
        return None
    calls = [tables["files"][frame[0]]["function"] for frame in node["stack"]]
    cell = tables["cells"][node["cells"][0]]["name"] if node["cells"] else ""
    holds = {(tables["cells"][number]["name"], mode) for number, mode in node["holds"]}
    if calls[0] in ("move_page", "take_page_away", "invalidate") or any(call.startswith("kvm_mmu_notifier") for call in calls):
        return "invalidate", _invalidate(calls, node["verb"], cell, holds)
    if any(call.endswith("gpc_refresh") for call in calls):
        return "refresh", _refresh(calls, node["verb"], cell, _line(tables, node))
    if "kvm_gpc_check" in calls or calls[0].startswith("use"):
        return "user", _user(calls, node["verb"], cell, tables, node)
    return None


def _user(calls: list[str], verb: str, cell: str, tables: dict, node: dict) -> str:
    if "kvm_gpc_check" in calls or cell.endswith(".valid"):
        return "check"
    if verb == "read_lock":
        return "take the read lock"
    leaves = verb == "read_unlock" and _depth(tables, node) == 1       # not inside the loop: the cache was used
    return "release" if leaves else "use, or else drop and refresh"


def _refresh(calls: list[str], verb: str, cell: str, line: str) -> str:
    """The rungs change in hva_to_pfn_retry(), or what stands in its place; what surrounds it belongs to the first rung or to the last."""
    loop = calls[calls.index("refresh_locked") + 1:] if "refresh_locked" in calls else []
    if loop[:1] in ([], ["out"]):
        return "retry or publish" if loop or "purge" in calls or verb in ("write_unlock", "mutex_unlock") else "withdraw"
    asks = cell.endswith(("mmu_invalidate_seq", "mmu_invalidate_in_progress", "mn_active_invalidate_count")) or verb == "smp_rmb"
    if asks:                                                # in a function of its own it is the test that decides
        return "retry or publish" if len(loop) > 1 or not cell.endswith("_seq") and verb != "smp_rmb" else "snapshot"
    if verb == "store":
        return "withdraw" if "set(False)" in line else "retry or publish"
    if verb == "write_unlock":
        return "drop the lock"
    if verb == "write_lock":
        return "retake the lock"
    if cell.endswith("khva"):
        return "withdraw"
    return "retry or publish" if "offset" in line else "look up and map"


def _invalidate(calls: list[str], verb: str, cell: str, holds: set[tuple[str, str]]) -> str:
    if any(call.endswith("invalidate_range_end") for call in calls):
        return "retire"
    if cell.startswith("mm."):
        return "(MM zaps)"
    if cell.endswith(("mn_invalidate_lock", "mn_active_invalidate_count")):
        return "announce"
    drains = verb in ("write_lock", "write_unlock", "store") or any(
        mode == "write" and not lock.endswith("gpc_lock") for lock, mode in holds)
    return "withdraw and drain" if drains else "find overlap"


def _line(tables: dict, node: dict) -> str:
    file, number, *_ = node["stack"][-1]
    source = tables["files"][file]
    lines = source["lines"]
    return lines[number - source["first"]] if 0 <= number - source["first"] < len(lines) else ""


def _depth(tables: dict, node: dict) -> int:
    """How deep the line of the next step is indented: 1 in the function's own body."""
    line = _line(tables, node)
    return (len(line) - len(line.lstrip())) // 4
