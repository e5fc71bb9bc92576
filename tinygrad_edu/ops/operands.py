"""Operands: which of them are nodes, what may not meet, and errors that carry the nodes.

Every operation, be it a row of the table or put together from rows, looks at its operands through these.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import numpy as np

from ..errors import DataError, MixedNodesError, TinygradError
from ..node import Node

F = TypeVar("F", bound=Callable[..., Any])

BRIDGES = "join the graphs with Tensor.stack_values([values]) or tensor.to_values()"
"""What a message about Values among Tensors recommends."""


def node_class(name: str, operands: Iterable[Any]) -> type[Node] | None:
    """The class of the nodes among `operands`, None where there are none."""
    found: type[Node] | None = None
    for x in operands:
        if isinstance(x, Node):
            if found is None:
                found = x.__class__
            elif found is not x.__class__:
                raise MixedNodesError(f"{name}: a Value and a Tensor cannot be operands of one operation; {BRIDGES}",
                                      nodes_in(operands))
    return found


def nodes_in(operands: Iterable[Any]) -> tuple[Node, ...]:
    """The nodes among `operands`, also those inside lists."""
    found: list[Node] = []
    for x in operands:
        if isinstance(x, Node):
            found.append(x)
        elif isinstance(x, (list, tuple)):
            found += nodes_in(x)
    return tuple(found)


def check_array(name: str, x: Any) -> None:
    """Raise where x, to be taken for an array, would swallow nodes."""
    hidden = nodes_in(x) if isinstance(x, (list, tuple)) else ()
    if hidden or (isinstance(x, np.ndarray) and x.dtype == object):
        raise DataError(f"{name}: nodes inside a list or an object array would lose their graph; join Tensors with "
                        "stack(), Values with Tensor.stack_values(), or apply it to each", hidden)


def composed(function: F) -> F:
    """Decorator of a function put together from rows: its errors name it, and the nodes it was called with."""

    @functools.wraps(function)
    def call(*operands: Any, **params: Any) -> Any:
        try:
            return function(*operands, **params)
        except TinygradError as error:
            if not error.nodes:
                error.nodes = nodes_in([*operands, *params.values()])
                error.attempt = (function.__name__, error.nodes) if error.nodes else None
            if function.__name__ not in str(error):
                error.args = (f"{function.__name__}: {error}",)
            raise

    return cast(F, call)
