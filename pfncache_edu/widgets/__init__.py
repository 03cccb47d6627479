"""What the reader plays with: each widget is one Python class and one ES module, in a notebook and on the page.

    Scheduler     you are the scheduler: break the real functions, or be told that no schedule does
    ThreeClicks   three clicks to a lost write: order the steps of a note, a move and a write
    FourRulers    one byte under four names, and the arrow between them that an event breaks
    Prediction    a question whose answer is recorded before the outcome is shown
"""
from .four_rulers import FourRulers
from .live_widget import LiveWidget
from .prediction import Prediction
from .scheduler import Scheduler
from .three_clicks import ThreeClicks

__all__ = ["FourRulers", "LiveWidget", "Prediction", "Scheduler", "ThreeClicks"]
