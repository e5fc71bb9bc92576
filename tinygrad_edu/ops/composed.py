"""Shapes and selections put together from rows: they have no derivative of their own."""

from __future__ import annotations

import builtins
import itertools
from typing import Any

import numpy as np

from ..errors import ShapeError
from .linear import axis_tuple, broadcast_to, one_axis, reshape, sum, transpose
from .operands import composed
from .selections import array_or_node, getitem, where

# ---- shapes --------------------------------------------------------------------------------------------------------


@composed
def ravel(x: Any) -> Any:
    """The elements in one axis.

    >>> ravel([[1, 2], [3, 4]])
    array([1, 2, 3, 4])
    """
    return reshape(x, (-1,))


@composed
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged.

    >>> swapaxes(np.zeros((2, 3)), 0, 1).shape
    (3, 2)
    """
    x = array_or_node(x)
    order = list(range(x.ndim))
    first, second = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    order[first], order[second] = second, first
    return transpose(x, tuple(order))


@composed
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places, the rest kept in order.

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = array_or_node(x)
    sources, targets = axis_tuple(source, x.ndim), axis_tuple(destination, x.ndim)
    if len(sources) != len(targets):
        raise ShapeError(f"moveaxis: {len(sources)} axes to move, but {len(targets)} places")
    order = [i for i in range(x.ndim) if i not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return transpose(x, tuple(order))


@composed
def expand_dims(x: Any, axis: Any) -> Any:
    """New axes of size 1 at the places `axis` of the result.

    >>> expand_dims([1.0, 2.0], 0).shape
    (1, 2)
    """
    x = array_or_node(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    new = axis_tuple(axis, x.ndim + count)
    sizes = iter(x.shape)
    return reshape(x, tuple(1 if i in new else next(sizes) for i in range(x.ndim + count)))


@composed
def squeeze(x: Any, axis: Any = None) -> Any:
    """Axes of size 1 removed: all, or those named.

    >>> squeeze(np.zeros((1, 3, 1))).shape
    (3,)
    """
    x = array_or_node(x)
    gone = tuple(i for i, n in enumerate(x.shape) if n == 1) if axis is None else axis_tuple(axis, x.ndim)
    if any(x.shape[i] != 1 for i in gone):
        raise ShapeError(f"squeeze: axis {axis} of shape {x.shape} is not of size 1")
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in gone))


# ---- selections ----------------------------------------------------------------------------------------------------


def _at(axis: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * axis + (index,)


@composed
def flip(x: Any, axis: Any = None) -> Any:
    """The elements in reverse order along `axis` (along every axis, where None).

    >>> flip(np.array([1, 2, 3]))
    array([3, 2, 1])
    """
    x = array_or_node(x)
    axes = axis_tuple(axis, x.ndim)
    return getitem(x, tuple(slice(None, None, -1 if i in axes else 1) for i in range(x.ndim)))


@composed
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts of x along `axis`: equal ones, where a number is given, else cut at the indices.

    >>> split(np.array([1, 2, 3, 4]), 2)
    [array([1, 2]), array([3, 4])]
    """
    x = array_or_node(x)
    axis = one_axis(axis, x.ndim)
    size = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        sections = int(indices_or_sections)
        if sections < 1 or size % sections:
            raise ShapeError(f"split: axis {axis} of size {size} does not divide into {sections} equal parts")
        cuts = list(range(0, size + 1, size // sections)) if size else [0] * (sections + 1)
    else:
        cuts = [0, *map(int, indices_or_sections), size]
    return [getitem(x, _at(axis, slice(a, b))) for a, b in itertools.pairwise(cuts)]


@composed
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element `repeats` times in a row, along `axis` or flattened.

    >>> repeat(np.array([1, 2]), 2)
    array([1, 1, 2, 2])
    """
    x = ravel(x) if axis is None else array_or_node(x)
    axis = 0 if axis is None else one_axis(axis, x.ndim)
    try:
        places = np.repeat(np.arange(x.shape[axis]), repeats)
    except ValueError as error:
        raise ShapeError(f"repeat: {repeats} repeats along axis {axis} of shape {x.shape}: {error}") from error
    return getitem(x, _at(axis, places))


@composed
def tile(x: Any, reps: Any) -> Any:
    """x laid side by side `reps` times along each axis.

    >>> tile(np.array([1, 2]), 2)
    array([1, 2, 1, 2])
    """
    x = array_or_node(x)
    times = (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    ndim = builtins.max(x.ndim, len(times))
    shape = (1,) * (ndim - x.ndim) + x.shape
    times = (1,) * (ndim - len(times)) + tuple(int(t) for t in times)
    pairs = [n for pair in zip(times, shape, strict=True) for n in pair]
    ones = [n for size in shape for n in (1, size)]
    return reshape(broadcast_to(reshape(x, tuple(ones)), tuple(pairs)),
                   tuple(t * n for t, n in zip(times, shape, strict=True)))


@composed
def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """x[..., indices, ...]: along `axis`, the element that `indices` names for each place.

    >>> take_along_axis(np.array([[1, 2], [3, 4]]), np.array([[1], [0]]), 1)
    array([[2],
           [3]])
    """
    x = ravel(x) if axis is None else array_or_node(x)
    axis, indices = one_axis(-1 if axis is None else axis, x.ndim), np.asarray(indices)
    if indices.ndim != x.ndim or indices.dtype.kind not in "iu":
        raise ShapeError(f"take_along_axis: needs integer indices of {x.ndim} dimensions, not {indices.dtype} of "
                         f"shape {indices.shape}")
    places = np.ogrid[tuple(slice(n) for n in x.shape)]
    return getitem(x, tuple(indices if i == axis else place for i, place in enumerate(places)))


@composed
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements x[..., i, ..., i + offset, ...], in a new last axis.

    >>> diagonal(np.array([[1, 2], [3, 4]]))
    array([1, 4])
    """
    x = array_or_node(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: an array of shape {x.shape} has no two axes")
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    length = builtins.max(0, builtins.min(rows + builtins.min(offset, 0), columns - builtins.max(offset, 0)))
    steps = np.arange(length)
    return getitem(x, (Ellipsis, steps - builtins.min(offset, 0), steps + builtins.max(offset, 0)))


@composed
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of the diagonal.

    >>> float(trace(np.array([[1.0, 2.0], [3.0, 4.0]])))
    5.0
    """
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)


def _below(x: Any, k: int) -> Any:
    rows, columns = x.shape[-2:] if x.ndim > 1 else (x.size, x.size)  # as in NumPy, a vector is repeated as rows
    return np.arange(columns) <= np.arange(rows)[:, None] + k


@composed
def tril(x: Any, k: int = 0) -> Any:
    """The elements on and below the k-th diagonal, zeros above.

    >>> tril(np.array([[1, 2], [3, 4]]))
    array([[1, 0],
           [3, 4]])
    """
    x = array_or_node(x)
    return where(_below(x, k), x, 0)


@composed
def triu(x: Any, k: int = 0) -> Any:
    """The elements on and above the k-th diagonal, zeros below.

    >>> triu(np.array([[1, 2], [3, 4]]))
    array([[1, 2],
           [0, 4]])
    """
    x = array_or_node(x)
    return where(_below(x, k - 1), 0, x)
