"""The two bridges between Values and Tensors, as rows that are each other's transpose.

`Tensor.stack_values` and `Tensor.to_values` record them; they keep the graph connected, in both modes and
at any order.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, cast

import numpy as np

from . import ops
from .errors import DataError, MixedNodesError
from .modes import current_mode
from .node import Node, Payload, raw
from .ops.defaults import default_dtype
from .ops.row import Row
from .value import Value


def flatten(values: Any) -> tuple[tuple[int, ...], list[Any]]:
    """The shape of nested lists of Values and numbers, and their items in order."""
    if isinstance(values, Value):
        return (), [values]
    if isinstance(values, Node):
        raise MixedNodesError("stack_values: takes Values and numbers; join Tensors with stack()", [values])
    if not isinstance(values, (list, tuple, np.ndarray)):
        return (), [Value.payload(values)]
    parts = [flatten(v) for v in values]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        raise DataError(f"stack_values: the nested lists are ragged: parts of shapes {sorted(shapes)}")
    inner = shapes.pop() if shapes else ()
    return (len(parts), *inner), [v for _, items in parts for v in items]


class Pick(Row):
    """One element of a Tensor, as a Value: linear, its transpose puts a number in its place among zeros."""

    def __init__(self, stack_values: StackValues) -> None:
        super().__init__("pick", np.take, listed=False, doc=Pick.__doc__ or "")
        self.stack_values = stack_values

    def __call__(self, x: Any, place: int) -> Any:
        number = float((x._data if isinstance(x, Node) else np.asarray(x)).flat[place])
        if not isinstance(x, Node):
            return number
        out = Value.result(number)
        if x._requires_grad and current_mode().recording:
            out = Value(number)
            out.op, out._left, out._right = cast(Any, self), x, place
        return out

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Any, params: Any) -> Payload:
        x, place = arguments
        index = tuple(int(i) for i in np.unravel_index(place, x.shape))
        element = self.stack_values(cotangent) if isinstance(cotangent, Value) else np.asarray(cotangent, x.dtype)
        return ops.scatter(element, index, x.shape)

    def jvp(self, out: Payload, arguments: Any, tangents: Any, params: Any) -> Payload:
        return self(tangents[0], arguments[1])


class StackValues(Row):
    """Values joined into a Tensor: linear, its transpose hands each its element.

    Attributes:
        kind: the class Tensor, which stands one file higher.
        pick: the transpose, `Pick`.
    """

    def __init__(self, kind: Any) -> None:
        super().__init__("stack_values", np.stack, listed=False, doc=(StackValues.__doc__ or "").partition("\n")[0])
        self.kind, self.pick = kind, Pick(self)

    def __call__(self, *values: Any, shape: tuple[int, ...] = ()) -> Any:
        array = np.array([float(v) for v in values], default_dtype()).reshape(shape)
        out = self.kind.result(array)
        if current_mode().recording and any(isinstance(v, Value) and v._requires_grad for v in values):
            out = self.kind(array)
            out.op, out.inputs, out.params = cast(Any, self), values, MappingProxyType({"shape": shape})
            out._arguments = raw(values)
        return out

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Any, params: Any) -> Payload:
        return self.pick(cotangent, position)

    def jvp(self, out: Payload, arguments: Any, tangents: Any, params: Any) -> Payload:
        numbers = [0.0 if t is None else t for t in tangents]
        if any(isinstance(t, Value) for t in numbers):
            return self(*numbers, **params)
        return np.array(numbers, out.dtype).reshape(out.shape)
