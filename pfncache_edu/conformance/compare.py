"""Compare: what a recording says, against what our functions do, field by field, after every operation.

Core fields are those that every faithful model must agree on; the second tier is what this one has besides.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..kvm import structs
from ..properties import LockOrder
from ..steps import KernelFunction, Mistake, Violation, forgotten
from .recordings import Impossible, Recording, Unreadable
from .replay import ANSWERS, ERRORS, USAGE, Replay, Running, World

IN_RESULT = frozenset({"status", "ret", "on", "locks", "env", "warn", "spun", "slots"})
IN_STATE = frozenset({"gpc", "gpc_list", "kvm", "maps", "refs", "blocked"})
IN_KVM = frozenset({"mn_active_invalidate_count", "mmu_invalidate_seq", "mmu_invalidate_in_progress", "range", "gen"})
IN_CACHE = frozenset({"active", "valid", "gpa", "uhva", "pfn", "khva", "gen", "memslot", "usage"})
USAGE_NAMES = {value: name for name, value in USAGE.items()}
ERROR_ADDRESSES = {structs.KVM_HVA_ERR_BAD: "ERR_BAD", structs.KVM_HVA_ERR_RO_BAD: "ERR_RO_BAD"}


class Divergence(Exception):
    """Our functions did something else than the kernel's."""

    def __init__(self, recording: Recording, id, what: str, recorded, ours):
        super().__init__(f"{recording.where}, operation {id}: {what} is {ours!r}, but the recording has {recorded!r}")
        self.recording, self.id, self.what = recording, id, what


@dataclass
class Count:
    """What was compared: recordings, operations, fields; and what was left out, by feature."""
    recordings: int = 0
    operations: int = 0
    core: int = 0
    second: int = 0
    left_out: Counter = field(default_factory=Counter)
    levels: Counter = field(default_factory=Counter)
    divergences: list[Exception] = field(default_factory=list)

    def __str__(self):
        levels = ", ".join(f"{n} of level {level}" for level, n in sorted(self.levels.items()))
        left_out = "; ".join(f"{feature} {n:,} times" for feature, n in self.left_out.items()) or "nothing"
        return (f"{self.recordings:,} recordings ({levels}), {self.operations:,} operations: {self.core:,} core fields and "
                f"{self.second:,} others compared, {len(self.divergences)} divergences. Left out: {left_out}.")


# --- our state, in the recording's words ----------------------------------------------------------------------------------

def generation(number: int):
    mark = structs.KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS
    return f"{number & ~mark}+UPDATING" if number & mark else number


def page(pfn):
    return pfn.replace("KVM_PFN_", "") if isinstance(pfn, str) else pfn


def address(khva):
    return khva and {"pfn": khva.pfn, "off": khva.offset}


def cache_fields(world: World, gpc) -> dict:
    """The core fields of a cache."""
    value = world.value
    gpa, uhva = value(gpc.gpa), value(gpc.uhva)
    return {"active": value(gpc.active), "valid": value(gpc.valid), "gpa": "INVALID" if gpa == structs.INVALID_GPA else gpa,
            "uhva": ERROR_ADDRESSES.get(uhva, uhva), "pfn": page(value(gpc.pfn)), "khva": address(value(gpc.khva)),
            "gen": generation(value(gpc.generation))}


def memslot(world: World, gpc):
    """Which memslot the cache points to; STALE if it was replaced since: in C, that object is freed when the update is over."""
    slot = world.value(gpc.memslot)
    if slot is None:
        return None
    now = world.value(world.kvm.memslots)
    alive = now.slots + (world.replaced if now.generation & structs.KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS else ())
    if any(other is slot for other in alive):
        return f"INVALID:{slot.id}" if slot.flags & structs.KVM_MEMSLOT_INVALID else slot.id
    being_removed = slot._replace(flags=slot.flags | structs.KVM_MEMSLOT_INVALID) in alive
    return slot.id if being_removed else f"STALE:{slot.id}"


def lock_counts(world: World, running: Running) -> dict:
    taken, caches, kvm = running.taken, world.caches, world.kvm
    return {"read": [taken[gpc.lock, "read"] for gpc in caches], "write": [taken[gpc.lock, "write"] for gpc in caches],
            "refresh": [taken[gpc.refresh_lock, "write"] for gpc in caches],
            **{name: taken[getattr(kvm, name), "write"] for name in ("gpc_lock", "mn_invalidate_lock", "mmu_lock")}}


def answer(running: Running):
    """What the operation returned; None if its C function returns nothing."""
    result = running.result
    if running.name not in ANSWERS:
        return None
    return result if isinstance(result, bool) else ERRORS.get(result, result)


def calls(running: Running) -> list:
    return [[page(part) for part in call] for call in running.calls]


# --- the comparison ---------------------------------------------------------------------------------------------------------

class Comparison:
    """Hears what a replay does, and raises Divergence at the first field that differs."""

    def __init__(self, recording: Recording, count: Count):
        self.recording, self.count = recording, count
        self.recorded = {step["id"]: step for step in with_results(recording.steps)}
        self.resumed = 0

    def __call__(self, moment: str, world: World, running: Running, step: dict) -> None:
        if moment in ("begins", "point"):
            return
        if moment == "settled":
            if "res" in step:
                self.same(running.id, "the number of operations that went on", len(step.get("resumed") or ()), self.resumed)
            if self.resumed:                       # otherwise nothing has happened since "top"
                self.state(world, running.id, step.get("state"))
            self.resumed = 0
            return
        if moment == "resumed":
            records = step.get("resumed") or ()
            if "res" in step and self.resumed >= len(records):
                raise Divergence(self.recording, running.id, "what goes on", "nothing", f"operation {running.id}")
            record = records[self.resumed] if records else {}
            self.resumed += 1
            self.same(running.id, "the operation that goes on", record.get("id", running.id), running.id)
        else:
            record = self.recorded.get(step["id"], step)
            self.count.operations += 1
            if "res" in record and record["res"] is None:
                raise Divergence(self.recording, running.id, "the hook that runs it", "not reached", "reached")
        self.result(world, running, record.get("res"))
        self.hooks(running, record)
        self.state(world, running.id, record.get("op_state", record.get("state")))

    def same(self, id, what: str, recorded, ours, core: bool = True) -> None:
        if recorded != ours or type(recorded) is bool and type(ours) is not bool:
            raise Divergence(self.recording, id, what, recorded, ours)
        if core:
            self.count.core += 1
        else:
            self.count.second += 1

    def leave_out(self, what: str, recorded: dict, known: frozenset) -> None:
        """Count the fields that this comparison does not know, so that none is skipped silently."""
        if not recorded.keys() <= known:
            self.count.left_out.update(f"{what}{field}" for field in recorded.keys() - known)

    def result(self, world: World, running: Running, res: dict | None) -> None:
        if res is None:
            return
        same, id = self.same, running.id
        self.leave_out("res.", res, IN_RESULT)
        same(id, "status", res["status"], "done" if running.done else "blocked")
        if running.done:
            same(id, "the answer", res.get("ret"), answer(running))
        else:
            same(id, "what it waits for", res.get("on"), running.on, core=False)
        if "locks" in res:
            taken = lock_counts(world, running)
            for core in True, False:
                self.all_same(id, "how often it took ", res["locks"], {
                    what: n for what, n in taken.items() if what in res["locks"] and (what in ("read", "write")) is core}, core)
        if "env" in res:
            ours = calls(running)
            for what in ("hva_to_pfn", "map", "unmap"):
                same(id, f"the number of {what} calls", sum(c[0] == what for c in res["env"]), sum(c[0] == what for c in ours))
            same(id, "what it asked of the host", res["env"], ours, core=False)
        same(id, "its warnings", res.get("warn", []), running.warned, core=False)
        same(id, "whether its loop went round for ever", res.get("spun", False), running.spun, core=False)
        if "slots" in res:
            slots = [{"slot": s.id, "base_gfn": s.base_gfn, "npages": s.npages, "uhva": s.userspace_addr,
                      "readonly": bool(s.flags & structs.KVM_MEM_READONLY), "invalid": bool(s.flags & structs.KVM_MEMSLOT_INVALID)}
                     for s in sorted(world.value(world.kvm.memslots).slots, key=lambda s: s.id)]
            same(id, "the memslots", sorted(res["slots"], key=lambda s: s["slot"]), slots, core=False)

    def hooks(self, running: Running, record: dict) -> None:
        for number, hook in enumerate(record.get("hooks") or ()):
            if "fired" in hook:
                self.same(running.id, f"whether it reached {hook['at']}", bool(hook["fired"]), number in running.fired, core=False)

    def state(self, world: World, id, state: dict | None) -> None:
        if state is None:
            return
        value, kvm = world.value, world.kvm
        self.leave_out("state.", state, IN_STATE)
        self.leave_out("state.kvm.", state["kvm"], IN_KVM)
        for n, (gpc, recorded) in enumerate(zip(world.caches, state["gpc"])):
            self.all_same(id, f"cache {n}'s ", recorded, cache_fields(world, gpc))
            self.leave_out("state.gpc.", recorded, IN_CACHE)
            more = {}
            if "usage" in recorded:
                more["usage"] = USAGE_NAMES[value(gpc.usage)]
            if "memslot" in recorded:
                more["memslot"] = memslot(world, gpc)
            self.all_same(id, f"cache {n}'s ", recorded, more, core=False)
        on_list = [world.number[gpc] for gpc in value(kvm.gpc_list)]
        if state["gpc_list"] != on_list:
            self.same(id, "the caches on the list", sorted(state["gpc_list"]), sorted(on_list))
        self.same(id, "the order of the list", state["gpc_list"], on_list, core=False)
        self.count.core += 1
        counters = state["kvm"]
        self.all_same(id, "", counters, {
            "mn_active_invalidate_count": value(kvm.mn_active_invalidate_count),
            "mmu_invalidate_seq": value(kvm.mmu_invalidate_seq), "gen": generation(value(kvm.memslots).generation)})
        if "range" in counters:
            around = [value(kvm.mmu_invalidate_range_start), value(kvm.mmu_invalidate_range_end)]
            self.same(id, "the range under invalidation", counters["range"],
                      ["MAX" if edge == structs.ULONG_MAX else edge for edge in around], core=False)
        if "mmu_invalidate_in_progress" in counters:
            self.same(id, "mmu_invalidate_in_progress", counters["mmu_invalidate_in_progress"],
                      value(kvm.mmu_invalidate_in_progress), core=False)
        maps = {str(pfn): len(value(cell)) for pfn, cell in world.mm.maps.items() if value(cell)}
        self.same(id, "the kernel mappings", state["maps"], maps)
        if "refs" in state:
            refs = {str(pfn): value(cell) for pfn, cell in world.mm.refs.items() if value(cell)}
            self.same(id, "the page references", state["refs"], refs, core=False)
        if "blocked" in state:
            self.same(id, "who waits", state["blocked"], [r.id for r in world.blocked], core=False)

    def all_same(self, id, of: str, recorded: dict, ours: dict, core: bool = True) -> None:
        """same() for each field of `ours`."""
        if {**recorded, **ours} != recorded:
            for what in ours:
                self.same(id, of + what, recorded[what], ours[what], core)
        elif core:
            self.count.core += len(ours)
        else:
            self.count.second += len(ours)


def with_results(steps: Iterable[dict]):
    """Every operation of a recording, nested ones too, where its result is written: with the operation, or where it went on."""
    for step in steps:
        yield step
        for part in (step, *(step.get("resumed") or ())):
            for hook in part.get("hooks") or ():
                yield from (nested for nested in with_results(hook.get("do") or ()) if nested.get("res") is not None
                            or part is step)


def conforms(recording: Recording, count: Count, livepatch: dict[KernelFunction, KernelFunction] | None = None,
             order: LockOrder | None = None, also=None, lock_rules: bool = True) -> bool:
    """Whether our functions do what the recording says. What was compared, or what is different, goes into `count`.

    `also` hears what the replay does, as the comparison does. Unreadable if the recording lacks what it should have.
    """
    comparison = Comparison(recording, count)

    def seen(*what):
        if also:
            also(*what)
        comparison(*what)
    count.recordings += 1
    count.levels[recording.level] += 1
    try:
        Replay(recording, seen, livepatch, order, lock_rules).run()
    except (Divergence, Violation, Mistake) as error:
        count.divergences.append(error)
        return False
    except Impossible as error:
        raise Impossible(f"{recording.where}, {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        if livepatch:
            raise
        raise Unreadable(f"{recording.where}: its steps are not as the format says: {type(error).__name__}: {error}") from error
    finally:
        forgotten.clear()
    return True
