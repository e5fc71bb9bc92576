"""Made data: points of the plane in classes that no straight line parts, and waves to be continued."""

from __future__ import annotations

import numpy as np

from ..errors import ShapeError
from ..ops.defaults import Rng, generator
from .columns import Array


def make_moons(n_samples: int = 100, noise: float = 0.1, rng: Rng = None) -> tuple[Array, Array]:
    """Two half circles that reach into each other, in random order: scikit-learn's toy problem.

    Class 0 lies on the upper half of the unit circle around (0, 0), class 1 on the lower half of that
    around (1, 0.5), both evenly spaced.

    Args:
        n_samples: how many points; class 1 gets the odd one.
        noise: the standard deviation of what is added to both coordinates.
        rng: where order and noise come from.

    Returns:
        X of shape (n_samples, 2), float64, and y of shape (n_samples,), integers 0 and 1.

    >>> X, y = make_moons(4, noise=0.0, rng=0)
    >>> X.shape, sorted(y.tolist())
    ((4, 2), [0, 0, 1, 1])
    """
    _check("make_moons", "two moons need", n_samples, 2, noise)
    upper, lower = (np.linspace(0.0, np.pi, size) for size in _sizes(n_samples, 2))
    return _mixed([_on_circle(upper), [1.0, 0.5] - _on_circle(lower)], noise, rng)


def make_circles(n_samples: int = 100, noise: float = 0.05, rng: Rng = None, *,
                 factor: float = 0.8) -> tuple[Array, Array]:
    """A circle inside another, in random order: scikit-learn's toy problem.

    Class 0 lies at (cos a, sin a), class 1 at factor (cos a, sin a), both with evenly spaced angles a.

    Args:
        n_samples: how many points; class 1 gets the odd one.
        noise: the standard deviation of what is added to both coordinates.
        rng: where order and noise come from.
        factor: the radius of the inner circle, from 0 up to, but not, 1.

    Returns:
        X of shape (n_samples, 2), float64, and y of shape (n_samples,), integers 0 and 1.

    >>> X, y = make_circles(200, noise=0.0, factor=0.5, rng=0)
    >>> np.hypot(*X[y == 1].T).round(6).tolist() == [0.5] * 100
    True
    """
    _check("make_circles", "two circles need", n_samples, 2, noise)
    if not 0.0 <= factor < 1.0:
        raise ValueError(f"make_circles: factor, the inner radius, must be at least 0 and below 1, not {factor}")
    outer, inner = (_on_circle(np.linspace(0.0, 2.0 * np.pi, size, endpoint=False)) for size in _sizes(n_samples, 2))
    return _mixed([outer, factor * inner], noise, rng)


def make_spirals(n_samples: int = 100, noise: float = 0.02, rng: Rng = None, *, classes: int = 2,
                 turns: float = 1.0) -> tuple[Array, Array]:
    """Spirals around one another, in random order (two of them: Lang and Witbrock, 1988).

    Class c lies at r (cos a, sin a) with a = 2 pi (turns r + c / classes), for evenly spaced r in (0, 1].

    Args:
        n_samples: how many points; the last classes get the odd ones.
        noise: the standard deviation of what is added to both coordinates. Neighbouring spirals are
            1 / (turns classes) apart.
        rng: where order and noise come from.
        classes: how many spirals there are.
        turns: how often each goes around.

    Returns:
        X of shape (n_samples, 2), float64, and y of shape (n_samples,), integers from 0 to classes - 1.

    >>> X, y = make_spirals(90, classes=3, rng=0)
    >>> X.shape, np.bincount(y).tolist()
    ((90, 2), [30, 30, 30])
    """
    if classes < 1:
        raise ShapeError(f"make_spirals: classes must be at least 1, not {classes}")
    _check("make_spirals", f"spirals of {classes} classes need", n_samples, classes, noise)
    arms = []
    for c, size in enumerate(_sizes(n_samples, classes)):
        radius = np.arange(1, size + 1) / size
        arms.append(radius[:, None] * _on_circle(2.0 * np.pi * (turns * radius + c / classes)))
    return _mixed(arms, noise, rng)


def make_sines(n_samples: int = 100, noise: float = 0.0, rng: Rng = None, *, steps: int = 20,
               periods: tuple[float, float] = (8.0, 32.0)) -> tuple[Array, Array]:
    """Windows of sine waves, and the number that comes next.

    Window i holds x_t = sin(2 pi (t / period_i + phase_i)) for t = 0, ..., steps - 1, and its target is x_steps.
    Periods are uniform in `periods`, phases in (0, 1).

    Args:
        n_samples: how many windows.
        noise: the standard deviation of what is added to every x_t, the targets included.
        rng: where periods, phases and noise come from.
        steps: how many numbers a window has.
        periods: the shortest and the longest period, in steps.

    Returns:
        X of shape (n_samples, steps, 1), as ``RNN(1, ..., batch_first=True)`` takes it, and y of shape
        (n_samples, 1).

    >>> X, y = make_sines(64, steps=10, rng=0)
    >>> X.shape, y.shape
    ((64, 10, 1), (64, 1))
    """
    _check("make_sines", "windows need", n_samples, 1, noise)
    if steps < 1:
        raise ShapeError(f"make_sines: steps must be at least 1, not {steps}")
    shortest, longest = periods
    if not 0.0 < shortest <= longest:
        raise ValueError(f"make_sines: periods are the shortest and the longest, both positive, not {periods}")
    rng = generator(rng)
    period, phase = rng.uniform(shortest, longest, (n_samples, 1)), rng.random((n_samples, 1))
    waves = np.sin(2.0 * np.pi * (np.arange(steps + 1) / period + phase))
    waves += noise * rng.standard_normal(waves.shape)
    return waves[:, :-1, None], waves[:, -1:]


# ---- what they share -----------------------------------------------------------------------------------------------


def _check(who: str, what: str, n_samples: int, least: int, noise: float) -> None:
    if n_samples < least:
        raise ShapeError(f"{who}: {what} at least {least} point{'s' * (least > 1)}, not {n_samples}")
    if not noise >= 0.0:
        raise ValueError(f"{who}: noise must not be negative, not {noise}")


def _sizes(n_samples: int, classes: int) -> list[int]:
    """How many points each class gets."""
    return [(n_samples + c) // classes for c in range(classes)]


def _on_circle(angles: Array) -> Array:
    """The points (cos a, sin a)."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _mixed(groups: list[Array], noise: float, rng: Rng) -> tuple[Array, Array]:
    """The points of all classes in random order, with noise, and their classes."""
    rng = generator(rng)
    points, labels = np.concatenate(groups), np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    order = rng.permutation(len(points))
    return points[order] + noise * rng.standard_normal(points.shape), labels[order]
