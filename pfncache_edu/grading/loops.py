"""Loops whose count can be seen, for a Python that hides it.

From 3.15 on CPython runs `for x in [1, 2]` without an iterator: it counts in a place of the frame that no Python code can
read, so a suspended generator looks the same in its first round and in its second (interpreters/canaries.py finds that
out). `compiled` is compile() that takes each loop over `e` as a loop over `iter(e)`: an iterator has its count where
`freeze` sees it. Nothing else changes, not even a column.
"""
from __future__ import annotations

import ast
import builtins
import gc
import importlib.util
import json
import sys
from importlib._bootstrap_external import _code_to_hash_pyc
from pathlib import Path
from types import CodeType

ITER = "<iter>"                    # a name that no source can spell, so none can change what it means


def are_hidden() -> bool:
    """Whether this Python keeps a loop's count where nobody sees it."""
    def loop():
        for _ in [0, 0]:
            yield
    suspended = loop()
    next(suspended)
    return not any(type(held) is type(iter([])) for held in gc.get_referents(suspended))


def compiled(source: str, label: str, mode: str) -> CodeType:
    """The code of some source, with iterators in its loops if this Python would leave them out."""
    if not HIDDEN:
        return compile(source, label, mode)
    return compile(WithIterators().visit(ast.parse(source, label, mode)), label, mode)


class WithIterators(ast.NodeTransformer):
    """Puts `iter(…)` around what is looped over."""

    def visit_For(self, node):
        return self.through_iterator(node, "iter")

    def visit_comprehension(self, node):
        return self.through_iterator(node, "iter")

    def visit_YieldFrom(self, node):
        return self.through_iterator(node, "value")

    def through_iterator(self, node, field: str):
        self.generic_visit(node)
        over = getattr(node, field)
        name = ast.copy_location(ast.Name(ITER, ast.Load()), over)
        setattr(node, field, ast.copy_location(ast.Call(name, [over], []), over))
        return node


HIDDEN = are_hidden()
if HIDDEN:
    vars(builtins)[ITER] = iter


def main(_: str) -> None:
    """Compile every module of this edition: a line for each, with the file that keeps its code and what belongs in there.

    Whoever reads this writes the files: where this runs, nothing can be written.
    """
    folder = Path(__file__).parent.parent.parent
    for path in sorted(folder.rglob("*.py")):
        how = compile if path.samefile(__file__) else compiled         # this module has to see what Python does by itself
        code = how(path.read_text(encoding="utf-8"), str(path), "exec")
        kept = importlib.util.cache_from_source(str(path.relative_to(folder)))
        print(json.dumps([kept, _code_to_hash_pyc(code, bytes(8), False).hex()]))


if __name__ == "__main__":
    main(sys.argv[1])
