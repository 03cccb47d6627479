"""Properties: what must be true, as a sentence that a wrong program refutes."""
from __future__ import annotations

from collections.abc import Hashable

from .kvm.host_mm import WRITE_GUEST
from .kvm.structs import gfn_to_pfn_cache, mm_struct
from .locks import WRITER
from .program import Invariant, Watch
from .steps import Step, Violation


def valid_cache_maps_current_page(gpc: gfn_to_pfn_cache, mm: mm_struct, uhva: int) -> Invariant:
    """Whenever nobody holds the cache for write, a valid cache maps the page that is at its user address now."""
    def wrong(lock, valid, pfn, current):
        if lock != WRITER and valid and pfn != current:
            return f"{gpc.name} is valid and maps page {pfn}, but the page at {uhva:#x} is {current}"
    return Invariant("valid_cache_maps_current_page", (gpc.lock, gpc.valid, gpc.pfn, mm.pte[uhva]), wrong,
                     "a valid cache maps the page that is mapped at its user address")


def _write(_, thread: str, step: Step, old: tuple, result) -> None:
    if step.verb is WRITE_GUEST and (step.argument is None or step.argument.pfn not in old):
        where = f"page {step.argument.pfn}, which was freed" if step.argument else "NULL"
        raise Violation("guest_writes_reach_the_guest",
                        f"{thread} writes to {where}: the guest's page is {' or '.join(map(str, old))}")


guest_writes_reach_the_guest = Watch("guest_writes_reach_the_guest", _write,
                                     meaning="whoever writes through khva writes to the guest's current page")


def takes_for_write(step: Step, result, gpc: gfn_to_pfn_cache) -> bool:
    """Whether this step, with this result, got the cache's lock for write: by waiting or by trying."""
    return bool(step.cells and step.cells[0] is gpc.lock and step.verb.takes == "write" and (result or not step.verb.tries))


def takes_no_write_lock(thread: str, gpc: gfn_to_pfn_cache) -> Watch:
    """The thread never takes the cache's lock for write: what an unrelated invalidation owes the cache's users."""
    return takes_write_lock_at_most(0, thread, gpc, "unrelated_invalidation_takes_no_write_lock")


def takes_write_lock_at_most(times: int, thread: str, gpc: gfn_to_pfn_cache,
                             name: str = "relevant_invalidation_takes_one_write_lock") -> Watch:
    """The thread takes the cache's lock for write at most `times` times."""
    def after(count: int, who: str, step: Step, old: tuple, result) -> Hashable:
        if who != thread or not takes_for_write(step, result, gpc):
            return count
        if count == times:
            often = "at all" if not times else "again"
            raise Violation(name, f"{thread} takes {gpc.lock.name} for write {often}: readers of {gpc.name} must wait for it")
        return count + 1
    return Watch(name, after, start=0, about=(thread,), meaning=f"{thread} takes {gpc.lock.name} for write at most {times} times")


def holds_write_lock_for_at_most(steps: int, thread: str, gpc: gfn_to_pfn_cache) -> Watch:
    """Between taking and dropping the cache's lock for write, the thread takes at most `steps` steps."""
    name = "write_hold_is_no_longer_than_before"

    def after(count: int, who: str, step: Step, old: tuple, result) -> Hashable:
        if who != thread:
            return 0
        if takes_for_write(step, result, gpc):
            return 1
        if step.cells and step.cells[0] is gpc.lock:
            return 0 if step.verb.releases == "write" else count
        if count > steps:
            raise Violation(name, f"{thread} has held {gpc.lock.name} for write for {steps} steps and goes on")
        return count and count + 1
    return Watch(name, after, start=0, about=(thread,), meaning=f"{thread} holds {gpc.lock.name} for write for at most {steps} steps")
