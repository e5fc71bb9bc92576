"""What each mode of the engine says of a function, compared with what is measured: first to third order.

A derivative is compared along one random direction v and under one random projection u of the result. Operands
that are floats are tried as Values, arrays as Tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..errors import GradientError
from ..ops.row import add_up
from ..tensor import Tensor
from ..transforms import grad, jvp, vjp
from ..value import Value
from .measure import Function, complex_slope, directions, inner, slope

# ---- comparing -------------------------------------------------------------------------------------------------------


def agree(what: str, measured: float, found: Mapping[str, float], tolerance: float, order: int = 1) -> None:
    """Raise a GradientError unless the number that each mode found is the one measured."""
    for mode, number in found.items():
        if not abs(number - measured) <= tolerance * (1.0 + abs(measured)):
            raise GradientError(f"{what}: {mode} gives {number!r}, measured is {measured!r}",
                                analytic=number, numeric=measured, mode=mode, order=order)


def equal(what: str, expected: Any, found: Any, rtol: float = 1e-12, atol: float = 1e-14, **evidence: Any) -> None:
    """Raise a GradientError at the first element of two arrays, numbers or lists that differs; nan equals nan."""
    expected, found = np.asarray(expected), np.asarray(found)
    if expected.shape != found.shape:
        raise GradientError(f"{what}: shape {found.shape}, expected is {expected.shape}", **evidence)
    near = np.isclose(found, expected, rtol, atol, equal_nan=True)
    if not near.all():
        place = np.unravel_index(int(np.argmin(near)), near.shape)
        element = tuple(map(int, place))
        where = f" at {element}" if element else ""
        raise GradientError(f"{what}{where}: {float(found[place])!r}, expected is {float(expected[place])!r}",
                            element=element, analytic=float(found[place]), numeric=float(expected[place]), **evidence)


# ---- asking the engine -----------------------------------------------------------------------------------------------


def nodes_of(xs: Sequence[Any]) -> list[Any]:
    """A Value for each float, a Tensor for each array."""
    return [Value(x) if isinstance(x, float) else Tensor(x) for x in xs]


def backward(function: Function, xs: Sequence[Any], u: Any) -> tuple[Any, list[Any]]:
    """What `function` makes of nodes with the data `xs`, and the gradients on them after backpropagating `u`."""
    nodes = nodes_of(xs)
    out = function(*nodes)
    out.backward(u)
    return out, [node.grad for node in nodes]


def projected(weight: Any, out: Any) -> Any:
    """The sum of weight * out, as one node."""
    return weight * out if isinstance(out, (Value, float)) else ops.sum(weight * out)


def along(function: Function, vs: Sequence[Any]) -> Function:
    """The derivative of a scalar function along `vs`, in reverse mode: again a scalar function.

    >>> cube = lambda x: x ** 3
    >>> along(cube, [1.0])(2.0), along(along(cube, [1.0]), [1.0])(2.0)
    (12.0, 12.0)
    """
    gradient = grad(function, tuple(range(len(vs))))
    return lambda *xs: add_up(map(projected, vs, gradient(*xs)))


def projection(out: Any, rng: np.random.Generator) -> Any:
    """A random weight for each number of a result."""
    return directions([float(out) if isinstance(out, float) else np.asarray(out)], rng)[0]


# ---- checking --------------------------------------------------------------------------------------------------------


def check_first_order(function: Function, xs: Sequence[Any], rng: np.random.Generator, plain: Function | None = None,
                      tolerance: float = 1e-7) -> None:
    """Compare backward(), vjp and jvp of `function` with finite differences of `plain`, the same without nodes."""
    _check_first_order(slope, function, xs, rng, plain or function, tolerance)


def check_complex_step(function: Function, xs: Sequence[Any], rng: np.random.Generator, plain: Function | None = None,
                       tolerance: float = 1e-12) -> None:
    """Compare backward(), vjp and jvp of `function` with a complex step of `plain`, which must take complex arrays."""
    _check_first_order(complex_slope, function, xs, rng, plain or function, tolerance)


def _check_first_order(measure: Function, function: Function, xs: Sequence[Any], rng: np.random.Generator,
                       plain: Function, tolerance: float) -> None:
    vs, u = directions(xs, rng), projection(plain(*xs), rng)
    agree(f"{function}: first derivative", inner([u], [measure(plain, xs, vs)]), {
        "backward()": inner(backward(function, xs, u)[1], vs),
        "reverse mode": inner(vjp(function, *xs)[1](u), vs),
        "forward mode": inner([u], [jvp(function, xs, vs)[1]])}, tolerance)


def check_second_order(function: Function, xs: Sequence[Any], rng: np.random.Generator,
                       tolerance: float = 1e-6) -> None:
    """Compare w . (H v) in every nesting of the two modes with finite differences of the first gradient.

    H is the Hessian of a random projection of the squared result, so that linear functions have one too.
    """
    vs, ws, u = directions(xs, rng), directions(xs, rng), projection(function(*xs), rng)
    every = tuple(range(len(xs)))

    def score(*operands: Any) -> Any:
        out = function(*operands)
        return projected(u, out * out)

    gradient = grad(score, every)
    agree(f"{function}: second derivative", float(slope(lambda *p: inner(ws, gradient(*p)), xs, vs)), {
        "reverse over reverse": inner(grad(along(score, ws), every)(*xs), vs),
        "forward over reverse": inner(ws, jvp(gradient, xs, vs)[1]),
        "reverse over forward": inner(grad(lambda *p: jvp(score, p, ws)[1], every)(*xs), vs),
        "forward over forward": float(jvp(lambda *p: jvp(score, p, ws)[1], xs, vs)[1])}, tolerance, order=2)


def check_third_order(function: Function, xs: Sequence[float], rng: np.random.Generator,
                      tolerance: float = 1e-6) -> None:
    """Compare three nested reverse passes, over Values and over Tensors, with finite differences of the second."""
    vs = directions(xs, rng)
    second = along(along(function, vs), vs)
    third = along(second, vs)
    found = float(third(*xs))
    agree(f"{function}: third derivative", float(slope(second, xs, vs)), {"reverse mode": found}, tolerance, order=3)
    equal(f"{function}: third derivative on Tensors, beside Values", found, third(*map(np.asarray, xs)), 1e-10, 1e-10,
          order=3)
