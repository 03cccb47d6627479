"""Properties: what must be true, as a sentence that a wrong program refutes."""
from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from .kvm.host_mm import WRITE_GUEST
from .kvm.host_pages import UNMAP
from .kvm.structs import gfn_to_pfn_cache, mm_struct
from .locks import WRITER, Held, held_after
from .program import Invariant, Program, Watch
from .steps import LOAD, WAIT_UNTIL, Cell, Step, Violation


def valid_cache_maps_current_page(gpc: gfn_to_pfn_cache, mm: mm_struct, uhva: int) -> Invariant:
    """Whenever nobody holds the cache for write, a valid cache maps the page that is at its user address now."""
    def wrong(lock, valid, pfn, current):
        if lock != WRITER and valid and pfn != current:
            return f"{gpc.name} is valid and maps page {pfn}, but the page at {uhva:#x} is {current}"
    return Invariant("valid_cache_maps_current_page", (gpc.lock, gpc.valid, gpc.pfn, mm.pte[uhva]), wrong,
                     "a valid cache maps the page that is mapped at its user address")


def inactive_cache_is_not_valid(gpc: gfn_to_pfn_cache) -> Invariant:
    """Whenever nobody holds the cache for write: if it is not active, it is not valid. Invalidations would not reach it."""
    def wrong(lock, active, valid):
        if lock != WRITER and valid and not active:
            return f"{gpc.name} is valid but not active: no invalidation reaches it any more"
    return Invariant("inactive_cache_is_not_valid", (gpc.lock, gpc.active, gpc.valid), wrong,
                     "a cache that is not active is not valid")


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


# --- the host's books: mappings ----------------------------------------------------------------------------------------

def _unmap(_, thread: str, step: Step, old: tuple, result) -> None:
    if step.verb is UNMAP and not result:
        raise Violation("mappings_are_dropped_once", f"{thread} drops the mapping {step.cells[0].name} of {step.argument}, "
                        f"which has none ({step.where})")


mappings_are_dropped_once = Watch("mappings_are_dropped_once", _unmap,
                                  meaning="nobody drops a kernel mapping that the cache does not have")


def no_mapping_leaks(gpc: gfn_to_pfn_cache, mm: mm_struct, pages: tuple) -> Invariant:
    """While nobody works on the cache, it has the mapping that its khva points into, and no other one.

    For an mm that keeps books, and for 6.12: before, the old page was unmapped after refresh_lock was dropped.
    """
    def wrong(refresh_lock, lock, khva, *maps):
        for page, owners in zip(pages, maps):
            expected = int(khva is not None and khva.pfn == page)
            if refresh_lock != WRITER and lock != WRITER and owners.count(gpc.name) != expected:
                return (f"nobody works on {gpc.name}, whose khva is {khva}, and it has "
                        f"{owners.count(gpc.name)} mappings of page {page}")
    return Invariant("no_mapping_leaks", (gpc.refresh_lock, gpc.lock, gpc.khva, *(mm.maps[page] for page in pages)), wrong,
                     "a cache has the one mapping that its khva points into")


# --- the locks ------------------------------------------------------------------------------------------------------------

def how_guarded(cell: Cell, step: Step, held: Held) -> str | None:
    """What is wrong with a step that touches the cell while these locks are held, None if nothing is."""
    if cell.guard is None or step.function in cell.unguarded:
        return None
    modes = {mode for lock, mode in held if lock is cell.guard}
    if "write" in modes or modes and step.verb in (LOAD, WAIT_UNTIL):
        return None
    return f"while it holds {cell.guard.name} only for read" if modes else f"without {cell.guard.name}"


def _touch(held: Held, thread: str, step: Step, old: tuple, result) -> Held:
    for cell in step.cells:
        how = how_guarded(cell, step, held)
        if how:
            does = "reads" if step.verb in (LOAD, WAIT_UNTIL) else "changes"
            raise Violation("fields_are_touched_under_their_lock", f"{thread} {does} {cell.name} {how} ({step.where})")
    return held_after(held, step, result)


fields_are_touched_under_their_lock = Watch(
    "fields_are_touched_under_their_lock", _touch, start=(),
    meaning="a field is read under the lock that guards it, and changed while that is held for write")


class LockOrder:
    """In which order locks were ever taken, by the fields that declare them: what the kernel's lockdep watches.

    It remembers from run to run. The first thread that takes two locks in an order that contradicts an earlier one is
    wrong, though nobody may wait for anybody in that run: in another one, both will wait for ever.
    """

    def __init__(self):
        self.after: dict[str, dict[str, str]] = {}      # lock -> the locks that were taken while it was held -> where

    @property
    def watch(self) -> Watch:
        return Watch("locks_are_taken_in_one_order", self._take, start=(),
                     meaning="if one lock is ever taken inside another one, then never the other way round")

    def _take(self, held: Held, thread: str, step: Step, old: tuple, result) -> Held:
        if step.verb.takes and not step.verb.tries:
            inner = step.cells[0]
            for outer, _ in held:
                if outer is not inner:
                    self._note(outer, inner, thread, step)
        return held_after(held, step, result)

    def _note(self, outer: Cell, inner: Cell, thread: str, step: Step) -> None:
        before, then = outer.declared, inner.declared
        if then in self.after.get(before, ()):
            return
        here = f"{thread} takes {inner.name} while it holds {outer.name}"
        if before == then:
            raise Violation("locks_are_taken_in_one_order", f"{here}, which is of the same class ({step.where})")
        way = self._way(then, before)
        if way:
            earlier = ", and ".join(f"{b} was taken inside {a} ({self.after[a][b]})" for a, b in zip(way, way[1:]))
            raise Violation("locks_are_taken_in_one_order", f"{here} ({step.where}); earlier, {earlier}")
        self.after.setdefault(before, {})[then] = step.where

    def _way(self, start: str, end: str) -> list[str] | None:
        """The locks from `start` to `end`, each once taken while the one before was held; None if there is no such way."""
        ways, seen = [[start]], {start}
        for way in ways:
            if way[-1] == end:
                return way
            for then in self.after.get(way[-1], ()):
                if then not in seen:
                    seen.add(then)
                    ways.append([*way, then])
        return None


def with_lock_rules(program: Program, order: LockOrder | None = None) -> Program:
    """The same program, with the lock discipline and the lock order checked while it runs."""
    rules = (fields_are_touched_under_their_lock, (order or LockOrder()).watch)
    return replace(program, properties=(*program.properties, *rules))
