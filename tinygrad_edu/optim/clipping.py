"""Clipping: gradients that are too long, shortened before a step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..node import raw
from .groups import checked, require


def clip_grad_norm(params: Iterable[Any], max_norm: float) -> float:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), norm being the length of all of them as one vector.

    Pascanu, Mikolov and Bengio (2013). The parameters are given new gradients; the old ones, which others may hold,
    stay as they were. Parameters without a gradient are left out; a gradient that is a graph is replaced by numbers.

    Args:
        params: Values and Tensors.
        max_norm: how long the gradients may be.

    Returns:
        The norm before; where it is inf or NaN, so are gradients afterwards.

    Raises:
        ValueError: `max_norm` is negative.

    >>> import tinygrad_edu as tg
    >>> x, y = tg.Value(0.0), tg.Value(0.0)
    >>> (3.0 * x + 4.0 * y).backward()
    >>> clip_grad_norm([x, y], max_norm=1.0)
    5.0
    >>> round(x.grad, 5), round(y.grad, 5)
    (0.6, 0.8)
    """
    require(max_norm >= 0.0, f"clip_grad_norm: max_norm must not be negative, not {max_norm}")
    found = [p for p in checked(params) if p._grad is not None]
    gradients = raw(p._grad for p in found)
    norm = math.hypot(*(_length(g) for g in gradients))
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1.0:
        with np.errstate(invalid="ignore"):  # inf times 0
            for p, g in zip(found, gradients, strict=True):
                p.grad = g * factor
    return norm


def _length(gradient: Any) -> float:
    return float(np.linalg.norm(np.asarray(gradient, np.float64)))
