"""Exercise 1.2, "Write the first arrow": gfn_to_hva(), compared with the kernel's function on two hundred layouts.

A function that refuses everything refuses gaps and crossings, too; so both are judged only where the same function translates
an address that is in order.
"""
from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice

from ..kvm.memslots import __gfn_to_memslot as slot_of
from ..kvm.memslots import gfn_to_hva_memslot
from ..kvm.structs import KVM_HVA_ERR_BAD, PAGE_SIZE, kvm_memory_slot, kvm_memslots
from .answers import Answers, plain_function
from .exercise import Exercise, Finding, Judged

LAYOUTS = 200
ENOUGH = 20                                             # translations that must work before a refusal counts
NAME = "gfn_to_hva"
Case = tuple[kvm_memslots, int, int]                    # slots, guest physical address, length


def layouts(kind: str) -> Iterator[tuple[kvm_memslots, random.Random]]:
    """Two hundred sets of slots with gaps, the same on every run, and the chance to choose in each."""
    for number in range(LAYOUTS):
        chance, slots, gfn = random.Random(f"1.2 {kind} {number}"), [], 0
        for id in range(chance.randrange(1, 5)):
            gfn += chance.randrange(1, 5)
            pages = chance.randrange(3, 9)
            slots.append(kvm_memory_slot(gfn, pages, chance.randrange(1, 1 << 24) * PAGE_SIZE, id))
            gfn += pages
        chance.shuffle(slots)
        yield kvm_memslots(1, tuple(slots)), chance


def inside() -> Iterator[Case]:
    """Any byte of any slot, but for its first and its last page, which have a row of their own."""
    for slots, chance in layouts("inside"):
        yield slots, inner_page(slots, chance) * PAGE_SIZE + chance.randrange(PAGE_SIZE - 8), chance.randrange(1, 9)


def inner_page(slots: kvm_memslots, chance: random.Random) -> int:
    """A guest page with neighbours on both sides in its slot."""
    slot = chance.choice(slots.slots)
    return slot.base_gfn + chance.randrange(1, slot.npages - 1)


def edges() -> Iterator[Case]:
    """The first and the last byte of a slot, in turn."""
    for number, (slots, chance) in enumerate(layouts("edges")):
        slot = chance.choice(slots.slots)
        first, last = slot.base_gfn * PAGE_SIZE, (slot.base_gfn + slot.npages) * PAGE_SIZE - 1
        yield slots, last if number % 2 else first, 1


def gaps() -> Iterator[Case]:
    """The page right before the first slot, or right behind one that has no neighbour."""
    for number, (slots, chance) in enumerate(layouts("gaps")):
        ends = [slot.base_gfn + slot.npages for slot in slots.slots]
        free = [gfn for gfn in ends if slot_of(slots, gfn) is None]
        gfn = chance.choice(free) if number % 2 else min(slot.base_gfn for slot in slots.slots) - 1
        yield slots, gfn * PAGE_SIZE + chance.randrange(PAGE_SIZE - 8), 8


def crossings() -> Iterator[Case]:
    """A length that reaches just over the end of the page, or exactly to it, in turn."""
    for number, (slots, chance) in enumerate(layouts("crossings")):
        length = chance.randrange(2, 65)
        start = PAGE_SIZE - length + (1 if number % 2 else 0)
        yield slots, inner_page(slots, chance) * PAGE_SIZE + start, length


def oracle(slots: kvm_memslots, gpa: int, length: int) -> int:
    """What the kernel's function says, and the error address for a length that crosses the end of the page."""
    gfn, offset = divmod(gpa, PAGE_SIZE)
    if offset + length > PAGE_SIZE:
        return KVM_HVA_ERR_BAD
    hva = gfn_to_hva_memslot(slot_of(slots, gfn), gfn)
    return hva if hva == KVM_HVA_ERR_BAD else hva + offset


def asked(answers: Answers, case: Case) -> object:
    """What the answer returns for a case."""
    slots, gpa, length = case
    plain = [{"base_gfn": slot.base_gfn, "npages": slot.npages, "userspace_addr": slot.userspace_addr} for slot in slots.slots]
    return answers.call(NAME, plain, gpa, length)


def differs(answers: Answers, case: Case) -> str:
    """How the answer differs from the kernel's function in a case, "" if it does not."""
    found, wanted = asked(answers, case), oracle(*case)
    if found == wanted and not isinstance(found, bool):
        return ""
    slots, gpa, length = case
    here = ", ".join(f"[{slot.base_gfn:#x}, {slot.base_gfn + slot.npages:#x}) at {slot.userspace_addr:#x}" for slot in slots.slots)
    return f"for guest address {gpa:#x} and length {length}, with the slots {here}: {shown(found)}, where {shown(wanted)} is expected"


def shown(found: object) -> str:
    """An address in hex, the error address by its name."""
    if not isinstance(found, int) or isinstance(found, bool):
        return repr(found)[:40]
    return "KVM_HVA_ERR_BAD" if found == KVM_HVA_ERR_BAD else hex(found)


def agrees(cases: Callable[[], Iterator[Case]], points: int, *, refuses: bool = False) -> Callable[[Answers], Finding]:
    """All points if the answer agrees in every case, else none; where refusals are wanted, a translation must work first."""
    def judge(answers: Answers) -> Finding:
        if refuses and any(differs(answers, case) for case in islice(inside(), ENOUGH)):
            return Finding(0, "it does not translate every address inside of a slot: a function that refuses everything refuses nothing in particular")
        problem = next((text for case in cases() if (text := differs(answers, case))), "")
        return Finding(0, problem) if problem else Finding(points)
    return judge


EXERCISE = Exercise(
    "1.2", "Write the first arrow",
    (plain_function(NAME, "a function of (slots, gpa, length) that returns a user address, or KVM_HVA_ERR_BAD"),),
    (Judged("translates_inside_of_slots", 5, "an address inside of a slot becomes the user address that the kernel's function gives", "", agrees(inside, 5),
            hint="Count the pages from the slot's first one, and add the byte in the page. Slots come in any order."),
     Judged("translates_the_first_and_the_last_byte", 4, "the first byte of a slot and its last one are in the slot", "", agrees(edges, 4),
            hint="Try guest page base_gfn, and guest page base_gfn + npages - 1."),
     Judged("refuses_gaps", 3, "a guest page that no slot has gives KVM_HVA_ERR_BAD", "", agrees(gaps, 3, refuses=True),
            hint="Try guest page base_gfn + npages of a slot that has no neighbour."),
     Judged("refuses_to_cross_a_page", 3, "bytes that reach into the next page give KVM_HVA_ERR_BAD, and bytes that reach exactly to the end do not", "",
            agrees(crossings, 3, refuses=True), hint="With 8 bytes, which is the last place in a page at which they fit?")))
