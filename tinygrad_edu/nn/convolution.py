"""Convolution: layers on sequences and images, and the functions behind them.

The batch is the first axis, the channels are the second, what follows is moved over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ops.defaults import Rng
from ..ops.geometry import geometry_of
from ..ops.operands import composed
from ..ops.selections import array_or_node
from ..tensor import Tensor
from .module import Module, shown

Size = int | Sequence[int]
"""A number for each axis that is moved over, or one for all."""

# ---- functions -------------------------------------------------------------------------------------------------------


def _convolved(axes: int, x: Any, weight: Any, bias: Any, stride: Size, padding: Size | str, dilation: Size,
               groups: int) -> Any:
    weight = array_or_node(weight)
    if weight.ndim != axes + 2:
        raise ShapeError(f"weights of shape {weight.shape} need {axes + 2} axes: (out_channels, in_channels / groups, "
                         f"then {axes} for the kernel)")
    y = ops.convolution(x, weight, stride, padding, dilation, groups)
    if bias is None:
        return y
    bias = array_or_node(bias)
    if bias.shape != weight.shape[:1]:
        raise ShapeError(f"a bias of shape {bias.shape} does not go with {weight.shape[0]} out channels")
    return y + ops.reshape(bias, (-1,) + (1,) * axes)


@composed
def conv1d(x: Any, weight: Any, bias: Any = None, stride: Size = 1, padding: Size | str = 0, dilation: Size = 1,
           groups: int = 1) -> Any:
    """y[n, o, i] = b[o] + sum over c, k of weight[o, c, k] x[n, c, stride i + dilation k - padding].

    Args:
        x: (N, in_channels, length), or one sample without N.
        weight: (out_channels, in_channels / groups, kernel size).
        bias: (out_channels,), or None.
        stride: by how much the kernel moves.
        padding: zeros at both ends; "same" keeps the length (at stride 1), "valid" is 0.
        dilation: the distance of the elements that the kernel takes.
        groups: in so many parts the channels are divided; each sees only its own.

    Returns:
        (N, out_channels, (length + 2 padding - dilation (kernel size - 1) - 1) // stride + 1).

    Raises:
        ShapeError: the shapes do not go together, or the kernel is larger than the padded input.

    >>> conv1d(np.array([[[1.0, 2.0, 4.0]]]), np.array([[[-1.0, 1.0]]]))
    array([[[1., 2.]]])
    """
    return _convolved(1, x, weight, bias, stride, padding, dilation, groups)


@composed
def conv2d(x: Any, weight: Any, bias: Any = None, stride: Size = 1, padding: Size | str = 0, dilation: Size = 1,
           groups: int = 1) -> Any:
    """y[n, o, i, j] = b[o] + sum over c, k, l of weight[o, c, k, l] x[n, c, stride i + dilation k - padding, ...].

    Args:
        x: (N, in_channels, height, width), or one sample without N.
        weight: (out_channels, in_channels / groups, kernel height, kernel width).
        bias: (out_channels,), or None.
        stride: by how much the kernel moves: a number, or a pair.
        padding: zeros at both ends of each axis; "same" keeps the sizes (at stride 1), "valid" is 0.
        dilation: the distance of the elements that the kernel takes.
        groups: in so many parts the channels are divided; each sees only its own.

    Returns:
        (N, out_channels, ...), each size as in `conv1d`.

    Raises:
        ShapeError: the shapes do not go together, or the kernel is larger than the padded input.

    >>> conv2d(np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)), bias=np.array([0.5]))
    array([[[[ 8.5, 12.5],
             [20.5, 24.5]]]])
    """
    return _convolved(2, x, weight, bias, stride, padding, dilation, groups)


# ---- layers ----------------------------------------------------------------------------------------------------------


class _Convolution(Module):
    """What Conv1d and Conv2d have in common: the parameters, and the call of the function."""

    axes: int

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Size, stride: Size = 1,
                 padding: Size | str = 0, dilation: Size = 1, groups: int = 1, bias: bool = True,
                 rng: Rng = None) -> None:
        name = type(self).__name__
        if in_channels < 1 or out_channels < 1 or groups < 1 or in_channels % groups or out_channels % groups:
            raise ShapeError(f"{name}: in_channels={in_channels} and out_channels={out_channels} must be at least 1, "
                             f"and multiples of groups={groups}")
        try:
            geometry = geometry_of(kernel_size, stride, padding, dilation, self.axes)
        except ShapeError as error:
            raise ShapeError(f"{name}: {error}") from None
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        shape = (out_channels, in_channels // groups, *geometry.size)
        rng, bound, dtype = ops.generator(rng), 1.0 / math.sqrt(math.prod(shape[1:])), ops.default_dtype()
        self.weight = Tensor(rng.uniform(-bound, bound, shape), dtype=dtype)
        self.bias = Tensor(rng.uniform(-bound, bound, out_channels), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """The convolution of x with the weights, plus the bias of each channel."""
        convolve = conv1d if self.axes == 1 else conv2d
        return convolve(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def __repr__(self) -> str:
        out_channels, share, *size = self.weight.shape
        kernel = size[0] if len(set(size)) == 1 else tuple(size)
        return shown(type(self).__name__, share * self.groups, out_channels, kernel, stride=(self.stride, 1),
                      padding=(self.padding, 0), dilation=(self.dilation, 1), groups=(self.groups, 1),
                      bias=(self.bias is not None, True))


class Conv1d(_Convolution):
    """y[n, o, i] = b[o] + sum over c, k of weight[o, c, k] x[n, c, stride i + dilation k - padding].

    x (N, in_channels, length) -> y (N, out_channels, positions), as in `conv1d`. Waibel, Hanazawa, Hinton, Shikano
    and Lang, 1989: Phoneme recognition using time-delay neural networks. Weights and bias start uniform in
    (-1/sqrt(n), 1/sqrt(n)), n the number of elements that an output sums over, as in PyTorch, whose layout
    weight (out_channels, in_channels / groups, kernel_size) they share. Their dtype is the default one.

    Args:
        in_channels: the size of the second axis of x.
        out_channels: the size of the second axis of y.
        kernel_size: of how many elements the kernel is.
        stride: by how much it moves.
        padding: zeros at both ends; "same" keeps the length (at stride 1), "valid" is 0.
        dilation: the distance of the elements that the kernel takes.
        groups: in so many parts the channels are divided; each sees only its own.
        bias: whether there is a b.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> Conv1d(2, 4, 3, padding=1, rng=0)(np.ones((5, 2, 7))).shape
    (5, 4, 7)
    """

    axes = 1


class Conv2d(_Convolution):
    """y[n, o, i, j] = b[o] + sum over c, k, l of weight[o, c, k, l] x[n, c, stride i + dilation k - padding, ...].

    x (N, in_channels, height, width) -> y (N, out_channels, ...), as in `conv2d`. LeCun, Boser, Denker, Henderson,
    Howard, Hubbard and Jackel, 1989: Backpropagation applied to handwritten zip code recognition. Weights and bias
    start uniform in (-1/sqrt(n), 1/sqrt(n)), n the number of elements that an output sums over, as in PyTorch, whose
    layout weight (out_channels, in_channels / groups, *kernel_size) they share. Their dtype is the default one.

    Args:
        in_channels: the size of the second axis of x.
        out_channels: the size of the second axis of y.
        kernel_size: of how many elements the kernel is: a number, or a pair.
        stride: by how much it moves.
        padding: zeros at both ends of each axis; "same" keeps the sizes (at stride 1), "valid" is 0.
        dilation: the distance of the elements that the kernel takes.
        groups: in so many parts the channels are divided; each sees only its own.
        bias: whether there is a b.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> layer = Conv2d(3, 16, 3, padding=1, rng=0)
    >>> layer, layer(np.ones((2, 3, 8, 8))).shape
    (Conv2d(3, 16, 3, padding=1), (2, 16, 8, 8))
    """

    axes = 2
