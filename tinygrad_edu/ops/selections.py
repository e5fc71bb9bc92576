"""Choosing, joining and moving elements: linear, so each reverse rule is a transpose.

The transpose of an index is a scatter, of a concatenation a slice, of a window an overlap-add.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError, UnsupportedError
from ..node import Node, Payload
from .array_row import Linear, row
from .linear import one_axis, reshape, sum
from .operands import BRIDGES, check_array, composed, node_class
from .row import Nary

_ANY = (((-2.0, 2.0),),)

# ---- selections ----------------------------------------------------------------------------------------------------


def _put_back(g: Any, x: Any, index: Any) -> Any:
    return scatter(g, index, x.shape)


def _add_back(total: Any, g: Any, operands: Any, params: Any) -> None:
    _add_at(total, params["index"], g)


def _add_at(total: Any, index: Any, values: Any) -> None:
    """Add `values` to the elements of an array at `index`, as often as each is named."""
    if not _is_basic(index):
        np.add.at(total, index, values)
    elif isinstance(view := total[index], np.ndarray):
        view += values  # total[index] += values would copy the view onto itself afterwards
    else:
        total[index] = view + values


@row(Linear, _put_back, adders={0: _add_back}, symbol="[]", analytic=True, domain=_ANY,
     cases=[(((4, 3),), {"index": (slice(None, None, -2), 1)}), (((4,),), {"index": np.array([0, 2, 2])}),
            (((2, 3),), {"index": np.array([[True, False, True], [False, True, True]])}),
            (((2, 3),), {"index": (None, Ellipsis, 0)}), (((3, 2),), {"index": (np.array([0, 2]), slice(0, 1))})])
def getitem(x: Any, /, index: Any) -> Any:
    """x[index]: numbers, slices, None, Ellipsis, integer arrays (repeats allowed) and masks.

    >>> getitem(np.array([5., 6., 7.]), slice(1, None))
    array([6., 7.])
    """
    return np.asarray(x)[index]


_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return _BASIC.issuperset(map(type, parts)) or all(map(_is_basic_part, parts))


def _is_basic_part(part: Any) -> bool:
    whole = isinstance(part, (slice, int, np.integer)) and not isinstance(part, bool)
    return part is None or part is Ellipsis or whole


@row(Linear, lambda g, values, index, shape: getitem(g, index), analytic=True, domain=_ANY,
     cases=[(((3,),), {"index": np.array([0, 2, 2]), "shape": (4,)}),
            (((2,),), {"index": (slice(None, None, 2), 1), "shape": (3, 2)})])
def scatter(values: Any, /, index: Any, shape: Any) -> Any:
    """Zeros of `shape` with `values` added at `index`, repeated places adding up: the transpose of getitem.

    >>> scatter(np.array([1., 2.]), np.array([0, 0]), (2,))
    array([3., 0.])
    """
    values = np.asarray(values)
    out = np.zeros(shape, values.dtype)
    _add_at(out, index, values)
    return out


def _part(position: int, g: Payload, *xs: Any, axis: int, cuts: Sequence[int]) -> Payload:
    """The slice of g that came from the operand at `position` of a concatenation."""
    return getitem(g, (slice(None),) * one_axis(axis, g.ndim) + (slice(cuts[position], cuts[position + 1]),))


@row(Linear, _part, analytic=True, domain=(((-2.0, 2.0),),) * 3,
     cases=[(((2, 3), (1, 3), (2, 3)), {"cuts": (0, 2, 3, 5)}), (((2, 1), (2, 3)), {"axis": -1, "cuts": (0, 1, 4)}),
            (((2,), (0,), (1,)), {"cuts": (0, 2, 2, 3)})])
def _concatenate(*arrays: Any, cuts: Sequence[int], axis: int = 0) -> Any:
    """The arrays one after the other along `axis`; the result is to be cut there again at `cuts`."""
    return np.concatenate(arrays, axis)


@composed
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """The arrays joined along an existing axis (flattened first, where None).

    >>> concatenate([[1.0], [2.0, 3.0]])
    array([1., 2., 3.])
    """
    node_class("concatenate", arrays)
    if axis is None:
        arrays, axis = [reshape(x, (-1,)) for x in arrays], 0
    arrays = [array_or_node(x) for x in arrays]
    if not arrays or any(x.ndim != arrays[0].ndim for x in arrays) or not arrays[0].ndim:
        raise ShapeError(f"concatenate: needs arrays of equally many axes, at least one, not of shapes "
                         f"{[x.shape for x in arrays]}")
    sizes = [x.shape[one_axis(axis, x.ndim)] for x in arrays]
    return _concatenate(*arrays, axis=axis, cuts=(0, *itertools.accumulate(sizes)))


@row(Linear, lambda position, g, *xs, axis: getitem(g, (slice(None),) * one_axis(axis, g.ndim) + (position,)),
     analytic=True, domain=(((-2.0, 2.0),),) * 3, cases=[(((2, 3),) * 3, {"axis": 1}), (((), ()), {})])
def _stack(*arrays: Any, axis: int = 0) -> Any:
    """The arrays side by side along a new axis."""
    return np.stack(arrays, axis)


@composed
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """The arrays, all of one shape, joined along a new axis.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([[1., 3.],
           [2., 4.]])
    """
    node_class("stack", arrays)
    return _stack(*map(array_or_node, arrays), axis=axis)


def array_or_node(x: Any) -> Any:
    """x if it is a node or an array, else an array made from it."""
    if isinstance(x, Node) and x.is_scalar:
        raise DataError(f"a Value is a single number, and an array is wanted; {BRIDGES}", [x])
    if isinstance(x, (Node, np.ndarray)):
        return x
    check_array("array", x)
    try:
        return np.asarray(x)
    except ValueError as error:
        raise DataError(f"the nested lists are ragged: {error}") from error


def _where_true(g: Any, x: Any, y: Any, condition: Any) -> Any:
    return _where(g, 0.0, condition=condition)


def _where_false(g: Any, x: Any, y: Any, condition: Any) -> Any:
    return _where(0.0, g, condition=condition)


@row(Linear, _where_true, _where_false, analytic=True, domain=_ANY * 2,
     cases=[(((2, 3), (3,)), {"condition": np.array([[True, False, True], [False, True, True]])}),
            (((), (2,)), {"condition": np.array([True, False])})])
def _where(x: Any, y: Any, /, condition: Any) -> Any:
    """x where the condition holds, y elsewhere."""
    return np.where(condition, x, y)


_select = Nary("select", lambda x, y, first: x if first else y, lambda out, xs: (xs[2], 1.0 - xs[2], 0.0),
               symbol="where", listed=False, doc="x where `first` is 1, y where it is 0: where() on Values.")


@composed
def where(condition: Any, x: Any, y: Any) -> Any:
    """x where `condition` is true, y elsewhere; the cotangent goes to the chosen one alone.

    The branch not taken is computed all the same. If its derivative is inf or nan at that place, then
    0 * inf is nan behind it, as in JAX and PyTorch: ``where(x > 0, log(x), 0.0)`` has a nan gradient at 0.
    The safe form keeps the branch itself finite: ``where(x > 0, log(where(x > 0, x, 1.0)), 0.0)``.

    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    if isinstance(condition, Node):
        raise UnsupportedError("where: the condition must be true or false, such as x > 0, not a node", [condition])
    kind = node_class("where", (x, y))
    if kind is not None and kind.is_scalar:
        if np.ndim(condition):
            raise ShapeError(f"where: a condition of shape {np.shape(condition)} cannot choose between Values; "
                             f"{BRIDGES}")
        return _select(x, y, float(bool(condition)))
    if isinstance(x, (float, int)) and isinstance(y, (float, int)) and not np.ndim(condition):
        return float(x if condition else y)
    return _where(x, y, condition=np.asarray(condition, dtype=bool))


def _core(width: tuple[tuple[int, int], ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(before, before + n) for (before, _), n in zip(width, shape, strict=True))


def _outside(g: Payload, width: tuple[tuple[int, int], ...], shape: tuple[int, ...]) -> Payload:
    border = np.ones(g.shape, bool)
    border[_core(width, shape)] = False
    return sum(_where(g, 0.0, condition=border))


@row(Linear, lambda g, x, fill, width: getitem(g, _core(width, x.shape)),
     lambda g, x, fill, width: _outside(g, width, x.shape), analytic=True, domain=_ANY * 2,
     cases=[(((2, 3), ()), {"width": ((1, 0), (2, 1))})])
def _pad(x: Any, fill: Any, /, width: Any) -> Any:
    """x with a border of `fill`."""
    x = np.asarray(x)
    out = np.full([n + before + after for n, (before, after) in zip(x.shape, width, strict=True)], fill,
                  np.result_type(x, fill))
    out[_core(width, x.shape)] = x
    return out


@composed
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0.0) -> Any:
    """x with `pad_width` more elements before and after each axis, all equal to `constant_values`.

    `pad_width` is a number, a pair (before, after) or a pair for each axis, as in NumPy.

    >>> pad(np.array([1.0, 2.0]), (1, 0))
    array([0., 1., 2.])
    """
    x = array_or_node(x)
    if np.ndim(constant_values._data if isinstance(constant_values, Node) else constant_values):
        raise UnsupportedError("pad: constant_values must be one number; pad in several steps for different ones")
    if np.asarray(pad_width).dtype.kind not in "iu":
        raise ShapeError(f"pad: pad_width {pad_width} must be whole numbers")
    if mode != "constant":
        raise UnsupportedError(f"pad: mode {mode!r} has no derivative here; use mode='constant', or take the border "
                               "with an index array")
    try:
        pairs = np.broadcast_to(np.asarray(pad_width, dtype=int), (x.ndim, 2))
    except ValueError as error:
        raise ShapeError(f"pad: pad_width {pad_width} does not fit an array of shape {x.shape}") from error
    if (pairs < 0).any():
        raise ShapeError(f"pad: pad_width {pad_width} is negative; use a slice to cut")
    return _pad(x, constant_values, width=tuple((int(b), int(a)) for b, a in pairs))


def _rolled_back(g: Any, x: Any, shift: Any, axis: Any) -> Any:
    return roll(g, -np.asarray(shift), axis)


@row(Linear, _rolled_back, analytic=True, domain=_ANY,
     cases=[(((5,),), {"shift": 2}), (((2, 3),), {"shift": (1, -1), "axis": (0, 1)})])
def roll(x: Any, /, shift: Any, axis: Any = None) -> Any:
    """The elements moved by `shift` places along `axis`, those that fall off coming back at the other end.

    >>> roll([1, 2, 3], 1)
    array([3, 1, 2])
    """
    return np.roll(x, tuple(np.atleast_1d(shift).tolist()) if np.ndim(shift) else int(shift), axis)


@row(Linear, lambda g, x, axis: _backwards(cumsum(_backwards(g, axis), axis), axis), analytic=True, domain=_ANY,
     cases=[(((3, 4),), {"axis": 1}), (((3,),), {"axis": -1})])
def _cumsum(x: Any, /, axis: int) -> Any:
    """Running sums along `axis`."""
    return np.cumsum(x, axis)


@composed
def cumsum(x: Any, axis: int | None = None) -> Any:
    """The sums of the first elements along `axis` (of the flattened array, where None).

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return _cumsum(reshape(x, (-1,)), axis=0) if axis is None else _cumsum(x, axis=axis)


def _backwards(x: Any, axis: int) -> Any:
    return getitem(x, (slice(None),) * one_axis(axis, x.ndim) + (slice(None, None, -1),))


# ---- windows -------------------------------------------------------------------------------------------------------


def per_axis(number: int | Sequence[int], count: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One whole number for each of `count` axes, from as many or from one for all; or a ShapeError."""
    numbers: tuple[Any, ...] = tuple(number) if isinstance(number, (tuple, list)) else (number,) * count
    if len(numbers) != count or any(not isinstance(n, (int, np.integer)) or n < least for n in numbers):
        wanted = "a whole number" if count == 1 else f"{count} numbers, all of them whole,"
        raise ShapeError(f"{name} {number} must be {wanted} of at least {least}")
    return tuple(int(n) for n in numbers)


def window_slices(size: tuple[int, ...], counts: Sequence[int], stride: tuple[int, ...],
                  dilation: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """For each place in the window, where in the array the windows have it."""
    for offset in itertools.product(*map(range, size)):
        yield offset, (Ellipsis, *(slice(o * d, o * d + s * (n - 1) + 1, s)
                                   for o, d, s, n in zip(offset, dilation, stride, counts, strict=True)))


def _windows_back(g: Any, x: Any, size: Any, stride: Any, dilation: Any) -> Any:
    return _overlap(g, shape=x.shape, stride=stride, dilation=dilation)


@row(Linear, _windows_back, analytic=True, domain=_ANY,
     cases=[(((2, 5, 6),), {"size": (2, 3), "stride": (2, 1), "dilation": (1, 2)}),
            (((5,),), {"size": (2,), "stride": (1,), "dilation": (1,)})])
def _windows(x: Any, /, size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """All windows over the last axes, as a view."""
    k = len(size)
    spans = [(n - 1) * d + 1 for n, d in zip(size, dilation, strict=True)]
    axes = tuple(range(-k, 0))
    view: Any = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    return view[(Ellipsis, *(slice(None, None, s) for s in stride), *(slice(None, None, d) for d in dilation))]


@row(Linear, lambda g, x, shape, stride, dilation: _windows(g, size=x.shape[-len(stride):], stride=stride,
                                                            dilation=dilation),
     analytic=True, domain=_ANY,
     cases=[(((2, 2, 2, 2, 3),), {"shape": (2, 5, 6), "stride": (2, 1), "dilation": (1, 2)})])
def _overlap(x: Any, /, shape: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """Windows added back to the places they came from."""
    x = np.asarray(x)
    k = len(stride)
    out = np.zeros(shape, x.dtype)
    for offset, places in window_slices(x.shape[-k:], x.shape[-2 * k:-k], stride, dilation):
        out[places] += x[(Ellipsis, *offset)]
    return out


@composed
def windows(x: Any, size: int | Sequence[int], stride: int | Sequence[int] = 1,
            dilation: int | Sequence[int] = 1) -> Any:
    """All windows of `size` over the last axes of x: shape (..., positions, size).

    Position p of axis i starts at element p * stride_i and takes every dilation_i-th. The windows are a
    view: a convolution is ``windows`` and a product.

    >>> windows(np.array([1., 2., 3., 4.]), (2,), stride=2)
    array([[1., 2.],
           [3., 4.]])
    """
    x = array_or_node(x)
    axes = 1 if isinstance(size, (int, np.integer)) else len(size)
    return _windows(x, size=per_axis(size, axes, "size"), stride=per_axis(stride, axes, "stride"),
                    dilation=per_axis(dilation, axes, "dilation"))
