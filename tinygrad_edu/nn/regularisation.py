"""Dropout: numbers left out at random, so that no feature relies on another."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops.defaults import Rng
from ..ops.selections import array_or_node
from .module import Module


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: Rng = None) -> Any:
    """x keep / (1 - p), where each number of keep is 0 with probability p, else 1: (...) -> (...).

    The division keeps the mean, so that nothing is left to do when all numbers are kept ("inverted" dropout).
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014).

    Args:
        x: a Tensor or array.
        p: the probability with which a number is left out.
        training: if False, x is returned as it is.
        rng: where the choice comes from.

    Raises:
        ValueError: p is no probability.

    >>> dropout(np.ones(6), p=0.5, rng=0)
    array([2., 0., 0., 0., 2., 2.])
    """
    _check_probability(p, "dropout")
    x = array_or_node(x)
    if not training or p == 0.0:
        return x
    keep = ops.generator(rng).random(x.shape) >= p
    scale = keep / (1.0 - p) if p < 1.0 else np.zeros(x.shape)
    return x * scale.astype(x.dtype if x.dtype.kind == "f" else ops.default_dtype())


def _check_probability(p: float, who: str) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{who}: p is the probability of leaving a number out, from 0 to 1, not {p}")


class Dropout(Module):
    """x keep / (1 - p), where keep is 0 with probability p, else 1: (...) -> (...); after ``eval()``, x itself.

    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014).

    Args:
        p: the probability with which a number is left out.
        rng: where the choice comes from: a generator, a seed, or None for the default generator.

    >>> layer = Dropout(0.5, rng=0)
    >>> layer(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> layer.eval()(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, rng: Rng = None) -> None:
        _check_probability(p, "Dropout")
        self.p = p
        self.rng = None if rng is None else ops.generator(rng)  # a seed begins one sequence, not one at each call

    def forward(self, x: Any) -> Any:
        """x with numbers left out in training, else x."""
        return dropout(x, self.p, self.training, self.rng)

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"
