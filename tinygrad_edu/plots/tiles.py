"""Many small images side by side in one: filters, and the maps that they make of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError
from ..nn import Conv1d, Conv2d, Linear, Module
from .canvas import Array, Axes, canvas, heat_map, numbers, titled
from .running import layers_of, require_module, twin_on_tensors


def filters(model: Module, ax: Any = None, *, shape: Sequence[int] | None = None, most: int = 256) -> Axes:
    """The weights of the first convolution as images; with a `shape`, the rows of the first Linear in this shape.

    Of one input channel, the filters are laid out as a square. Of several, each has a line of images, one for each
    channel. Filters of a Conv1d are images of channels by places. Blue is negative, orange positive.

    Args:
        model: a layer, or a model that holds one.
        ax: matplotlib's axes to draw on; by default those of a new figure.
        shape: the image that a Linear looks at, (height, width).
        most: how many images are drawn at most.

    Raises:
        DataError: there is no such layer.
        ShapeError: the inputs of the Linear are not an image of this shape; `most` is below 1.
        MissingExtraError: matplotlib is not installed.
    """
    layer = _first(twin_on_tensors(require_module(model, "filters")), shape is not None)
    weight: Array = layer.weight.data
    columns = None
    if shape is not None:
        if len(shape) != 2 or math.prod(shape) != weight.shape[1]:
            raise ShapeError(f"filters: {layer!r} has {weight.shape[1]} inputs, which are no image of shape "
                             f"{tuple(shape)}")
        images = weight.reshape(-1, *shape)
    elif weight.ndim == 3:
        images = weight
    else:
        images = weight.reshape(-1, *weight.shape[2:])
        columns = weight.shape[1] if weight.shape[1] > 1 else None
    return _tiled(images, ax, "filters", f"{layer!r}", "weight", most, columns)


def feature_maps(model: Module, image: Any, ax: Any = None, *, layer: Any = None, most: int = 64) -> Axes:
    """What the channels of a layer make of an image, side by side. Blue is negative, orange positive.

    Args:
        model: what is called, in evaluation mode.
        image: (height, width), (channels, height, width), or a batch of one of these.
        ax: matplotlib's axes to draw on; by default those of a new figure.
        layer: a module in the model, or its name there, such as "1"; by default the first convolution.
        most: how many maps are drawn at most.

    Raises:
        DataError: there is no such layer, or it was not called.
        ShapeError: there is more than one image, or the layer does not give maps; `most` is below 1.
        MissingExtraError: matplotlib is not installed.
    """
    who = "feature_maps"
    pixels = numbers(image, who)
    pixels = pixels.reshape((1,) * max(0, 4 - pixels.ndim) + pixels.shape)
    if pixels.ndim != 4 or len(pixels) != 1:
        raise ShapeError(f"{who}: takes one image, (channels, height, width), not shape {np.shape(image)}; choose one, "
                         "as in images[0]")
    layers = layers_of(require_module(model, who), pixels, who)
    chosen = next((one for one in layers if _is_chosen(one.name, one.module, layer)), None)
    if chosen is None:
        what = "convolution" if layer is None else f"layer {layer!r:.40}"
        raise DataError(f"{who}: no {what} was called; there are {', '.join(one.name for one in layers)}")
    maps = np.asarray(chosen.nodes[0]._data)
    if maps.ndim != 4:
        raise ShapeError(f"{who}: {chosen.name} gives shape {maps.shape}, not maps (1, channels, height, width); "
                         "choose a layer before the image is flattened")
    return _tiled(maps[0], ax, who, chosen.name, "activation", most)


def _is_chosen(name: str, module: Module, layer: Any) -> bool:
    if layer is None:
        return isinstance(module, Conv2d)
    return layer in (name, name.partition(":")[0]) if isinstance(layer, str) else module is layer


def _first(model: Module, linear: bool) -> Any:
    """The first convolution, or Linear, in a model."""
    kinds = (Linear,) if linear else (Conv1d, Conv2d)
    for part in model.modules():
        if isinstance(part, kinds):
            return part
    raise DataError(f"filters: {type(model).__name__} holds no {' or '.join(kind.__name__ for kind in kinds)}"
                    + ("" if linear else "; of a Linear on images, give their shape=(height, width)"))


def _tiled(images: Array, ax: Any, who: str, title: str, label: str, most: int, columns: int | None = None) -> Axes:
    """Images (count, height, width) in one, a line of `columns` below the other, with gaps of a pixel."""
    if most < 1:
        raise ShapeError(f"{who}: most must be at least 1, not {most}")
    total = len(images)
    columns = min(columns or math.ceil(math.sqrt(min(total, most))), most)
    images = images[:min(total, most // columns * columns)]
    height, width = images.shape[1:]
    lines = math.ceil(len(images) / columns)
    sheet = np.full((lines * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for place, image in enumerate(images):
        top, left = place // columns * (height + 1), place % columns * (width + 1)
        sheet[top:top + height, left:left + width] = image
    longest = max(sheet.shape)
    plot = canvas(ax, who, (1.6 + 4.8 * sheet.shape[1] / longest, max(1.6, 0.5 + 4.8 * sheet.shape[0] / longest)))
    heat_map(plot, sheet, label)
    plot.set_axis_off()
    cut = f", the first {len(images)} of {total}" if len(images) < total else ""
    titled(plot, title + cut, int(np.sum(~np.isfinite(images))), images.size)
    return plot
