"""Checking derivatives: operands drawn from a row's domain, and derivatives measured without the engine.

A derivative is checked along one random direction v and under one random projection u of the result: the
number u . (J v) does not grow with the size, and still every element of J is in it. It is measured by
finite differences (or, where the function continues to complex arguments, by a complex step) from the
plain function alone, and compared with what each mode of the engine says.

Operands that are floats are tried as Values, arrays as Tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.ops.linear import Reduction
from tinygrad_edu.ops.row import Elementwise, Nary, Row, ScalarRow

Function = Callable[..., Any]

GAP = 2e-3
"""No two drawn numbers are closer, so that no step of a measurement crosses the kink of a tie."""

STEP = 5e-4
"""The longer of the two steps of a finite difference; no number moves further, and so no pair by as much as GAP."""

STEEP = 100.0
"""No slope that is measured is larger: a matrix that is nearly singular is drawn again."""

# ---- the examples of the table ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    """A row, with the shapes of operands and the other arguments to try it on."""

    row: Row
    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *operands: Any) -> Any:
        """The row itself, on arrays or nodes."""
        return self.row(*operands, **self.params)

    def plain(self, *arrays: Any) -> Any:
        """The row's array function, which knows of no engine."""
        return self.row.array(*arrays, **self.params)

    def draw(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Arrays of these shapes from the row's domain."""
        return draw(self.row.domain, self.shapes, rng, self.plain)

    def __str__(self) -> str:
        options = ", ".join(f"{key}={value}".replace("\n", "") for key, value in self.params.items())
        return f"{self.row.name}({', '.join(map(str, self.shapes))}{'; ' if options else ''}{options})"


def examples(row: Row) -> list[Example]:
    """The cases a row names; an elementwise one takes any shapes that broadcast."""
    if isinstance(row, Elementwise):
        count = len(row.derivatives)
        stretched = ((2, 1), (3,), ())[:count]
        return [Example(row, shapes) for shapes in dict.fromkeys((((),) * count, ((2, 3),) * count, stretched))]
    if isinstance(row, Nary):
        return [Example(row, ((),) * len(row.domain))]
    return [Example(row, tuple(shapes), params) for shapes, params in row.cases]


def all_examples() -> list[Example]:
    """Every case of every row of the table, on arrays."""
    return [example for row in tg.TABLE.values() for example in examples(row)]


@dataclass(frozen=True)
class ScalarExample:
    """A row on Values: an elementwise one on each operand, a reduction on a sequence of `count`."""

    row: ScalarRow
    count: int

    def __call__(self, *numbers: Any) -> Any:
        """The row itself, on floats or Values."""
        return self.row(list(numbers)) if isinstance(self.row, Reduction) else self.row(*numbers)

    def plain(self, *numbers: Any) -> Any:
        """The row's scalar function, which knows of no engine."""
        return self.row.scalar(*map(float, numbers))

    def draw(self, rng: np.random.Generator) -> list[float]:
        """Floats from the row's domain."""
        domain = self.row.domain * (self.count if isinstance(self.row, Reduction) else 1)
        return [float(x) for x in draw(domain, ((),) * self.count, rng, self.plain)]

    def __str__(self) -> str:
        return f"{self.row.name} of {self.count} Values"


def elementwise() -> list[Elementwise]:
    """Every row that works number by number."""
    return [row for row in tg.TABLE.values() if isinstance(row, Elementwise)]


def scalar_examples() -> list[ScalarExample]:
    """Every row of the table that Values can record."""
    return [ScalarExample(row, 4 if isinstance(row, Reduction) else len(row.domain))
            for row in tg.TABLE.values() if isinstance(row, ScalarRow)]


# ---- drawing ---------------------------------------------------------------------------------------------------------


def uniform(intervals: Sequence[tuple[float, float]], shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Numbers drawn from a union of intervals."""
    low, high = np.array(intervals).T
    chosen = rng.integers(len(intervals), size=shape)
    return np.asarray(rng.uniform(low[chosen], high[chosen]))


def draw(domain: Sequence[Any], shapes: Sequence[tuple[int, ...]], rng: np.random.Generator, plain: Function,
         attempts: int = 2000) -> list[np.ndarray]:
    """Operands from `domain` where `plain` can be measured: no ties, and far enough from a pole."""
    for _ in range(attempts):
        xs = [uniform(intervals, shape, rng) for intervals, shape in zip(domain, shapes, strict=False)]
        numbers = np.sort(np.concatenate([x.ravel() for x in xs]))
        if np.all(np.diff(numbers) >= GAP) and all(_measurable(plain, xs, directions(xs, rng)) for _ in range(3)):
            return xs
    raise AssertionError(f"no operands of shapes {shapes} in {attempts} attempts")


def _measurable(plain: Function, xs: Sequence[Any], vs: Sequence[Any]) -> bool:
    """Whether much longer steps than those of a measurement agree already, on a slope that is not too steep."""
    long, short = central(plain, xs, vs, 20 * STEP), central(plain, xs, vs, 10 * STEP)
    return bool(np.all(np.abs(long - short) <= 0.02 * (1.0 + np.abs(short))) and np.all(np.abs(short) < STEEP))


def directions(xs: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """One number in (-1, 1) for each number in `xs`; floats for floats."""
    return [rng.uniform(-1.0, 1.0) if isinstance(x, float) else np.asarray(rng.uniform(-1.0, 1.0, np.shape(x)))
            for x in xs]


# ---- measuring -------------------------------------------------------------------------------------------------------


def central(function: Function, xs: Sequence[Any], vs: Sequence[Any], step: float) -> Any:
    """The derivative along `vs` by one central difference."""
    ahead, behind = function(*moved(xs, vs, step)), function(*moved(xs, vs, -step))
    return (np.asarray(ahead) - np.asarray(behind)) / (2.0 * step)


def moved(xs: Sequence[Any], vs: Sequence[Any], step: complex) -> list[Any]:
    """The operands `step` along `vs`: floats stay floats, arrays of no dimension stay arrays."""
    return [x + step * v if isinstance(x, float) else np.asarray(x + step * v) for x, v in zip(xs, vs, strict=True)]


def slope(function: Function, xs: Sequence[Any], vs: Sequence[Any], step: float = STEP) -> Any:
    """The derivative along `vs` by central differences of two lengths, their leading error cancelled (Richardson)."""
    return (4.0 * central(function, xs, vs, step / 2.0) - central(function, xs, vs, step)) / 3.0


def complex_slope(function: Function, xs: Sequence[Any], vs: Sequence[Any], step: float = 1e-30) -> Any:
    """The derivative along `vs` by one complex step: exact to the last digits, as nothing is subtracted."""
    return np.imag(function(*moved(xs, vs, 1j * step))) / step


def inner(left: Sequence[Any], right: Sequence[Any]) -> float:
    """The sum of all products of the numbers in two lists of arrays of equal shapes."""
    total = 0.0
    for x, y in zip(left, right, strict=True):
        assert np.shape(x) == np.shape(y), f"shapes {np.shape(x)} and {np.shape(y)} differ"
        total += float(np.sum(np.asarray(x) * np.asarray(y)))
    return total


def agree(what: str, measured: float, found: Mapping[str, float], tolerance: float) -> None:
    """Assert that each number found is the one measured."""
    for mode, exact in found.items():
        assert abs(exact - measured) <= tolerance * (1.0 + abs(measured)), (
            f"{what}: {mode} gives {exact}, measured is {measured}")


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
    vs, (u,) = directions(xs, rng), directions([_number_or_array(plain(*xs))], rng)
    agree(f"first derivative of {function}", inner([u], [measure(plain, xs, vs)]), {
        "backward()": inner(backward(function, xs, u)[1], vs),
        "reverse mode": inner(tg.vjp(function, *xs)[1](u), vs),
        "forward mode": inner([u], [tg.jvp(function, xs, vs)[1]])}, tolerance)


def backward(function: Function, xs: Sequence[Any], u: Any) -> tuple[Any, list[Any]]:
    """What `function` makes of nodes with the data `xs`, and the gradients on them after backpropagating `u`."""
    nodes = nodes_of(xs)
    out = function(*nodes)
    out.backward(u)
    return out, [node.grad for node in nodes]


def nodes_of(xs: Sequence[Any]) -> list[Any]:
    """A Value for each float, a Tensor for each array."""
    return [tg.Value(x) if isinstance(x, float) else tg.Tensor(x) for x in xs]


def _number_or_array(x: Any) -> Any:
    return float(x) if isinstance(x, float) else np.asarray(x)


def projected(weight: Any, out: Any) -> Any:
    """The sum of weight * out, as one node."""
    return weight * out if isinstance(out, (tg.Value, float)) else tg.sum(weight * out)


def along(function: Function, vs: Sequence[Any]) -> Function:
    """The derivative of a scalar function along `vs`, in reverse mode: again a scalar function."""
    gradient = tg.grad(function, tuple(range(len(vs))))
    return lambda *xs: _total(map(projected, vs, gradient(*xs)))


def _total(terms: Iterator[Any]) -> Any:
    total = next(terms)
    for term in terms:
        total = total + term
    return total


def check_second_order(function: Function, xs: Sequence[Any], rng: np.random.Generator,
                       tolerance: float = 1e-6) -> None:
    """Compare w . (H v) in every nesting of the two modes with finite differences of the first gradient.

    H is the Hessian of a random projection of the squared result, so that linear functions have one too.
    """
    vs, ws, (u,) = directions(xs, rng), directions(xs, rng), directions([_number_or_array(function(*xs))], rng)
    every = tuple(range(len(xs)))

    def score(*operands: Any) -> Any:
        out = function(*operands)
        return projected(u, out * out)

    gradient = tg.grad(score, every)
    agree(f"second derivative of {function}", float(slope(lambda *p: inner(ws, gradient(*p)), xs, vs)), {
        "reverse over reverse": inner(tg.grad(along(score, ws), every)(*xs), vs),
        "forward over reverse": inner(ws, tg.jvp(gradient, xs, vs)[1]),
        "reverse over forward": inner(tg.grad(lambda *p: tg.jvp(score, p, ws)[1], every)(*xs), vs),
        "forward over forward": float(tg.jvp(lambda *p: tg.jvp(score, p, ws)[1], xs, vs)[1])}, tolerance)
