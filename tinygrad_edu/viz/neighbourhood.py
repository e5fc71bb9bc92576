"""What is near: a node and a few steps of what it was made from; of an error, the place where it happened.

Nothing here grows with the graph: what is shown is looked for step by step from its end, and the rest left alone.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np

from ..anomaly import is_ours
from ..engine import by_index
from ..errors import AnomalyError, DataError, TinygradError
from ..node import NO_PARAMS, Node
from ..ops import TABLE
from .folding import view_of
from .naming import Names, names_among
from .snapshot import CONSTANT, Graph, Item, picture, snapshot_of
from .text import plain
from .view import MODULE, OPERATION, VALUE, Box, View, Wire

AROUND = 2
"""How many steps are shown of what failed."""

OPERANDS = 12
"""How many operands of an operation are shown at most."""

MOST = 400
"""How many nodes are shown at most, however many steps are asked for."""


def near(roots: Sequence[Node], around: int, wanted: Sequence[Node] = ()) -> dict[Node, list[int]]:
    """The nodes at most `around` steps behind the roots, each with the positions of those operands that are shown.

    Args:
        roots: where to begin.
        around: how many steps to go.
        wanted: operands that are shown before others.
    """
    found: dict[Node, list[int]] = {root: [] for root in roots}
    edge = list(found)
    for _ in range(around):
        further: list[Node] = []
        for node in edge:
            if len(found) >= MOST:
                break
            operands = node.inputs
            found[node] = positions = sorted(_first(operands, wanted))
            new = dict.fromkeys(x for x in map(operands.__getitem__, positions) if isinstance(x, Node))
            further += [x for x in new if x not in found]
            found.update({x: [] for x in further if x not in found})
        edge = further
        if not edge:
            break
    return found


def _first(operands: Sequence[Any], wanted: Sequence[Node] = ()) -> list[int]:
    """The positions of operands to show: the wanted ones, then one of each shape, then the others in order."""
    if len(operands) <= OPERANDS:
        return list(range(len(operands)))
    shapes: set[Any] = set()
    ranks = []
    for position, x in enumerate(operands):
        shape = np.shape(x._data if isinstance(x, Node) else x)
        ranks.append((0 if any(x is node for node in wanted) else 1 if shape not in shapes else 2, position))
        shapes.add(shape)
    return [position for _, position in sorted(ranks)[:OPERANDS]]


def near_graph(roots: Sequence[Node], around: int, names: Names, wanted: Sequence[Node] = ()) -> tuple[
        Graph, dict[Node, int], dict[int, int]]:
    """What is near the roots as a graph; the place of each node in it; and of which how many operands are left out."""
    chosen = near(roots, around, wanted)
    order = sorted(chosen, key=by_index)
    graph = snapshot_of(order, roots, names, chosen=chosen)
    places = dict(zip(order, [item.place for item in graph.items if item.kind != CONSTANT], strict=True))
    cut = {places[node]: len(node.inputs) - len(shown) for node, shown in chosen.items()}
    return graph, places, {place: count for place, count in cut.items() if count}


def surroundings(roots: Sequence[Node], around: Any, names: Names, **options: Any) -> View:
    """The view of nodes and at most `around` steps of what they were made from. The options are those of `view_of`."""
    graph, _, cut = near_graph(roots, checked(around), names)
    view = view_of(graph, **options)
    told = f"at most {around} step{'' if around == 1 else 's'} behind what was asked for; {view.caption}"
    return replace(_with_ellipses(view, cut), caption=told)


def checked(around: Any) -> int:
    """A number of steps.

    Raises:
        DataError: it is none.
    """
    if isinstance(around, bool) or not isinstance(around, int) or around < 0:
        raise DataError(f"draw: around must be a number of steps from 0, or None, not {around!r:.60}")
    return around


# ---- errors ----------------------------------------------------------------------------------------------------------


def failure(error: TinygradError, names: Names, around: Any = None, *, show: Sequence[str] = ("data", "grad"),
            **options: Any) -> View:
    """The view of where an error happened: what failed, marked, and `around` steps of what it was made from.

    That is the first NaN or infinity of an `AnomalyError`; where there is no result, the operation, with the shapes of
    its operands on the wires; else the nodes of the error. Of modules that are alike none stands for another.
    """
    around = AROUND if around is None else checked(around)
    cotangent = error.cotangent if isinstance(error, AnomalyError) else None
    backward = cotangent is not None
    attempt = error.attempt
    operands: Sequence[Any] = ()
    failed = list(dict.fromkeys(error.nodes[:OPERANDS]))
    if attempt is not None:
        operands = [attempt[1][position] for position in sorted(_first(attempt[1]))]
        roots = list(dict.fromkeys(x for x in operands if isinstance(x, Node))) or failed
        failed, around = [], max(around - 1, 0)
    else:
        roots = failed = failed[:1] if isinstance(error, AnomalyError) else failed
        if backward:
            failed, around = [error.nodes[-1]], max(around, 1)
    graph, places, cut = near_graph(roots, around, names, error.nodes[-1:] if backward else ())
    if not any(item.grad is not None for item in graph.items):
        show = [what for what in show if what != "grad"]
    graph, sources = _with_operands(graph, operands, places)
    view = view_of(graph, stacked=False, show=show, **options)
    notes = {places[node]: _fault(cotangent if backward else node._data, backward) for node in failed}
    boxes = [replace(box, tone="failed", lines=tuple(filter(None, [*box.lines, notes[box.item]])))
             if box.kind == VALUE and box.item in notes else box for box in view.boxes]
    makers = {places[roots[0]]} if backward else set(notes)
    boxes = [replace(box, tone="failed") if box.kind == OPERATION and box.item in makers else
             replace(box, tone=graph.items[box.item].kind) if box.tone == "root" else box for box in boxes]
    view = _with_ellipses(replace(view, boxes=tuple(boxes)), cut)
    if attempt is not None:
        view = _with_attempt(view, error, sources, operands, len(attempt[1]))
    return replace(view, caption=_caption(error, around + (attempt is not None)))


def _caption(error: TinygradError, around: int) -> str:
    """What failed, in the words of the error; and how much is shown."""
    words = plain(" ".join(str(error).split()), 300)
    steps = f"{around} step{'' if around == 1 else 's'}"
    return f"red, with a cross: {type(error).__name__}: {words} (at most {steps} behind it)"


def _fault(data: Any, backward: bool) -> str:
    """What is not finite in a payload: of a number nothing, as it is shown itself."""
    array = np.asarray(data)
    what = "cotangent " if backward else ""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    if array.ndim == 0:
        return f"{what}{array:g}" if backward else ""
    name, count = ("nan", np.isnan(array).sum()) if np.isnan(array).any() else ("inf", np.isinf(array).sum())
    return f"{what}{name} in {count} of {array.size}"


def _with_operands(graph: Graph, operands: Sequence[Any], places: Mapping[Node, int]) -> tuple[Graph, list[int]]:
    """The graph with the plain ones among the operands, and the places of all of them, -1 of what is no number."""
    items, sources = list(graph.items), []
    for x in operands:
        plain_data = None if isinstance(x, Node) else np.asarray(x)
        if plain_data is not None and plain_data.dtype.kind in "biuf":
            sources.append(len(items))
            data = picture(plain_data.astype(float) if plain_data.dtype.kind == "b" else plain_data)
            items.append(Item(len(items), CONSTANT, "", "", "", NO_PARAMS, data, None, (), (), -1, 0, False))
        else:
            sources.append(places[x] if isinstance(x, Node) else -1)
    return replace(graph, items=tuple(items)), sources


def _with_attempt(view: View, error: TinygradError, sources: Sequence[int], operands: Sequence[Any],
                  count: int) -> View:
    """The view with a box for the operation that has no result, and a wire from each operand, with its shape."""
    assert error.attempt is not None
    name = error.attempt[0]
    symbol = TABLE[name].symbol if name in TABLE else name
    title = name if symbol == name else f"{name} {symbol}"
    said = "not finite" if isinstance(error, AnomalyError) else "failed"
    left = count - len(operands)
    box = Box(len(view.boxes), OPERATION, title, (said, *([f"{left} more operands"] if left else [])), -1, -1, "failed")
    place_of = {box.item: box.place for box in view.boxes if box.kind == VALUE}
    wires = []
    for number, (source, x) in enumerate(zip(sources, operands, strict=True), 1):
        if source in place_of:
            shape = np.shape(x._data if isinstance(x, Node) else x)
            order = f"{number}: " if 1 < len(operands) == count else ""  # the picture may cross them
            wires.append(Wire(place_of[source], box.place, "" if _is_number(x) else f"{order}{shape}"))
    return replace(view, boxes=(*view.boxes, box), wires=(*view.wires, *wires))


def _is_number(x: Any) -> bool:
    return x.is_scalar if isinstance(x, Node) else not isinstance(x, np.ndarray)


def _with_ellipses(view: View, cut: Mapping[int, int]) -> View:
    """The view with a box "…" before each operation of which operands are left out; boxes lead to later ones."""
    ends = [box for box in view.boxes if box.kind == OPERATION and box.item in cut]
    by = len(ends)
    boxes = [Box(place, MODULE, "…" if not view.graph.items[end.item].inputs else f"… {cut[end.item]} more", (),
                 end.frame, -1, CONSTANT) for place, end in enumerate(ends)]
    boxes += [replace(box, place=box.place + by) for box in view.boxes]
    wires = [Wire(place, end.place + by) for place, end in enumerate(ends)]
    wires += [replace(wire, source=wire.source + by, target=wire.target + by) for wire in view.wires]
    return replace(view, boxes=tuple(boxes), wires=tuple(wires))


def names_at(error: TinygradError, frame: FrameType | None = None) -> Names:
    """What the variables of those functions are called that the error passed through, the innermost first."""
    names: Names = {}
    frames = [at for at, _ in traceback.walk_tb(error.__traceback__)]
    for at in reversed([frame, *frames]):
        if at is not None and not is_ours(at):
            names = names_among(at.f_globals) | names_among(at.f_locals) | names
    return names
