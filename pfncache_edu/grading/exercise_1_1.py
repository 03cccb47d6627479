"""Exercise 1.1, "Translate": five guest addresses, in a layout made from the student's seed, each down to the user address.

Half a point for each intermediate, so that one slip does not cost the whole address. One of the five is in no slot.
"""
from __future__ import annotations

import random

from ..kvm.memslots import __gfn_to_memslot as slot_of
from ..kvm.memslots import gfn_to_hva_memslot
from ..kvm.structs import PAGE_SIZE, kvm_memory_slot, kvm_memslots
from .answers import AnswerFailed, Answers, data, shown_value
from .exercise import Exercise, Finding, Judged

PARTS = ("gfn", "slot", "hva", "offset")
EACH = 0.5
HOW = {"gfn": "the guest page is the address divided by the size of a page, rounded down",
       "slot": "a slot has the guest pages from its first one up to, and without, first plus number; None if no slot has it",
       "hva": "the user address counts from the slot's first page, not from guest page 0; None if no slot has the page",
       "offset": "the byte in the page is what is left after the guest page is taken off"}


def layout_of(seed: int) -> tuple[kvm_memslots, list[int]]:
    """Three slots with holes between them, and five addresses: four in slots, one in a hole, in any order."""
    chance, slots, gfn = random.Random(f"1.1 {seed}"), [], chance_page(seed)
    for number in range(3):
        pages = chance.randrange(3, 9)
        slots.append(kvm_memory_slot(gfn, pages, chance.randrange(0x7F00, 0x7FFF) * 0x100000 + chance.randrange(0x80) * PAGE_SIZE, number))
        gfn += pages + chance.randrange(1, 4)
    chosen = [chance.randrange(slot.base_gfn, slot.base_gfn + slot.npages) for slot in (*slots, slots[-1])]
    chosen.append(slots[0].base_gfn + slots[0].npages)                     # the page behind the first slot
    addresses = [page * PAGE_SIZE + chance.randrange(1, PAGE_SIZE) for page in chosen]
    chance.shuffle(addresses)
    return kvm_memslots(1, tuple(slots)), addresses


def chance_page(seed: int) -> int:
    """The first guest page of the first slot: not 0, or a forgotten subtraction would not show."""
    return random.Random(f"1.1 first {seed}").randrange(2, 0x20)


def poses(seed: int) -> dict:
    """What the student sees: the slots, and the five addresses."""
    slots, addresses = layout_of(seed)
    return {"slots": [{"slot": s.id, "base_gfn": hex(s.base_gfn), "npages": s.npages, "userspace_addr": hex(s.userspace_addr)} for s in slots.slots],
            "addresses": [hex(address) for address in addresses]}


def right(slots: kvm_memslots, gpa: int) -> dict[str, int | None]:
    """The four intermediates of an address, as the kernel's functions have them."""
    gfn, offset = divmod(gpa, PAGE_SIZE)
    slot = slot_of(slots, gfn)
    return {"gfn": gfn, "slot": slot.id if slot else None, "hva": gfn_to_hva_memslot(slot, gfn) + offset if slot else None, "offset": offset}


def why_not_numbers(address: str, parts: object) -> None:
    """AnswerFailed with what to write, if an address has not got its four numbers as numbers."""
    if not isinstance(parts, dict):
        raise AnswerFailed(f"translations[{address!r}] is {shown_value(parts)}: write a dict with {', '.join(PARTS)}")
    for part, value in parts.items():
        if value is not None and type(value) is not int:
            raise AnswerFailed(f"translations[{address!r}][{part!r}] is {shown_value(value)}: write a whole number, such as 0x13, or None")


def translated(answers: Answers) -> Finding:
    """Half a point for each of four intermediates of each of five addresses."""
    slots, addresses = layout_of(answers.seed)
    given, said, earned = answers.table("translations"), [], 0.0
    strange = [key for key in given if key not in map(hex, addresses)]
    if strange:
        raise AnswerFailed(f"translations has no address {strange[0]!r}: its keys are {', '.join(map(hex, addresses))} (SEED = {answers.seed})")
    for address in addresses:
        parts = given.get(hex(address))
        if parts is None:
            said.append(f"{address:#x}: not translated yet.")
            continue
        why_not_numbers(hex(address), parts)
        wrong = [part for part in PARTS if part not in parts or parts[part] != right(slots, address)[part]]
        earned += EACH * (len(PARTS) - len(wrong))
        said += [f"{address:#x}: {part} is not {shown_value(parts.get(part))}; {HOW[part]}." for part in wrong]
    return Finding(earned, " ".join(said))


EXERCISE = Exercise(
    "1.1", "Translate", (data("translations", "a dict from address, such as '0x2010', to a dict with gfn, slot, hva and offset"),),
    (Judged("five_addresses_are_translated", 10, "each address has its guest page, its slot, its user address and its byte in the page", "", translated,
            hint="Write the five steps of the worked example beside the address that is named, and compare one after the other."),),
    poses=poses)
