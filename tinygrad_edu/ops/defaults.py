"""The two defaults of the package: the dtype of what comes from Python numbers, and the random generator."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ..errors import DataError

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
"""The dtypes that are differentiated."""

Rng: TypeAlias = "np.random.Generator | int | None"
"""A generator, a seed for a new one, or None for the default that `seed` restarts."""

_dtype: np.dtype[Any] = FLOATS[0]
_generator: np.random.Generator | None = None  # made when first wanted: numpy.random is slow to load


def default_dtype() -> np.dtype[Any]:
    """The dtype given to Python numbers, integer arrays and new parameters: float64 unless changed."""
    return _dtype


def set_default_dtype(dtype: Any) -> None:
    """Make float64 or float32 the dtype of Python numbers, integer arrays and new parameters.

    Float arrays keep their own dtype.

    Raises:
        DataError: any other dtype.
    """
    global _dtype
    _dtype = float_dtype(dtype)


def float_dtype(dtype: Any) -> np.dtype[Any]:
    """`dtype` as float64 or float32, or a DataError."""
    chosen: np.dtype[Any] = np.dtype(dtype)
    if chosen not in FLOATS:
        raise DataError(f"dtype {chosen}: only float64 and float32 can be differentiated")
    return chosen


def as_floats(x: Any) -> Any:
    """x, if it is an array of integers or bools as floats of the default dtype: differences of small ones wrap round.

    >>> as_floats(np.array([1, 2], np.uint8)) - 2.0
    array([-1.,  0.])
    """
    return x.astype(_dtype) if isinstance(x, np.ndarray) and x.dtype.kind in "iub" else x


def seed(number: int) -> None:
    """Restart the default random generator, from which initial weights and shuffles are drawn."""
    global _generator
    _generator = np.random.default_rng(number)


def generator(rng: Rng = None) -> np.random.Generator:
    """`rng` itself, a new generator from a seed, or the default one that `seed` restarts."""
    global _generator
    if rng is not None:
        return np.random.default_rng(rng)
    if _generator is None:
        _generator = np.random.default_rng(0)
    return _generator
