"""What the reader plays with: each widget is one Python class and one ES module, in a notebook and on the page.

    Scheduler     you are the scheduler: break the real functions, or be told that no schedule does
    ThreeClicks   three clicks to a lost write: order the steps of a note, a move and a write
    Prediction    a question whose answer is recorded before the outcome is shown
    YourProgress  exercises with their points so far, and what came out otherwise than predicted
"""
from .live_widget import LiveWidget
from .prediction import Prediction
from .scheduler import Scheduler
from .your_progress import YourProgress

__all__ = ["LiveWidget", "Prediction", "Scheduler", "YourProgress"]
from .three_clicks import ThreeClicks

__all__ = ["LiveWidget", "Prediction", "Scheduler", "ThreeClicks"]
