"""Replay: a recorded sequence of operations, on our functions instead of the kernel's.

The rules are the recorder's: exactly one operation runs at a time. Events that a recording wants *inside* an operation
(`hooks`) run when the operation reaches their point; an operation that has to wait is left suspended where it is, and goes
on when what it waits for is there. A suspended operation is a suspended generator, so there is nothing else to build.

The points lie at calls of the host's functions and of a few others, which are livepatched by functions that announce
themselves (PROBES), and at the steps that take and drop locks.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..interpreters.threads import note_where
from ..kvm import host_pages, memslots, mmu_notifier, pfncache, structs, v6_1
from ..kvm.bug import KVM_BUG_ON, WARN, WARN_ON_ONCE
from ..locks import Held, held_after, read_lock, read_unlock
from ..properties import LockOrder, fields_are_touched_under_their_lock, mappings_are_dropped_once
from ..steps import COND_RESCHED, STORE, Cell, KernelFunction, Mistake, Step, Steps, Verb, Violation, as_step, kernel, livepatched
from .recordings import Impossible, Recording

MAX_STEPS = 20_000
POINT = Verb("point", "is at {argument}", lambda _: (None,))
SPIN_ENDS = ("hva_to_pfn.enter", "hva_to_pfn.exit", "map.exit", "unmap.enter", "gpc_read_lock", "gpc_write_lock",
             "gpc_read_unlock", "gpc_write_unlock", "gpc_list_lock", "gpc_list_unlock")
ERRORS = {-structs.EINVAL: "-EINVAL", -structs.EFAULT: "-EFAULT", -structs.EIO: "-EIO", -structs.EEXIST: "-EEXIST"}
USAGE = {"NONE": 0, "GUEST": v6_1.KVM_GUEST_USES_PFN, "HOST": v6_1.KVM_HOST_USES_PFN, "BOTH": v6_1.KVM_GUEST_AND_HOST_USE_PFN}


# --- points: where a recording may let something else happen ------------------------------------------------------------

def point(at: str | None, *call) -> Step:
    """The running operation is at a point; `call` is what it asked of its surroundings, to be written down."""
    return Step(POINT, (), (at, call))


@kernel
def hva_to_pfn(kvm, uhva):
    yield point("hva_to_pfn.enter")
    pfn = yield from host_pages.hva_to_pfn.function(kvm, uhva)
    yield point("hva_to_pfn.exit", "hva_to_pfn", uhva, pfn)
    return pfn


@kernel
def kmap(mm, pfn, owner):
    khva = yield from host_pages.kmap.function(mm, pfn, owner)
    yield point("map.exit", "map", pfn)
    return khva


@kernel
def memremap(mm, pfn, owner):
    khva = yield from host_pages.memremap.function(mm, pfn, owner)
    yield point("map.exit", "map" if khva else "map_failed", pfn)
    return khva


@kernel
def kunmap(mm, pfn, owner):
    yield point("unmap.enter", "unmap", pfn)
    yield from host_pages.kunmap.function(mm, pfn, owner)


@kernel
def memunmap(mm, khva, owner):
    yield point("unmap.enter", "unmap", khva.pfn)
    yield from host_pages.memunmap.function(mm, khva, owner)


@kernel
def kvm_release_pfn_clean(mm, pfn):
    yield point(None, "put", pfn)
    yield from host_pages.kvm_release_pfn_clean.function(mm, pfn)


@kernel
def kvm_arch_flush_shadow_memslot(kvm, slot):
    yield point("flush_shadow_memslot")


@kernel
def synchronize_srcu(kvm):
    yield point("synchronize_srcu")
    yield from memslots.synchronize_srcu.function(kvm)


@kernel
def kvm_make_vcpus_request_mask(vcpus, wait):
    yield point(None, "kick_vcpus", sorted({int(vcpu.name.removeprefix("vcpu")) for vcpu in vcpus}), "wait" if wait else "nowait")
    return (yield from v6_1.kvm_make_vcpus_request_mask.function(vcpus, wait))


PROBES: dict[KernelFunction, KernelFunction] = {
    host_pages.hva_to_pfn: hva_to_pfn, host_pages.kmap: kmap, host_pages.memremap: memremap, host_pages.kunmap: kunmap,
    host_pages.memunmap: memunmap, host_pages.kvm_release_pfn_clean: kvm_release_pfn_clean,
    memslots.kvm_arch_flush_shadow_memslot: kvm_arch_flush_shadow_memslot, memslots.synchronize_srcu: synchronize_srcu,
    v6_1.kvm_make_vcpus_request_mask: kvm_make_vcpus_request_mask}


# --- operations: what a recording can ask for ---------------------------------------------------------------------------

OPERATIONS: dict[tuple[str, str], Callable] = {}


def operation(name: str, *versions: str):
    """Registers a function that makes the kernel call of an operation: `(world, **args) -> steps`."""
    def register(function):
        for version in versions:
            OPERATIONS[version, name] = function
        return function
    return register


@operation("init", "6.12")
def init(world, c):
    return pfncache.kvm_gpc_init(world.caches[c], world.kvm)


@operation("activate", "6.12")
def activate(world, c, gpa, len):
    return pfncache.kvm_gpc_activate(world.caches[c], gpa, len)


@operation("activate_hva", "6.12")
def activate_hva(world, c, uhva, len):
    return pfncache.kvm_gpc_activate_hva(world.caches[c], uhva, len)


@operation("refresh", "6.12")
def refresh(world, c, len):
    return pfncache.kvm_gpc_refresh(world.caches[c], len)


@operation("deactivate", "6.12")
def deactivate(world, c):
    return pfncache.kvm_gpc_deactivate(world.caches[c])


@operation("check", "6.12")
@kernel
def check(world, c, len):
    yield read_lock(world.caches[c].lock)
    good = yield from pfncache.kvm_gpc_check(world.caches[c], len)
    yield read_unlock(world.caches[c].lock)
    return good


@operation("inv_start", "6.12")
def inv_start(world, start, end, may_block=1):
    return mmu_notifier.kvm_mmu_notifier_invalidate_range_start(world.kvm, start, end)


@operation("inv_end", "6.1", "6.12")
def inv_end(world, start, end, may_block=1):
    return mmu_notifier.kvm_mmu_notifier_invalidate_range_end(world.kvm, start, end)


@operation("set_memory_region", "6.1", "6.12")
def set_memory_region(world, slot, gpa, npages, uhva, flags=0):
    new = structs.kvm_memory_slot(gpa // structs.PAGE_SIZE, npages, uhva, slot, flags)
    return memslots.kvm_set_memory_region(world.kvm, new)


@operation("zap_gfn_range", "6.12")
def zap_gfn_range(world, gfn_start, gfn_end):
    return mmu_notifier.kvm_zap_gfn_range(world.kvm, gfn_start, gfn_end)


@operation("set_pte", "6.1", "6.12")
@kernel
def set_pte(world, uhva, pte, count=1):
    for n in range(count):
        yield world.mm.pte[uhva + n * structs.PAGE_SIZE].set(pte if isinstance(pte, str) else pte + n)


@operation("set_memremap_fail", "6.1", "6.12")
@kernel
def set_memremap_fail(world, pfn, fail):
    failing = yield world.mm.memremap_fails
    yield world.mm.memremap_fails.set(failing | {pfn} if fail else failing - {pfn})


@operation("read_lock", "6.1", "6.12")
@kernel
def begin_reading(world, c):
    yield read_lock(world.caches[c].lock)


@operation("read_unlock", "6.1", "6.12")
@kernel
def end_reading(world, c):
    yield read_unlock(world.caches[c].lock)


@operation("init", "6.1")
def init_6_1(world, c):
    return v6_1.kvm_gpc_init(world.caches[c])


@operation("activate", "6.1")
def activate_6_1(world, c, gpa, len, usage="HOST", vcpu=None):
    return v6_1.kvm_gpc_activate(world.kvm, world.caches[c], world.vcpu(vcpu), USAGE[usage], gpa, len)


@operation("refresh", "6.1")
def refresh_6_1(world, c, gpa, len):
    return v6_1.kvm_gfn_to_pfn_cache_refresh(world.kvm, world.caches[c], gpa, len)


@operation("unmap", "6.1")
def unmap_6_1(world, c):
    return v6_1.kvm_gfn_to_pfn_cache_unmap(world.kvm, world.caches[c])


@operation("deactivate", "6.1")
def deactivate_6_1(world, c):
    return v6_1.kvm_gpc_deactivate(world.kvm, world.caches[c])


@operation("check", "6.1")
@kernel
def check_6_1(world, c, gpa, len):
    yield read_lock(world.caches[c].lock)
    good = yield from v6_1.kvm_gfn_to_pfn_cache_check(world.kvm, world.caches[c], gpa, len)
    yield read_unlock(world.caches[c].lock)
    return good


@operation("inv_start", "6.1")
def inv_start_6_1(world, start, end, may_block=1):
    return v6_1.kvm_mmu_notifier_invalidate_range_start(world.kvm, start, end, bool(may_block))


@operation("zap_gfn_range", "6.1")
def zap_gfn_range_6_1(world, gfn_start, gfn_end):
    return v6_1.kvm_zap_gfn_range(world.kvm)


@operation("set_in_guest", "6.1")
@kernel
def set_in_guest_6_1(world, vcpu, value):
    yield world.vcpu(vcpu).in_guest.set(bool(value))


ANSWERS = {"activate", "activate_hva", "refresh", "check", "set_memory_region"}      # the others are void, or always 0


@kernel
def reading_memslots(kvm, call) -> Steps:
    """The call, inside an SRCU read section."""
    yield from memslots.srcu_read_lock(kvm)
    result = yield from call
    yield from memslots.srcu_read_unlock(kvm)
    return result


# --- the world, and what runs in it -------------------------------------------------------------------------------------

@dataclass(eq=False)
class Running:
    """An operation that has begun: its suspended generator, and what it did so far."""
    id: int
    name: str
    steps: Iterator
    hooks: list[dict]
    args: dict
    step: Step | None = None
    held: Held = ()
    announced: bool = False                       # the point before `step` was reached already
    resuming: bool = False                        # it waited in its retry loop and may go on now
    on: str | None = None                         # what it waits for
    result: object = None
    done: bool = False
    spun: bool = False
    taken: Counter = field(default_factory=Counter)     # (lock cell, mode) -> how often
    calls: list[tuple] = field(default_factory=list)    # what it asked of its surroundings
    warned: list[str] = field(default_factory=list)
    passed: Counter = field(default_factory=Counter)    # (point, cache or None) -> how often
    fired: set[int] = field(default_factory=set)        # the numbers of the hooks that fired
    count: int = 0


Seen = Callable[[str, Running], None]


def _who_warns(generator) -> str:
    """The function that called WARN_ON_ONCE() or KVM_BUG_ON(), which are macros in C."""
    calls = []
    while generator.gi_yieldfrom is not None:
        calls.append(generator.gi_code.co_name)
        generator = generator.gi_yieldfrom
    return [name for name in calls if name not in (WARN_ON_ONCE.__name__, KVM_BUG_ON.__name__)][-1]


class World:
    """A virtual machine as a recording begins: nothing mapped, no memslot, every cache cleared."""

    def __init__(self, recording: Recording, order: LockOrder | None = None, lock_rules: bool = True):
        self.lock_rules = lock_rules
        self.version = recording.version
        self.mm = structs.mm_struct("mm", {}, keeps_books=True)
        self.kvm = structs.kvm("kvm", mm=self.mm)
        cache = structs.gfn_to_pfn_cache if self.version == "6.12" else v6_1.gfn_to_pfn_cache
        self.caches = [cache(f"gpc{n}", kvm=self.kvm, gpa=0, uhva=0, pfn=0) for n in range(recording.caches)]
        self.vcpus: dict[int, v6_1.kvm_vcpu] = {}
        self.number = {gpc: n for n, gpc in enumerate(self.caches)}
        self.locks: dict[Cell, tuple[str, int | None]] = {self.kvm.gpc_lock: ("gpc_list", None),
                                                          self.kvm.mmu_lock: ("mmu", None)}
        for n, gpc in enumerate(self.caches):
            self.locks[gpc.lock] = "gpc", n
            self.locks[gpc.refresh_lock] = "refresh_lock", n
        self.values: dict[Cell, object] = {}
        self.readers: Counter = Counter()              # cache -> access sections that are open
        self.replaced: tuple = ()                      # the memslots before the last change
        self.blocked: list[Running] = []
        self.order = (order or LockOrder()).watch

    def value(self, cell: Cell):
        return self.values.get(cell, cell.initial)

    def vcpu(self, number: int | None) -> v6_1.kvm_vcpu | None:
        if number is None:
            return None
        return self.vcpus.setdefault(number, v6_1.kvm_vcpu(f"vcpu{number}"))

    # --- one operation ---

    def begin(self, step: dict) -> Running:
        """An operation of a recording, before its first step. Impossible if it does not make sense here."""
        name, args = step["op"], dict(step["args"])
        reads = args.pop("srcu", 0)
        self._refuse_the_impossible(step, name, args)
        steps = OPERATIONS[self.version, name](self, **args)
        running = Running(step["id"], name, iter(reading_memslots(self.kvm, steps) if reads else steps),
                          step.get("hooks") or [], args)
        if name == "read_unlock":
            running.held = ((self.caches[args["c"]].lock, "read"),)
        self._advance(running, None)
        return running

    def _refuse_the_impossible(self, step: dict, name: str, args: dict) -> None:
        def refuse(why):
            raise Impossible(f"operation {step['id']} ({name}): {why}")
        cache = self.caches[args["c"]] if "c" in args else None
        if name == "read_unlock" and not self.readers[args["c"]]:
            refuse(f"nobody holds the lock of cache {args['c']} for read")
        if name == "init" and self.value(cache.active):
            refuse(f"cache {args['c']} is active: it is on the list, and would be lost there")
        if name == "inv_end" and not self.value(self.kvm.mn_active_invalidate_count):
            refuse("no invalidation is open that it could end")

    def run(self, running: Running, fire: Callable[[Running, str, int | None], None]) -> None:
        """Run an operation until it is done or has to wait. `fire` runs the hooks of a point."""
        running.on = None
        while not running.done:
            step = running.step
            verb = step.verb
            if verb is COND_RESCHED and not running.resuming and self._spins(running):
                running.spun, running.resuming, running.on = True, True, "retry_spin"
                return
            running.resuming = False
            if verb.takes and not running.announced:
                running.announced = True
                self._at_lock(running, step, "lock", verb.takes, fire)
            old = tuple([self.value(cell) for cell in step.cells])
            outcome = verb.effect(step.argument, *old)
            if outcome is None:
                running.on = self._waits_for(step)
                return
            running.announced = False
            result, *new = outcome
            self._watch(running, step, old, result)
            self.values.update(zip(step.cells, new))
            if verb is STORE and step.cells[0] is self.kvm.memslots:
                self.replaced = old[0].slots
            if verb.takes and running.name != "check":
                running.taken[step.cells[0], verb.takes] += 1
            elif verb.releases:
                self._at_lock(running, step, "unlock", verb.releases, fire)
            elif verb is POINT:
                at, call = step.argument
                if call:
                    running.calls.append(call)
                if at:
                    fire(running, at, None)
            elif verb is WARN:
                running.warned.append(f"{_who_warns(running.steps)}: {step.argument}")
            self._advance(running, result)

    def _advance(self, running: Running, result) -> None:
        running.count += 1
        if running.count > MAX_STEPS:
            raise Mistake(f"operation {running.id} is not done after {MAX_STEPS:,} steps")
        try:
            running.step = as_step(running.steps.send(result))
            note_where(running.step, running.steps)
        except StopIteration as stop:
            running.step, running.result, running.done = None, stop.value, True
            if running.name == "read_lock":
                self.readers[running.args["c"]] += 1
            elif running.name == "read_unlock":
                self.readers[running.args["c"]] -= 1
            elif running.held:
                raise Violation("locks_are_released", f"operation {running.id} is done and still holds {running.held[-1][0].name}")

    def _watch(self, running: Running, step: Step, old: tuple, result) -> None:
        who = f"operation {running.id} ({running.name})"
        mappings_are_dropped_once.after(None, who, step, old, result)
        if self.lock_rules:
            fields_are_touched_under_their_lock.after(running.held, who, step, old, result)
        if step.verb.takes or step.verb.releases:
            if step.verb.takes and self.lock_rules:
                self.order.after(running.held, who, step, old, result)
            running.held = held_after(running.held, step, result)

    def _at_lock(self, running: Running, step: Step, how: str, mode: str, fire) -> None:
        if step.cells[0] not in self.locks or running.name == "check":
            return
        kind, cache = self.locks[step.cells[0]]
        if kind == "refresh_lock":
            if how == "lock":
                fire(running, "refresh_lock", cache)
        elif kind == "mmu":
            if how == "unlock":
                fire(running, "mmu_unlock", None)
        else:
            fire(running, f"{kind}_{mode}_{how}" if kind == "gpc" else f"{kind}_{how}", cache)

    def _spins(self, running: Running) -> bool:
        """Whether the retry loop would go round for ever: an invalidation is open, and no hook of its own will end it."""
        if not self.value(self.kvm.mn_active_invalidate_count):
            return False
        return not any(number not in running.fired and hook["at"] in SPIN_ENDS
                       and hook["n"] > running.passed[hook["at"], hook.get("c")]
                       for number, hook in enumerate(running.hooks))

    def _waits_for(self, step: Step) -> str:
        cell = step.cells[0]
        if cell is self.kvm.mn_memslots_update_rcuwait:
            return "mn_active_invalidate_count"
        kind, cache = self.locks.get(cell, (None, None))
        if kind == "gpc":
            return f"gpc_lock_{step.verb.takes}:{cache}"
        if kind == "refresh_lock":
            return f"refresh_lock:{cache}"
        return cell.name.removeprefix("kvm.")

    def can_go_on(self, running: Running) -> bool:
        """Whether what a waiting operation waits for is there."""
        if (running.on in ("retry_spin", "mn_active_invalidate_count")
                and self.value(self.kvm.mn_active_invalidate_count)):
            return False
        step = running.step
        return step.verb.effect(step.argument, *map(self.value, step.cells)) is not None


class Replay:
    """A recording, run on our functions. `seen(moment, world, operation, data)` hears what happens:

    begins      an operation begins; the data is its step in the recording
    point       it is at a point where the recording lets something else happen; the data is the hook
    nested      an operation that began at a point is done or waits; the data is its step
    top         a top-level operation is done or waits
    resumed     one that waited went on, and is done or waits again; the data is the top-level step after which it did
    settled     nobody can go on any more, and the next top-level operation follows
    """

    def __init__(self, recording: Recording, seen, livepatch: dict[KernelFunction, KernelFunction] | None = None,
                 order: LockOrder | None = None, lock_rules: bool = True):
        self.recording, self.seen = recording, seen
        self.world = World(recording, order, lock_rules)
        self.livepatch = {**PROBES, **(livepatch or {})}

    def run(self) -> None:
        with livepatched(self.livepatch):
            for step in self.recording.steps:
                self._top_level(step)
        self._nothing_is_left()

    def _top_level(self, step: dict) -> None:
        running = self._start(step)
        self.seen("top", self.world, running, step)
        resumed = []
        while ready := next((r for r in self.world.blocked if self.world.can_go_on(r)), None):
            self.world.blocked.remove(ready)
            self._run(ready)
            resumed.append(ready)
            self.seen("resumed", self.world, ready, step)
        self.seen("settled", self.world, running, step)

    def _start(self, step: dict) -> Running:
        running = self.world.begin(step)
        self.seen("begins", self.world, running, step)
        self._run(running)
        return running

    def _run(self, running: Running) -> None:
        self.world.run(running, self._fire)
        if not running.done:
            self.world.blocked.append(running)

    def _fire(self, running: Running, at: str, cache: int | None) -> None:
        if not running.hooks:
            return
        running.passed[at, None] += 1
        if cache is not None:
            running.passed[at, cache] += 1
        for number, hook in enumerate(running.hooks):
            if (number not in running.fired and hook["at"] == at and hook.get("c") in (None, cache)
                    and running.passed[at, hook.get("c")] == hook["n"]):
                running.fired.add(number)
                self.seen("point", self.world, running, hook)
                for step in hook["do"]:
                    nested = self._start(step)
                    self.seen("nested", self.world, nested, step)

    def _nothing_is_left(self) -> None:
        """What the recorder promises of every recording: in the end nothing is mapped, held or waiting."""
        world = self.world
        for books, what in ((world.mm.maps, "mapping"), (world.mm.refs, "reference")):
            for page, cell in books.items():
                if world.value(cell):
                    whose = f" of {', '.join(world.value(cell))}" if what == "mapping" else ""
                    raise Violation("nothing_leaks", f"in the end, a {what}{whose} is left on page {page}")
        if world.blocked:
            raise Violation("everything_ends", f"in the end, operation {world.blocked[0].id} still waits for {world.blocked[0].on}")
