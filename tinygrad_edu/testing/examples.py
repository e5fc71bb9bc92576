"""Where a row of the operation table is tried: shapes, other arguments, and operands drawn from its domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..ops.linear import Reduction
from ..ops.row import TABLE, Elementwise, Nary, Row, ScalarRow
from .measure import central, directions

Shape = tuple[int, ...]

GAP = 2e-3
"""No two drawn numbers are closer, so that no step of a measurement crosses the kink of a tie."""

STEEP = 100.0
"""No slope at drawn operands is larger: a matrix that is nearly singular is drawn again."""


# ---- examples --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    """A row, with the shapes of operands and the other arguments to try it on.

    >>> from tinygrad_edu.ops import TABLE
    >>> example = examples(TABLE["multiply"])[2]
    >>> str(example)
    'multiply((2, 1), (3,))'
    >>> x, y = example.draw(np.random.default_rng(0))
    >>> example(x, y).shape
    (2, 3)
    """

    row: Row
    shapes: tuple[Shape, ...]
    params: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *operands: Any) -> Any:
        """The row itself, on arrays or nodes."""
        return self.row(*operands, **self.params)

    def plain(self, *arrays: Any) -> Any:
        """The row's array function, which knows of no engine."""
        return self.row.array(*arrays, **self.params)

    def draw(self, rng: np.random.Generator) -> list[Any]:
        """Arrays of these shapes from the row's domain."""
        return draw(self.row.domain, self.shapes, rng, self.plain)

    def __str__(self) -> str:
        options = ", ".join(f"{key}={value}".replace("\n", "") for key, value in self.params.items())
        return f"{self.row.name}({', '.join(map(str, self.shapes))}{'; ' if options else ''}{options})"


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


def examples(row: Row) -> list[Example]:
    """The cases a row names, on arrays; an elementwise one takes any shapes that broadcast."""
    if isinstance(row, Elementwise):
        count = len(row.derivatives)
        stretched = ((2, 1), (3,), ())[:count] if count <= 3 else ((2, 1), (3,)) + ((),) * (count - 2)
        return [Example(row, shapes) for shapes in dict.fromkeys((((),) * count, ((2, 3),) * count, stretched))]
    if isinstance(row, Nary):
        return [Example(row, ((),) * len(row.domain))]
    return [Example(row, tuple(shapes), params) for shapes, params in row.cases]


def scalar_example(row: Row) -> ScalarExample | None:
    """The row on Values, where they can record it."""
    if not isinstance(row, ScalarRow):
        return None
    return ScalarExample(row, 4 if isinstance(row, Reduction) else len(row.domain))


def elementwise() -> list[Elementwise]:
    """Every row of the table that works number by number."""
    return [row for row in TABLE.values() if isinstance(row, Elementwise)]


# ---- drawing ---------------------------------------------------------------------------------------------------------


def uniform(intervals: Sequence[tuple[float, float]], shape: Shape, rng: np.random.Generator) -> NDArray[Any]:
    """Numbers drawn from a union of intervals."""
    low, high = np.array(intervals).T
    chosen = rng.integers(len(intervals), size=shape)
    return np.asarray(rng.uniform(low[chosen], high[chosen]))


def draw(domain: Sequence[Any], shapes: Sequence[Shape], rng: np.random.Generator, plain: Callable[..., Any],
         attempts: int = 2000) -> list[Any]:
    """Operands from `domain` where `plain` can be measured: no ties, and far enough from a pole.

    Raises:
        DataError: there are none; the domain should be narrower.
    """
    for _ in range(attempts):
        xs = [uniform(intervals, shape, rng) for intervals, shape in zip(domain, shapes, strict=False)]
        numbers = np.sort(np.concatenate([x.ravel() for x in xs]))
        if np.all(np.diff(numbers) >= GAP) and all(_measurable(plain, xs, directions(xs, rng)) for _ in range(3)):
            return xs
    raise DataError(f"no operands of shapes {tuple(shapes)} found in the domain {tuple(domain)} where the function is "
                    "smooth; name a domain away from its kinks and poles")


def _measurable(plain: Callable[..., Any], xs: Sequence[Any], vs: Sequence[Any]) -> bool:
    """Whether long steps agree already, on a slope that is not too steep."""
    with np.errstate(all="ignore"):
        long, short = central(plain, xs, vs, 1e-2), central(plain, xs, vs, 5e-3)
        return bool(np.all(np.abs(long - short) <= 0.02 * (1.0 + np.abs(short))) and np.all(np.abs(short) < STEEP))
