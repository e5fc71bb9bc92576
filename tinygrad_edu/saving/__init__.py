"""Files: a model, its optimiser, random generators and plain data, written and read back bit for bit."""

from .checkpoint import load, save
from .restoring import generators

__all__ = ["generators", "load", "save"]
