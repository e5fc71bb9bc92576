"""Checking gradients: what this project tests itself with, for its users.

`gradcheck` checks any function; `check_operation` all that is demanded of a row of the table; `strategies` draws
values, tensors, modules and whole random programs for Hypothesis; `GALLERY` holds the classic wrong rules; `plugin`
is for pytest.
"""

import importlib as _importlib
import importlib.util as _util
import typing as _typing

from ..errors import GradientError
from .gallery import GALLERY, WrongRule
from .gradients import gradcheck
from .operations import check_operation
from .programs import Program, Step

__all__ = ["GALLERY", "GradientError", "Program", "Step", "WrongRule", "check_operation", "gradcheck", "strategies"]


if _typing.TYPE_CHECKING:
    from . import strategies
else:
    def __getattr__(name):
        if name != "strategies":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _importlib.import_module(f"{__name__}.{name}")  # which loads hypothesis

    def __dir__():
        return sorted({*globals(), *(["strategies"] if _util.find_spec("hypothesis") else [])})
