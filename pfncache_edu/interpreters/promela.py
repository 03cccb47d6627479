"""What the explorer learned, as a Promela model for Spin: a second opinion on the number of states.

Every move of every thread becomes one indivisible option of a loop: a guard on where the thread is and on the values of
the cells that its step touches, and assignments. Spin then searches the same state space with its own engine.
"""
from __future__ import annotations

from ..program import Program
from .explorer import Search


def to_promela(program: Program, *, max_states: int = 2_000_000) -> str:
    """The program's automata as Promela source. Cells are c0, c1, …, threads t0, t1, …; all start at 0."""
    search = Search(program, max_states).learn_everything()
    slots = list(search.slots.values())
    names = {id(slot): f"c{n}" for n, slot in enumerate(slots)} | {id(r.slot): f"t{n}" for n, r in enumerate(search.roles)}
    codes = {id(slot): {code: n for n, code in enumerate(slot.values)} for slot in (*slots, *(r.slot for r in search.roles))}
    variables = [f"{_type(len(slot.values))} {names[id(slot)]};  /* {slot.name} */" for slot in
                 (*slots, *(role.slot for role in search.roles))]
    options = []
    for role in search.roles:
        for row in role.rows.values():
            for part, difference in row.items():
                if difference:
                    before, after = row.code + part, row.code + part + difference
                    touched = [role.slot, *row.slots]
                    guard = " && ".join(f"{names[id(s)]} == {codes[id(s)][before & s.mask]}" for s in touched)
                    effect = "; ".join(f"{names[id(s)]} = {codes[id(s)][after & s.mask]}" for s in touched
                                       if before & s.mask != after & s.mask)
                    options.append(f"  :: d_step {{ {guard} -> {effect} }}")
    return "\n".join([f"/* {program.name} */", *variables, "init {", "  do", *options, "  od", "}", ""])


def _type(values: int) -> str:
    return "byte" if values <= 256 else "int"
