"""How much arithmetic a recorded node stands for, by the row of the operation table that it was recorded with.

The convention: one operation for each addition, multiplication, comparison or function of a number, so that a
multiplication and an addition count as 2. A function such as exp or gelu counts as 1, whatever it costs inside; a sum,
mean or maximum of n numbers as n; what only moves numbers as 0. Rows that users register count as 1 for each number
of the result, as elementwise rows do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..node import Node

Shape = tuple[int, ...]
Formula = Callable[[Shape, Sequence[Shape], Mapping[str, Any]], int]
"""The count, from the shapes of the result and of the operands and the row's other arguments."""


def _size(*shapes: Shape) -> int:
    return sum(map(math.prod, shapes))


def _each_result(count: int) -> Formula:
    return lambda out, xs, params: count * _size(out)


def _each_operand(count: int) -> Formula:
    return lambda out, xs, params: count * _size(*xs)


def _each_of_window(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    return _size(out) * _size(params["geometry"].size)


def _each_to_window(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    return _size(xs[0]) * _size(params["geometry"].size)


def _matmul(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    return 2 * math.prod(out) * xs[0][-1]


def _einsum(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    """For each combination of labels the products, and an addition where labels are summed over."""
    sources, result = params["subscripts"].split("->")
    sizes: dict[str, int] = {}
    for labels, shape in zip(sources.split(","), xs, strict=True):
        for label, size in zip(labels, shape, strict=True):
            sizes[label] = max(size, sizes.get(label, size))  # 1 is stretched
    return math.prod(sizes.values()) * (len(xs) - 1 + (set(sizes) != set(result)))


def _convolution(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    """Of x with w (O, C / groups, size): for each number of the result, as many products as a row of w has."""
    return 2 * math.prod(out) * math.prod(xs[1][1:])


def _convolution_to_input(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    return 2 * math.prod(xs[0]) * math.prod(xs[1][1:])


def _convolution_to_weight(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    return 2 * math.prod(xs[1]) * math.prod(out[1:])


def _elimination(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    """Of each matrix n x n, 2 n^3 / 3, rounded up."""
    return math.prod(xs[0][:-2]) * math.ceil(2 * xs[0][-1]**3 / 3)


def _solve(out: Shape, xs: Sequence[Shape], params: Mapping[str, Any]) -> int:
    """Elimination, then 2 n^2 for each right-hand side."""
    return _elimination(out, xs, params) + 2 * math.prod(out) * xs[0][-1]


_NOTHING = _each_result(0)

FORMULAS: dict[str, Formula] = {
    **dict.fromkeys(("reshape", "transpose", "broadcast_to", "astype", "getitem", "concatenate", "stack", "where",
                     "pad", "roll", "windows"), _NOTHING),
    **dict.fromkeys(("sum", "mean", "max", "min", "cumsum", "scatter", "overlap"), _each_operand(1)),
    "norm": _each_operand(2),  # squared and added
    "logsumexp": _each_operand(4),  # compared, shifted, exp, added
    "log_softmax": _each_operand(5),
    "cross_entropy": _each_operand(7),  # log_softmax, times a probability, added
    "matmul": _matmul,
    "einsum": _einsum,
    "weighted_sum": lambda out, xs, params: len(xs) - 1,  # n products and n sums, of 2 n + 1 operands
    "inv": _matmul,  # as much as the product of two such matrices, 2 n^3
    "solve": _solve,
    "det": _elimination,
    "convolution": _convolution,
    "convolution_to_input": _convolution_to_input,
    "convolution_to_weight": _convolution_to_weight,
    "max_pool": _each_of_window,
    "max_pool_to_input": _each_to_window,
    "max_pool_to_output": _each_of_window,
    "sum_pool": _each_of_window,
    "sum_pool_to_input": _each_to_window,
    "lstm_gates": _each_result(1),
    "lstm_memory": _each_result(3),
    "lstm_hidden": _each_result(1),
}
"""By the name of the row; elementwise rows and those of users are not here, and count 1 for each result."""


def flops(node: Any) -> int:
    """The count for one node; 0 for one that no operation made.

    >>> import tinygrad_edu as tg
    >>> flops(tg.Tensor([[1.0, 2.0]]) @ tg.Tensor([[3.0], [4.0]]))
    4
    """
    if node.op is None:
        return 0
    shapes = [np.shape(x._data if isinstance(x, Node) else x) for x in node.inputs]
    formula = FORMULAS.get(node.op.name, _each_result(1))
    return formula(np.shape(node._data), shapes, node.params)
