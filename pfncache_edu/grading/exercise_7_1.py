"""Exercise 7.1, "Count from a log": how many locks the hook takes for a log of events, before and after the patch.

The log is generated. What is right is counted from the functions themselves: they run on the same caches and events.
"""
from __future__ import annotations

import random
from collections import Counter

from ..interpreters.stepper import Stepper
from ..kvm import before_the_patch
from ..kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from ..kvm.structs import PAGE_SIZE, gfn_to_pfn_cache, khva_t, kvm, kvm_memory_slot, kvm_memslots, mm_struct
from ..locks import WRITE_LOCK, WRITE_UNLOCK, write_lock_irq, write_unlock_irq
from ..program import Program, Thread
from ..render.page import Code
from ..steps import STORE, Steps, kernel
from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Judged

BEFORE = {gfn_to_pfn_cache_invalidate_start: before_the_patch.gfn_to_pfn_cache_invalidate_start}
ASKED = {
    "write_61": ("write_locks_before_the_patch", 1, "the number of write locks that Linux 6.1 takes", "Linux 6.1 locks first and looks then."),
    "nothing_61": ("write_locks_for_nothing", 2, "the number of write locks of Linux 6.1 under which nothing is stored",
                   "Something is stored only where an event finds a cache valid and in its range."),
    "read_612": ("read_locks_after_the_patch", 1, "the number of read locks that Linux 6.12 takes",
                 "Linux 6.12 looks at every active cache, valid or not."),
    "write_612": ("write_locks_after_the_patch", 2, "the number of write locks that Linux 6.12 takes",
                  "A cache that is withdrawn is not valid until somebody refreshes it; and a range does not hold its end.")}
Log = list[tuple]                 # ("event", start, end) or ("refresh", number of a cache)


# --- a log, and what the functions do with it ---------------------------------------------------------------------------

def log_of(seed: int) -> tuple[tuple[int, ...], Log]:
    """The user addresses of some caches, and what happens to them: at least one hit, one repeated hit, one edge on each side."""
    dice = random.Random(f"7.1 {seed}")
    pages = dice.sample(range(0x7F10, 0x7F60, 3), dice.randint(3, 4))
    caches = tuple(page * PAGE_SIZE + dice.choice((0, 0x80, 0x8F0, 0xFF8)) for page in pages)
    hit, other, last = (cache // PAGE_SIZE * PAGE_SIZE for cache in dice.sample(caches, 3))
    far = 0x8800 * PAGE_SIZE
    log: Log = [("event", hit, hit + dice.randint(1, 2) * PAGE_SIZE), ("event", far, far + 4 * PAGE_SIZE), ("event", hit - PAGE_SIZE, hit + PAGE_SIZE),
                ("event", other - PAGE_SIZE, other), *[("event", other, other + PAGE_SIZE)] * dice.randint(0, 2), ("event", last + PAGE_SIZE, last + 2 * PAGE_SIZE)]
    dice.shuffle(log)
    again = next(n for n, entry in enumerate(caches) if entry // PAGE_SIZE * PAGE_SIZE == hit)
    return caches, [*log, ("refresh", again), ("event", hit, hit + PAGE_SIZE), ("event", far, far + PAGE_SIZE)]


@kernel
def replay(vm: kvm, caches: tuple[gfn_to_pfn_cache, ...], log: tuple) -> Steps[None]:
    for what, *where in log:
        if what == "event":
            yield from gfn_to_pfn_cache_invalidate_start(vm, *where)
        else:
            yield from user_refreshes(caches[where[0]])


@kernel
def user_refreshes(gpc: gfn_to_pfn_cache) -> Steps[None]:
    yield write_lock_irq(gpc.lock)
    yield gpc.valid.set(True)
    yield write_unlock_irq(gpc.lock)


def counted(seed: int) -> dict[str, int]:
    """The right answers, from the functions before and after the patch."""
    before, after = locks_taken(seed, BEFORE), locks_taken(seed, {})
    return {"write_61": before["write_lock"], "nothing_61": before["for nothing"], "read_612": after["read_lock"], "write_612": after["write_lock"]}


def locks_taken(seed: int, livepatch) -> Counter[str]:
    """How often the hook takes a cache's lock in each mode, and how often it stores nothing under the write lock."""
    uhvas, log = log_of(seed)
    vm = kvm("kvm", mm=mm_struct("mm", {}), memslots=kvm_memslots(1, (kvm_memory_slot(0, 1, uhvas[0]),)))
    caches = tuple(gfn_to_pfn_cache(f"gpc{n}", kvm=vm, active=True, valid=True, generation=1, gpa=0, uhva=uhva, pfn="A", khva=khva_t("A"))
                   for n, uhva in enumerate(uhvas))
    vm.gpc_list.initial = caches
    machine = Stepper(Program("log", (Thread("notifier", replay, (vm, caches, tuple(log))),), (), livepatch))
    while not machine.waits("notifier"):
        machine.step("notifier")
    taken, stored = Counter(), False
    for event in machine.trace:
        if event.stack[-1].function == "user_refreshes" or not event.step.cells or not event.step.cells[0].name.startswith("gpc"):
            continue
        verb = event.step.verb
        stored = False if verb is WRITE_LOCK else stored or verb is STORE
        taken[verb.name] += bool(verb.takes)
        taken["for nothing"] += verb is WRITE_UNLOCK and not stored
    return taken


def poses(seed: int) -> Code:
    """The caches and the log of a variant."""
    caches, log = log_of(seed)
    lines = [f"cache {n}   user address {uhva:#x}   active, valid" for n, uhva in enumerate(caches)] + [""]
    lines += [f"event     [{where[0]:#x}, {where[1]:#x})" if what == "event" else f"vcpu0     refreshes cache {where[0]}" for what, *where in log]
    return Code("caches and a log", "\n".join(["A page has `0x1000` bytes; a range does not hold its end; a user address may point into the middle of its page.", "", "```text", *lines, "```"]))


# --- what is judged ---------------------------------------------------------------------------------------------------------

def counts(key: str) -> Judged:
    name, points, expected, remark = ASKED[key]

    def judge(answers: Answers) -> Finding:
        given = answers.table("counts").get(key)
        if not isinstance(given, int) or isinstance(given, bool):
            was = "not answered yet" if given is None else repr(given)[:20]
            raise AnswerFailed(f"counts[{key!r}] is {was}: write a whole number")
        return Finding(points) if given == counted(answers.seed)[key] else Finding(0, f"the functions do not take {given}. {remark}")
    return Judged(name, points, expected, "find overlap", judge, ("counts",),
                  "write down, event by event, which caches are valid and which of them are in the range")


EXERCISE = Exercise("7.1", "Count from a log", (data("counts", "a dict with a whole number for each key"),), tuple(map(counts, ASKED)), poses=poses)
