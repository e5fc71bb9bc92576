"""Shades: boxes coloured by the gradient, by how saturated a result is, or by the operation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import ops
from ..errors import DataError
from ..ops.row import Elementwise
from .snapshot import Picture
from .view import OPERATION, VALUE, View


def coloured(view: View, by: str) -> View:
    """The same view, its boxes shaded: by the gradient, by how saturated a result is, or by the operation."""
    if not isinstance(by, str) or by not in _SHADES:
        raise DataError(f"draw: color_by must be {', '.join(map(repr, _SHADES))} or None, not {by!r}")
    shades = _SHADES[by](view)
    return replace(view, boxes=tuple([replace(box, shade=shades.get(box.place)) for box in view.boxes]))


def _by_gradient(view: View) -> dict[int, float]:
    """The gradient, or the norm of one, relative to the largest in the view."""
    size: dict[int, float] = {}
    for box in view.boxes:
        grad = view.graph.items[box.item].grad if box.kind == VALUE else None
        if grad is not None:
            size[box.place] = grad.norm if isinstance(grad, Picture) else grad
    finite = [abs(x) for x in size.values() if math.isfinite(x)]
    largest = max(finite, default=0.0) or 1.0
    return {place: max(-1.0, min(1.0, x / largest)) if x == x else 1.0 for place, x in size.items()}


def _by_saturation(view: View) -> dict[int, float]:
    """How flat tanh, sigmoid and relu are: 1 - derivative / greatest derivative; of an array the mean."""
    shades = {}
    for box in view.boxes:
        item = view.graph.items[box.item]
        slope = _SLOPES.get(item.op) if box.kind == VALUE else None
        if slope is not None:
            out = item.data.cells if isinstance(item.data, Picture) else np.array(item.data)
            shades[box.place] = float(1.0 - np.mean(slope(out))) if out.size else 0.0
    return shades


def _relative(row: Elementwise, greatest: float) -> Callable[[Any], Any]:
    """The derivative of a function in terms of its result, relative to the greatest that it has.

    relu has it by its operand, which is above 0 where its result is.
    """
    derivative: Any = row.derivatives[0]
    return lambda out: derivative(out, out) / greatest


_SLOPES = {row.name: _relative(row, greatest) for row, greatest in (
    (ops.tanh, 1.0), (ops.sigmoid, 0.25), (ops.relu, 1.0))}
"""Of functions that saturate, by their names."""


def _by_operation(view: View) -> dict[int, float]:
    """A shade for each operation, evenly spaced."""
    names = sorted({view.graph.items[box.item].op for box in view.boxes if box.kind == OPERATION})
    step = 2.0 / max(len(names) - 1, 1)
    return {box.place: names.index(view.graph.items[box.item].op) * step - 1.0
            for box in view.boxes if box.kind == OPERATION}


_SHADES = {"grad": _by_gradient, "saturation": _by_saturation, "op": _by_operation}
