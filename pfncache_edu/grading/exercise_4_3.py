"""Exercise 4.3, "Write the invariant": a sentence about states, judged by what it accuses and by what it leaves in peace.

The answer is a plain function of the values of five variables. It is called once for each combination that some state of a program
has. One that accuses everybody would find every bug, and one that accuses nobody would be silent about every right program; so
silence counts only with an accusation, and accusations only with silence.
"""
from __future__ import annotations

from functools import cache

from .. import scenarios
from ..interpreters.explorer import Search
from ..kvm.pfncache import hva_to_pfn, hva_to_pfn_retry, mmu_notifier_retry_cache
from ..kvm.structs import EFAULT, gfn_to_pfn_cache, is_error_noslot_pfn
from ..locks import write_lock_irq, write_unlock_irq
from ..mutants import MUTANTS
from ..program import Program
from ..steps import Steps, kernel
from .answers import AnswerFailed, Answers, plain_function
from .exercise import Exercise, Finding, Gate, Judged

State = tuple[int, bool, str | None, str | None, str]


@kernel
def forgets_the_address(gpc: gfn_to_pfn_cache) -> Steps[int]:
    """hva_to_pfn_retry() without the store of `khva`."""
    yield gpc.valid.set(False)
    while True:
        mmu_seq = yield gpc.kvm.mmu_invalidate_seq
        yield write_unlock_irq(gpc.lock)
        new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))
        yield write_lock_irq(gpc.lock)
        if is_error_noslot_pfn(new_pfn):
            return -EFAULT
        if not (yield from mmu_notifier_retry_cache(gpc.kvm, mmu_seq)):
            break
    yield gpc.valid.set(True)
    yield gpc.pfn.set(new_pfn)
    return 0


def refreshing(livepatch=None) -> Program:
    return scenarios.page_moves_during_refresh(livepatch)


CORRECT = {
    "Linux 6.12, page in use": scenarios.page_moves_during_use(),
    "Linux 6.12, refresh": refreshing(),
    "the hook of Linux 6.1, refresh": refreshing(MUTANTS["locks_for_write_at_once"].livepatch),
}
WRONG = {name: refreshing(MUTANTS[name].livepatch) for name in (
    "forgets_the_count", "forgets_the_sequence", "looks_without_a_lock", "announces_after_the_walk",
    "decides_before_it_retakes_the_lock", "snapshots_after_the_lookup")} | {
    "forgets_the_address": refreshing({hva_to_pfn_retry: forgets_the_address})}


@cache
def states_of(kind: str, name: str) -> tuple[State, ...]:
    """Every combination of the five values that some state of a program has, in a fixed order."""
    program = (CORRECT if kind == "correct" else WRONG)[name]
    gpc = program.threads[0].args[0]
    search = Search(program).learn_everything()
    slots = [search.slot_of(cell) for cell in (gpc.lock, gpc.valid, gpc.pfn, gpc.khva, next(iter(gpc.kvm.mm.pte.values())))]
    found = {tuple(slot.values[state & slot.mask] for slot in slots) for state in search.seen}
    return tuple(sorted((plain(*values) for values in found), key=repr))


def plain(lock: int, valid: bool, pfn, khva, page: str) -> State:
    """The values as the answer gets them: pages by their letters, None for no page."""
    return lock, valid, None if is_error_noslot_pfn(pfn) else pfn, khva and khva.pfn, page


def accused(answers: Answers, kind: str, name: str) -> State | None:
    """The first state of a program that the answer calls wrong."""
    for state in states_of(kind, name):
        said = answers.call("wrong", *state)
        if not isinstance(said, (bool, str)) and said is not None:
            raise AnswerFailed(f"wrong{state} returned {said!r}: return True or False, or a sentence or None")
        if said:
            return state
    return None


def told(state: State) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in zip(("lock", "valid", "pfn", "khva", "page"), state))


def silent_about_right_programs(answers: Answers) -> Finding:
    wronged = {name: state for name in CORRECT if (state := accused(answers, "correct", name))}
    if wronged:
        name, state = next(iter(wronged.items()))
        return Finding(0 if len(wronged) == len(CORRECT) else len(CORRECT) - len(wronged), f"{name}: it accuses a state of a right program: {told(state)}")
    if not any(accused(answers, "wrong", name) for name in WRONG):
        return Finding(0, "it accuses no program at all, right or wrong: such a sentence says nothing")
    return Finding(len(CORRECT))


def catches_wrong_programs(answers: Answers) -> Finding:
    missed = [name for name in WRONG if not accused(answers, "wrong", name)]
    return Finding(len(WRONG)) if not missed else Finding(
        len(WRONG) - len(missed), f"{len(missed)} of {len(WRONG)} wrong programs are not accused. Look at all five values: which pairs must agree, and when?")


silence = Judged("silent_about_right_programs", 3, "no state of three right programs is called wrong, and at least one of a wrong program is",
                 "retry or publish", silent_about_right_programs, hint="whoever holds the lock for write may do things in any order")

EXERCISE = Exercise(
    "4.3", "Write the invariant", (plain_function("wrong", "a function of (lock, valid, pfn, khva, page) that says whether such a state is wrong"),),
    (silence, Judged("catches_wrong_programs", 7, "each of seven wrong programs has a state that is called wrong", "retry or publish",
                     catches_wrong_programs, hint="a user writes through khva, not through pfn")),
    (Gate(silence, "a sentence that accuses right programs, or nobody, cannot be used to find wrong ones"),))
