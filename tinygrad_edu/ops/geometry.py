"""`Geometry`: how a window moves over the last axes of an array, for convolution and pooling."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from ..errors import ShapeError
from .selections import per_axis, window_slices

F = TypeVar("F", bound=Callable[..., Any])
Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Geometry:
    """The size of a window and its way over the padded axes, a number or a pair for each axis.

    Attributes:
        size: how many elements the window takes.
        stride: by how much it moves.
        padding: how many elements are added before and after.
        dilation: the distance of the elements that it takes.

    >>> geometry = Geometry(size=(3,), stride=(2,), padding=((1, 1),), dilation=(1,))
    >>> geometry.padded((6,)), geometry.counts((6,))
    ((8,), (3,))
    """

    size: Sizes
    stride: Sizes
    padding: tuple[tuple[int, int], ...]
    dilation: Sizes

    @functools.cached_property
    def pads(self) -> bool:
        """Whether there is any padding."""
        return any(map(any, self.padding))

    @functools.cached_property
    def spans(self) -> Sizes:
        """From the first element that a window takes to the last."""
        return tuple([(k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True)])

    def padded(self, sizes: Sizes) -> Sizes:
        """The sizes with the padding of both ends."""
        return tuple([n + before + after for n, (before, after) in zip(sizes, self.padding, strict=True)])

    def inside(self, sizes: Sizes) -> tuple[slice, ...]:
        """Where among the padded axes the unpadded stand."""
        return tuple([slice(before, before + n) for n, (before, _) in zip(sizes, self.padding, strict=True)])

    def counts(self, sizes: Sizes) -> Sizes:
        """How many windows there are along each axis."""
        return tuple([(n - span) // s + 1 for n, span, s in zip(self.padded(sizes), self.spans, self.stride,
                                                               strict=True)])

    def places(self, counts: Sizes) -> Sequence[tuple[Sizes, tuple[Any, ...]]]:
        """For each place in the window, where in the padded array the windows have it."""
        return _places(self.size, counts, self.stride, self.dilation)

    def check(self, shape: Sizes) -> None:
        """Raise where a window is larger than what it should move over."""
        sizes = self.padded(shape[-len(self.size):])
        if any(span > n for span, n in zip(self.spans, sizes, strict=True)):
            raise ShapeError(f"a window that spans {self.spans} is larger than x of shape {shape}, padded to {sizes}; "
                             "give more padding, or a smaller kernel_size or dilation")


def remembered(function: F) -> F:
    """Decorator: look up what was worked out from the same numbers before, as a layer asks in every step."""
    known = functools.lru_cache(maxsize=256, typed=True)(function)

    @functools.wraps(function)
    def call(*given: Any) -> Any:
        try:
            return known(*given)
        except TypeError:  # a list cannot be looked up
            return function(*given)

    return cast(F, call)


@remembered
def _places(*given: Any) -> Sequence[tuple[Sizes, tuple[Any, ...]]]:
    return tuple(window_slices(*given))


def geometry_of(size: int | Sequence[int], stride: int | Sequence[int], padding: int | str | Sequence[int],
                dilation: int | Sequence[int], axes: int) -> Geometry:
    """The arguments of a layer, which may be one number for all axes, as a Geometry; or a ShapeError."""
    size, stride = per_axis(size, axes, "kernel_size"), per_axis(stride, axes, "stride")
    dilation = per_axis(dilation, axes, "dilation")
    if not isinstance(padding, str):
        pairs = tuple([(n, n) for n in per_axis(padding, axes, "padding", least=0)])
        return Geometry(size, stride, pairs, dilation)
    if padding not in ("same", "valid"):
        raise ShapeError(f'padding {padding!r} must be "same", "valid" or whole numbers')
    if padding == "same" and any(s != 1 for s in stride):
        raise ShapeError(f'padding "same" keeps the sizes where the stride is 1, not {stride}; give numbers')
    totals = [d * (k - 1) if padding == "same" else 0 for k, d in zip(size, dilation, strict=True)]
    return Geometry(size, stride, tuple([(n // 2, n - n // 2) for n in totals]), dilation)  # the odd one after
