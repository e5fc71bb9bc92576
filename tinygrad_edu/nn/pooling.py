"""Pooling: layers that make images smaller, and the functions behind them; the last two axes are moved over."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ops.operands import composed
from ..ops.selections import array_or_node
from .convolution import Size
from .module import Module, shown

# ---- functions -------------------------------------------------------------------------------------------------------


@composed
def max_pool2d(x: Any, kernel_size: Size, stride: Size | None = None, padding: Size = 0, dilation: Size = 1) -> Any:
    """The largest number of each window: (..., height, width) -> (..., counts).

    Beyond the ends stands -inf. Numbers that tie for the largest share the derivative equally.

    Args:
        x: an array or Tensor; the last two axes are moved over.
        kernel_size: of the window: a number, or a pair.
        stride: by how much it moves; the kernel's size, where None.
        padding: how far it reaches beyond the ends, at most half of the kernel's size.
        dilation: the distance of the elements in a window.

    Raises:
        ShapeError: the window is larger than the padded input, or the padding more than half of the window.

    >>> max_pool2d(np.arange(16.0).reshape(4, 4), 2)
    array([[ 5.,  7.],
           [13., 15.]])
    """
    return ops.max_pool(x, kernel_size, stride, padding, dilation)


@composed
def avg_pool2d(x: Any, kernel_size: Size, stride: Size | None = None, padding: Size = 0,
               count_include_pad: bool = True) -> Any:
    """The average of each window: (..., height, width) -> (..., counts).

    Args:
        x: an array or Tensor; the last two axes are moved over.
        kernel_size: of the window: a number, or a pair.
        stride: by how much it moves; the kernel's size, where None.
        padding: zeros beyond the ends, at most half of the kernel's size.
        count_include_pad: whether these zeros count in the average.

    Raises:
        ShapeError: the window is larger than the padded input, or the padding more than half of the window.

    >>> avg_pool2d(np.arange(16.0).reshape(4, 4), 2)
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    return ops.avg_pool(x, kernel_size, stride, padding, count_include_pad)


# ---- layers ----------------------------------------------------------------------------------------------------------


class MaxPool2d(Module):
    """y[..., i, j] = the largest of x[..., stride i + dilation k - padding, ...] over the window's places k, l.

    x (..., height, width) -> y (..., counts), as in `max_pool2d`. Ties share the derivative equally. Weng, Ahuja and
    Huang, 1992: Cresceptron: a self-organizing neural network which grows adaptively.

    Args:
        kernel_size: of the window: a number, or a pair.
        stride: by how much it moves; the kernel's size, where None.
        padding: how far it reaches beyond the ends, where -inf stands; at most half of the kernel's size.
        dilation: the distance of the elements in a window.

    >>> MaxPool2d(2)(np.arange(16.0).reshape(4, 4))
    array([[ 5.,  7.],
           [13., 15.]])
    """

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0, dilation: Size = 1) -> None:
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation

    def forward(self, x: Any) -> Any:
        """The largest of each window."""
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)

    def __repr__(self) -> str:
        return shown("MaxPool2d", self.kernel_size, stride=(self.stride, None), padding=(self.padding, 0),
                      dilation=(self.dilation, 1))


class AvgPool2d(Module):
    """y[..., i, j] = the average of x[..., stride i + k - padding, ...] over the window's places k, l.

    x (..., height, width) -> y (..., counts), as in `avg_pool2d`. LeCun, Boser, Denker, Henderson, Howard, Hubbard
    and Jackel, 1990: Handwritten digit recognition with a back-propagation network.

    Args:
        kernel_size: of the window: a number, or a pair.
        stride: by how much it moves; the kernel's size, where None.
        padding: zeros beyond the ends, at most half of the kernel's size.
        count_include_pad: whether these zeros count in the average.

    >>> AvgPool2d(2)(np.arange(16.0).reshape(4, 4))
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0,
                 count_include_pad: bool = True) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.count_include_pad = count_include_pad

    def forward(self, x: Any) -> Any:
        """The average of each window."""
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)

    def __repr__(self) -> str:
        return shown("AvgPool2d", self.kernel_size, stride=(self.stride, None), padding=(self.padding, 0),
                      count_include_pad=(self.count_include_pad, True))


class AdaptiveAvgPool2d(Module):
    """The average over all positions: x (..., height, width) -> y (..., 1, 1), whatever the size of the image.

    Lin, Chen and Yan, 2014: Network in network.

    Args:
        output_size: 1, which is the size that this layer can make; for others see `AvgPool2d`.

    >>> AdaptiveAvgPool2d(1)(np.arange(6.0).reshape(1, 2, 3))
    array([[[2.5]]])
    """

    def __init__(self, output_size: Size) -> None:
        if output_size not in (1, (1, 1), [1, 1]):
            raise ShapeError(f"AdaptiveAvgPool2d: output_size {output_size} is not 1; for other sizes choose the "
                             "windows yourself, with AvgPool2d(kernel_size, stride)")
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        """The average over the last two axes, which stay with size 1."""
        x = array_or_node(x)
        if x.ndim < 2:
            raise ShapeError(f"AdaptiveAvgPool2d: x of shape {x.shape} does not have the axes (height, width)")
        return ops.mean(x, axis=(-2, -1), keepdims=True)

    def __repr__(self) -> str:
        return f"AdaptiveAvgPool2d({self.output_size})"
