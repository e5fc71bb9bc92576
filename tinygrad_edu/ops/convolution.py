"""Convolution and its two adjoints: three products of which each is the transpose of the others.

Their definition is `windows` and a matrix product, which is also what they do: one copy of the windows, one
product, and nothing is kept. Inside, the batch is the last axis in memory: so a copy of the windows moves long
runs of numbers, however few the channels, and weights and sums over a channel lie in one piece. What comes out
is a view with the axes in their places; functions of single numbers leave the order in memory as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from .array_row import LinearInEach, row
from .geometry import Geometry, Sizes, geometry_of, remembered
from .linear import reshape
from .selections import array_or_node

_ANY = (((-2.0, 2.0),),)
_NARROW = Geometry((3,), (1,), ((0, 0),), (1,))
_UNEVEN = Geometry((2, 2), (2, 1), ((1, 0), (1, 2)), (1, 2))
_WIDE = Geometry((2,), (1,), ((1, 1),), (2,))

# ---- windows in memory -----------------------------------------------------------------------------------------------


def _batch_last(x: Any) -> Any:
    """(N, C, ...) as (C, ..., N)."""
    return x.transpose((*range(1, x.ndim), 0))


def _batch_first(x: Any) -> Any:
    """(C, ..., N) as (N, C, ...)."""
    return x.transpose((x.ndim - 1, *range(x.ndim - 1)))


def _columns(x: Any, counts: Sizes, geometry: Geometry) -> Any:
    """A copy of the windows of x (N, C, sizes) as (C, size, counts, N)."""
    n, c, *sizes = x.shape
    source = _batch_last(x)
    if geometry.pads:
        padded: Any = np.zeros((c, *geometry.padded(sizes), n), x.dtype)
        padded[(slice(None), *geometry.inside(sizes))] = source
        source = padded
    columns: Any = np.empty((c, *geometry.size, *counts, n), x.dtype)
    for offset, place in geometry.places(counts):
        columns[(slice(None), *offset)] = source[(*place, slice(None))]
    return columns


def _matrices(x: Any, groups: int, axes: int) -> Any:
    """A matrix for each group: its share of the first `axes` axes, by all the others."""
    return x.reshape(groups, math.prod(x.shape[:axes]) // groups, math.prod(x.shape[axes:]))


# ---- the three products ----------------------------------------------------------------------------------------------


def _to_input(g: Any, x: Any, w: Any, geometry: Geometry, groups: int) -> Any:
    return _convolution_to_input(g, w, x.shape[2:], geometry, groups)


def _to_weight(g: Any, x: Any, w: Any, geometry: Geometry, groups: int) -> Any:
    return _convolution_to_weight(x, g, geometry, groups)


@row(LinearInEach, _to_input, _to_weight, symbol="conv", latex="{0} * {1}", analytic=True, domain=_ANY * 2,
     cases=[(((2, 2, 4), (3, 2, 3)), {"geometry": _NARROW}), (((2, 2, 4, 3), (2, 2, 2, 2)), {"geometry": _UNEVEN}),
            (((1, 4, 3), (2, 2, 2)), {"geometry": _WIDE, "groups": 2})])
def _convolution(x: Any, w: Any, /, geometry: Geometry, groups: int = 1) -> Any:
    """y[n, o, p] = sum over c, k of w[o, c, k] x[n, c, stride p + dilation k - padding].

    x (N, C, sizes) and w (O, C / groups, size) give y (N, O, counts), over any number of axes.
    """
    x, w = np.asarray(x), np.asarray(w)
    counts = geometry.counts(x.shape[2:])
    columns = _matrices(_columns(x, counts, geometry), groups, w.ndim - 1)
    y = np.matmul(_matrices(w, groups, 1), columns)
    return _batch_first(y.reshape(len(w), *counts, len(x)))


def _from_input(h: Any, g: Any, w: Any, sizes: Sizes, geometry: Geometry, groups: int) -> Any:
    return _convolution(h, w, geometry, groups)


def _input_to_weight(h: Any, g: Any, w: Any, sizes: Sizes, geometry: Geometry, groups: int) -> Any:
    return _convolution_to_weight(h, g, geometry, groups)


@row(LinearInEach, _from_input, _input_to_weight, symbol="conv-x", analytic=True, domain=_ANY * 2,
     cases=[(((2, 3, 2), (3, 2, 3)), {"sizes": (4,), "geometry": _NARROW}),
            (((2, 2, 2, 4), (2, 2, 2, 2)), {"sizes": (4, 3), "geometry": _UNEVEN}),
            (((1, 2, 3), (2, 2, 2)), {"sizes": (3,), "geometry": _WIDE, "groups": 2})])
def _convolution_to_input(g: Any, w: Any, /, sizes: Sizes, geometry: Geometry, groups: int = 1) -> Any:
    """x[n, c, s] = sum of w[o, c, k] g[n, o, p] over all o, k, p with s = stride p + dilation k - padding."""
    g, w = np.asarray(g), np.asarray(w)
    counts, channels, n = g.shape[2:], groups * w.shape[1], len(g)
    columns: Any = np.matmul(_matrices(w, groups, 1).mT, _matrices(_batch_last(g), groups, 1))
    columns = columns.reshape(channels, *geometry.size, *counts, n)
    x: Any = np.zeros((channels, *geometry.padded(sizes), n), columns.dtype)
    for offset, place in geometry.places(counts):
        x[(*place, slice(None))] += columns[(slice(None), *offset)]
    return _batch_first(x[(slice(None), *geometry.inside(sizes))])


def _weight_to_input(h: Any, x: Any, g: Any, geometry: Geometry, groups: int) -> Any:
    return _convolution_to_input(g, h, x.shape[2:], geometry, groups)


def _from_weight(h: Any, x: Any, g: Any, geometry: Geometry, groups: int) -> Any:
    return _convolution(x, h, geometry, groups)


@row(LinearInEach, _weight_to_input, _from_weight, symbol="conv-w", analytic=True, domain=_ANY * 2,
     cases=[(((2, 2, 4), (2, 3, 2)), {"geometry": _NARROW}), (((2, 2, 4, 3), (2, 2, 2, 4)), {"geometry": _UNEVEN}),
            (((1, 4, 3), (1, 2, 3)), {"geometry": _WIDE, "groups": 2})])
def _convolution_to_weight(x: Any, g: Any, /, geometry: Geometry, groups: int = 1) -> Any:
    """w[o, c, k] = sum over n, p of g[n, o, p] x[n, c, stride p + dilation k - padding]."""
    x, g = np.asarray(x), np.asarray(g)
    columns = _matrices(_columns(x, g.shape[2:], geometry), groups, g.ndim - 1)
    w = np.matmul(_matrices(_batch_last(g), groups, 1), columns.mT)
    return w.reshape(g.shape[1], x.shape[1] // groups, *geometry.size)


# ---- what the layers call --------------------------------------------------------------------------------------------


def convolution(x: Any, weight: Any, stride: int | Sequence[int] = 1, padding: int | str | Sequence[int] = 0,
                dilation: int | Sequence[int] = 1, groups: int = 1) -> Any:
    """The convolution of x (N, C, sizes), or of one sample (C, sizes), with weight (O, C / groups, size).

    `padding` counts the zeros at both ends; "valid" is 0, "same" keeps the sizes where the stride is 1.

    >>> convolution(np.array([[1.0, 2.0, 3.0]]), np.array([[[1.0, 10.0]]]))
    array([[21., 32.]])
    """
    x, weight = array_or_node(x), array_or_node(weight)
    geometry = _checked(x.shape, weight.shape, stride, padding, dilation, groups)
    if x.ndim == weight.ndim:
        return _convolution(x, weight, geometry=geometry, groups=int(groups))
    y = _convolution(reshape(x, (1, *x.shape)), weight, geometry=geometry, groups=int(groups))
    return reshape(y, y.shape[1:])


@remembered
def _checked(shape: Sizes, weight: Sizes, stride: Any, padding: Any, dilation: Any, groups: Any) -> Geometry:
    """The geometry of a convolution whose operands have these shapes, or a ShapeError."""
    axes = len(weight) - 2
    if axes < 1 or len(shape) not in (axes + 1, axes + 2):
        raise ShapeError(f"x of shape {shape} and weights of shape {weight} do not go together: x is to have "
                         "the axes (batch, channels, sizes), the weights (out channels, channels / groups, sizes)")
    geometry = geometry_of(weight[2:], stride, padding, dilation, axes)
    _check_channels(shape, weight, groups)
    geometry.check(shape)
    return geometry


def _check_channels(shape: Sizes, weight: Sizes, groups: int) -> None:
    channels = shape[1 - len(weight)]
    if not isinstance(groups, (int, np.integer)) or groups < 1 or channels % groups or weight[0] % groups:
        raise ShapeError(f"groups={groups} must divide the {channels} channels of x {shape} and the {weight[0]} "
                         f"out channels of the weights {weight}")
    if channels != weight[1] * groups:
        raise ShapeError(f"x of shape {shape} has {channels} channels, but weights of shape {weight} with "
                         f"groups={groups} take {weight[1] * groups}")
