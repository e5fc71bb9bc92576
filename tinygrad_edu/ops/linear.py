"""Sums, means and changes of shape: what the other rows are transposed with.

A row's positional-only parameters are its operands; what follows is metadata.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..node import Node, Payload
from .array_row import ArrayRow, Linear, row
from .defaults import float_dtype
from .operands import node_class
from .row import Case, Rule, ScalarRow, scaled

# ---- reductions: one formula for the derivative by an element ------------------------------------------------------


class Reduction(ArrayRow, ScalarRow):
    """A function of all elements along some axes, given by its derivative by one element.

    The derivative is a formula of (out, x), or a number. With `share`, it says only in what proportion
    the elements share a total of 1: so a mean, and so a maximum, shared equally between ties. From the
    one formula follow both modes on arrays, and the partial derivatives on a sequence of Values.
    """

    def __init__(self, function: Rule, element: Rule | float, share: bool = False, **described: Any) -> None:
        super().__init__(function, **described)
        self.element, self.share = element, share

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Apply to an array or Tensor, along `axis`, or to a sequence of Values."""
        if operands and operands[0].__class__ in (list, tuple):
            kind = node_class(self.name, operands[0])
            if kind is not None and kind.is_scalar:
                if len(operands) > 1 or params:
                    raise ShapeError(f"{self.name}: a sequence of Values has no axes; give the sequence alone",
                                     operands[0])
                return kind.record(self, tuple(operands[0]))
        return super().__call__(*operands, **params)

    def scalar(self, *operands: float) -> float:
        """The result for a sequence of floats."""
        with np.errstate(all="ignore"):
            return float(self.array(np.array(operands)))

    def on_floats(self, operands: Sequence[float]) -> float:
        return self.scalar(*operands)

    def partials(self, out: Payload, arguments: Sequence[Payload]) -> Sequence[Payload]:
        weights = [self._element(out, x) for x in arguments]
        if not self.share:
            return weights
        total = builtins.sum(weights)  # 0 where a nan compares with nothing
        return [weight / total if total else math.nan for weight in weights]

    def partial(self, position: int, out: Payload, arguments: Sequence[Payload]) -> Payload:
        if self.share and callable(self.element):
            return self.partials(out, arguments)[position]
        return self._element(out, arguments[position]) / (len(arguments) if self.share else 1)

    def _element(self, out: Payload, x: Payload) -> Payload:
        return self.element(out, x) if callable(self.element) else self.element

    def _weight(self, out: Payload, x: Payload, axis: Any, keepdims: bool) -> Payload:
        """The derivative by each element: a number, or an array that broadcasts against x."""
        if not callable(self.element):
            count = _count(x.shape, axis) if self.share else 1
            return self.element / count if count else math.nan
        weight = self.element(kept(out, x, axis), x)
        return weight / sum(weight, axis=axis, keepdims=True) if self.share else weight

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Sequence[Payload],
            params: Any) -> Payload:
        if not params:
            return ScalarRow.vjp(self, position, cotangent, out, arguments, params)
        x = arguments[0]  # the pass stretches what is smaller
        return scaled(kept(cotangent, x, params["axis"]), self._weight(out, x, **params))

    def jvp(self, out: Payload, arguments: Sequence[Payload], tangents: Sequence[Payload | None],
            params: Any) -> Payload:
        if not params:
            return ScalarRow.jvp(self, out, arguments, tangents, params)
        return sum(scaled(tangents[0], self._weight(out, arguments[0], **params)), **params)


def kept(reduced: Payload, x: Payload, axis: Any) -> Payload:
    """`reduced` with the reduced axes of x back in place, of size 1."""
    if axis is None:
        return reduced.reshape((1,) * x.ndim)
    axes = axis_tuple(axis, x.ndim)
    return reduced.reshape(tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))


def _count(shape: tuple[int, ...], axis: Any) -> int:
    """How many elements a reduction along `axis` takes together."""
    return math.prod(shape if axis is None else [shape[i] for i in axis_tuple(axis, len(shape))])


def axis_tuple(axis: Any, ndim: int) -> tuple[int, ...]:
    """`axis` (None, a number, or several) as distinct numbers from 0 to ndim - 1."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(one_axis(a, ndim) for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"axis {axis} names an axis twice, of an array of {ndim} dimensions")
    return axes


def one_axis(axis: Any, ndim: int) -> int:
    """`axis` counted from the front, or a ShapeError."""
    if not -ndim <= axis < ndim:
        raise ShapeError(f"axis {axis} is out of bounds for an array of {ndim} dimensions")
    return int(axis) % ndim


AXES: Sequence[Case] = [
    (((3, 4),), {"axis": 0}), (((2, 3, 2),), {"axis": (0, 2), "keepdims": True}), (((3,),), {})]
"""Examples for functions that take an axis."""


_sum: Rule = np.add.reduce  # np.sum, without its preamble


@row(Reduction, 1.0, symbol="sum", latex=r"\sum {0}", analytic=True, domain=(((-2.0, 2.0),),), cases=AXES)
def sum(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum of the elements along `axis` (of all, where None), or of a sequence of Values.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([4., 6.])
    """
    return _sum(x, axis=axis, keepdims=keepdims)


@row(Reduction, 1.0, share=True, latex=r"\operatorname{{mean}} {0}", analytic=True, domain=(((-2.0, 2.0),),),
     cases=AXES)
def mean(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """The arithmetic mean along `axis`, or of a sequence of Values.

    >>> float(mean([1.0, 2.0, 6.0]))
    3.0
    """
    x = np.asarray(x)
    return np.divide(_sum(x, axis=axis, keepdims=keepdims), _count(x.shape, axis))


# ---- shapes --------------------------------------------------------------------------------------------------------

_ANY = (((-2.0, 2.0),),)


def _shaped_back(g: Any, x: Any, shape: Any) -> Any:
    return reshape(g, x.shape)


@row(Linear, _shaped_back, analytic=True, domain=_ANY,
     cases=[(((2, 6),), {"shape": (3, 4)}), (((4,),), {"shape": (2, -1)}), (((1,),), {"shape": ()})])
def reshape(x: Any, /, shape: Any) -> Any:
    """The same elements in another shape; one size may be -1, to be worked out.

    >>> reshape([1, 2, 3, 4], (2, 2))
    array([[1, 2],
           [3, 4]])
    """
    return np.reshape(x, shape)


def _ordered_back(g: Any, x: Any, axes: Any) -> Any:
    return transpose(g, None if axes is None else tuple(np.argsort(axis_tuple(axes, x.ndim)).tolist()))


@row(Linear, _ordered_back, symbol="T", latex="{0}^T", analytic=True, domain=_ANY,
     cases=[(((2, 3),), {}), (((2, 3, 4),), {"axes": (2, 0, 1)}), (((2, 3, 4),), {"axes": (0, -1, 1)})])
def transpose(x: Any, /, axes: Any = None) -> Any:
    """The axes in another order; reversed, where None.

    >>> transpose([[1, 2], [3, 4]])
    array([[1, 3],
           [2, 4]])
    """
    return np.transpose(x, axes)


@row(Linear, lambda g, x, shape: unbroadcast(g, x.shape), symbol="broadcast", analytic=True, domain=_ANY,
     cases=[(((3, 1),), {"shape": (2, 3, 4)}), (((),), {"shape": (2,)})])
def broadcast_to(x: Any, /, shape: Any) -> Any:
    """x stretched to `shape` by NumPy's broadcasting rules.

    >>> broadcast_to([1, 2], (2, 2))
    array([[1, 2],
           [1, 2]])
    """
    return np.broadcast_to(x, shape)


def unbroadcast(g: Payload, shape: tuple[int, ...]) -> Payload:
    """g summed over the axes along which `shape` was stretched to g's: the transpose of broadcasting."""
    extra = g.ndim - len(shape)
    axes = tuple(range(extra))
    if g.shape[extra:] != shape:
        axes += tuple([i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1])
    total = g if not axes else sum(g, axis=axes) if isinstance(g, Node) else _sum(g, axes)
    if total.shape == shape:
        return total
    if [n for n in total.shape if n != 1] != [n for n in shape if n != 1]:  # it may have as many numbers nevertheless
        raise ShapeError(f"a cotangent of shape {g.shape} does not fit an operand of shape {shape}, from which no "
                         "broadcasting leads there: is a transpose or a sum missing in its rule?")
    return reshape(total, shape)


def _cast_back(g: Any, x: Any, dtype: Any) -> Any:
    return astype(g, x.dtype)


@row(Linear, _cast_back, domain=_ANY, cases=[(((2,),), {"dtype": np.float64})])
def astype(x: Any, /, dtype: Any) -> Any:
    """x as float64 or float32."""
    return np.asarray(x).astype(float_dtype(dtype))
