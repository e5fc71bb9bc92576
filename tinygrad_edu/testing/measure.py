"""Derivatives measured without the engine: differences of a function's own results.

A derivative is measured along a direction v and, where the result has several numbers, under a projection u:
the number u . (J v) does not grow with the size, and still every element of the Jacobian J is in it.

What is measured here are plain payloads: floats and arrays go in, numbers come out. Nothing knows of nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]
Curve = Callable[[float], float]
"""A function of one number, such as t -> u . f(x + t v)."""

STEP = 1e-3
"""The longest step of a difference, in units of the direction."""

EPS = float(np.finfo(float).eps)

LEVELS = 12
"""How often a step is halved at the most."""

# ---- points and directions -------------------------------------------------------------------------------------------


def moved(xs: Sequence[Any], vs: Sequence[Any], step: complex) -> list[Any]:
    """x + step v for each: floats stay floats, arrays of no dimension stay arrays."""
    return [x + step * v if isinstance(x, float) else np.asarray(x + step * v) for x, v in zip(xs, vs, strict=True)]


def directions(xs: Sequence[Any], rng: np.random.Generator, positive: bool = False) -> list[Any]:
    """A number of size 0.5 to 1 and random sign (or all `positive`) for each number in `xs`.

    None is near 0, so that no element's derivative is lost in a projection.
    """
    def one(shape: tuple[int, ...]) -> Any:
        size = rng.uniform(0.5, 1.0, shape)
        return size if positive else size * rng.choice([-1.0, 1.0], shape)

    return [float(one(())) if isinstance(x, float) else np.asarray(one(np.shape(x))) for x in xs]


def inner(left: Sequence[Any], right: Sequence[Any]) -> float:
    """The sum of all products of the numbers in two lists of arrays of equal shapes."""
    total = 0.0
    for x, y in zip(left, right, strict=True):
        if np.shape(x) != np.shape(y):
            raise ValueError(f"inner: shapes {np.shape(x)} and {np.shape(y)} differ")
        total += float(np.sum(np.asarray(x) * np.asarray(y)))
    return total


# ---- slopes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slope:
    """A derivative that was measured.

    Attributes:
        value: the derivative.
        error: how far it may be off, by its own account; inf where nothing could be measured.
    """

    value: float
    error: float


def slope_at_zero(curve: Curve, tolerance: float, step: float = STEP, levels: int = LEVELS,
                  grain: float = 0.0) -> Slope:
    """The derivative of `curve` at 0, by central differences whose leading errors cancel (Richardson, 1911).

    The step is halved until the extrapolated numbers agree within `tolerance`, absolute and relative, or
    rounding is all that is left: for a smooth function that is after two steps, four calls. `grain` is the size of the
    numbers that are moved: a step that is added to a large number is rounded itself.

    Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", 1982.
    """
    row: list[float] = []
    best = Slope(math.nan, math.inf)
    h = 2.0 * step
    for _ in range(levels):
        h /= 2.0
        ahead, behind = curve(h), curve(-h)
        if not math.isfinite(ahead - behind):  # beyond an end of the domain, which may be very near
            row, h = [], h / 512.0
            continue
        rounding = EPS / h * (4.0 * max(abs(ahead), abs(behind)) + grain * abs(ahead - behind) / (2.0 * h))
        previous, row = row, [(ahead - behind) / (2.0 * h)]
        for order, coarse in enumerate(previous, start=1):
            finer = row[-1] + (row[-1] - coarse) / (4.0**order - 1.0)
            error = max(abs(finer - row[-1]), abs(finer - coarse)) + rounding
            if error < best.error:
                best = Slope(finer, error)
            row.append(finer)
        if best.error <= max(tolerance * (1.0 + abs(best.value)), 2.0 * rounding):
            break
    return best


def kinks_at_zero(curve: Callable[[float], Any], middle: Any) -> tuple[Any, Any, Any, Any]:
    """The slopes of each number of `curve` on the left and on the right of 0, which of them have a kink there, and
    which a jump.

    The slopes of a smooth function draw together as the step shrinks, those at a kink do not, those at a jump grow
    without end. What rounding makes of them is neither, nor is the end of a domain. `middle` holds the numbers at 0.
    """
    further, near = _sides(curve, middle, 1e-4), _sides(curve, middle, 1e-6)
    kink, jump = _apart(middle, further, near, 1e-6)
    if np.any(kink):  # or merely steep, so that the long step tells nothing
        kink, jump = (seen & still for seen, still in
                      zip((kink, jump), _apart(middle, near, _sides(curve, middle, 1e-8), 1e-8), strict=True))
    return *near, kink, jump


def _sides(curve: Callable[[float], Any], middle: Any, h: float) -> tuple[Any, Any]:
    return (middle - curve(-h)) / h, (curve(h) - middle) / h


def _apart(middle: Any, further: tuple[Any, Any], near: tuple[Any, Any], h: float) -> tuple[Any, Any]:
    """Where the two slopes do not draw together from a longer step to the step `h`, and where they grow."""
    noise = 16.0 * EPS * np.abs(middle) / h
    before, now = np.max(np.abs(further), axis=0), np.max(np.abs(near), axis=0)
    gap = np.abs(near[1] - near[0])
    jump = (now >= 50.0 * before) & (now > 1.0 + noise) & np.isfinite(now)
    kink = (gap > 0.1 * np.abs(further[1] - further[0])) & (gap > 1e-6 * (1.0 + now) + noise) & np.isfinite(gap)
    return kink | jump, jump


def slope(function: Function, xs: Sequence[Any], vs: Sequence[Any], step: float = 5e-4) -> Any:
    """The derivative of `function` at `xs` along `vs` by two central differences, whatever shape its result has."""
    return (4.0 * central(function, xs, vs, step / 2.0) - central(function, xs, vs, step)) / 3.0


def central(function: Function, xs: Sequence[Any], vs: Sequence[Any], step: float) -> Any:
    """The derivative along `vs` by one central difference."""
    ahead, behind = function(*moved(xs, vs, step)), function(*moved(xs, vs, -step))
    return (np.asarray(ahead) - np.asarray(behind)) / (2.0 * step)


def complex_slope(function: Function, xs: Sequence[Any], vs: Sequence[Any], step: float = 1e-30) -> Any:
    """The derivative along `vs` by one complex step: exact to the last digits, as nothing is subtracted.

    The function must take complex arrays, and be analytic. Source: Squire and Trapp (1998).
    """
    return np.imag(function(*moved(xs, vs, 1j * step))) / step


# ---- single elements -------------------------------------------------------------------------------------------------


def units(xs: Sequence[Any], places: Sequence[int]) -> Iterator[tuple[int, int, list[Any]]]:
    """For each of `places`, counted through all of `xs`: which x, which of its elements, and the unit direction."""
    sizes = [int(np.size(x)) for x in xs]
    for place in places:
        which, element = 0, place
        while element >= sizes[which]:
            element -= sizes[which]
            which += 1
        vs: list[Any] = [0.0 if isinstance(x, float) else np.zeros(np.shape(x)) for x in xs]
        if isinstance(xs[which], float):
            vs[which] = 1.0
        else:
            vs[which].flat[element] = 1.0
        yield which, element, vs
