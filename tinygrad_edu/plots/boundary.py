"""Decision boundaries: what a classifier answers all over the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError
from .canvas import COLOURS, MIDDLE, Array, Axes, canvas, mpl, numbers, titled
from .running import by_rows, scores_of, twin_on_tensors

MARKERS = "osD^vPX*<>"
FINE, COARSE = 240, 48
"""How many places are asked along each side; fewer of a model that has to be called for each."""


def decision_boundary(model: Callable[[Any], Any], points: Any, labels: Any, ax: Any = None, *, threshold: float = 0.0,
                      names: Sequence[str] | None = None, resolution: int | None = None) -> Axes:
    """What the model answers all over the plane, in the colours of the classes, with the points on it.

    A model that gives one score answers the upper of two classes where it is above the threshold; one that gives a
    score for each class, the class of the largest. Lines are where the answer changes.

    Args:
        model: a classifier of points in the plane: a module on Tensors or on Values, or a function of an array
            (points, 2).
        points: of shape (points, 2).
        labels: the true classes, as integers, of shape (points,); with one score two numbers, such as -1 and 1.
        ax: matplotlib's axes to draw on; by default those of a new figure.
        threshold: of a single score: 0 for logits and hinge_loss, 0.5 for probabilities.
        names: of the classes.
        resolution: how many places are asked along each side; by default 240, of a model on Values that has no twin on
            Tensors 48.

    Raises:
        ShapeError: points, labels or answers are of other shapes, or labels are no classes of the model.
        DataError: labels are no integers, or no point is finite.
        MissingExtraError: matplotlib is not installed.
    """
    who = "decision_boundary"
    places, classes = numbers(points, who), _labels(labels)
    if places.ndim != 2 or places.shape[1] != 2 or not len(places):
        raise ShapeError(f"{who}: points must be of shape (points, 2), at least one, not {places.shape}; choose two "
                         "columns, as in points[:, :2], and a model of two inputs")
    if classes.shape != places.shape[:1]:
        raise ShapeError(f"{who}: {len(places)} points, but labels of shape {classes.shape}; each point needs one")
    finite = np.isfinite(places).all(axis=1)
    if not finite.any():
        raise DataError(f"{who}: none of the points is finite")
    low, high = places[finite].min(axis=0), places[finite].max(axis=0)
    edge = np.where(high > low, 0.1 * (high - low), 1.0)
    twin = twin_on_tensors(model)
    side = resolution or (COARSE if by_rows(twin) else FINE)
    across, up = (np.linspace(a, b, side) for a, b in zip(low - edge, high + edge, strict=True))
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    scores = scores_of(twin, grid.reshape(-1, 2), who)
    scores[~np.isfinite(scores.reshape(len(scores), -1)).all(axis=1)] = np.nan
    margins = _margins(scores, threshold).reshape(side, side, -1)
    kinds = _kinds(classes, margins.shape[-1], scores.ndim == 1)
    if names is not None and len(names) != len(kinds):
        raise ShapeError(f"{who}: {len(names)} names for {len(kinds)} classes")
    plot = canvas(ax, who)
    _regions(plot, across, up, margins)
    for place, kind in enumerate(kinds):
        mine = places[finite & (classes == kind)]
        plot.scatter(mine[:, 0], mine[:, 1], s=28, color=COLOURS[place % len(COLOURS)], linewidth=0.7,
                     marker=MARKERS[place % len(MARKERS)], edgecolor=plot.get_facecolor(), zorder=3,
                     label=names[place] if names is not None else f"class {kind}")
    plot.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]), xlabel="feature 0", ylabel="feature 1")
    plot.legend(loc="upper right", framealpha=0.85)
    unknown = np.isnan(margins).any(axis=2)
    titled(plot, "", int(np.sum(unknown) + np.sum(~finite)), unknown.size + finite.size)
    return plot


def _labels(labels: Any) -> Array:
    array = numbers(labels, "decision_boundary")
    if not np.array_equal(array, np.rint(array)):  # also where there is a NaN
        raise DataError("decision_boundary: labels must be integers")
    return array.astype(int)


def _margins(scores: Array, threshold: float) -> Array:
    """By how much each class leads the others: (places, classes)."""
    if scores.ndim == 1:
        lead = scores - threshold
        return np.stack([-lead, lead], axis=1)
    first = scores.argmax(axis=1)[:, None]
    others = scores.copy()
    np.put_along_axis(others, first, -np.inf, axis=1)
    best = np.take_along_axis(scores, first, axis=1)
    leads: Array = scores - best
    np.put_along_axis(leads, first, best - others.max(axis=1, keepdims=True), axis=1)
    return leads


def _kinds(labels: Array, count: int, single: bool) -> Array:
    """The labels of the classes, in order."""
    found = np.unique(labels)
    if single and len(found) == 2:
        return found
    if single and len(found) > 2:
        raise ShapeError(f"decision_boundary: the model gives one score, which tells two classes apart, but there are "
                         f"{len(found)} labels")
    if single and found[0] == -1:
        return np.array([-1, 1])
    if not 0 <= found[0] <= found[-1] < count:
        raise ShapeError(f"decision_boundary: labels from {found[0]} to {found[-1]}, but the model tells the classes 0 "
                         f"to {count - 1} apart")
    return np.arange(count)


def _regions(ax: Axes, across: Array, up: Array, margins: Array) -> None:
    """The plane in the colours of the classes, and lines where one takes over."""
    known = ~np.isnan(margins).any(axis=2)
    answers = np.ma.masked_where(~known, margins.argmax(axis=2) if margins.shape[2] > 2 else margins[..., 1] > 0.0)
    count = margins.shape[2]
    scale = mpl("colors").ListedColormap([COLOURS[k % len(COLOURS)] for k in range(count)])
    ax.pcolormesh(across, up, answers.astype(int), cmap=scale, vmin=-0.5, vmax=count - 0.5, alpha=0.28,
                  shading="nearest", rasterized=True, linewidth=0, edgecolors="none")
    for k in range(1 if count == 2 else 0, count):
        lead = np.ma.masked_where(~known, margins[..., k])
        if known.any() and lead.min() < 0.0 < lead.max():
            ax.contour(across, up, lead, levels=[0.0], colors=MIDDLE, linewidths=1.2)
