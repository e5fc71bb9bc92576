"""What nodes are called: by the variables of whoever asks for a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any

from ..errors import DataError
from ..node import Node

Names = dict[int, str]
"""Names of nodes, by the `id` of each."""


def caller_names(frame: FrameType | None) -> Names:
    """The variables of a frame that hold nodes, or lists of them; local ones before global ones."""
    if frame is None:
        return {}
    return names_among(frame.f_globals) | names_among(frame.f_locals)


def names_among(variables: Mapping[str, Any]) -> Names:
    """The nodes among these variables, the first name of each; what begins with _ is nobody's name for anything."""
    names: Names = {}
    for name, x in variables.items():
        if not isinstance(name, str) or name.startswith("_"):
            continue
        if isinstance(x, Node):
            names.setdefault(id(x), name)
        elif isinstance(x, (list, tuple)):
            for k, part in enumerate(x):
                if isinstance(part, Node):
                    names.setdefault(id(part), f"{name}[{k}]")
    return names


def given_names(names: Any, caller: str = "draw") -> Names:
    """The argument `names` of a drawing, or of another `caller`: a dict of variables, as ``locals()`` gives it.

    Raises:
        DataError: it is no dict. What is no node in it is passed over, as ``locals()`` holds anything.
    """
    if not isinstance(names, Mapping):
        raise DataError(f"{caller}: names must be a dict from names to nodes, such as locals(), not "
                        f"{type(names).__name__}")
    return names_among(names)
