"""Operations as methods: those that Values and Tensors share, and those that make a Tensor look like an array.

They know no more of a node than its payload: most are the operation of their name, which takes the node from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from . import ops
from .errors import DataError


class NodeMethods:
    """What Values and Tensors share: the functions of one number as methods, and NumPy's functions on nodes."""

    __slots__ = ()

    _data: Any

    abs, sign, square, sqrt, reciprocal = ops.absolute, ops.sign, ops.square, ops.sqrt, ops.reciprocal
    exp, expm1, log, log1p, log2, log10 = ops.exp, ops.expm1, ops.log, ops.log1p, ops.log2, ops.log10
    sin, cos, tan, arcsin, arccos, arctan = ops.sin, ops.cos, ops.tan, ops.arcsin, ops.arccos, ops.arctan
    sinh, cosh, tanh, arcsinh, arccosh, arctanh = ops.sinh, ops.cosh, ops.tanh, ops.arcsinh, ops.arccosh, ops.arctanh
    sigmoid, relu, leaky_relu, elu = ops.sigmoid, ops.relu, ops.leaky_relu, ops.elu
    gelu, silu, softplus, clip = ops.gelu, ops.silu, ops.softplus, ops.clip

    def __pos__(self) -> Self:
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return ops.plain_array(self._data, dtype, copy)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        return ops.from_function(function, arguments, options)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return ops.from_ufunc(ufunc, method, inputs, options)


class ArrayMethods(NodeMethods):
    """NumPy's attributes, indexing and methods, for Tensors."""

    __slots__ = ()

    _data: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32."""
        return self._data.dtype

    @property
    def T(self) -> Self:  # noqa: N802 - NumPy's name
        """The axes in reverse order."""
        return cast(Self, ops.transpose(self))

    @property
    def mT(self) -> Self:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        return cast(Self, ops.swapaxes(self, -1, -2))

    # -- as a sequence

    def __getitem__(self, index: Any) -> Self:
        return cast(Self, ops.getitem(self, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise DataError("t[index] = value: a node is not written in place; build a new one with where(), scatter() or "
                        "concatenate(), or set the whole data of a leaf", [self])

    def __len__(self) -> int:
        if not self._data.ndim:
            raise TypeError("len() of a 0-d Tensor")
        return len(self._data)

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    # -- NumPy's methods

    sum, mean, max, min, prod, var, std = ops.sum, ops.mean, ops.max, ops.min, ops.prod, ops.var, ops.std
    logsumexp, softmax, log_softmax, norm = ops.logsumexp, ops.softmax, ops.log_softmax, ops.norm
    cumsum, repeat, trace, diagonal, dot = ops.cumsum, ops.repeat, ops.trace, ops.diagonal, ops.dot
    argmax, argmin, argsort = ops.argmax, ops.argmin, ops.argsort
    ravel, squeeze, swapaxes, astype = ops.ravel, ops.squeeze, ops.swapaxes, ops.astype
    flatten = ops.ravel

    def reshape(self, *shape: Any) -> Self:
        """The same elements in another shape, as ``reshape(2, 3)`` or ``reshape((2, 3))``."""
        return cast(Self, ops.reshape(self, shape[0] if len(shape) == 1 else shape))

    def transpose(self, *axes: Any) -> Self:
        """The axes in another order, as ``transpose(1, 0)`` or ``transpose((1, 0))``; reversed without arguments."""
        return cast(Self, ops.transpose(self, axes[0] if len(axes) == 1 else axes or None))
