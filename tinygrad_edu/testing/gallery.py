"""A gallery of wrong derivatives: the classic mistakes, each as a function that gives them, and what gradcheck says.

For lessons: let students find the mistake from the numbers, or from the rule. None of these is in the table.

>>> from tinygrad_edu.testing import GradientError, gradcheck
>>> mistake = GALLERY["missing +="]
>>> try:
...     gradcheck(mistake.function, *mistake.inputs)
... except GradientError as error:
...     print(error.cause, error.analytic, round(error.numeric, 6))
missing contribution 1.5 3.0
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import ops
from ..ops.array_row import Fused, Linear, LinearInEach, row
from ..ops.row import Elementwise


@dataclass(frozen=True)
class WrongRule:
    """A function with a wrong derivative.

    Attributes:
        mistake: what was done wrong, in a sentence.
        function: right forward, wrong backward.
        inputs: where it shows.
        cause: what gradcheck names as the likely cause.
    """

    mistake: str
    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    cause: str


# ---- elementwise -----------------------------------------------------------------------------------------------------

_square = Elementwise("square", lambda x: x * x, np.square, lambda out, x: x, domain=[[(-2.0, 2.0)]], listed=False,
                      doc="x * x, with the derivative x: the part by one of the two factors overwrites the other.")

_sine_of_square = Elementwise("sin_of_square", lambda x: math.sin(x * x), lambda x: np.sin(x * x),
                              lambda out, x: ops.cos(x * x), domain=[[(-2.0, 2.0)]], listed=False,
                              doc="sin(x^2), with the derivative cos(x^2) and without the inner one, 2 x.")

_steep_tanh = Elementwise("steep_tanh", lambda x: math.tanh(3.0 * x), lambda x: np.tanh(3.0 * x),
                          lambda out, x: 1.0 - out * out, domain=[[(-2.0, 2.0)]], listed=False,
                          doc="tanh(3 x), with the derivative 1 - tanh^2 and without the factor 3.")

_cosine = Elementwise("cos", math.cos, np.cos, lambda out, x: ops.sin(x), domain=[[(-2.0, 2.0)]], listed=False,
                      doc="cos x, with the derivative sin x in place of -sin x.")

_half_square = Elementwise("half_square", lambda x: 0.5 * x * x, lambda x: 0.5 * x * x, lambda out, x: 2.0 * x,
                           domain=[[(-2.0, 2.0)]], listed=False, doc="x^2 / 2, with the derivative 2 x of x^2.")

_maximum = Elementwise("maximum", lambda x, y: x if x >= y else y, np.maximum, lambda out, x, y: 1.0 * (x >= y),
                       lambda out, x, y: 1.0 * (y >= x), domain=[[(-2.0, 2.0)]] * 2, listed=False,
                       doc="max(x, y), which at a tie gives both the whole derivative, not half of it.")

_twice = Elementwise("product", operator.mul, np.multiply, lambda out, x, y: 2.0 * y, lambda out, x, y: 2.0 * x,
                     domain=[[(-2.0, 2.0)]] * 2, listed=False, doc="x y, every gradient twice.")

_dead = Elementwise("dead_tanh", math.tanh, np.tanh, 0.0, domain=[[(-2.0, 2.0)]], listed=False,
                    doc="tanh x, with the derivative 0.")

# ---- whole arrays ----------------------------------------------------------------------------------------------------


@row(Linear, lambda g, x, rows: g[0], listed=False)
def _repeated(x: Any, /, rows: int) -> Any:
    """x as each of so many rows; its gradient is that of the first row, not the sum."""
    return np.broadcast_to(x, (rows, *np.shape(x)))


@row(LinearInEach, lambda g, x, y: g @ y, lambda g, x, y: x @ g, listed=False)
def _matmul(x: Any, y: Any, /) -> Any:
    """x @ y of square matrices, its transposes taken without transposing."""
    return np.matmul(x, y)


@row(Linear, lambda g, x: g, listed=False)
def _reversed(x: Any, /) -> Any:
    """x from the end to the front; its gradient is not turned back."""
    return np.flip(x)


@row(Fused, [lambda g, out, x: g * out * (1.0 - out)], lambda out, xs, ts: ts[0] * out * (1.0 - out), listed=False)
def _softmax(x: Any, /) -> Any:
    """The softmax, with the derivative s (1 - s) of a sigmoid: the elements' influence on each other is missing."""
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def _softmax_of_detached(x: Any) -> Any:
    """A softmax without its sum in the graph."""
    e = ops.exp(x - ops.max(x))
    return e / ops.sum(e).detach()


# ---- the gallery -----------------------------------------------------------------------------------------------------

_VECTOR = np.array([0.5, -1.0, 2.0, 0.25])
_LEFT, _RIGHT = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.5, -1.0], [2.0, 1.5]])

GALLERY: dict[str, WrongRule] = {
    "missing +=": WrongRule(
        "the gradients by the two uses of a node are assigned, not added", _square, (1.5,), "missing contribution"),
    "unsummed broadcast": WrongRule(
        "a bias is added to every row, and gets the gradient of one row", lambda x: _repeated(x, 3), (_VECTOR,),
        "missing sum"),
    "forgotten inner derivative": WrongRule(
        "the chain rule stops at the outer function", _sine_of_square, (_VECTOR,), "missing inner derivative"),
    "forgotten factor": WrongRule(
        "the chain rule stops at the outer function; the inner one is 3 x", _steep_tanh, (0.2 * _VECTOR,), "scaled"),
    "wrong tie rule": WrongRule(
        "at a tie both arguments of max get the whole gradient", _maximum, (1.0, 1.0), "wrong rule at a kink"),
    "transposed matmul": WrongRule(
        "g y in place of g y^T", _matmul, (_LEFT, _RIGHT), "transposed"),
    "detached sum": WrongRule(
        "part of the formula is computed outside of the graph", _softmax_of_detached, (_VECTOR,), "detached"),
    "detached max": WrongRule(
        "the largest element is subtracted as a constant, and counts", lambda x: x - ops.max(x).detach(), (_VECTOR,),
        "detached"),
    "softmax without the off-diagonal terms": WrongRule(
        "the softmax is differentiated as if its elements did not share a sum", _softmax, (_VECTOR,),
        "missing cross terms"),
    "wrong sign": WrongRule(
        "the derivative of cos is -sin", _cosine, (_VECTOR,), "wrong sign"),
    "forgotten half": WrongRule(
        "the derivative of x^2 for x^2 / 2", _half_square, (_VECTOR,), "factor of 2"),
    "accumulated twice": WrongRule(
        "the backward pass ran twice, or gradients were not cleared", _twice, (1.5, -0.5), "accumulated twice"),
    "no gradient": WrongRule(
        "the rule gives 0", _dead, (_VECTOR,), "zero"),
    "not turned back": WrongRule(
        "the array is flipped, its gradient is not", _reversed, (_VECTOR,), "permuted"),
    "gradient of another argument": WrongRule(
        "plain numbers where a product is differentiated", lambda x, y: x * y.detach(), (1.5, -0.5),
        "detached"),
}
"""The mistakes by name."""
