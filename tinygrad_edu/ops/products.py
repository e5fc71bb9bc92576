"""Products: linear in each operand while the others are kept."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..node import Node, Payload
from .array_row import LinearInEach, row
from .elementwise import multiply
from .linear import axis_tuple, broadcast_to, reshape, transpose
from .operands import composed, node_class
from .row import Nary
from .selections import array_or_node

_ANY = (((-2.0, 2.0),),)



def _flat(x: Any) -> Any:
    return reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _matmul_left(g: Any, x: Any, y: Any) -> Any:
    if y.ndim == 1:
        return reshape(g, (*g.shape, 1)) * y
    if x.ndim == 1:
        return reshape(matmul(y, reshape(g, (*g.shape, 1))), y.shape[:-1])
    return matmul(g, y.mT)


def _matmul_right(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == 1:
        return x * g if y.ndim == 1 else reshape(x, (-1, 1)) * reshape(g, (*g.shape[:-1], 1, g.shape[-1]))
    if y.ndim == 1:
        return reshape(matmul(x.mT, reshape(g, (*g.shape, 1))), (*x.shape[:-2], x.shape[-1]))
    if y.ndim == 2 and x.ndim > 2:  # one product over all batches, in place of one each and a sum
        return matmul(_flat(x).mT, _flat(g))
    return matmul(x.mT, g)


@row(LinearInEach, _matmul_left, _matmul_right, symbol="@", latex="{0} {1}", analytic=True, domain=_ANY * 2,
     cases=[(((2, 3), (3, 4)), {}), (((3,), (3,)), {}), (((3,), (3, 2)), {}), (((2, 3), (3,)), {}),
            (((2, 1, 3, 4), (5, 4, 2)), {}), (((2, 3, 4), (4, 2)), {}), (((4,), (2, 4, 3)), {}),
            (((2, 3, 4), (4,)), {})])
def matmul(x: Any, y: Any, /) -> Any:
    """The matrix product x @ y; leading axes are batches and broadcast, 1-D operands are vectors.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]])
    array([[11.]])
    """
    try:
        return np.matmul(x, y)
    except ValueError:
        inner = np.shape(x)[-1:], np.shape(y)[-2:][:1]
        if all(inner) and inner[0] != inner[1]:
            raise ValueError(f"the inner sizes {inner[0][0]} and {inner[1][0]} must be equal") from None
        raise


def _einsum_vjp(position: int, g: Any, *xs: Any, subscripts: str) -> Any:
    sources, result = subscripts.split("->")
    labels = sources.split(",")
    own = labels[position]
    others = [(labels[i], x) for i, x in enumerate(xs) if i != position]
    known = set(result).union(*(set(text) for text, _ in others))
    kept_labels = "".join(c for c in own if c in known)
    part = einsum(",".join([result, *(text for text, _ in others)]) + "->" + kept_labels, g, *(x for _, x in others))
    shape = xs[position].shape
    part = reshape(part, tuple(part.shape[kept_labels.index(c)] if c in known else 1 for c in own))
    return broadcast_to(part, np.broadcast_shapes(part.shape, shape))


@row(LinearInEach, _einsum_vjp, analytic=True, domain=(((-2.0, 2.0),),) * 3,
     cases=[(((2, 3), (3, 4)), {"subscripts": "ij,jk->ik"}), (((2, 3),), {"subscripts": "ij->j"}),
            (((2, 3), (4,), (3, 4)), {"subscripts": "ij,k,jk->"}), (((2, 3), (1, 4)), {"subscripts": "ij,jk->ik"})])
def _einsum(*operands: Any, subscripts: str) -> Any:
    """The sum of products over the labels missing on the right."""
    return np.einsum(subscripts, *operands, optimize=len(operands) > 1)


@composed
def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's summation: each label is an axis, labels missing on the right are summed over.

    Understands the implicit form, repeated labels (diagonals) and the ellipsis.

    >>> einsum("ij,j->i", [[1.0, 2.0]], [3.0, 4.0])
    array([11.])
    """
    if not isinstance(subscripts, str):
        raise UnsupportedError("einsum: the subscripts come first, as text, such as 'ij,jk->ik'")
    node_class("einsum", operands)
    arrays = [array_or_node(x) for x in operands]
    labels, result = _parse(subscripts, arrays)
    for i, text in enumerate(labels[:len(arrays)]):
        for c in set(text):
            while labels[i].count(c) > 1:  # a diagonal is a product with the identity
                fresh = _unused("".join(labels) + result)
                size, *others = (n for n, label in zip(arrays[i].shape, labels[i], strict=True) if label == c)
                if any(n != size for n in others):
                    raise ShapeError(f"einsum: {subscripts!r} repeats {c!r} over axes of sizes {size} and {others[0]}")
                labels[i] = labels[i].replace(c, fresh, 1)
                labels.append(fresh + c)
                arrays.append(np.eye(size, dtype=arrays[i].dtype))
    return _einsum(*arrays, subscripts=",".join(labels) + "->" + result)


def _unused(text: str) -> str:
    return next(c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in text)


def _parse(subscripts: str, arrays: Sequence[Any]) -> tuple[list[str], str]:
    """The labels of each operand and of the result, the ellipsis written out."""
    sources, arrow, result = subscripts.replace(" ", "").partition("->")
    labels = sources.split(",")
    shapes = ", ".join(str(x.shape) for x in arrays)
    if len(labels) != len(arrays):
        raise ShapeError(f"einsum: {subscripts!r} names {len(labels)} operands, but {len(arrays)} are given")
    if any(text.count("...") > 1 for text in (*labels, result)):
        raise ShapeError(f"einsum: {subscripts!r} has '...' more than once in one operand or in the result; it stands "
                         "for all axes without a label, and so once in each")
    extra = ""
    for text, x in zip(labels, arrays, strict=True):
        free = x.ndim - len(text.replace("...", ""))
        if free < 0 or ("..." not in text and free):
            raise ShapeError(f"einsum: {subscripts!r} does not fit shapes {shapes}")
        while "..." in text and len(extra) < free:
            extra = _unused(sources + result + extra) + extra
    written = [text.replace("...", extra[len(extra) - (x.ndim - len(text.replace("...", ""))):])
               for text, x in zip(labels, arrays, strict=True)]
    if not arrow:
        seen = sources.replace(",", "").replace("...", "")
        result = "..." + "".join(sorted(c for c in set(seen) if seen.count(c) == 1))
    return written, result.replace("...", extra)


def _weighted_sum_partials(out: Payload, arguments: Sequence[Payload]) -> Sequence[Payload]:
    n = len(arguments) // 2
    return *arguments[n:2 * n], *arguments[:n], 1.0


def _weighted_sum_floats(*operands: float) -> float:
    xs = operands[len(operands) // 2:-1]  # the products end with these, whatever follows the weights
    return builtins.sum(map(operator.mul, operands, xs), operands[-1])


_weighted_sum = Nary("weighted_sum", _weighted_sum_floats, _weighted_sum_partials, symbol="w·x + b",
                     latex=r"w \cdot x + b", domain=_ANY * 7, analytic=True,
                     doc="w1 x1 + ... + wn xn + b of numbers, as one node.")


@composed
def weighted_sum(weights: Sequence[Any], xs: Sequence[Any], bias: Any = 0.0) -> Any:
    """w . x + b: of two sequences of Values or numbers as one node, of arrays or Tensors as dot(w, x) + b.

    >>> weighted_sum([1.0, 2.0], [3.0, 4.0], 0.5)
    11.5
    """
    if not (isinstance(weights, (list, tuple)) and isinstance(xs, (list, tuple))):
        return dot(weights, xs) + bias
    if len(weights) != len(xs):
        raise ShapeError(f"weighted_sum: {len(weights)} weights, but {len(xs)} inputs")
    return _weighted_sum(*weights, *xs, bias)


@composed
def dot(x: Any, y: Any) -> Any:
    """NumPy's dot: inner product of vectors, matrix product, sum over the last axis of x otherwise.

    Of two sequences of Values it is one node.

    >>> float(dot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    if isinstance(x, (list, tuple)) and isinstance(y, (list, tuple)) and any(isinstance(v, Node) for v in (*x, *y)):
        return weighted_sum(x, y)
    kind = node_class("dot", (x, y))
    if kind is not None and kind.is_scalar:
        return multiply(x, y)
    x, y = array_or_node(x), array_or_node(y)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    return matmul(x, y) if y.ndim <= 2 else tensordot(x, y, ([-1], [-2]))


@composed
def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """The sum of products over the given axes of x and y: a number of axes, or one list for each.

    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), 1).shape
    (2, 4)
    """
    node_class("tensordot", (x, y))
    x, y = array_or_node(x), array_or_node(y)
    if isinstance(axes, (int, np.integer)):
        axes = tuple(range(x.ndim - int(axes), x.ndim)), tuple(range(int(axes)))
    mine, yours = (axis_tuple(a, z.ndim) for a, z in zip(axes, (x, y), strict=True))
    if [x.shape[i] for i in mine] != [y.shape[j] for j in yours]:
        raise ShapeError(f"tensordot of shapes {x.shape}, {y.shape}: sizes along axes {axes} differ")
    free_x = [i for i in range(x.ndim) if i not in mine]
    free_y = [j for j in range(y.ndim) if j not in yours]
    summed = math.prod(x.shape[i] for i in mine)
    rows, columns = tuple(x.shape[i] for i in free_x), tuple(y.shape[j] for j in free_y)
    left = reshape(transpose(x, (*free_x, *mine)), (math.prod(rows), summed))
    right = reshape(transpose(y, (*yours, *free_y)), (summed, math.prod(columns)))
    return reshape(matmul(left, right), rows + columns)


@composed
def outer(x: Any, y: Any) -> Any:
    """x_i y_j for all i and j of the flattened operands.

    >>> outer([1.0, 2.0], [3.0, 4.0])
    array([[3., 4.],
           [6., 8.]])
    """
    return reshape(x, (-1, 1)) * reshape(y, (1, -1))
