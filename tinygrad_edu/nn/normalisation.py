"""Normalisation: features shifted and scaled to mean 0 and variance 1, over the batch or within each example.

The mean and the variance are part of the graph: gradients flow through them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops.selections import array_or_node
from ..tensor import Tensor
from .module import Module

# ---- over the batch ------------------------------------------------------------------------------------------------


def batch_norm(x: Any, mean: Any = None, var: Any = None, weight: Any = None, bias: Any = None,
               eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(var + eps) weight + bias, channel by channel (Ioffe and Szegedy, 2015).

    Args:
        x: (batch, channels, ...).
        mean: (channels,); None for the mean of x over all axes but that of the channels.
        var: (channels,); None for the variance of x, the mean squared distance from its mean.
        weight: (channels,); None for 1.
        bias: (channels,); None for 0.
        eps: keeps the denominator from 0.

    Raises:
        ShapeError: x has no axis of channels.

    >>> batch_norm(np.array([[1.0], [3.0]]), eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    x = array_or_node(x)
    if x.ndim < 2:
        raise ShapeError(f"batch_norm: takes inputs of shape (batch, channels, ...), not {x.shape}")
    axes = _all_but_channels(x)
    mean = ops.mean(x, axis=axes) if mean is None else mean
    var = ops.var(x, axis=axes) if var is None else var
    shape = (-1, *(1,) * (x.ndim - 2))  # which broadcasts a channel's number over its positions
    y = (x - ops.reshape(mean, shape)) / ops.sqrt(ops.reshape(var, shape) + eps)
    y = y if weight is None else y * ops.reshape(weight, shape)
    return y if bias is None else y + ops.reshape(bias, shape)


def _all_but_channels(x: Any) -> tuple[int, ...]:
    return 0, *range(2, x.ndim)


class _BatchNorm(Module):
    """Batch normalisation of inputs with one of `_dimensions` numbers of axes; see BatchNorm1d."""

    _dimensions: tuple[int, ...] = ()
    _shapes = ""

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True) -> None:
        if num_features < 1:
            raise ShapeError(f"{type(self).__name__}: num_features must be at least 1, not {num_features}")
        dtype = ops.default_dtype()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = Tensor(np.ones(num_features), dtype=dtype) if affine else None
        self.bias = Tensor(np.zeros(num_features), dtype=dtype) if affine else None
        self.running_mean = np.zeros(num_features, dtype)
        self.running_var = np.ones(num_features, dtype)
        self.num_batches_tracked = np.array(0)

    def forward(self, x: Any) -> Any:
        """x normalised: by its own statistics in training, by the running ones after ``eval()``.

        Raises:
            ShapeError: x is of another shape; or in training, there is one number per channel, with no variance.
        """
        x = array_or_node(x)
        if x.ndim not in self._dimensions or x.shape[1] != self.num_features:
            raise ShapeError(f"{self!r} takes inputs of shape {self._shapes.format(self.num_features)}, not {x.shape}")
        mean, var = self._own(x) if self.training else (self.running_mean, self.running_var)
        return batch_norm(x, mean, var, self.weight, self.bias, self.eps)

    def _own(self, x: Any) -> tuple[Any, Any]:
        """The mean and the variance of x; the running ones move towards them."""
        axes = _all_but_channels(x)
        count = math.prod(x.shape[i] for i in axes)
        if count < 2:
            raise ShapeError(f"{self!r} needs more than one number per channel in training, for their variance, and "
                             f"got shape {x.shape}; give a larger batch, or call eval() first")
        mean, var = ops.mean(x, axis=axes), ops.var(x, axis=axes)
        self.num_batches_tracked += 1
        part = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        unbiased = np.asarray(var) * (count / (count - 1))
        for running, of_batch in ((self.running_mean, np.asarray(mean)), (self.running_var, unbiased)):
            running[...] = (1.0 - part) * running + part * of_batch
        return mean, var

    def __repr__(self) -> str:
        affine = "" if self.weight is not None else ", affine=False"
        return f"{type(self).__name__}({self.num_features}{affine})"


class BatchNorm1d(_BatchNorm):
    """(x - mean) / sqrt(var + eps) weight + bias, for each of the channels: (batch, channels) or (batch, channels, n).

    In training, mean and var are those of the batch, and the running ones, which are buffers, follow:

        running <- (1 - momentum) running + momentum batch

    with the unbiased variance there. After ``eval()`` the running ones are used, and stay. Ioffe and Szegedy (2015).

    Args:
        num_features: the number of channels.
        eps: keeps the denominator from 0.
        momentum: how far the running statistics move; None for the plain average over all batches.
        affine: whether there are weight and bias, of shape (channels,), which start at 1 and 0.

    >>> norm = BatchNorm1d(2, eps=0.0)
    >>> norm(np.array([[1.0, 0.0], [3.0, 8.0]])).data
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> norm.running_mean
    array([0.2, 0.4])
    """

    _dimensions = (2, 3)
    _shapes = "(batch, {0}) or (batch, {0}, positions)"


class BatchNorm2d(_BatchNorm):
    """The same as BatchNorm1d for images: (batch, channels, height, width), one mean and var per channel.

    Ioffe and Szegedy (2015).

    Args:
        num_features: the number of channels.
        eps: keeps the denominator from 0.
        momentum: how far the running statistics move; None for the plain average over all batches.
        affine: whether there are weight and bias, of shape (channels,), which start at 1 and 0.

    >>> BatchNorm2d(3)(np.zeros((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    _dimensions = (4,)
    _shapes = "(batch, {0}, height, width)"


# ---- within each example -------------------------------------------------------------------------------------------


def layer_norm(x: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None,
               eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(var + eps) weight + bias, with mean and var over the last axes (Ba, Kiros and Hinton, 2016).

    Args:
        x: (..., *normalized_shape).
        normalized_shape: the sizes of the axes over which mean and var are taken.
        weight: of shape normalized_shape; None for 1.
        bias: of shape normalized_shape; None for 0.
        eps: keeps the denominator from 0.

    Raises:
        ShapeError: x does not end in these axes.

    >>> layer_norm(np.array([[1.0, 3.0], [0.0, 8.0]]), 2, eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    shape = _sizes(normalized_shape)
    x = _ending_in(shape, x, "layer_norm:")
    axes = tuple(range(-len(shape), 0))
    centred = x - ops.mean(x, axis=axes, keepdims=True)
    y = centred / ops.sqrt(ops.mean(ops.square(centred), axis=axes, keepdims=True) + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _sizes(shape: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(shape) if isinstance(shape, Sequence) else (shape,)


def _ending_in(shape: tuple[int, ...], x: Any, who: str) -> Any:
    """x as an array or node, its last axes of these sizes."""
    x = array_or_node(x)
    if x.shape[max(x.ndim - len(shape), 0):] != shape:
        raise ShapeError(f"{who} takes inputs of shape (..., {', '.join(map(str, shape))}), not {x.shape}")
    return x


class LayerNorm(Module):
    """(x - mean) / sqrt(var + eps) weight + bias, with mean and var over the last axes: (..., *normalized_shape).

    Each example is normalised by itself, so that training and ``eval()`` do the same. Ba, Kiros and Hinton (2016).

    Args:
        normalized_shape: the size of the last axis, or the sizes of several.
        eps: keeps the denominator from 0.
        elementwise_affine: whether there are weight and bias, of that shape, which start at 1 and 0.
        bias: whether there is a bias beside the weight.

    >>> LayerNorm(2, eps=0.0)(np.array([[1.0, 3.0], [0.0, 8.0]])).data
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True,
                 bias: bool = True) -> None:
        self.normalized_shape, self.eps = _sizes(normalized_shape), eps
        if not self.normalized_shape or min(self.normalized_shape) < 1:
            raise ShapeError(f"LayerNorm: sizes must be at least 1, not {self.normalized_shape}")
        shape, dtype = self.normalized_shape, ops.default_dtype()
        self.weight = Tensor(np.ones(shape), dtype=dtype) if elementwise_affine else None
        self.bias = Tensor(np.zeros(shape), dtype=dtype) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        """x normalised over its last axes.

        Raises:
            ShapeError: x does not end in these axes.
        """
        x = _ending_in(self.normalized_shape, x, repr(self))
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def __repr__(self) -> str:
        affine = "" if self.weight is not None else ", elementwise_affine=False"
        shape = self.normalized_shape
        return f"LayerNorm({shape[0] if len(shape) == 1 else shape}{affine})"
