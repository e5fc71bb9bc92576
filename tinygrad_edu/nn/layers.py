"""Layers on arrays: the batch is in the leading axes, the features are in the last."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ops.defaults import Rng
from ..ops.selections import array_or_node
from ..tensor import Tensor
from ..value import Value
from .module import Module, nested, shown


class Linear(Module):
    """y = x W^T + b: x (..., in_features) -> y (..., out_features).

    Weights and bias start uniform in (-1/sqrt(in_features), 1/sqrt(in_features)), as in PyTorch, whose
    layout W (out_features, in_features) they share. Their dtype is the default one.

    Args:
        in_features: the size of the last axis of x.
        out_features: the size of the last axis of y.
        bias: whether there is a b.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> import numpy as np
    >>> Linear(3, 2)(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, rng: Rng = None) -> None:
        if in_features < 1 or out_features < 1:
            raise ShapeError(f"Linear: sizes must be at least 1, not {in_features} and {out_features}")
        rng = ops.generator(rng)
        bound = 1.0 / math.sqrt(in_features)
        dtype = ops.default_dtype()
        self.weight = Tensor(rng.uniform(-bound, bound, (out_features, in_features)), dtype=dtype)
        self.bias = Tensor(rng.uniform(-bound, bound, out_features), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """The product with the weights, plus the bias: x W^T + b.

        Raises:
            ShapeError: the last axis of x is not of size `in_features`.
        """
        x = array_or_node(x)
        if x.shape[-1:] != self.weight.shape[1:]:
            raise ShapeError(f"{self!r} takes inputs of shape (..., {self.weight.shape[1]}), not {x.shape}")
        y = ops.matmul(x, self.weight.T)
        return y if self.bias is None else y + self.bias

    def __repr__(self) -> str:
        out_features, in_features = self.weight.shape
        return f"Linear({in_features}, {out_features}{'' if self.bias is not None else ', bias=False'})"


class Sequential(Module):
    """Layers one after the other, each on the result of the one before: modules, or functions such as `tanh`.

    >>> model = Sequential(Linear(2, 8), ops.tanh, Linear(8, 1))
    >>> model
    Sequential(Linear(2, 8), tanh, Linear(8, 1))
    >>> [name for name, _ in model.named_parameters()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        who = type(self).__name__
        for i, layer in enumerate(layers):
            if isinstance(layer, type):
                raise TypeError(f"{who}: layer {i} is the class {layer.__name__}; make one, {layer.__name__}()")
            if not callable(layer):
                raise TypeError(f"{who}: layer {i} is a {type(layer).__name__}, which cannot be called; "
                                f"give the layers one by one, {who}(*layers)")
        self.layers = list(layers)

    def _held(self) -> dict[str, Any]:
        """The layers under their numbers, as PyTorch names them, ``0.weight``, and what attributes a subclass has."""
        held: dict[str, Any] = {}
        for name, part in vars(self).items():
            held |= {str(i): layer for i, layer in enumerate(part)} if name == "layers" else {name: part}
        return held

    def forward(self, x: Any) -> Any:
        """The result of the last layer."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, position: int | slice) -> Any:
        """The layer at a position; for a slice, a Sequential of some, which shares their parameters."""
        return Sequential(*self.layers[position]) if isinstance(position, slice) else self.layers[position]

    @reprlib.recursive_repr("...")
    def __repr__(self) -> str:
        """On one line where it fits there."""
        texts = [getattr(x, "__name__", repr(x)) for x in self.layers]
        line = f"{type(self).__name__}({', '.join(texts)})"
        return line if len(line) <= 100 and "\n" not in line else nested(type(self).__name__, enumerate(texts))


class Residual(Sequential):
    """x + f(x), where f is the layers one after the other: x (...) -> (...) (He, Zhang, Ren and Sun, 2016).

    The derivative by x has the identity in it, so that gradients reach the layers below however small those of f are.

    >>> import numpy as np
    >>> block = Residual(Linear(3, 8), ops.relu, Linear(8, 3))
    >>> block(np.ones((5, 3))).shape
    (5, 3)
    """

    def forward(self, x: Any) -> Any:
        """x, plus the result of the last layer.

        Raises:
            ShapeError: the layers do not give back the shape of x.
        """
        x = x if isinstance(x, Value) else array_or_node(x)
        y = super().forward(x)
        if not isinstance(x, Value) and x.shape != y.shape:
            raise ShapeError(f"{self!r} adds its input to the result of its layers, but makes shape {y.shape} of "
                             f"{x.shape}; let the last layer give the size that the first one takes")
        return x + y


class Flatten(Module):
    """The axes from start_dim to end_dim as one: x (N, C, height, width) -> y (N, C height width).

    Args:
        start_dim: the first axis to join; the batch before it stays.
        end_dim: the last.

    >>> Flatten()(np.ones((5, 4, 2, 3))).shape
    (5, 24)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        """x with these axes joined."""
        x = array_or_node(x)
        start, end = (axis + x.ndim if axis < 0 else axis for axis in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < x.ndim:
            raise ShapeError(f"{self!r}: x of shape {x.shape} has no axes from {self.start_dim} to {self.end_dim}")
        joined = math.prod(x.shape[start:end + 1])
        return ops.reshape(x, (*x.shape[:start], joined, *x.shape[end + 1:]))

    def __repr__(self) -> str:
        return shown("Flatten", start_dim=(self.start_dim, 1), end_dim=(self.end_dim, -1))
