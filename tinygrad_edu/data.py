"""Data sets that need no download, and batches of them. All are plain arrays: constants to the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, ShapeError
from .extras import extra
from .node import Node
from .ops.defaults import Rng, generator

Array = NDArray[Any]


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
    if n_samples < 2:
        raise ShapeError(f"make_moons: two moons need at least 2 points, not {n_samples}")
    if not noise >= 0.0:
        raise ValueError(f"make_moons: noise must not be negative, not {noise}")
    rng = generator(rng)
    upper = np.linspace(0.0, np.pi, n_samples // 2)
    lower = np.linspace(0.0, np.pi, n_samples - n_samples // 2)
    points = np.concatenate([np.stack([np.cos(upper), np.sin(upper)], axis=1),
                             np.stack([1.0 - np.cos(lower), 0.5 - np.sin(lower)], axis=1)])
    labels = np.repeat([0, 1], [len(upper), len(lower)])
    order = rng.permutation(n_samples)
    return points[order] + noise * rng.standard_normal((n_samples, 2)), labels[order]


def load_digits() -> tuple[Array, Array]:
    """1797 handwritten digits of 8 x 8 pixels: the test set of Alpaydin and Kaynak (1998) that scikit-learn bundles.

    Returns:
        X of shape (1797, 64), float64 from 0 (paper) to 1 (ink), and y of shape (1797,), integers 0 to 9.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    digits = extra("sklearn.datasets", "tour").load_digits()
    return digits.data / 16.0, digits.target


def batches(*arrays: Any, batch_size: int = 32, rng: Rng = None, shuffle: bool = True,
            drop_last: bool = False) -> Iterator[tuple[Array, ...]]:
    """The arrays in parts of `batch_size` along their first axis, the same rows of each: one pass.

    Args:
        arrays: any number of arrays of one length.
        batch_size: how many rows a part has; the last may have fewer.
        rng: where the order comes from.
        shuffle: take the rows in random order, each once; if False, in their own, as views of the arrays.
        drop_last: leave out a last part with fewer rows.

    Raises:
        ShapeError: the lengths differ or are 0, or `batch_size` is below 1.
        DataError: a node among the arrays; data are constants.

    >>> for X, y in batches([[1.0], [2.0], [3.0]], [1, 2, 3], batch_size=2, shuffle=False):
    ...     print(X.ravel(), y)
    [1. 2.] [1 2]
    [3.] [3]
    """
    if any(isinstance(x, Node) for x in arrays):
        raise DataError("batches: takes plain arrays, as data are constants; use .data of a node")
    columns = [np.asarray(x) for x in arrays]
    lengths = {len(x) if x.ndim else 0 for x in columns}
    if len(lengths) != 1 or lengths == {0}:
        shapes = ", ".join(str(x.shape) for x in columns) or "none"
        hint = "; batch_size is given by name" if any(x.ndim == 0 for x in columns) else ""
        raise ShapeError(f"batches: needs arrays of one length, at least 1; got shapes {shapes}{hint}")
    if batch_size < 1:
        raise ShapeError(f"batches: batch_size must be at least 1, not {batch_size}")
    size = lengths.pop()
    order = generator(rng).permutation(size) if shuffle else None
    return _parts(columns, order, range(0, size - batch_size + 1 if drop_last else size, batch_size), batch_size)


def _parts(columns: list[Array], order: Array | None, starts: range, batch_size: int) -> Iterator[tuple[Array, ...]]:
    """The batches; apart from `batches` so that wrong arguments are told at the call, not at the first batch."""
    for start in starts:
        rows = slice(start, start + batch_size)
        yield tuple(x[rows] if order is None else x[order[rows]] for x in columns)
