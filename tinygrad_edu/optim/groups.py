"""Groups of parameters: what an optimiser is given, checked and in one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import DataError, GraphError
from ..node import Node


def require(condition: bool, message: str) -> None:
    """Raise a ValueError with this message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def listed(params: Any) -> list[Any]:
    """What is given for parameters, as a list."""
    if isinstance(params, Node):
        raise DataError(f"an optimiser takes a list of parameters: [{params}]", [params])
    if not isinstance(params, Iterable):
        raise DataError(f"an optimiser takes a list of parameters, as model.parameters() gives it, not a "
                        f"{type(params).__name__}")
    return list(params)


def as_groups(params: Any) -> list[dict[str, Any]]:
    """Parameters, or dicts with "params" and settings of their own, as such dicts."""
    given = listed(params)
    if given and all(isinstance(x, Mapping) for x in given):
        return [dict(group) for group in given]
    return [{"params": given}]


def complete(group: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The group with every setting, and its parameters each once."""
    if "params" not in group:
        raise DataError(f'a group of parameters is a dict with "params" and settings; there are {", ".join(group)}')
    unknown = [name for name in group if name != "params" and name not in defaults]
    require(not unknown, f"a group has the settings {', '.join(defaults)}, not {', '.join(unknown)}")
    return {**defaults, **group, "params": checked(group["params"])}


def checked(params: Any) -> list[Any]:
    """The parameters, each once."""
    given = listed(params)
    for p in given:
        if not isinstance(p, Node):
            raise DataError(f"an optimiser takes Values and Tensors, not a {type(p).__name__}")
        if p.op is not None:
            raise GraphError(f"an optimiser cannot change {p}: it is the result of {p.op.name}; give the leaves", [p])
    found = list(dict.fromkeys(given))
    if not found:
        raise GraphError("an optimiser needs at least one parameter; an iterator that was used before is empty now")
    return found


def described(position: int, param: Any) -> str:
    """A parameter in words: its label or position, and its shape."""
    name = repr(param.label) if param.label else f"number {position}"
    return f"{name}, a {type(param).__name__}" + ("" if param.is_scalar else f" of shape {np.shape(param._data)}")
