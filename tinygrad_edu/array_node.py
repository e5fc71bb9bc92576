"""`ArrayNode`: how a node that holds an array answers the engine: what Tensor is but for recording and its face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import ops
from .copying import copied_notes
from .errors import ShapeError
from .node import NO_PARAMS, Node, Notes, Payload, raw
from .ops.linear import unbroadcast
from .payloads import new_array, read_only, stretched

_ndarray = np.ndarray


class ArrayNode(Node):
    """A node whose payload is an array of floats."""

    # `inputs` and `params` are slots where the base class has properties: a pass reads them often
    __slots__ = ("_arguments", "inputs", "params")

    _data: NDArray[Any]
    _arguments: Sequence[Any]
    inputs: tuple[Any, ...]
    params: Mapping[str, Any]

    payload = staticmethod(new_array)

    def _begin(self, data: Payload, requires_grad: bool, notes: Notes | None) -> None:
        super()._begin(data, requires_grad, notes)
        self.inputs, self.params, self._arguments = (), NO_PARAMS, ()

    @property
    def arguments(self) -> Sequence[Payload]:
        """The payloads of the inputs when they were recorded, constants as they are."""
        return self._arguments

    def fit(self, cotangent: Payload) -> Payload:
        data = self._data
        if cotangent.__class__ is not _ndarray and not isinstance(cotangent, Node):
            cotangent = np.asarray(cotangent)
        if cotangent.shape != data.shape:
            if cotangent.ndim < data.ndim or 1 in cotangent.shape[cotangent.ndim - data.ndim:]:
                cotangent = stretched(cotangent, data.shape)
            if cotangent.shape != data.shape:
                cotangent = unbroadcast(cotangent, data.shape)
        return cotangent if cotangent.dtype == data.dtype else ops.astype(cotangent, dtype=data.dtype)

    def spread(self, tangent: Payload) -> Payload:
        if not isinstance(tangent, Node):
            tangent = np.asarray(tangent)
        if tangent.shape != self._data.shape:
            tangent = ops.broadcast_to(tangent, self._data.shape)
        return tangent if tangent.dtype == self._data.dtype else ops.astype(tangent, dtype=self._data.dtype)

    def seed(self, gradient: Payload | None, graph: bool = False) -> Payload:
        if gradient is None:
            if self._data.size != 1:
                raise ShapeError(f"backward: a Tensor of shape {self._data.shape} is not a single number; use "
                                 "y.sum().backward(), or y.backward(gradient) with a gradient of this shape", [self])
            array = np.array(1.0, self._data.dtype).reshape(self._data.shape)
        else:
            node = gradient if isinstance(gradient, ArrayNode) else None
            array = self.payload(gradient if node is None else node._data, self._data.dtype)
            if array.shape != self._data.shape:
                raise ShapeError(f"gradient: shape {array.shape} does not match the Tensor's shape {self._data.shape}",
                                 [self])
            if graph and node is not None:
                return node
        return self.result(array) if graph else array

    def finite(self, payload: Payload) -> tuple[bool, bool]:
        array = payload._data if isinstance(payload, Node) else np.asarray(payload)
        return not bool(np.isnan(array).any()), not bool(np.isinf(array).any())

    @property
    def adds_in_place(self) -> bool:
        return self._data.ndim > 0  # the sum of 0-d arrays is a NumPy number

    def added(self, total: Payload, part: Payload, in_place: bool) -> Payload:
        return np.add(total, part, out=total) if in_place else total + part

    def owned(self, payload: Payload) -> Payload:
        if payload.__class__ is _ndarray:
            return payload.copy("K")
        return payload if isinstance(payload, Node) else np.array(payload)

    def shown(self, payload: Payload) -> Payload:
        return payload if isinstance(payload, Node) else read_only(np.asarray(payload))

    def same(self, snapshot: Payload | None) -> bool:
        """Whether the data still equals a copy made earlier."""
        return snapshot is not None and np.array_equal(self._data, snapshot, equal_nan=True)

    def replica(self, replaced: Mapping[Node, Node]) -> Self:
        twin = type(self).__new__(type(self))
        twin._begin(self._data.copy(), self._requires_grad, copied_notes(self._notes))
        twin.op, twin.scope, twin.params, twin._grad = self.op, self.scope, self.params, self._grad
        twin.inputs = tuple(replaced.get(x, x) if isinstance(x, Node) else x for x in self.inputs)
        twin._arguments = raw(twin.inputs)
        return twin
