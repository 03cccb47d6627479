"""The doctor: what this machine has of what the exercises need, and whether the explorer counts here as it does elsewhere."""
from __future__ import annotations

import importlib.util
import platform

from .interpreters.explorer import explore
from .scenarios import nobody_is_told


def doctor() -> dict:
    """What this machine has: Python, the system, the widgets, and the result of a small search. Prints it, too."""
    verdict = explore(nobody_is_told())
    found = {"python": platform.python_version(), "system": platform.system(), "widgets": has_widgets(),
             "states": verdict.states, "schedule": verdict.schedule}
    for name, value in found.items():
        print(f"{name:<9} {value}")
    return found


def has_widgets() -> bool:
    """Whether widgets can be shown in a notebook here."""
    return importlib.util.find_spec("anywidget") is not None
