"""Initial weights: each function draws a new array of a shape; `initialise` gives a whole module its weights.

The shape of a weight is (out, in) for linear layers and (out, in, *kernel) for convolutions. The dtype is the
default one. `rng` is a generator, a seed, or None for the default generator.

>>> import tinygrad_edu as tg
>>> layer = tg.nn.Linear(3, 2)
>>> layer.weight.data = kaiming_normal((2, 3), rng=0)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..errors import ShapeError
from ..ops.defaults import Rng
from .lookup import Embedding
from .module import Module
from .scalar import Layer

Array = NDArray[Any]
M = TypeVar("M", bound=Module)

# ---- sizes and gains -----------------------------------------------------------------------------------------------


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """(fan_in, fan_out): how many numbers each output is made from, and how many outputs each input goes into.

    Of a linear layer (out, in) these are in and out, of a convolution (out, in, *kernel) both times the size of
    the kernel.

    Raises:
        ShapeError: fewer than two axes.

    >>> fans((8, 3, 5, 5))
    (75, 200)
    """
    if len(shape) < 2:
        raise ShapeError(f"fans: a weight has the shape (out, in) or (out, in, *kernel), not {tuple(shape)}")
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


KAIMING = {"relu": 0.0, "leaky_relu": 0.01, "elu": 0.0, "gelu": 0.0, "silu": 0.0, "softplus": 0.0}
"""Activations that pass positive numbers on, and their slope for negative ones, taken as 0 for the smooth ones."""

XAVIER = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "softmax": 1.0}
"""Activations that are straight near 0, or nearly, and their gain."""


def gain(activation: str) -> float:
    """By how much weights grow to make up for what an activation takes away: sqrt(2 / (1 + slope^2)), or 5/3 for tanh.

    Raises:
        ValueError: no activation of this name is known.

    >>> round(gain("relu") ** 2, 12)
    2.0
    """
    if activation in KAIMING:
        return math.sqrt(2.0 / (1.0 + KAIMING[activation] ** 2))
    if activation in XAVIER:
        return XAVIER[activation]
    raise ValueError(f"init: no activation {activation!r}; there are {', '.join(sorted([*KAIMING, *XAVIER]))}")


# ---- plain ---------------------------------------------------------------------------------------------------------


def constant(shape: Sequence[int], value: float) -> Array:
    """The same number everywhere.

    >>> constant((2,), 0.5)
    array([0.5, 0.5])
    """
    return np.full(shape, value, ops.default_dtype())


def uniform(shape: Sequence[int], low: float = 0.0, high: float = 1.0, rng: Rng = None) -> Array:
    """Uniform in [low, high).

    >>> uniform((2, 3), -1.0, 1.0, rng=0).shape
    (2, 3)
    """
    return ops.generator(rng).uniform(low, high, shape).astype(ops.default_dtype(), copy=False)


def normal(shape: Sequence[int], mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> Array:
    """Normal, with this mean and standard deviation.

    >>> normal((2, 3), std=0.1, rng=0).shape
    (2, 3)
    """
    return ops.generator(rng).normal(mean, std, shape).astype(ops.default_dtype(), copy=False)


# ---- by the number of inputs and outputs -----------------------------------------------------------------------------


def xavier_uniform(shape: Sequence[int], gain: float = 1.0, rng: Rng = None) -> Array:
    """Uniform in (-a, a) with a = gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    The variance, 2 gain^2 / (fan_in + fan_out), is between what keeps that of signals and that of gradients.

    >>> bool(abs(xavier_uniform((30, 20), rng=0)).max() < (6 / 50) ** 0.5)
    True
    """
    bound = gain * math.sqrt(6.0 / sum(fans(shape)))
    return uniform(shape, -bound, bound, rng)


def xavier_normal(shape: Sequence[int], gain: float = 1.0, rng: Rng = None) -> Array:
    """Normal with mean 0 and standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    >>> xavier_normal((30, 20), rng=0).shape
    (30, 20)
    """
    return normal(shape, 0.0, gain * math.sqrt(2.0 / sum(fans(shape))), rng)


def kaiming_uniform(shape: Sequence[int], negative_slope: float = 0.0, mode: str = "fan_in", rng: Rng = None) -> Array:
    """Uniform in (-a, a) with a = sqrt(6 / ((1 + negative_slope^2) fan)) (He, Zhang, Ren and Sun, 2015).

    Args:
        shape: of the weight.
        negative_slope: of the (leaky) relu that follows.
        mode: "fan_in" keeps the variance of signals, "fan_out" that of gradients.
        rng: where the numbers come from.

    >>> bool(abs(kaiming_uniform((30, 20), rng=0)).max() < (6 / 20) ** 0.5)
    True
    """
    bound = math.sqrt(3.0) * _kaiming(shape, negative_slope, mode)
    return uniform(shape, -bound, bound, rng)


def kaiming_normal(shape: Sequence[int], negative_slope: float = 0.0, mode: str = "fan_in", rng: Rng = None) -> Array:
    """Normal with mean 0 and standard deviation sqrt(2 / ((1 + negative_slope^2) fan)) (He, Zhang, Ren and Sun, 2015).

    Args:
        shape: of the weight.
        negative_slope: of the (leaky) relu that follows.
        mode: "fan_in" keeps the variance of signals, "fan_out" that of gradients.
        rng: where the numbers come from.

    >>> kaiming_normal((30, 20), rng=0).shape
    (30, 20)
    """
    return normal(shape, 0.0, _kaiming(shape, negative_slope, mode), rng)


def _kaiming(shape: Sequence[int], negative_slope: float, mode: str) -> float:
    """The standard deviation."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'init: mode must be "fan_in" or "fan_out", not {mode!r}')
    return math.sqrt(2.0 / ((1.0 + negative_slope**2) * fans(shape)[mode == "fan_out"]))


def orthogonal(shape: Sequence[int], gain: float = 1.0, rng: Rng = None) -> Array:
    """Rows, or columns if these are fewer, that are orthogonal and of length `gain` (Saxe, McClelland, Ganguli, 2014).

    A kernel's axes count as columns. Drawn evenly among all such matrices.

    >>> w = orthogonal((2, 3), rng=0)
    >>> np.round(w @ w.T, 12) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    fans(shape)  # complains of too few axes
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(ops.generator(rng).standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diagonal(r) < 0.0, -1.0, 1.0)  # of the two signs qr has a preferred one
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(ops.default_dtype(), copy=False)


# ---- a whole module ------------------------------------------------------------------------------------------------


def initialise(module: M, activation: str = "relu", rng: Rng = None) -> M:
    """Draw all weight matrices of a module anew, as suits the activation after them; returns the module.

    After relu and its kin, `kaiming_normal`; after sigmoid, tanh or none ("linear"), `xavier_uniform` with the
    activation's gain. Weights are Tensors of at least two axes and the w of the neurons in a `Layer`; the rest stays:
    biases, normalisation, and the tables of `Embedding`.

    Raises:
        ValueError: no activation of this name is known.

    >>> import tinygrad_edu as tg
    >>> model = initialise(tg.nn.Sequential(tg.nn.Linear(2, 8), tg.nn.Tanh(), tg.nn.Linear(8, 1)), "tanh", rng=0)
    >>> bool(abs(model[0].weight.data).max() < 5 / 3 * (6 / 10) ** 0.5)
    True
    """
    factor, rng = gain(activation), ops.generator(rng)

    def draw(shape: Sequence[int]) -> Array:
        if activation in KAIMING:
            return kaiming_normal(shape, KAIMING[activation], rng=rng)
        return xavier_uniform(shape, factor, rng)

    kept = {id(part.weight) for part in module.modules() if isinstance(part, Embedding)}
    for weight in module.parameters():
        if np.ndim(weight.data) >= 2 and id(weight) not in kept:
            weight.data = draw(weight.shape)
    for layer in module.modules():
        if isinstance(layer, Layer):
            rows = draw((len(layer.neurons), len(layer.neurons[0].w)))
            for neuron, row in zip(layer.neurons, rows.tolist(), strict=True):
                for weight, number in zip(neuron.w, row, strict=True):
                    weight.data = number
    return module
