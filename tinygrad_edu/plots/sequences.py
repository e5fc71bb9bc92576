"""The state of a recurrent network over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError
from ..nn import Module
from ..nn.recurrent import Cell
from ..nn.scalar_cells import ScalarRNNCell
from ..nn.sequences import Recurrent
from .canvas import Array, Axes, canvas, heat_map, numbers, titled, whole
from .running import Layer, layers_of


def states(outputs: Any, inputs: Any = None, ax: Any = None, *, names: Sequence[str] | None = None) -> Axes:
    """The state of a recurrent network over time, as a heat map: a row for each unit, a column for each step.

    Args:
        outputs: of one sequence: an array or Tensor (steps, units), or a list of the states after each step; or a model
            that holds a recurrent layer or cell, whose outputs are taken.
        inputs: what a model is called with: one sequence, in the layout that it takes.
        ax: matplotlib's axes to draw on; by default those of a new figure.
        names: of the steps, such as the letters of a word.

    Raises:
        ShapeError: there is more than one sequence, no step, or another number of names.
        DataError: the model has no recurrent layer, or does not use what it gives at each step.
        MissingExtraError: matplotlib is not installed.
    """
    label = "state"
    if isinstance(outputs, Module):
        if inputs is None:
            raise DataError("states: a model needs inputs, as in states(model, x[:1])")
        layer = _recurrent(outputs, layers_of(outputs, inputs, "states"))
        label, table = layer.name, _steps(layer)
    else:
        table = numbers(outputs, "states")
        if table.ndim == 3 and isinstance(outputs, (list, tuple)) and table.shape[1] == 1:
            table = table[:, 0]
    if table.ndim != 2 or not table.size:
        raise ShapeError(f"states: takes the outputs of one sequence, (steps, units), not shape {table.shape}; choose "
                         "one, as in outputs[:, 0], or outputs[0] where batch_first")
    if names is not None and len(names) != len(table):
        raise ShapeError(f"states: {len(names)} names for {len(table)} steps")
    steps, units = table.shape
    plot = canvas(ax, "states", (min(max(4.0, 2.0 + 0.3 * steps), 14.0), min(max(2.4, 1.2 + 0.1 * units), 9.0)))
    heat_map(plot, table.T, "state", aspect="auto")
    if names is not None:
        plot.set_xticks(range(len(names)), names)
    else:
        whole(plot.xaxis)
    whole(plot.yaxis)
    plot.set(xlabel="step", ylabel="unit")
    titled(plot, "" if label == "state" else label, int(np.sum(~np.isfinite(table))), table.size)
    return plot


def _recurrent(model: Module, layers: list[Layer]) -> Layer:
    """What the first recurrent layer gave."""
    for layer in layers:
        if isinstance(layer.module, (Recurrent, Cell, ScalarRNNCell)):
            return layer
    raise DataError(f"states: {type(model).__name__} has called no recurrent layer, such as LSTM or GRUCell; there are "
                    f"{', '.join(layer.name for layer in layers)}")


def _steps(layer: Layer) -> Array:
    """The outputs of a layer, of one sequence: (steps, units)."""
    if not isinstance(layer.module, Recurrent):
        return np.concatenate([np.atleast_2d(node._data) for node in layer.nodes])
    outputs = np.asarray(layer.nodes[0]._data)
    axis = 0 if layer.module.batch_first else 1
    if outputs.ndim == 3 and outputs.shape[axis] == 1:
        outputs = outputs.squeeze(axis)
    return outputs
