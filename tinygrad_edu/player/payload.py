"""What the page of a player is given: a graph, where it is drawn, and a backward pass, as JSON."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..viz.colours import HIGH, LOW, MIDDLE, NO_NUMBER
from ..viz.layout import Layout, Place
from ..viz.measure import TITLE_CELLS, picture_size
from ..viz.snapshot import CONSTANT, FROZEN, LEAF, RESULT, Graph, Item, Picture
from ..viz.text import plain
from ..viz.view import VALUE, Box, View
from .replay import Handed, Replay

KINDS = (LEAF, FROZEN, CONSTANT, RESULT)

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
"""Of the cells of pictures: the 32nd is 0, the first and the 63rd the most negative and positive; the last is nan."""

HALF = 31

SCRIPT_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""What JavaScript calls them."""


def payload(graph: Graph, layouts: Sequence[tuple[View, Layout]], replay: Replay, opened: int,
            differing: Sequence[int]) -> str:
    """The page's data, compressed, harmless within a script element.

    It has ``items``: name, symbol, kind (its place in KINDS, 4 more for a parameter), block, data, operands, for each
    operand the derivative (a number), or what is handed on (an object with ``part`` and perhaps ``running``), or null,
    and the gradient that hooks gave; ``blocks``: title, and the block around it; ``layouts``: of each the ``boxes`` and
    ``frames``, named by a number (see `_name`), with their places, a box with the size of its picture; and the
    ``wires``: the names of both ends, and knots; and what the arguments say.

    Args:
        graph: the snapshot.
        layouts: with 0, 1, 2, ... levels of modules open, and none stacked.
        replay: of the graph.
        opened: how many levels are open at first.
        differing: the items whose `.grad` is another than what the pass gives.
    """
    symbols = symbols_of(graph.items)
    deepest, _ = layouts[-1]
    titles = {frame.place: frame.title for frame in deepest.frames} | {
        box.block: box.title for box in deepest.boxes if box.block >= 0}
    return _packed({
        "root": graph.roots[0],
        "turned": layouts[0][1].direction == "TB",
        "opened": opened,
        "end": _end(graph, symbols, differing),
        "digits": DIGITS,
        "colours": [LOW, MIDDLE, HIGH],
        "blank": NO_NUMBER,
        "seed": _data(replay.totals[graph.roots[0]]),
        "items": [_item(item, symbol, replay) for item, symbol in zip(graph.items, symbols, strict=True)],
        "blocks": [[plain(titles.get(block.place, "")), block.outer] for block in graph.blocks],
        "layouts": [_layout(view, placed) for view, placed in layouts],
    })


def _layout(view: View, placed: Layout) -> dict[str, Any]:
    names = [_name(box) for box in view.boxes]
    open_blocks = [block.place for block in view.graph.blocks if block.depth < _depth(view)]
    return {
        "boxes": [[name, *_place(place), *(picture_size(box.picture) if box.picture is not None else ())]
                  for name, box, place in zip(names, view.boxes, placed.boxes, strict=True)],
        "frames": [[-1 - block, *_place(place)] for block, place in zip(open_blocks, placed.frames, strict=True)],
        "wires": [[names[wire.source], names[wire.target], [_tenth(at) for point in points[::3] for at in point]]
                  for wire, points in zip(view.wires, placed.wires, strict=True)],
    }


def _depth(view: View) -> int:
    """How many levels of modules are open."""
    depth_of = [0] * (len(view.frames) + 1)  # the last is that of the page
    for frame in view.frames:
        depth_of[frame.place] = depth_of[frame.outer] + 1
    return max(depth_of)


def _name(box: Box) -> int:
    """A number for a box that it has in all layouts: of a value twice its item's place, of an operation one more; of a
    module, and of its frame, -1 minus the block's place.
    """
    return -1 - box.block if box.block >= 0 else 2 * box.item + (box.kind != VALUE)


def symbols_of(items: Sequence[Item]) -> list[str]:
    """What formulas call these items: their names, or v and their place, with a prime where something else has that
    name; "" for a number, which is its own name.
    """
    symbols = [plain(item.name, TITLE_CELLS) for item in items]
    taken = set(symbols)
    for item in items:
        if not symbols[item.place] and not (item.kind == CONSTANT and isinstance(item.data, float)):
            symbol = f"v{item.place}"
            while symbol in taken:
                symbol += "'"
            symbols[item.place] = symbol
    return symbols


def _end(graph: Graph, symbols: Sequence[str], differing: Sequence[int]) -> str:
    """What is said at the last step."""
    if graph.items[graph.roots[0]].grad is None:
        return " Nothing flows back, as the root requires no gradient."
    names = [symbols[place] for place in differing[:4]]
    return " The pass is complete." + (
        f" The .grad of {', '.join(names)}{' and others' if len(differing) > 4 else ''} is another: the gradients of "
        "several passes add up until zero_grad()." if names else "")


def _packed(data: Any) -> str:
    """JSON, compressed, as letters, digits and the signs +, / and =, which end no element that they stand in."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _item(item: Item, symbol: str, replay: Replay) -> list[Any]:
    kind = KINDS.index(item.kind) + (len(KINDS) if item.parameter else 0)
    fields = [symbol, plain(item.symbol), kind, item.block, _data(item.data)]
    hooked = [_data(replay.totals[item.place])] if item.place in replay.hooked else []
    if not item.inputs and not hooked:
        return fields
    handed = replay.handed[item.place] or (None,) * len(item.inputs)
    return [*fields, list(item.inputs), [_handed(one) for one in handed], *hooked]


def _handed(one: Handed | None) -> Any:
    if one is None or one.slope is not None:
        return None if one is None else _data(one.slope)
    return {"part": _data(one.part)} | ({} if one.running is None else {"running": _data(one.running)})


def _data(x: float | Picture | None) -> Any:
    """A number, of which JSON has no nan and no infinities, or the picture of an array."""
    if x is None or isinstance(x, float):
        return x if x is None or math.isfinite(x) else {"real": SCRIPT_NAMES[str(x)]}
    low, high, norm = (_data(n) for n in (x.low, x.high, x.norm))
    kind = f"{'x'.join(map(str, x.shape))} {x.dtype}" if x.shape else ""
    return {"kind": kind, "norm": norm, "low": low, "high": high,
            "size": list(x.cells.shape), "cells": _digits(x)}


def _digits(x: Picture) -> str:
    """The cells in shares of the largest, one character each."""
    cells = x.cells.ravel()
    finite = np.isfinite(cells)
    most = float(np.max(np.abs(cells), where=finite, initial=0.0)) or 1.0
    shares = np.clip(np.nan_to_num(cells, nan=0.0, posinf=most, neginf=-most) / most, -1.0, 1.0)
    return "".join([DIGITS[-1] if math.isnan(cell) else DIGITS[HALF + round(HALF * float(share))]
                    for cell, share in zip(cells, shares, strict=True)])


def _place(place: Place) -> list[float]:
    return [_tenth(place.x), _tenth(place.y), _tenth(place.w), _tenth(place.h)]


def _tenth(x: float) -> float | int:
    """A coordinate to a tenth, without a decimal point where it needs none."""
    rounded = round(x, 1)
    return int(rounded) if rounded == int(rounded) else rounded
