"""A trial run: what the modules of a model give, and how much arithmetic they do, read from the graph of a copy."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import ops
from ..engine import history
from ..modes import enable_grad
from ..node import Node
from ..tensor import Tensor
from ..value import Value
from .flops import flops
from .tree import Holder, nodes_of, walk


def trial(model: Holder, inputs: tuple[Any, ...]) -> list[tuple[str, int]]:
    """For each module in `model`, itself first: the shape of what its first call gives, "" without a call; and the
    arithmetic of all its calls, without that of the modules in it.

    A copy of the model runs, in which all is recorded, as after ``eval()``. The random generators are left where they
    were.
    """
    twin = copy.deepcopy(model)
    parts = [part for _, _, part in walk(twin) if isinstance(part, Holder)]
    leaves = [node for node in nodes_of(twin) if not node.is_result]
    scalar = bool(leaves) and all(node.is_scalar for node in leaves)
    for node in leaves:
        node.requires_grad = True
    outputs: dict[int, list[Any]] = {id(part): [] for part in parts}
    watched = {kind: _watched(kind, outputs) for kind in set(map(type, parts))}
    for part in parts:
        part.training = False  # type: ignore[attr-defined] # what is held by modules is a module
        part.__class__ = watched[type(part)]
    default = ops.generator().bit_generator
    before = default.state
    try:
        with enable_grad(), np.errstate(all="ignore"):
            twin(*[_example(x, scalar) for x in inputs])  # type: ignore[operator] # a module can be called
    finally:
        default.state = before
    counts = dict.fromkeys(outputs, 0)
    for node in history(*{node for given in outputs.values() for node in _nodes(given)}):
        place = _place(node.scope, counts)
        if place is not None:
            counts[place] += flops(node)
    return [(_shape(outputs[id(part)][0]) if outputs[id(part)] else "", counts[id(part)]) for part in parts]


def _watched(kind: Any, outputs: dict[int, list[Any]]) -> type:
    """A subclass of the same name that keeps what each call gives; modules that it does not know, it passes by."""
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = kind.__call__(self, *args, **kwargs)
        if id(self) in outputs:
            outputs[id(self)].append(result)
        return result

    return type(kind.__name__, (kind,), {"__call__": call, "__module__": kind.__module__})


def _example(x: Any, scalar: bool) -> Any:
    """An example as the model is to see it, in nodes of its own: a tuple of sizes stands for zeros of that shape."""
    if isinstance(x, tuple) and all(isinstance(n, (int, np.integer)) for n in x):
        x = np.zeros(x, ops.default_dtype())
    if isinstance(x, Node):
        x = x._data
    if not scalar:
        array = np.asarray(x) if isinstance(x, (list, tuple, float, np.ndarray)) else None
        return x if array is None or array.dtype.kind != "f" else Tensor(array)
    if isinstance(x, np.ndarray):
        x = x.tolist()
    if isinstance(x, (list, tuple)):
        return [_example(item, scalar) for item in x]
    return Value(x) if isinstance(x, (int, float)) else x


def _place(scope: Any, known: dict[int, int]) -> int | None:
    """The module in whose call a node was recorded, or in the call of one made meanwhile."""
    while scope is not None:
        place = id(getattr(scope, "module", None))
        if place in known:
            return place
        scope = getattr(scope, "parent", None)
    return None


def _nodes(x: Any) -> Iterator[Node]:
    if isinstance(x, Node):
        yield x
    elif isinstance(x, (list, tuple, dict)):
        for item in x.values() if isinstance(x, dict) else x:
            yield from _nodes(item)


def _shape(x: Any) -> str:
    """The shape of an array, node or row of numbers; of several, their shapes."""
    if isinstance(x, (list, tuple)):
        if x and all(np.shape(_data(item)) == () for item in x):
            return f"({len(x)},)"
        return f"[{', '.join(map(_shape, x))}]"
    if isinstance(x, dict):
        return f"{{{', '.join(f'{key}: {_shape(item)}' for key, item in x.items())}}}"
    return str(np.shape(_data(x)))


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x
