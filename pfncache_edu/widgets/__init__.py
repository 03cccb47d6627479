"""What the reader plays with: each widget is one Python class and one ES module, in a notebook and on the page.

    ThreeClicks    three clicks to a lost write: order the steps of a note, a move and a write
    FourRulers     one byte under four names, and the arrow between them that an event breaks
    CacheLife      a cache through its life: do something, and say first what check will answer
    TwoHandles     move the two ends of a range over 1, 10 or 100 caches, and say first which are withdrawn
    Scheduler      you are the scheduler: break the real functions, or be told that no schedule does
    RetryMap       where an event meets a refresh, and what comes of it: publish, retry, or a stale page
    Lanes          requests at one lock, lane by lane: who waits, for whom, under which rule
    StallMeter     readers turned away, and for how long, before and after the patch
    LineSwitches   the patch with a switch per idea: what breaks, what is wasted, what random testing finds
    TwoChangelogs  one patch described twice: which questions does each text answer, and how soon?
    Prediction     a question whose answer is recorded before the outcome is shown
    YourProgress   exercises with their points so far, and what came out otherwise than predicted
"""
from .cache_life import CacheLife
from .four_rulers import FourRulers
from .lanes import Lanes
from .line_switches import LineSwitches
from .live_widget import LiveWidget
from .prediction import Prediction
from .retry_map import RetryMap
from .scheduler import Scheduler
from .stall_meter import StallMeter
from .three_clicks import ThreeClicks
from .two_changelogs import TwoChangelogs
from .two_handles import TwoHandles
from .your_progress import YourProgress

__all__ = ["CacheLife", "FourRulers", "Lanes", "LineSwitches", "LiveWidget", "Prediction", "RetryMap", "Scheduler", "StallMeter", "ThreeClicks", "TwoChangelogs", "TwoHandles", "YourProgress"]
