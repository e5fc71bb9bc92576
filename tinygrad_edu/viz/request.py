"""`draw`: the graph behind a node, as a picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Literal

from ..engine import history
from ..errors import DataError, TinygradError
from ..nn import Module
from ..node import Node
from .drawing import DIRECTIONS, Drawing
from .folding import MOST, refuse, view_of
from .naming import Names, caller_names, given_names
from .neighbourhood import failure, names_at, surroundings
from .opening import opened
from .snapshot import Graph, snapshot, snapshot_of

Direction = Literal["LR", "TB"]

LARGEST = 300_000
"""More nodes than this are not looked at, even if modules would close them to a few boxes: it would take too long."""


def draw(node: Any, depth: int | str | None = None, max_nodes: int = 300, direction: Direction = "LR",
         names: Any = None, show: Sequence[str] = ("data", "grad"), color_by: str | None = None, *,
         stacked: bool = True, granularity: str = "node", engine: str | None = None,
         around: int | None = None) -> Drawing:
    """The graph that a node was made from, as a picture: in a notebook it shows itself.

    Boxes are nodes, with name, data and gradient; round ones the operations between them; frames the modules that were
    called. Constants are grey. A name is a node's label, else that of the caller's variable, else the parameter's.

    Args:
        node: the result to begin with, or a list of them; or an error of this package, to see what failed, in red, and
            what that was made from.
        depth: how many levels of modules are open; "all" opens every one, None as many as leave at most `max_nodes`
            boxes. The others are a box each; what was asked for is seen behind the one that it is in.
        max_nodes: see `depth`.
        direction: "LR", from left to right, or "TB", from top to bottom.
        names: a dict of variables to take names from, such as ``locals()``; by default the caller's.
        show: what is written: "data", "grad", and "derivatives", the local ones, on the wires.
        color_by: what colours the boxes: "grad", "saturation" of tanh, sigmoid and relu, or "op".
        stacked: whether modules that are alike and side by side are shown as one, with their number; not where boxes
            are coloured by numbers, in which these differ.
        granularity: "scalar" opens small arrays, and neurons, into the single numbers they compute with.
        engine: what makes the picture: "own" is the layout of this package; by default Graphviz where there is one.
        around: how many steps are shown behind what was asked for; by default all, and 2 of an error.

    Returns:
        A `graphviz.Digraph` with ``.source``, ``.render(...)``, ``.save(...)``; and exports to other formats.

    Raises:
        DataError: there are more boxes than a picture can hold, or more nodes than can be looked at; or an argument is
            none of these.

    >>> from tinygrad_edu import Value
    >>> a, b = Value(2.0), Value(-3.0)
    >>> c = a * b
    >>> c.backward()
    >>> print(draw(c).to_text())
    node   data  grad
    c = *  -6    1
      a    2     -3
      b    -3    2
    """
    frame = sys._getframe(1)
    known = names_at(node, frame) if names is None and isinstance(node, TinygradError) else _names(names, frame)
    return _drawn(node, depth, max_nodes, direction, known, show, color_by, stacked, granularity, engine, around)


def draw_dot(root: Any, format: str = "svg", rankdir: Direction = "LR") -> Drawing:
    """`draw` with micrograd's arguments: `rankdir` is "LR" or "TB", `format` what ``.render()`` writes."""
    drawing = _drawn(root, None, 300, rankdir, _names(None, sys._getframe(1)), ("data", "grad"), None, True, "node",
                     None)
    drawing.format = format
    return drawing


def _names(names: Any, frame: Any) -> Names:
    return caller_names(frame) if names is None else given_names(names)


def _drawn(node: Any, depth: Any, max_nodes: int, direction: Direction, names: Names, show: Sequence[str],
           color_by: str | None, stacked: bool, granularity: str, engine: str | None,
           around: int | None = None) -> Drawing:
    if direction not in DIRECTIONS:
        raise DataError(f"draw: direction must be {' or '.join(map(repr, DIRECTIONS))}, not {direction!r}")
    roots = _roots(node)
    if granularity == "node" and (around is not None or isinstance(node, TinygradError)):
        view = (failure(node, names, around, show=show, depth=depth, max_nodes=max_nodes, color_by=color_by)
                if isinstance(node, TinygradError) else
                surroundings(roots, around, names, depth=depth, max_nodes=max_nodes, stacked=stacked, show=show,
                             color_by=color_by))
    elif around is not None:
        raise DataError('draw: around counts nodes; leave granularity="node"')
    else:
        view = view_of(_graph(roots, names, granularity), depth, max_nodes, stacked=stacked, show=show,
                       color_by=color_by)
    return Drawing(view, direction, engine=engine)


def _roots(node: Any) -> list[Node]:
    """The nodes to begin with."""
    if isinstance(node, TinygradError):
        node = list(node.nodes)
    roots = list(node) if isinstance(node, (list, tuple)) else [node]
    if isinstance(node, Module):
        raise DataError(f"draw: a {type(node).__name__} has no graph before it is called; draw what it gives, as in "
                        "draw(model(x)); summary() lists its parts")
    if not roots or not all(isinstance(root, Node) for root in roots):
        raise DataError(f"draw: takes a Value, a Tensor, a list of them or an error that has nodes, not {node!r:.60}")
    return roots


def _graph(roots: Sequence[Node], names: Names, granularity: str) -> Graph:
    if granularity not in ("node", "scalar"):
        raise DataError(f'draw: granularity must be "node" or "scalar", not {granularity!r}')
    if granularity == "scalar":
        return snapshot(*opened(roots, names))
    order = history(*roots)
    outside = sum(1 for node in order if node.op is not None and node.scope is None)
    if outside > MOST:  # told before a million nodes are looked at
        refuse(2 * outside, "put its parts in modules, which can be shown as boxes")
    if len(order) > LARGEST:
        raise DataError(f"draw: a graph of {len(order):,} nodes takes too long to look at (up to {LARGEST:,} are "
                        "drawn); draw that of fewer rows or steps: it is the same picture with a smaller number on it")
    return snapshot_of(order, roots, names)
