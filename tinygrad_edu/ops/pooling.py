"""Pooling: the largest number, or the sum, of each window over the last axes; each row with its transpose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..node import Node
from .array_row import Fused, Linear, row
from .defaults import as_floats
from .geometry import Geometry, Sizes, geometry_of, remembered
from .row import add_up
from .selections import array_or_node

_REAL = (((-2.0, 2.0),),)
_PAIRS = Geometry((2,), (2,), ((0, 0),), (1,))
_OVERLAPPING = Geometry((2, 2), (1, 2), ((0, 0), (1, 1)), (2, 1))
_TIED: Mapping[str, Any] = {"x": np.array([[1.0, 1.0, 0.0, 2.0]]), "best": np.array([[1.0, 2.0]]), "geometry": _PAIRS}
_SHARED: Mapping[str, Any] = {"x": np.array([[1.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]),
                              "best": np.array([[1.0, 3.0]]), "geometry": _OVERLAPPING}

# ---- the largest of each window --------------------------------------------------------------------------------------


def _bordered(x: Any, geometry: Geometry, fill: float) -> Any:
    """x with a border of `fill` along its last axes; it lies in memory as x does."""
    if not geometry.pads:
        return x
    out: Any = np.full_like(x, fill, np.result_type(x, fill), shape=_padded_shape(x, geometry))
    out[_inside(x, geometry)] = x
    return out


def _padded_shape(x: Any, geometry: Geometry) -> Sizes:
    axes = len(geometry.size)
    return (*x.shape[:-axes], *geometry.padded(x.shape[-axes:]))


def _inside(x: Any, geometry: Geometry) -> Any:
    return (Ellipsis, *geometry.inside(x.shape[-len(geometry.size):]))


def _places(best: Any, geometry: Geometry) -> list[Any]:
    return [place for _, place in geometry.places(best.shape[-len(geometry.size):])]


def _winners(x: Any, best: Any, geometry: Geometry) -> tuple[list[Any], Any]:
    """For each place in the window, where the largest number stands there; and how often it stands in each window.

    The border never wins, as nan equals nothing.
    """
    x = _bordered(x, geometry, np.nan)
    winners = [x[place] == best for place in _places(best, geometry)]
    ties: Any = np.zeros_like(best, np.uint8 if len(winners) < 256 else np.intp)
    for winner in winners:
        ties += winner.view(np.uint8)
    return winners, ties


def _shared(g: Any, best: Any, ties: Any) -> Any:
    """g / ties, in memory as `best`; nothing wins beside nan, and nothing is divided there."""
    return np.divide(g, np.maximum(ties, 1), out=np.empty_like(best, g.dtype), dtype=g.dtype)


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _pool_vjp(g: Any, out: Any, x: Any, geometry: Geometry) -> Any:
    return _max_pool_to_input(g, _plain(x), _plain(out), geometry)


def _pool_jvp(out: Any, xs: Any, ts: Any, geometry: Geometry) -> Any:
    return _max_pool_to_output(ts[0], _plain(xs[0]), _plain(out), geometry)


@row(Fused, [_pool_vjp], _pool_jvp, symbol="max", domain=_REAL,
     cases=[(((2, 4),), {"geometry": _PAIRS}), (((2, 3, 3),), {"geometry": _OVERLAPPING})])
def _max_pool(x: Any, /, geometry: Geometry) -> Any:
    """The largest number of each window over the last axes; beyond the ends stands -inf."""
    x = np.asarray(x)
    counts = geometry.counts(x.shape[-len(geometry.size):])
    x = _bordered(x, geometry, -np.inf)
    (_, first), *others = geometry.places(counts)
    out = np.array(x[first], order="K")
    for _, place in others:
        np.maximum(out, x[place], out=out)
    return out


def _gathered(h: Any, g: Any, x: Any, best: Any, geometry: Geometry) -> Any:
    return _max_pool_to_output(h, x, best, geometry)


@row(Linear, _gathered, symbol="max-x", analytic=True, domain=_REAL, cases=[(((1, 2),), _TIED), (((1, 2),), _SHARED)])
def _max_pool_to_input(g: Any, /, x: Any, best: Any, geometry: Geometry) -> Any:
    """Each window's g, in equal shares, to the places in x where its largest number stands."""
    winners, ties = _winners(x, best, geometry)
    g = _shared(np.asarray(g), best, ties)
    out: Any = np.zeros_like(x, g.dtype, shape=_padded_shape(x, geometry))
    apart = all(s >= span for s, span in zip(geometry.stride, geometry.spans, strict=True))
    for place, winner in zip(_places(best, geometry), winners, strict=True):
        if apart:  # no element is in two windows
            np.multiply(g, winner, out=out[place])
        else:
            out[place] += g * winner
    return out[_inside(x, geometry)]


def _scattered(h: Any, t: Any, x: Any, best: Any, geometry: Geometry) -> Any:
    return _max_pool_to_input(h, x, best, geometry)


@row(Linear, _scattered, symbol="max-y", analytic=True, domain=_REAL, cases=[(((1, 4),), _TIED), (((3, 3),), _SHARED)])
def _max_pool_to_output(t: Any, /, x: Any, best: Any, geometry: Geometry) -> Any:
    """The mean of t over the places where each window's largest number stands."""
    winners, ties = _winners(x, best, geometry)
    t = _bordered(np.asarray(t), geometry, 0.0)
    total = add_up(t[place] * winner for place, winner in zip(_places(best, geometry), winners, strict=True))
    return _shared(total, best, ties)


# ---- the sum of each window ------------------------------------------------------------------------------------------


def _sums_back(g: Any, x: Any, geometry: Geometry) -> Any:
    return _sum_pool_to_input(g, x.shape[-len(geometry.size):], geometry)


@row(Linear, _sums_back, symbol="sum", analytic=True, domain=_REAL,
     cases=[(((2, 4),), {"geometry": _PAIRS}), (((2, 3, 3),), {"geometry": _OVERLAPPING})])
def _sum_pool(x: Any, /, geometry: Geometry) -> Any:
    """The sum of each window over the last axes: that of `windows` over its last axes, without a strided pass."""
    x = np.asarray(x)
    counts = geometry.counts(x.shape[-len(geometry.size):])
    x = _bordered(x, geometry, 0.0)
    (_, first), *others = geometry.places(counts)
    out = np.array(x[first], order="K")
    for _, place in others:
        out += x[place]
    return out


def _sums_of(h: Any, g: Any, sizes: Sizes, geometry: Geometry) -> Any:
    return _sum_pool(h, geometry)


@row(Linear, _sums_of, symbol="sum-x", analytic=True, domain=_REAL,
     cases=[(((2, 2),), {"sizes": (4,), "geometry": _PAIRS}),
            (((2, 1, 2),), {"sizes": (3, 3), "geometry": _OVERLAPPING})])
def _sum_pool_to_input(g: Any, /, sizes: Sizes, geometry: Geometry) -> Any:
    """Each window's g to all its places."""
    g = np.asarray(g)
    out: Any = np.zeros_like(g, shape=(*g.shape[:-len(sizes)], *geometry.padded(sizes)))
    for place in _places(g, geometry):
        out[place] += g
    return out[(Ellipsis, *geometry.inside(sizes))]


# ---- what the layers call --------------------------------------------------------------------------------------------


@remembered
def _pooling(shape: Sizes, kernel_size: Any, stride: Any, padding: Any, dilation: Any, axes: int) -> Geometry:
    """The geometry of a pooling of an x of this shape, or a ShapeError."""
    if len(shape) < axes:
        raise ShapeError(f"x of shape {shape} does not have the {axes} axes that the windows move over")
    geometry = geometry_of(kernel_size, kernel_size if stride is None else stride, padding, dilation, axes)
    if any(2 * before > span for (before, _), span in zip(geometry.padding, geometry.spans, strict=True)):
        raise ShapeError(f"padding {padding} is more than half of kernel_size {kernel_size}: a window could lie "
                         "outside of x")
    geometry.check(shape)
    return geometry


def max_pool(x: Any, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
             padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, axes: int = 2) -> Any:
    """The largest number of each window over the last `axes` axes of x; `stride` is by default the kernel's size.

    >>> max_pool(np.array([1.0, 3.0, 2.0, 5.0]), 2, axes=1)
    array([3., 5.])
    """
    x = array_or_node(x)
    return _max_pool(x, geometry=_pooling(x.shape, kernel_size, stride, padding, dilation, axes))


def avg_pool(x: Any, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
             padding: int | Sequence[int] = 0, count_include_pad: bool = True, axes: int = 2) -> Any:
    """The average of each window over the last `axes` axes of x; `stride` is by default the kernel's size.

    >>> avg_pool(np.array([1.0, 3.0, 2.0, 5.0]), 2, axes=1)
    array([2. , 3.5])
    """
    x = as_floats(array_or_node(x))
    geometry = _pooling(x.shape, kernel_size, stride, padding, 1, axes)
    if count_include_pad or not geometry.pads:
        return _sum_pool(x, geometry=geometry) / float(math.prod(geometry.size))
    return _sum_pool(x, geometry=geometry) / _sum_pool(np.ones(x.shape[-axes:], x.dtype), geometry)
