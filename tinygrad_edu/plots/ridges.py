"""A row for each layer: histograms of parameters, gradients and activations, and the flow of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError, ShapeError
from ..nn import Module
from .canvas import COLOURS, MIDDLE, Array, Axes, canvas, titled
from .groups import Group, groups_of
from .running import layers_of, require_module

Row = tuple[str, Array | None]
"""A name, and its numbers: None where there are none."""


def histograms(model: Module, what: str = "weights", ax: Any = None, *, bins: int = 40) -> Axes:
    """Histograms of the parameters or of their gradients, a row for each in the order of the layers.

    Each is as high as its row; the standard deviation stands beside it. Values count by layer: the weights of all its
    neurons are a row.

    Args:
        model: whose parameters.
        what: "weights" or "gradients".
        ax: matplotlib's axes to draw on; by default those of a new figure.
        bins: of each histogram.

    Raises:
        DataError: there is no parameter, no gradient, or `what` is neither.
        ShapeError: `bins` is below 1.
        MissingExtraError: matplotlib is not installed.
    """
    if what not in ("weights", "gradients"):
        raise DataError(f'histograms: what must be "weights" or "gradients", not {what!r}')
    groups = groups_of(require_module(model, "histograms"), "histograms")
    if what == "weights":
        rows: list[Row] = [(group.name, group.data.ravel()) for group in groups]
    else:
        rows = [(group.name, group.gradient) for group in _reached(groups, "histograms")]
    return _ridges(rows, ax, "histograms", "parameter" if what == "weights" else "gradient", bins)


def activations(model: Module, inputs: Any, ax: Any = None, *, bins: int = 40) -> Axes:
    """Histograms of what each layer gives for these inputs, a row for each from the first to the last.

    The standard deviation stands beside it, and the share of zeros, of units that a relu has switched off: these are
    not in the histogram, where they would tower above all others.

    Args:
        model: what is called, in evaluation mode.
        inputs: what it is called with; of a model on Values, rows of shape (rows, inputs).
        ax: matplotlib's axes to draw on; by default those of a new figure.
        bins: of each histogram.

    Raises:
        DataError: nothing was recorded in the call.
        ShapeError: the inputs do not fit the model, or `bins` is below 1.
        MissingExtraError: matplotlib is not installed.
    """
    layers = layers_of(require_module(model, "activations"), inputs, "activations")
    return _ridges([(layer.name, layer.values) for layer in layers], ax, "activations", "activation", bins)


def gradient_flow(model: Module, ax: Any = None) -> Axes:
    """The mean and the largest absolute gradient of each parameter, on a logarithmic scale, the first layer on top.

    Gradients that shrink or grow from layer to layer, vanish or explode, are seen as a slope. A parameter without a
    gradient, or with nothing but zeros in it, is marked as such. Values count by layer.

    Args:
        model: after ``loss.backward()``.
        ax: matplotlib's axes to draw on; by default those of a new figure.

    Raises:
        DataError: there is no parameter, or no gradient.
        MissingExtraError: matplotlib is not installed.
    """
    groups = _reached(groups_of(require_module(model, "gradient_flow"), "gradient_flow"), "gradient_flow")
    plot = _rows_on(ax, "gradient_flow", [group.name for group in groups])
    sizes = [np.abs(_finite(group.gradient)) for group in groups]
    shown = [(row, size.mean(), size.max()) for row, size in enumerate(sizes) if size.any()]
    plot.set_xscale("log")
    if shown:
        rows, means, peaks = map(np.array, zip(*shown, strict=True))
        plot.hlines(rows, means, peaks, color=MIDDLE, linewidth=1.5, zorder=1)
        plot.plot(means, rows, "o", color=COLOURS[0], label="mean")
        plot.plot(peaks, rows, "D", color=COLOURS[1], label="largest")
        plot.legend(loc="upper right")
    for row, group in enumerate(groups):
        _mark(plot, row, group.gradient)
    plot.set_xlabel("absolute gradient")
    _note(plot, [(group.name, group.gradient) for group in groups])
    return plot


# ---- rows ------------------------------------------------------------------------------------------------------------


def _reached(groups: list[Group], who: str) -> list[Group]:
    """The groups, or a DataError, if none has a gradient."""
    if all(group.gradient is None for group in groups):
        raise DataError(f"{who}: no parameter has a gradient; call loss.backward() before, and zero_grad() after")
    return groups


def _finite(x: Array | None) -> Array:
    return np.empty(0) if x is None else x[np.isfinite(x)].astype(float)


def _rows_on(ax: Any, who: str, names: list[str]) -> Axes:
    """Axes with a named row for each, the first on top."""
    plot = canvas(ax, who, (6.4, min(max(2.4, 1.0 + 0.42 * len(names)), 40.0)))
    plot.set_yticks(range(len(names)), names)
    plot.set_ylim(len(names) - 0.4, -0.9)
    plot.tick_params(axis="y", length=0)
    return plot


def _mark(ax: Axes, row: int, values: Array | None) -> bool:
    """Say in a row why it is empty, if it is."""
    finite = _finite(values)
    text = ("no gradient" if values is None else "nothing finite" if not finite.size
            else "" if finite.any() else "all zero")
    if text:
        ax.text(0.02, row, text, transform=ax.get_yaxis_transform(), va="center", style="italic", color=COLOURS[5])
    return bool(text)


def _note(ax: Axes, rows: list[Row]) -> None:
    """The title, with how many numbers are missing."""
    total = sum(values.size for _, values in rows if values is not None)
    titled(ax, "", total - sum(_finite(values).size for _, values in rows), total)


def _histogram(values: Array, bins: int, width: float) -> tuple[Array, Array]:
    """Counts and edges; of numbers as good as equal a single bar, no wider than those of all rows together."""
    low, high = float(values.min()), float(values.max())
    if high - low > 1e-6 * max(abs(low), abs(high)):
        return np.histogram(values, bins)
    half = max(width, 1e-3 * abs(low)) / 2.0
    return np.histogram(values, 1, (low - half, high + half))


def _ridges(rows: list[Row], ax: Any, who: str, what: str, bins: int) -> Axes:
    """A histogram in each row, on one scale."""
    if bins < 1:
        raise ShapeError(f"{who}: bins must be at least 1, not {bins}")
    plot = _rows_on(ax, who, [name for name, _ in rows])
    everything = np.concatenate([_finite(values) for _, values in rows])
    width = float(np.ptp(everything)) / bins if everything.size else 0.0
    for row, (_, values) in enumerate(rows):
        finite = _finite(values)
        if _mark(plot, row, values):
            continue
        zeros = np.mean(finite == 0.0) if what == "activation" else 0.0  # they would tower above all others
        counts, edges = _histogram(finite[finite != 0.0] if zeros else finite, bins, width)
        plot.stairs(row - 0.8 * counts / counts.max(), edges, baseline=row, fill=True, color=COLOURS[0], alpha=0.65)
        plot.axhline(row, color=MIDDLE, linewidth=0.5)
        text = f"std {finite.std():.2g}" + (f", {100.0 * zeros:.0f} % zero" if zeros else "")
        plot.text(1.02, row - 0.3, text, transform=plot.get_yaxis_transform(), va="center", fontsize="small")
    plot.set_xlabel(what)
    _note(plot, rows)
    return plot
