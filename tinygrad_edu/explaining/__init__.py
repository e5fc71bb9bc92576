"""Explaining: why a gradient is the number that it is."""

from .causes import Cause
from .explanation import Explanation
from .parts import Path
from .request import explain

__all__ = ["Cause", "Explanation", "Path", "explain"]
