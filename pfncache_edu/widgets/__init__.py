"""What the reader plays with: each widget is one Python class and one ES module, in a notebook and on the page.

    Scheduler     you are the scheduler: break the real functions, or be told that no schedule does
    ThreeClicks   three clicks to a lost write: order the steps of a note, a move and a write
    CacheLife     a cache through its life: do something, and say first what check will answer
    TwoHandles    move the two ends of a range over 1, 10 or 100 caches, and say first which are withdrawn
    Prediction    a question whose answer is recorded before the outcome is shown
    YourProgress  exercises with their points so far, and what came out otherwise than predicted
"""
from .cache_life import CacheLife
from .live_widget import LiveWidget
from .prediction import Prediction
from .scheduler import Scheduler
from .your_progress import YourProgress

__all__ = ["LiveWidget", "Prediction", "Scheduler", "YourProgress"]
from .three_clicks import ThreeClicks

__all__ = ["LiveWidget", "Prediction", "Scheduler", "ThreeClicks"]
from .two_handles import TwoHandles

__all__ = ["CacheLife", "LiveWidget", "Prediction", "Scheduler", "TwoHandles"]
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
