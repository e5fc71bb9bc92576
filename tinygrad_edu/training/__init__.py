"""Training: `fit`, what it returns, and what it calls on the way."""

from .callbacks import Callback, EarlyStopping
from .history import History
from .loop import evaluate, fit
from .run import Run

__all__ = ["Callback", "EarlyStopping", "History", "Run", "evaluate", "fit"]
