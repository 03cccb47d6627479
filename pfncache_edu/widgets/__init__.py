"""What the reader plays with: each widget is one Python class and one ES module, in a notebook and on the page.

    Scheduler     you are the scheduler: break the real functions, or be told that no schedule does
    CacheLife     a cache through its life: do something, and say first what check will answer
    TwoHandles    move the two ends of a range over 1, 10 or 100 caches, and say first which are withdrawn
    Prediction    a question whose answer is recorded before the outcome is shown
"""
from .cache_life import CacheLife
from .live_widget import LiveWidget
from .prediction import Prediction
from .scheduler import Scheduler
from .two_handles import TwoHandles

__all__ = ["CacheLife", "LiveWidget", "Prediction", "Scheduler", "TwoHandles"]
