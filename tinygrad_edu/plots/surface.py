"""The loss around the present weights, in two random directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import ops
from ..errors import DataError, ShapeError
from ..modes import no_grad
from ..nn import Module
from ..ops.defaults import Rng
from .canvas import COLOURS, RISING, Array, Axes, canvas, check_axes, colours, mpl, titled
from .groups import Group, groups_of
from .running import evaluating, require_module

LOGARITHMIC = 50.0
"""From this ratio of the largest loss to the least on, its scale is logarithmic."""


def loss_surface(model: Module, loss: Callable[[], Any], ax: Any = None, *, span: float = 1.0, points: int = 25,
                 rng: Rng = None) -> Axes:
    """The loss in a plane through the present weights, along two random directions, with its contour lines.

    A direction moves every filter by its own norm: it has a standard normal number for each weight, scaled so that its
    part in each filter is as long as the filter (Li, Xu, Taylor, Studer and Goldstein, 2018: Visualizing the loss
    landscape of neural nets). Filters are the rows of a weight, all that make up one output; biases and scales, which
    have one axis, stay, and so does what requires no gradients. Afterwards the parameters are what they were, bit for
    bit, also if the loss raises or Ctrl-C is pressed.

    Args:
        model: whose weights move. It is in evaluation mode.
        loss: computes the loss of the model, as in ``lambda: nn.mse_loss(model(x), y)``; it is called points^2 times.
        ax: matplotlib's axes to draw on; by default those of a new figure.
        span: how far to go to each side; 1 is as far as the weights are long.
        points: how many losses are computed along each direction; an odd number has the present weights among them.
        rng: where the directions come from: a generator, a seed, or None for the default generator.

    Raises:
        DataError: there is no parameter to move, the loss is no number, nowhere finite, or everywhere the same.
        ShapeError: `points` is below 3, or `span` is not above 0.
        MissingExtraError: matplotlib is not installed.
    """
    who = "loss_surface"
    if not callable(loss):
        raise DataError(f"{who}: loss must be a function without arguments, as in lambda: nn.mse_loss(model(x), y), "
                        f"not {type(loss).__name__}")
    if points < 3 or not 0.0 < span < np.inf:
        raise ShapeError(f"{who}: needs at least 3 points and a span above 0, not {points} and {span}")
    groups = _moving(require_module(model, who))
    check_axes(ax, who)
    generator = ops.generator(rng)
    first, second = ([_direction(group, generator) for group in groups] for _ in range(2))
    steps = (2.0 * np.arange(points) - (points - 1)) * (span / (points - 1))  # with exactly 0 in the middle
    table = np.empty((points, points))
    with _borrowed(groups) as starts, evaluating(model), no_grad():
        here = _number(loss())
        for row, up in enumerate(steps):
            for column, across in enumerate(steps):
                for group, start, a, b in zip(groups, starts, first, second, strict=True):
                    _move(group, start + (across * a + up * b).astype(start.dtype))
                table[row, column] = _number(loss())
    _check(table)
    plot = canvas(ax, who, (5.6, 4.4))
    _draw(plot, steps, table, here)
    return plot


def _number(loss: Any) -> float:
    try:
        return float(loss)
    except (TypeError, ValueError) as error:
        raise DataError(f"loss_surface: the loss must be one number, not {loss!r:.60}") from error


# ---- moving ----------------------------------------------------------------------------------------------------------


def _moving(model: Module) -> list[Group]:
    """The filters: weights of two axes or more, the Values of a neuron; all parameters where there are no such."""
    groups = groups_of(model, "loss_surface", by_neuron=True)
    groups = [group for group in groups if all(node.requires_grad for node in group.nodes)]
    if not groups:
        raise DataError(f"loss_surface: no parameter of {type(model).__name__} requires gradients")
    return [g for g in groups if g.data.ndim > 1 or (len(g.nodes) > 1 and "bias" not in g.name)] or groups


def _direction(group: Group, rng: np.random.Generator) -> Array:
    """Normal numbers, in each filter of its own length."""
    data = group.data.astype(float)
    d = rng.standard_normal(data.shape)
    axes = tuple(range(1, data.ndim)) if data.ndim > 1 else None
    d *= _norm(data, axes) / np.maximum(_norm(d, axes), np.finfo(float).tiny)
    return d


def _norm(x: Array, axes: Any) -> Any:
    return np.sqrt(np.sum(x * x, axis=axes, keepdims=True))


@contextmanager
def _borrowed(groups: list[Group]) -> Iterator[list[Array]]:
    """Copies of the numbers; afterwards the parameters are as before, and graphs recorded before are not stale."""
    before = [(node, node._data, node.index) for group in groups for node in group.nodes]
    try:
        yield [np.array(group.data) for group in groups]
    finally:
        for node, data, index in before:
            node._data, node.index = data, index


def _move(group: Group, data: Array) -> None:
    if group.nodes[0].is_scalar:
        for node, number in zip(group.nodes, np.ravel(data).tolist(), strict=True):
            node._assign(number)
    else:
        group.nodes[0]._assign(data)


# ---- drawing ---------------------------------------------------------------------------------------------------------


def _check(table: Array) -> None:
    """Raise where there is nothing to be seen."""
    finite = table[np.isfinite(table)]
    if not finite.size:
        raise DataError("loss_surface: the loss is nowhere finite")
    if finite.min() == finite.max():
        raise DataError(f"loss_surface: the loss is {finite[0]:g} everywhere; does loss() call the model anew each "
                        "time?")


def _draw(ax: Axes, steps: Array, table: Array, here: float) -> None:
    finite = np.isfinite(table)
    low, high = table[finite].min(), table[finite].max()
    surface, label = np.ma.masked_where(~finite, table), "loss"
    if low > 0.0 and high > LOGARITHMIC * low:
        surface, label = np.ma.log10(surface), "log10 of the loss"
    mesh = ax.pcolormesh(steps, steps, surface, cmap=colours(RISING), shading="gouraud", rasterized=True)
    ax.contour(steps, steps, surface, levels=12, colors="#16181d", alpha=0.45, linewidths=0.8)
    figure: Any = ax.figure
    figure.colorbar(mesh, ax=ax, label=label)
    ax.plot([0.0], [0.0], "*", color=COLOURS[1], markersize=15, markeredgecolor="#16181d", linestyle="none")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(mpl("ticker").MaxNLocator(5))
    ax.set(xlabel="along direction 1", ylabel="along direction 2", aspect="equal")
    titled(ax, f"loss {here:.4g} at the present weights", int(np.sum(~finite)), finite.size)
