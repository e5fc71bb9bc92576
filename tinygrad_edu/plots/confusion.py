"""Confusion matrices as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn
from ..errors import DataError, ShapeError
from .canvas import RISING, Array, Axes, canvas, colours, numbers, titled


def confusion_matrix(prediction: Any, labels: Any = None, ax: Any = None, *,
                     names: Sequence[str] | None = None) -> Axes:
    """How often each class (row) got each answer (column), as numbers on the shade of their share of the row.

    Args:
        prediction: classes or scores, as `nn.confusion_matrix` takes them with the `labels`; without these, the counts
            that it gives, of shape (classes, classes).
        labels: the true classes.
        ax: matplotlib's axes to draw on; by default those of a new figure.
        names: of the classes; by default their numbers.

    Raises:
        ShapeError: the shapes do not go together, or a label is not a class.
        DataError: counts or labels are no whole numbers.
        MissingExtraError: matplotlib is not installed.
    """
    counts = _counts(prediction) if labels is None else nn.confusion_matrix(prediction, labels)
    size = len(counts)
    if names is not None and len(names) != size:
        raise ShapeError(f"confusion_matrix: {len(names)} names for {size} classes")
    side = min(max(3.2, 1.4 + 0.48 * size), 12.0)
    plot = canvas(ax, "confusion_matrix", (side, side))
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    plot.imshow(shares, cmap=colours(RISING), vmin=0.0, vmax=1.0)
    for (row, column), count in np.ndenumerate(counts):  # on cells, whose shade is known, the tone of text is too
        tone = "#ffffff" if shares[row, column] > 0.5 else "#16181d"
        plot.text(column, row, f"{count}", ha="center", va="center", color=tone, alpha=1.0 if count else 0.3)
    texts = [str(k) for k in range(size)] if names is None else list(names)
    plot.set_xticks(range(size), texts, rotation=45 if max(map(len, texts)) > (6 if size < 6 else 3) else 0)
    plot.set_yticks(range(size), texts)
    plot.set(xlabel="answer", ylabel="true class")
    titled(plot, f"{100.0 * np.trace(counts) / counts.sum():.1f} % of {counts.sum():,} are right")
    return plot


def _counts(given: Any) -> Array:
    counts = numbers(given, "confusion_matrix")
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ShapeError(f"confusion_matrix: counts must be of shape (classes, classes), not {counts.shape}; of scores "
                         "or classes, give the labels too")
    if not np.array_equal(counts, np.rint(counts)) or counts.min() < 0 or not counts.any():
        raise DataError("confusion_matrix: counts must be whole numbers of at least 0, not all of them 0; of scores or "
                        "classes, give the labels too")
    return counts.astype(int)
