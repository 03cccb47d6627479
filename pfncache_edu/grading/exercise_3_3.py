"""Exercise 3.3, "Where does announce belong?": four places for the event count to go up, a prediction, and the explorer's answer."""
from __future__ import annotations

from .. import scenarios
from ..interpreters.explorer import explore
from ..interpreters.stepper import Stepper
from ..kvm.mmu_notifier import (kvm_handle_hva_range, kvm_mmu_invalidate_begin, kvm_mmu_notifier_invalidate_range_start,
                                kvm_mmu_unmap_gfn_range)
from ..kvm.pfncache import gfn_to_pfn_cache_invalidate_start
from ..kvm.structs import kvm
from ..locks import read_lock_irq, read_unlock_irq, spin_lock, spin_unlock, write_lock_irq, write_unlock_irq
from ..program import Program
from ..steps import KernelFunction, Steps, kernel
from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Judged
from .questions import right_choices

SAFE, UNSAFE = "safe", "unsafe"


@kernel
def announce(kvm: kvm) -> Steps[None]:
    """The event count goes up."""
    yield spin_lock(kvm.mn_invalidate_lock)
    yield kvm.mn_active_invalidate_count.add(1)
    yield spin_unlock(kvm.mn_invalidate_lock)


@kernel
def start_with_announce_at_a(kvm: kvm, start: int, end: int) -> Steps[int]:
    """Place A: at the very end."""
    yield from gfn_to_pfn_cache_invalidate_start(kvm, start, end)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    yield from announce(kvm)
    return 0


@kernel
def start_with_announce_at_b(kvm: kvm, start: int, end: int) -> Steps[int]:
    """Place B: with gpc_lock held, before the first cache is visited."""
    yield spin_lock(kvm.gpc_lock)
    yield from announce(kvm)
    yield from visits_the_caches(kvm, start, end)
    yield spin_unlock(kvm.gpc_lock)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    return 0


@kernel
def start_with_announce_at_c(kvm: kvm, start: int, end: int) -> Steps[int]:
    """Place C: before anything else, as in Linux 6.12."""
    yield from announce(kvm)
    yield from gfn_to_pfn_cache_invalidate_start(kvm, start, end)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    return 0


@kernel
def start_with_announce_at_d(kvm: kvm, start: int, end: int) -> Steps[int]:
    """Place D: with gpc_lock held, after the last cache was visited."""
    yield spin_lock(kvm.gpc_lock)
    yield from visits_the_caches(kvm, start, end)
    yield from announce(kvm)
    yield spin_unlock(kvm.gpc_lock)
    yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)
    return 0


@kernel
def visits_the_caches(kvm: kvm, start: int, end: int) -> Steps[None]:
    """What the hook does while it holds gpc_lock."""
    for gpc in (yield kvm.gpc_list):
        yield read_lock_irq(gpc.lock)
        hit = (yield gpc.valid) and start <= (yield gpc.uhva) < end
        yield read_unlock_irq(gpc.lock)
        if hit:
            yield write_lock_irq(gpc.lock)
            yield gpc.valid.set(False)
            yield write_unlock_irq(gpc.lock)


PLACES: dict[str, KernelFunction] = {
    "A": start_with_announce_at_a, "B": start_with_announce_at_b, "C": start_with_announce_at_c, "D": start_with_announce_at_d}


def situation(place: str) -> Program:
    """A page moves while vcpu0 looks it up, and the event is announced at this place."""
    if place not in PLACES:
        raise ValueError(f"there is no place {place!r}: there are {', '.join(PLACES)}")
    return scenarios.page_moves_during_refresh({kvm_mmu_notifier_invalidate_range_start: PLACES[place]})


RIGHT = {"A": UNSAFE, "B": SAFE, "C": SAFE, "D": UNSAFE}
WHY = {"A": {SAFE: "Somebody may refresh between the visit and the announcement."},
       "B": {UNSAFE: "What matters is whether the count is up before a cache is visited, not which lock is held."},
       "C": {UNSAFE: "Linux has it there."},
       "D": {SAFE: "gpc_lock keeps other events out, and no refresh: refresh never takes it."}}


def predicted(answers: Answers) -> Finding:
    """Whether there is a prediction for each place; a wrong one costs nothing."""
    given = answers.table("predictions")
    missing = [place for place in PLACES if given.get(place) not in (SAFE, UNSAFE)]
    return Finding(0, f"no prediction for {', '.join(missing)}: write {SAFE!r} or {UNSAFE!r}") if missing else Finding(1)


def breaks_it(answers: Answers) -> Finding:
    """Whether the schedule breaks place A, with at most two steps more than the shortest."""
    text = answers.text("schedule")
    if not text.strip():
        raise AnswerFailed("schedule is empty: write the steps, such as \"v12 n8\"")
    try:
        machine = Stepper(situation("A"), text)
    except ValueError as problem:
        raise AnswerFailed(f"schedule {text!r} cannot be run: {problem}") from None
    if not machine.wrong:
        return Finding(0, f"nothing is wrong after {text!r}: the cache is valid only for a page that is there")
    shortest = len(explore(situation("A")).threads)
    if len(machine.trace) > shortest + 2:
        return Finding(0, f"it breaks after {len(machine.trace)} steps; the shortest schedule has {shortest}, and two more are allowed")
    return Finding(1)


EXERCISE = Exercise(
    "3.3", "Where does announce belong?",
    (data("predictions", "a dict from \"A\" to \"D\" to \"safe\" or \"unsafe\""), data("answers", "a dict from \"A\" to \"D\" to \"safe\" or \"unsafe\""),
     data("schedule", "a schedule such as \"v12 n8\"")),
    (Judged("a_prediction_for_each_place", 1, "what you expected of each place, before you ran it; a wrong one costs nothing", "announce", predicted,
            of=("predictions",), hint="a guess will do"),
     Judged("where_it_is_safe", 4, "for each place whether any schedule breaks it", "announce",
            right_choices("answers", RIGHT, why=WHY, penalty=1, only=(SAFE, UNSAFE)), of=("answers",), hint="explore(situation(place)) tells"),
     Judged("a_schedule_that_breaks_place_a", 1, "a schedule that breaks place A, with at most two steps more than the shortest", "find overlap",
            breaks_it, of=("schedule",), hint="how much of a refresh fits between the visit of the cache and the announcement?")))
