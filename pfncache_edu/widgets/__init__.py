"""What the reader plays with: each widget is one Python class and one ES module, in a notebook and on the page.

    Scheduler     you are the scheduler: break the real functions, or be told that no schedule does
    Lanes         requests at one lock, lane by lane: who waits, for whom, under which rule
    Prediction    a question whose answer is recorded before the outcome is shown
    StallMeter    readers turned away, and for how long, before and after the patch
"""
from .lanes import Lanes
from .live_widget import LiveWidget
from .prediction import Prediction
from .scheduler import Scheduler
from .stall_meter import StallMeter

__all__ = ["Lanes", "LiveWidget", "Prediction", "Scheduler", "StallMeter"]
