"""Products, variances, norms, softmax and places of the greatest: put together from rows, or plain integers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..node import Node
from .elementwise import absolute, exp, power
from .fused import _norm, log_softmax, logsumexp, max, min
from .linear import axis_tuple, mean, reshape, sum, transpose
from .operands import composed, node_class
from .selections import array_or_node, concatenate, getitem


def _numbers(x: Any) -> Any:
    return x if isinstance(x, (list, tuple)) and node_class("", x) is not None else array_or_node(x)


@composed
def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product of the elements along `axis`, or of a sequence of Values.

    A tree of multiplications, so that zeros have exact derivatives of every order.

    >>> float(prod(np.array([2.0, 3.0, 4.0])))
    24.0
    """
    x = _numbers(x)
    if isinstance(x, (list, tuple)):
        level = list(x)
        while len(level) > 1:
            level = [a * b for a, b in zip(level[::2], level[1::2], strict=False)] + level[len(level) // 2 * 2:]
        return level[0]
    axes = axis_tuple(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    level = reshape(transpose(x, (*axes, *rest)), (-1 if x.size else math.prod(x.shape[i] for i in axes),
                                                   *(x.shape[i] for i in rest)))
    while (n := level.shape[0]) > 1:
        pairs = level[:n - n % 2:2] * level[1::2]
        level = concatenate([pairs, level[n - 1:]]) if n % 2 else pairs
    one = getitem(level, 0) if level.shape[0] else sum(level, axis=0) + 1.0
    return reshape(one, shape) if keepdims else one


@composed
def var(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The mean squared distance from the mean, sum (x - mean)^2 / (n - ddof).

    >>> float(var([1.0, 3.0]))
    1.0
    """
    centred = _centred(x, axis)
    return sum(centred * centred, axis=axis, keepdims=keepdims) / (_count(centred, axis) - ddof)


@composed
def std(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The square root of `var`; of equal numbers it is 0, with derivative 0.

    >>> float(std([1.0, 3.0]))
    1.0
    """
    centred = _centred(x, axis)
    return _norm(centred, axis=axis, keepdims=keepdims) / math.sqrt(_count(centred, axis) - ddof)


def _centred(x: Any, axis: Any) -> Any:
    x = array_or_node(x)
    return x - mean(x, axis=axis, keepdims=True)


def _count(x: Any, axis: Any) -> int:
    return math.prod(x.shape[i] for i in axis_tuple(axis, x.ndim))


@composed
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The length of x: (sum |x|^ord)^(1/ord) along `axis`; Euclidean, where `ord` is None. At 0 its derivative is 0.

    >>> float(norm([3.0, 4.0]))
    5.0
    """
    if isinstance(x, (list, tuple)) and node_class("norm", x) is not None:
        if ord is not None or axis is not None or keepdims:
            raise ShapeError("norm: a sequence of Values has the Euclidean norm alone")
        return _norm(x)
    x = array_or_node(x)
    if ord is None or ord == "fro":
        return _norm(x, axis=axis, keepdims=keepdims)
    if (x.ndim if axis is None else len(axis_tuple(axis, x.ndim))) != 1:
        raise UnsupportedError(f"norm: ord={ord!r} over several axes is a matrix norm, which has no derivative here; "
                               "name one axis")
    if ord == 2:
        return _norm(x, axis=axis, keepdims=keepdims)
    if ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(absolute(x), axis=axis, keepdims=keepdims)
    if ord == 1:
        return sum(absolute(x), axis=axis, keepdims=keepdims)
    if not isinstance(ord, (int, float)) or ord <= 0:
        raise UnsupportedError(f"norm: ord={ord!r}; a positive number, inf, -inf or None is wanted")
    return power(sum(power(absolute(x), ord), axis=axis, keepdims=keepdims), 1.0 / ord)


@composed
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`; of a sequence of Values, a list of them.

    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])
    """
    if isinstance(x, (list, tuple)) and node_class("softmax", x) is not None:
        total = logsumexp(x)
        return [exp(v - total) for v in x]
    return exp(log_softmax(x, axis=axis))


# ---- not differentiable: plain integers ----------------------------------------------------------------------------


def _on_data(function: Any, x: Any, **options: Any) -> Any:
    try:
        return function(x._data if isinstance(x, Node) else x, **options)
    except ValueError as error:
        raise ShapeError(f"{function.__name__} of shape {np.shape(x)}: {error}") from error


@composed
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the (first) largest element, as plain integers.

    >>> int(argmax([1.0, 3.0, 2.0]))
    1
    """
    return _on_data(np.argmax, x, axis=axis, keepdims=keepdims)


@composed
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the (first) smallest element, as plain integers.

    >>> int(argmin([2.0, 1.0]))
    1
    """
    return _on_data(np.argmin, x, axis=axis, keepdims=keepdims)


@composed
def argsort(x: Any, axis: int = -1) -> Any:
    """The indices that would sort x, as plain integers; ``take_along_axis`` sorts with them.

    >>> argsort([3.0, 1.0, 2.0])
    array([1, 2, 0])
    """
    return _on_data(np.argsort, x, axis=axis)


