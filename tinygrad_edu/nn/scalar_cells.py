"""A recurrent cell and a convolution on Values, small enough to be drawn node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..errors import MixedNodesError, ShapeError
from ..node import Node
from ..ops.defaults import Rng
from ..ops.geometry import geometry_of
from ..ops.operands import BRIDGES
from ..value import Value
from .convolution import Size
from .module import Module, shown
from .recurrent import NONLINEARITIES, check_nonlinearity, check_sizes, parameter_shapes
from .scalar import row_of_numbers


def values_of(array: NDArray[Any], requires_grad: bool = True) -> Any:
    """The numbers of an array as Values, in nested lists."""
    if array.ndim == 0:
        return Value(array, requires_grad=requires_grad)
    return [values_of(part, requires_grad) for part in array]


def _uniform(shape: Sequence[int], inputs: int, rng: np.random.Generator) -> Any:
    """Values that start uniform in (-1/sqrt(inputs), 1/sqrt(inputs))."""
    bound = 1.0 / inputs ** 0.5
    return values_of(rng.uniform(-bound, bound, shape))


def _shape(x: Any) -> tuple[int, ...] | None:
    """The sizes of nested lists, None where they are ragged."""
    if not isinstance(x, (list, tuple)):
        return ()
    shapes = {_shape(part) for part in x}
    inner = shapes.pop() if shapes else ()
    return None if shapes or inner is None else (len(x), *inner)


class ScalarRNNCell(Module):
    """h' = phi(W_ih x + b_ih + W_hh h + b_hh): an `RNNCell` with a node for each number (Elman, 1990).

    x is a list of nin numbers or Values, h and h' are lists of nhidden. Each unit has one node for its weighted sum
    of x, one for that of h, their sum, and phi. weight_ih (nhidden lists of nin), weight_hh (nhidden lists of
    nhidden), bias_ih and bias_hh start uniform in (-1/sqrt(nhidden), 1/sqrt(nhidden)), with one rng the numbers of
    an RNNCell.

    Args:
        nin: the number of inputs.
        nhidden: the number of units.
        nonlinearity: phi, "tanh" or "relu".
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> cell, h = ScalarRNNCell(1, 2, rng=0), None
    >>> for x in ([1.0], [0.0], [-1.0]):
    ...     h = cell(x, h)
    >>> [unit.op for unit in h]
    [<operation tanh>, <operation tanh>]
    """

    weight_ih: list[list[Value]]
    weight_hh: list[list[Value]]
    bias_ih: list[Any]
    bias_hh: list[Any]

    def __init__(self, nin: int, nhidden: int, nonlinearity: str = "tanh", rng: Rng = None) -> None:
        check_nonlinearity("ScalarRNNCell", nonlinearity)
        check_sizes("ScalarRNNCell", nin=nin, nhidden=nhidden)
        rng = ops.generator(rng)
        for name, shape in parameter_shapes(nin, nhidden, gates=1, bias=True).items():
            setattr(self, name, _uniform(shape, nhidden, rng))
        self.nonlinearity = nonlinearity

    def __call__(self, x: Any, h: Any = None) -> list[Any]:
        """The state after `h` (zeros, where None) has seen x.

        Raises:
            ShapeError: another number of inputs, or of units in h.
        """
        x = self._row(x, "x", len(self.weight_ih[0]))
        h = [0.0] * len(self.bias_hh) if h is None else self._row(h, "the state h", len(self.bias_hh))
        phi = NONLINEARITIES[self.nonlinearity]
        return [phi(ops.weighted_sum(from_x, x, b_x) + ops.weighted_sum(from_h, h, b_h)) for from_x, b_x, from_h, b_h
                in zip(self.weight_ih, self.bias_ih, self.weight_hh, self.bias_hh, strict=True)]

    def _row(self, numbers: Any, what: str, size: int) -> Sequence[Any]:
        row = row_of_numbers(numbers, "ScalarRNNCell")
        if len(row) != size:
            raise ShapeError(f"{self!r}: {what} must hold {size} numbers, not {len(row)}")
        return row

    def __repr__(self) -> str:
        return shown("ScalarRNNCell", len(self.weight_ih[0]), len(self.bias_ih),
                     nonlinearity=(self.nonlinearity, "tanh"))


class ScalarConv2d(Module):
    """y[o][i][j] = b[o] + sum over c, k, l of w[o][c][k][l] x[c][stride i + k - padding][stride j + l - padding].

    A `Conv2d` with a node for each number: x and y are nested lists, channels of rows of numbers or Values, one image
    without a batch. Each y is one node, the weighted sum of what the kernel covers; the zeros of the padding are left
    out of it. weight (out_channels, in_channels, kernel height, kernel width, in nested lists) and bias
    (out_channels) start uniform in (-1/sqrt(n), 1/sqrt(n)), n the number of weights of an output, with one rng the
    numbers of a Conv2d. LeCun, Boser, Denker, Henderson, Howard, Hubbard and Jackel, 1989.

    Args:
        in_channels: how many channels x has.
        out_channels: how many y has.
        kernel_size: of how many elements the kernel is: a number, or a pair.
        stride: by how much it moves.
        padding: zeros at both ends of each axis; "same" keeps the sizes (at stride 1), "valid" is 0.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> image = [[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]]  # one channel of two rows
    >>> y = ScalarConv2d(1, 1, 2, rng=0)(image)
    >>> len(y), len(y[0]), len(y[0][0]), y[0][0][0].op
    (1, 1, 2, <operation weighted_sum>)
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Size, stride: Size = 1,
                 padding: Size | str = 0, rng: Rng = None) -> None:
        check_sizes("ScalarConv2d", in_channels=in_channels, out_channels=out_channels)
        try:
            height, width = geometry_of(kernel_size, stride, padding, 1, 2).size
        except ShapeError as error:
            raise ShapeError(f"ScalarConv2d: {error}") from None
        self.kernel_size, self.stride, self.padding = (height, width), stride, padding
        rng, inputs = ops.generator(rng), in_channels * height * width
        self.weight = _uniform((out_channels, in_channels, height, width), inputs, rng)
        self.bias: list[Any] = _uniform((out_channels,), inputs, rng)

    def __call__(self, x: Any) -> list[list[list[Any]]]:
        """The channels of y.

        Raises:
            ShapeError: x is not of `in_channels` channels, with equal rows, or smaller than the kernel.
        """
        x = self._checked(x)
        rows, columns = self._covered((len(x[0]), len(x[0][0])))
        return [[[self._output(x, kernel, bias, row, column) for column in columns] for row in rows]
                for kernel, bias in zip(self.weight, self.bias, strict=True)]

    def _output(self, x: Any, kernel: Any, bias: Any, row: Any, column: Any) -> Any:
        """One y: pairs of a place in the kernel and one in x say what the kernel covers, of rows and of columns."""
        weights = [w[k][m] for w in kernel for k, _ in row for m, _ in column]
        return ops.weighted_sum(weights, [channel[i][j] for channel in x for _, i in row for _, j in column], bias)

    def _covered(self, size: tuple[int, int]) -> list[list[list[tuple[int, int]]]]:
        """Of rows and of columns, for each place of y: the places (in the kernel, in x) that lie within x."""
        geometry = geometry_of(self.kernel_size, self.stride, self.padding, 1, 2)
        try:
            geometry.check(size)
        except ShapeError as error:
            raise ShapeError(f"{self!r}: {error}") from None
        return [[[(k, start + k) for k in range(span) if 0 <= start + k < n]
                 for start in range(-before, -before + count * step, step)]
                for n, span, step, (before, _), count
                in zip(size, geometry.size, geometry.stride, geometry.padding, geometry.counts(size), strict=True)]

    def _checked(self, x: Any) -> Any:
        """x as nested lists."""
        if isinstance(x, Node) and not x.is_scalar:
            raise MixedNodesError(f"{self!r} works on Values, not on a Tensor; {BRIDGES}", [x])
        x = x.tolist() if isinstance(x, np.ndarray) else x
        shape = _shape(x)
        if shape is None or len(shape) != 3 or shape[0] != len(self.weight[0]):
            raise ShapeError(f"{self!r} takes one image, {len(self.weight[0])} channels of rows of numbers in nested "
                             f"lists, not {'ragged lists' if shape is None else f'shape {shape}'}")
        return x

    def __repr__(self) -> str:
        height, width = self.kernel_size
        return shown("ScalarConv2d", len(self.weight[0]), len(self.weight),
                     height if height == width else self.kernel_size, stride=(self.stride, 1),
                     padding=(self.padding, 0))
