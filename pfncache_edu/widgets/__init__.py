"""What the reader plays with: each widget is one Python class and one ES module, in a notebook and on the page.

    Scheduler     you are the scheduler: break the real functions, or be told that no schedule does
    RetryMap      where an event meets a refresh, and what comes of it: publish, retry, or a stale page
    Prediction    a question whose answer is recorded before the outcome is shown
"""
from .live_widget import LiveWidget
from .prediction import Prediction
from .retry_map import RetryMap
from .scheduler import Scheduler

__all__ = ["LiveWidget", "Prediction", "RetryMap", "Scheduler"]
