"""Functions whose derivative is stated outright: extremes, norms, log-sum-exp, log-softmax, linear algebra.

Every rule is written in the library's own functions, so that it can be differentiated again.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError
from ..node import Node
from .array_row import Fused, row
from .defaults import as_floats
from .elementwise import exp, finite_or_zero, multiply
from .linear import AXES, Reduction, reshape, sum
from .operands import composed, node_class
from .products import matmul
from .row import Case, add_up
from .selections import array_or_node, stack, where

_REAL = (((-2.0, 2.0),),)

# ---- reductions ----------------------------------------------------------------------------------------------------


@row(Reduction, lambda out, x: 1.0 * (x >= out), share=True, latex=r"\max {0}", domain=_REAL, cases=AXES)
def max(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element along `axis`, or of a sequence of Values; ties share the derivative equally.

    >>> float(max([1.0, 3.0, 2.0]))
    3.0
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@row(Reduction, lambda out, x: 1.0 * (x <= out), share=True, latex=r"\min {0}", domain=_REAL, cases=AXES)
def min(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element along `axis`, or of a sequence of Values; ties share the derivative equally.

    >>> float(min([1.0, 3.0, 2.0]))
    1.0
    """
    return np.min(x, axis=axis, keepdims=keepdims)


def _per_norm(out: Any, x: Any) -> Any:
    positive = out > 0.0
    return x / (where(positive, out, 1.0) if np.ndim(positive) else out if positive else 1.0)


@row(Reduction, _per_norm, symbol="norm", latex=r"\lVert {0} \rVert", domain=_REAL, cases=AXES)
def _norm(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """The Euclidean length, scaled by the largest element so that no square overflows."""
    size = np.abs(x)
    largest = np.max(size, axis=axis, keepdims=True, initial=0.0)
    largest = np.where((largest > 0.0) & np.isfinite(largest), largest, np.ones_like(largest))
    length = largest * np.sqrt(np.sum(np.square(size / largest), axis=axis, keepdims=True))
    return length if keepdims else np.squeeze(length, axis)


@row(Reduction, lambda out, x: exp(x - finite_or_zero(out)), latex=r"\log \sum e^{{{0}}}", domain=_REAL, cases=AXES)
def logsumexp(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along `axis`, or of a sequence of Values, without overflow; of all -inf it is -inf.

    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    x = as_floats(np.asarray(x))
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, np.zeros_like(largest))
    with np.errstate(divide="ignore"):
        result = np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)) + largest
    return result if keepdims else np.squeeze(result, axis)


# ---- classification ------------------------------------------------------------------------------------------------


@row(Fused, [lambda g, out, x, axis: g - exp(out) * sum(g, axis=axis, keepdims=True)],
     lambda out, xs, ts, axis: ts[0] - sum(exp(out) * ts[0], axis=axis, keepdims=True),
     latex=r"\log \operatorname{{softmax}} {0}", domain=_REAL, cases=[(((2, 3),), {"axis": 0}), (((4,),), {})])
def log_softmax(x: Any, /, axis: Any = -1) -> Any:
    """x - logsumexp(x) along `axis`: the logarithm of the softmax, without overflow.

    >>> log_softmax([1000.0, 1000.0])
    array([-0.69314718, -0.69314718])
    """
    x = as_floats(np.asarray(x))
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def check_classes(name: str, shape: tuple[int, ...], target: Any) -> None:
    """Raise where `target` holds neither classes nor probabilities for scores of this shape (..., classes)."""
    if target.shape == shape:
        if target.size and not ((target >= 0.0).all() and np.allclose(target.sum(axis=-1), 1.0, atol=1e-3)):
            raise ShapeError(f"{name}: a target of the scores' shape {shape} holds probabilities, which must not be "
                             "negative and sum to 1; class indices have one axis less")
        return
    if target.shape != shape[:-1]:
        raise ShapeError(f"{name}: target of shape {target.shape} is neither class indices of shape {shape[:-1]} nor "
                         f"probabilities of shape {shape}")
    if target.dtype.kind not in "iu":
        raise DataError(f"{name}: class indices must be integers, not {target.dtype}; use target.astype(int)")
    # seen as unsigned, a negative label is a large one: one look finds both
    classes = shape[-1] if shape else 0
    if target.size and target.view(target.dtype.str.replace("i", "u")).max() >= classes:
        raise ShapeError(f"{name}: labels from {target.min()} to {target.max()}, but there are {classes} classes, "
                         f"with the labels 0 to {classes - 1}")


def _excess(x: Any, target: Any) -> Any:
    """The gradient of cross entropy by the logits: softmax, times the weight of the target, minus the target."""
    softmax, target = exp(log_softmax(x)), np.asarray(target)
    if target.ndim == x.ndim:
        p = target.astype(x.dtype)
        return softmax * np.sum(p, axis=-1, keepdims=True) - p
    p = np.zeros((target.size, x.shape[-1]), x.dtype)
    p[np.arange(len(p)), target.ravel()] = 1.0
    return softmax - p.reshape(x.shape)


@row(Fused, [lambda g, out, x, target: g.reshape((*g.shape, 1)) * _excess(x, target)],
     lambda out, xs, ts, target: sum(ts[0] * _excess(xs[0], target), axis=-1), domain=_REAL,
     cases=[(((3, 4),), {"target": np.array([1, 0, 3])}), (((2, 2),), {"target": np.array([[0.3, 0.7], [1.0, 0.0]])})])
def cross_entropy(logits: Any, /, target: Any) -> Any:
    """-sum_c p_c log softmax(logits)_c over the last axis, for each leading position.

    `target` holds class indices (one axis less than the logits) or probabilities (of the logits' shape);
    it is a constant. The mean over a batch is ``nn.cross_entropy``.

    >>> cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))
    array([0.69314718])
    """
    logits, target = as_floats(np.asarray(logits)), np.asarray(target)
    check_classes("cross_entropy", logits.shape, target)
    if target.shape == logits.shape:
        return -np.sum(np.asarray(target, logits.dtype) * log_softmax(logits), axis=-1)
    scores = log_softmax(logits).reshape(target.size, logits.shape[-1])
    return -scores[np.arange(target.size), target.ravel()].reshape(target.shape)


# ---- linear algebra ------------------------------------------------------------------------------------------------

_MATRICES: Sequence[Case] = [(((3, 3),), {}), (((2, 2, 2),), {}), (((1, 1),), {})]


@row(Fused, [lambda g, out, x: -matmul(matmul(out.mT, g), out.mT)],
     lambda out, xs, ts: -matmul(matmul(out, ts[0]), out), symbol="inv", latex="{0}^{{-1}}", domain=_REAL,
     cases=_MATRICES)
def inv(x: Any, /) -> Any:
    """The inverse of a square matrix, or of each in a batch.

    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return np.linalg.inv(x)


def _solve_matrix(g: Any, out: Any, a: Any, b: Any) -> Any:
    return -matmul(_solve(a.mT, g), out.mT)


def _solve_column(g: Any, out: Any, a: Any, b: Any) -> Any:
    return _solve(a.mT, g)


def _solve_tangent(out: Any, xs: Any, ts: Any) -> Any:
    moved = [t if i else -matmul(t, out) for i, t in enumerate(ts) if t is not None]
    return _solve(xs[0], add_up(moved))


@row(Fused, [_solve_matrix, _solve_column], _solve_tangent, symbol="solve", latex="{0}^{{-1}} {1}",
     domain=_REAL * 2, cases=[(((3, 3), (3, 2)), {}), (((2, 2, 2), (2, 2, 1)), {}), (((2, 2), (3, 2, 1)), {})])
def _solve(a: Any, b: Any, /) -> Any:
    """The x with a @ x = b, for the columns of b."""
    return np.linalg.solve(a, b)


@composed
def solve(a: Any, b: Any) -> Any:
    """The x with a @ x = b, for a vector b or the columns of a matrix b; a and b may be batches.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0])
    array([1. , 0.5])
    """
    node_class("solve", (a, b))
    a, b = array_or_node(a), array_or_node(b)
    if b.ndim != 1:
        return _solve(a, b)
    x = _solve(a, reshape(b, (-1, 1)))
    return reshape(x, x.shape[:-1])


def _cofactors(out: Any, x: Any) -> Any:
    """The derivative of det by each element; by minors where a matrix is singular and has no inverse."""
    n = x.shape[-1]
    if n <= 1:
        return np.ones(x.shape)
    # nearly singular, det and inv are rounding errors, which the second derivative multiplies
    if np.all(np.linalg.cond(x._data if isinstance(x, Node) else x) < 1e8):
        return multiply(reshape(out, (*out.shape, 1, 1)), inv(x).mT)
    keep = [[j for j in range(n) if j != i] for i in range(n)]
    minors = [(-1.0) ** (i + j) * det(x[(Ellipsis, *np.ix_(keep[i], keep[j]))])
              for i, j in itertools.product(range(n), repeat=2)]
    return reshape(stack(minors, axis=-1), x.shape)


@row(Fused, [lambda g, out, x: reshape(g, (*g.shape, 1, 1)) * _cofactors(out, x)],
     lambda out, xs, ts: sum(_cofactors(out, xs[0]) * ts[0], axis=(-2, -1)), symbol="det", latex=r"\det {0}",
     domain=_REAL, cases=_MATRICES)
def det(x: Any, /) -> Any:
    """The determinant of a square matrix, or of each in a batch; singular matrices have a derivative too.

    >>> float(det([[2.0, 0.0], [1.0, 3.0]]))
    6.0
    """
    return np.linalg.det(x)
