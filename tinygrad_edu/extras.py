"""Optional dependencies: imported when first needed, and their absence told in one line."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import MissingExtraError


def extra(module: str, name: str) -> Any:
    """The third-party module `module`, which the extra `name` of this package brings.

    Raises:
        MissingExtraError: it is not installed; the message has the pip command.

    >>> extra("no_such_module", "tour")
    Traceback (most recent call last):
    tinygrad_edu.errors.MissingExtraError: no_such_module is not installed; run: pip install 'tinygrad_edu[tour]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error.name or module} is not installed; "
                                f"run: pip install 'tinygrad_edu[{name}]'") from error
