"""What all plots share: the axes to draw on, colours, and what is said of numbers that are not finite.

Lines and texts take their colours from the style sheet or are of middle tone; areas are translucent or bring their own
background: a plot reads on light and on dark pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..extras import extra
from ..node import Node

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
else:
    Axes = Any

Array = NDArray[Any]

COLOURS = ("#3f7fc4", "#e08a2c", "#3a9483", "#b5608f", "#8f74c9", "#c2583c", "#6aa5d8", "#a58b00", "#7a8590", "#4f9a3f")
"""Of lines and classes; the first ones, blue and orange, stay apart for the colour-blind."""

DIVERGING = ("#1f5f9e", "#70b0e8", "#f7f7f7", "#f5a656", "#a84f00")
"""From negative through 0 to positive."""

RISING = ("#f7f7f7", "#9cc5ea", "#3f7fc4", "#123e70")
"""From little to much."""

MIDDLE = "#858b96"
"""Of what stands back: visible on white and on black."""


def mpl(part: str) -> Any:
    """A part of matplotlib.

    Raises:
        MissingExtraError: it is not installed.
    """
    return extra(f"matplotlib.{part}", "plots")


def canvas(ax: Any, who: str, size: tuple[float, float] | None = None) -> Axes:
    """The axes given, or those of a new figure of this size in inches.

    Raises:
        DataError: `ax` is given, but is not one Axes.
        MissingExtraError: matplotlib is not installed.
    """
    check_axes(ax, who)
    drawn: Axes = mpl("pyplot").subplots(figsize=size, layout="constrained")[1] if ax is None else ax
    return drawn


def check_axes(ax: Any, who: str) -> None:
    """Raise where `canvas` would, before much is computed."""
    kind = mpl("axes").Axes
    if ax is not None and not isinstance(ax, kind):
        hint = "; give one of them, as in ax=axes[0]" if isinstance(ax, (np.ndarray, list, tuple)) else ""
        raise DataError(f"{who}: ax must be one Axes of matplotlib, not {type(ax).__name__}{hint}")


def colours(stops: tuple[str, ...]) -> Any:
    """A scale through these colours; what is masked is transparent, as always in matplotlib."""
    return mpl("colors").LinearSegmentedColormap.from_list("tinygrad_edu", stops)


def whole(axis: Any) -> None:
    """Ticks at whole numbers alone: there is no epoch 1.25."""
    axis.set_major_locator(mpl("ticker").MaxNLocator(integer=True))


def titled(ax: Axes, title: str, missing: int = 0, of: int = 0) -> None:
    """Set the title, with a line on numbers that are left out; where there is neither, it stays as it is."""
    note = f"{missing:,} of {of:,} numbers are not finite, left out" if missing else ""
    if title or note:
        ax.set_title("\n".join(filter(None, [title, note])))


def heat_map(ax: Axes, image: Array, label: str, **options: Any) -> None:
    """An image of numbers, blue below 0 and orange above it, with its scale; what is not finite stays empty."""
    finite = image[np.isfinite(image)]
    most = float(np.abs(finite).max(initial=0.0)) or 1.0
    signed = bool(np.any(finite < 0.0))
    picture = ax.imshow(np.ma.masked_invalid(image), cmap=colours(DIVERGING if signed else DIVERGING[2:]),
                        vmin=-most if signed else 0.0, vmax=most, interpolation="nearest", **options)
    figure: Any = ax.figure
    figure.colorbar(picture, ax=ax, label=label, shrink=0.8)


def numbers(x: Any, who: str) -> Array:
    """An array of floats of what is given: arrays, nodes, lists of either.

    Raises:
        DataError: these are no numbers, or of different lengths.
    """
    try:
        array = np.array([numbers(part, who) for part in x] if isinstance(x, (list, tuple)) else
                         x._data if isinstance(x, Node) else x)
    except ValueError as error:
        raise DataError(f"{who}: takes numbers in rows of one length: {error}") from None
    if array.dtype.kind not in "iufb":
        raise DataError(f"{who}: takes real numbers, not {array.dtype}")
    return array if array.dtype == np.float32 else array.astype(float)
