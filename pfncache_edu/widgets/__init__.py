"""What the reader plays with: each widget is one Python class and one ES module, in a notebook and on the page.

    Scheduler     you are the scheduler: break the real functions, or be told that no schedule does
    LineSwitches  the patch with a switch per idea: what breaks, what is wasted, what random testing finds
    TwoChangelogs  one patch described twice: which questions does each text answer, and how soon?
    Prediction    a question whose answer is recorded before the outcome is shown
"""
from .line_switches import LineSwitches
from .live_widget import LiveWidget
from .prediction import Prediction
from .scheduler import Scheduler
from .two_changelogs import TwoChangelogs

__all__ = ["LineSwitches", "LiveWidget", "Prediction", "Scheduler", "TwoChangelogs"]
