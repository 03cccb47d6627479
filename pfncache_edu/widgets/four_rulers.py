"""Four rulers: one byte of a guest under its four names, and the arrow that an event breaks.

    FourRulers()                        guest page 2, before any event
    FourRulers(gfn=7, offset=0xff0)     begins with another byte

The translations before and after each event were made when the widget was made, by the functions of kvm/memslots.py, a host
page table and the kernel's map (`translate`). The reader's side looks them up.
"""
from __future__ import annotations

from html import escape
from typing import NamedTuple

import traitlets

from ..kvm.memslots import __gfn_to_memslot as slot_of
from ..kvm.memslots import gfn_to_hva_memslot
from ..kvm.structs import KVM_HVA_ERR_BAD, PAGE_SIZE, kvm_is_error_hva, kvm_memory_slot, kvm_memslots
from .live_widget import LiveWidget, module, styles

GFNS = range(10)
FRAMES = range(0x3A0, 0x3AC)
OFFSETS = (0x000, 0x010, 0x800, 0xFF0)
LENGTHS = (1, 64)
PAGE_OFFSET = KVM_HVA_ERR_BAD                           # where the kernel's map of all memory begins, unless it is randomised
ARROWS = ("memory slots", "the host's page table", "the kernel's map")


class Layout(NamedTuple):
    """Who maps what: the memory slots, and the host's page table from user pages to frames."""
    slots: kvm_memslots
    pte: dict[int, int]


BEFORE = Layout(kvm_memslots(7, (kvm_memory_slot(0, 4, 0x7000, 0), kvm_memory_slot(6, 3, 0x20000, 1))),
                {0x7000: 0x3A4, 0x8000: 0x3A1, 0x9000: 0x3A9, 0xA000: 0x3A2, 0x20000: 0x3A7, 0x21000: 0x3A0, 0x22000: 0x3AB})


def translate(layout: Layout, gfn: int) -> dict[str, int | None]:
    """The names of a guest page: slot, user address, frame and kernel address, each None if there is none."""
    slot = slot_of(layout.slots, gfn)
    hva = gfn_to_hva_memslot(slot, gfn)
    pfn = None if kvm_is_error_hva(hva) else layout.pte.get(hva)
    return {"slot": slot.id if slot else None, "hva": None if kvm_is_error_hva(hva) else hva, "pfn": pfn,
            "khva": None if pfn is None else PAGE_OFFSET + pfn * PAGE_SIZE}


# --- events -----------------------------------------------------------------------------------------------------------

def without_slot(layout: Layout, gfn: int) -> Layout:
    """The VMM deletes the memory slot of the page."""
    kept = tuple(slot for slot in layout.slots.slots if slot != slot_of(layout.slots, gfn))
    return layout._replace(slots=kvm_memslots(layout.slots.generation + 1, kept))


def with_slot_elsewhere(layout: Layout, gfn: int) -> Layout:
    """The VMM moves the memory slot of the page to other guest addresses; the memory behind it stays."""
    moved = tuple(slot._replace(base_gfn=slot.base_gfn + 0x40) if slot == slot_of(layout.slots, gfn) else slot for slot in layout.slots.slots)
    return layout._replace(slots=kvm_memslots(layout.slots.generation + 1, moved))


def migrated(layout: Layout, gfn: int) -> Layout:
    """The host moves the contents of the page to a free frame."""
    free = next(frame for frame in FRAMES if frame not in layout.pte.values())
    return layout._replace(pte=layout.pte | {translate(layout, gfn)["hva"]: free})


def taken_out(layout: Layout, gfn: int) -> Layout:
    """The host takes the page away: the user address has no frame until somebody touches it."""
    gone = translate(layout, gfn)["hva"]
    return layout._replace(pte={hva: frame for hva, frame in layout.pte.items() if hva != gone})


def neighbour_migrated(layout: Layout, gfn: int) -> Layout:
    """The host moves another page of the VMM."""
    others = [other for other in GFNS if other != gfn and translate(layout, other)["pfn"] is not None]
    return migrated(layout, others[0])


def unchanged(layout: Layout, gfn: int) -> Layout:
    """Nothing of ours changes."""
    return layout


SLOTS_TELL = "KVM changes the slots itself: it raises their generation, and a check of the cache finds that its own is old."
HOST_TELLS = "The host calls KVM before it does that, through the MMU notifier."
EVENTS = {  # key -> what happens, what it does, who tells KVM
    "delete": ("the VMM deletes the memory slot", without_slot, SLOTS_TELL),
    "move": ("the VMM moves the memory slot to other guest addresses", with_slot_elsewhere, SLOTS_TELL),
    "migrate": ("the host migrates the page to another frame", migrated, HOST_TELLS),
    "swap": ("the host swaps the page out", taken_out, HOST_TELLS + " The next touch of the user address brings the page back, in whatever frame is free."),
    "madvise": ("the VMM gives the page back: madvise(MADV_DONTNEED)", taken_out, HOST_TELLS + " The next touch gets a fresh page."),
    "guest": ("the guest changes its own page tables", unchanged, "Those lead from the guest's virtual addresses to its physical ones, so they end where ours begin."),
    "other": ("the host migrates another page of the VMM", neighbour_migrated, HOST_TELLS + " But it is unrelated to this page, and to a cache of it."),
}


def broken_arrow(before: dict, after: dict) -> int | None:
    """The first arrow that no longer leads where it led: 0 for the slots, 1 for the page table, 2 for the kernel's map."""
    return next((n for n, name in enumerate(("hva", "pfn", "khva")) if before[name] != after[name]), None)


# --- the widget -------------------------------------------------------------------------------------------------------

class FourRulers(LiveWidget):
    """Four strips of pages with a marker on each; `state` is what the reader has chosen, such as "2.010.1.migrate"."""

    _esm = module("four_rulers.js")
    _css = styles("four_rulers.css")

    gfn = traitlets.Int(2).tag(sync=True)
    offset = traitlets.Int(0x010).tag(sync=True)
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, model_id=None, **params):
        """gfn: the guest page to begin with, 0 to 9; offset: the byte in it."""
        super().__init__(model_id, **params)
        if self.gfn not in GFNS:
            raise ValueError(f"FourRulers has no guest page {self.gfn}: gfn is a number from 0 to {GFNS[-1]}")
        if self.offset not in OFFSETS:
            raise ValueError(f"FourRulers has no offset {self.offset:#x}: choose one of {', '.join(map(hex, OFFSETS))}")
        self.data = translations()

    def static_svg(self) -> str:
        """The four strips with the chosen byte on each."""
        return still(self.gfn, self.offset)


def translations() -> dict:
    """Every page before, and after every event that acts on it."""
    rows = [as_sent(translate(BEFORE, gfn)) for gfn in GFNS]
    events = [{"key": key, "title": title, "tells": tells,
               "after": {str(gfn): after(change, gfn) for gfn in GFNS if rows[gfn]["hva"] is not None}}
              for key, (title, change, tells) in EVENTS.items()]
    return {"rows": rows, "events": events, "arrows": ARROWS, "offsets": OFFSETS, "lengths": LENGTHS, "frames": list(FRAMES),
            "hvas": sorted(BEFORE.pte), "page": PAGE_SIZE,
            "slots": [{"id": slot.id, "base": slot.base_gfn, "pages": slot.npages, "hva": slot.userspace_addr} for slot in BEFORE.slots.slots]}


def after(change, gfn: int) -> dict:
    """The names of a page after an event, and the arrow that broke (None for none)."""
    row = translate(change(BEFORE, gfn), gfn)
    return as_sent(row) | {"breaks": broken_arrow(translate(BEFORE, gfn), row)}


def as_sent(row: dict) -> dict:
    """The names as they travel: a kernel address is more than a number of JavaScript can hold."""
    return row | {"khva": None if row["khva"] is None else hex(row["khva"])}


def still(gfn: int, offset: int) -> str:
    """The picture for print."""
    row = translate(BEFORE, gfn)
    strips = [("guest physical address (GPA)", list(GFNS), gfn, [g for g in GFNS if translate(BEFORE, g)["hva"] is not None]),
              ("user address (HVA)", sorted(BEFORE.pte), row["hva"], sorted(BEFORE.pte)),
              ("host page frame (PFN)", list(FRAMES), row["pfn"], sorted(BEFORE.pte.values())),
              ("kernel address (khva)", [PAGE_OFFSET + f * PAGE_SIZE for f in FRAMES], row["khva"], [PAGE_OFFSET + f * PAGE_SIZE for f in BEFORE.pte.values()])]
    parts, marks = [], []
    for n, (name, cells, here, used) in enumerate(strips):
        y = 34 + 84 * n
        parts.append(f'<text x="12" y="{y - 8}">{escape(name)}</text>')
        for i, cell in enumerate(cells):
            fill = "#fff1b8" if cell == here else "#e8eef7" if cell in used else "#ffffff"
            x = 12 + i * 52
            parts.append(f'<rect x="{x}" y="{y}" width="50" height="28" fill="{fill}" stroke="{"#7a4b00" if cell == here else "#868f9e"}"/>'
                         f'<text x="{x + 25}" y="{y + 19}" text-anchor="middle" font-size="12">{short(n, cell)}</text>')
            if cell == here:
                marks.append((x + 25, y))
    for (x1, y1), (x2, y2), arrow in zip(marks, marks[1:], ARROWS):
        parts.append(f'<path d="M{x1} {y1 + 28} L{x2} {y2}" stroke="#1b2230" stroke-width="2" fill="none"/>'
                     f'<text x="{(x1 + x2) // 2 + 8}" y="{(y1 + y2) // 2 + 24}" fill="#505a69" font-size="13">{escape(arrow)}</text>')
    told = (f"Guest page {gfn}, byte {offset:#x}. Through the memory slots: user address {(row['hva'] or 0) + offset:#x}. Through the host's page table: frame "
            f"{row['pfn'] or 0:#x}. In the kernel's map: {(row['khva'] or 0) + offset:#x}." if row["hva"] else f"Guest page {gfn} is in no memory slot.")
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 650 330" width="650" height="330" role="img" style="max-width:100%;height:auto" '
            'font-family="system-ui,sans-serif" font-size="14" fill="#1b2230"><title>Four names of one byte</title>'
            f'<desc>{escape(told)}</desc><rect x="1" y="1" width="648" height="328" rx="8" fill="#ffffff" stroke="#868f9e"/>{"".join(parts)}</svg>')


def short(strip: int, cell: int) -> str:
    """What is written into a cell: the number of the page, without the digits that all have."""
    return f"{cell:x}" if strip in (0, 2) else f"{cell // PAGE_SIZE:x}" if strip == 1 else f"…{cell // PAGE_SIZE % 0x1000:x}"
