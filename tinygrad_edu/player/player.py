"""`play`: the forward and the backward pass of a graph, step by step."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import history
from ..errors import DataError
from ..node import Node
from ..viz.drawing import DIRECTIONS, own_svg
from ..viz.folding import MOST as MOST_BOXES
from ..viz.folding import boxes_by_depth, depth_of, view_of
from ..viz.layout import layout
from ..viz.naming import caller_names, given_names
from ..viz.request import Direction
from ..viz.snapshot import CONSTANT, Graph, Picture, snapshot_of
from ..viz.text import summary
from ..viz.view import VALUE, View
from .page import THEMES, embedded, page
from .payload import payload, symbols_of
from .replay import Replay, replay

MOST = 20_000
"""More nodes than this make a page that no browser opens in good time."""

STATIC = "TINYGRAD_EDU_STATIC"
"""A variable of the environment: where it is set to anything but "" and "0", notebooks get the picture alone."""


class Player:
    """A web page that plays a graph; a notebook shows it.

    Attributes:
        graph: the snapshot that it plays; the gradients are those of the pass that is played.
        replay: that pass.
        height: of the page in a notebook, in pixels.
    """

    def __init__(self, graph: Graph, steps: Replay, picture: str, document: str, height: int, static: bool) -> None:
        self.graph, self.replay, self.height = graph, steps, height
        self._picture, self._document, self._static = picture, document, static

    def to_html(self) -> str:
        """The page, a file by itself."""
        return self._document

    def to_svg(self) -> str:
        """The picture that is shown where the page cannot be."""
        return self._picture

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file of suffix .html, or the picture to one of .svg; returns its path.

        Raises:
            ValueError: for another suffix.
        """
        path = Path(path)
        makers = {".html": self.to_html, ".svg": self.to_svg}
        if path.suffix.lower() not in makers:
            raise ValueError(f"{path.name!r} has the suffix {path.suffix!r}; known are {', '.join(makers)}")
        path.write_text(makers[path.suffix.lower()](), encoding="utf-8")
        return path

    def _repr_mimebundle_(self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None,
                          **_: Any) -> dict[str, str]:
        """What a notebook shows: the page over the picture, and where only text is shown, text."""
        if self._static or os.environ.get(STATIC, "0") not in ("", "0"):
            found = {"image/svg+xml": self._picture}
        else:
            found = {"text/html": embedded(self._document, self._picture, summary(self.graph), self.height)}
        found["text/plain"] = repr(self)
        wanted = (set(found) if include is None else set(include)) - set(exclude or ())
        return {kind: shown for kind, shown in found.items() if kind in wanted}

    def __repr__(self) -> str:
        return f"{summary(self.graph)}; save('graph.html') writes the page that plays it"


def play(node: Any, depth: int | str | None = None, max_nodes: int = 300, direction: Direction = "LR",
         names: Any = None, *, gradient: Any = None, height: int = 520, theme: str = "auto",
         static: bool = False) -> Player:
    """The graph that a node was made from, to be played: each result forward, then the gradient back along each edge.

    The page shows dL/da += dL/dc * dc/da with its numbers at each step; of arrays their shapes, norms and pictures.
    It plays a backward pass of its own: no `.grad` is read, and none changes. It needs a browser and no network.

    Args:
        node: where the forward pass ends, and the backward pass begins.
        depth: how many levels of modules are open at first; "all" opens every one, None as many as leave at most
            `max_nodes` boxes.
        max_nodes: see `depth`.
        direction: "LR", from left to right, or "TB", from top to bottom.
        names: a dict of variables to take names from, such as ``locals()``; by default the caller's.
        gradient: the cotangent to begin with, needed where the node is not a single number.
        height: of the page in a notebook, in pixels.
        theme: "light", "dark", or "auto" for what the browser prefers.
        static: show the picture alone in a notebook, for one that is to be read where no script runs. The variable
            TINYGRAD_EDU_STATIC of the environment does the same for all.

    Raises:
        DataError: an argument is none of these, or the graph has more nodes than a page can hold.
        ShapeError: the node is an array, and there is no gradient of its shape.
        StaleGraphError: a leaf has changed since the graph was recorded.

    >>> from tinygrad_edu import Value
    >>> a = Value(3.0, "a")
    >>> play(a * a)
    2 nodes, 2 edges; * is 9; save('graph.html') writes the page that plays it
    """
    known = caller_names(sys._getframe(1)) if names is None else given_names(names, "play")
    if not isinstance(node, Node):
        raise DataError(f"play: takes one Value or Tensor, the result to begin with, not {node!r:.60}")
    if direction not in DIRECTIONS or theme not in THEMES:
        raise DataError(f"play: direction is {direction!r}, theme {theme!r}; known are the directions "
                        f"{', '.join(DIRECTIONS)} and the themes {', '.join(THEMES)}")
    if isinstance(height, bool) or not isinstance(height, int) or height < 1:
        raise DataError(f"play: height must be a number of pixels, not {height!r}")
    order = history(node)
    if len(order) > MOST:
        raise DataError(f"play: a graph of {len(order):,} nodes is more than a page can hold ({MOST:,}); play "
                        "that of fewer rows or steps: it is the same picture, smaller")
    graph = snapshot_of(order, [node], known)
    steps = replay(node, order, graph, gradient)
    stored = [item.grad for item in graph.items]
    for item in graph.items:
        item.grad = steps.totals[item.place]
    picture = own_svg(view_of(graph, depth, max_nodes, caller="play"), direction)
    counts = boxes_by_depth(graph, stacked=False)
    levels = [level for level, count in enumerate(counts) if count <= MOST_BOXES or level == 0]
    views = [_named(view_of(graph, level, stacked=False)) for level in levels]
    opened = min(depth_of(counts, depth, max_nodes), len(views) - 1)
    differing = [item.place for item, grad in zip(graph.items, stored, strict=True)
                 if item.kind != CONSTANT and grad is not None and _differ(grad, item.grad)]
    data = payload(graph, [(view, layout(view, direction)) for view in views], steps, opened, differing)
    return Player(graph, steps, picture, page(summary(graph), data, len(views) - 1, opened, theme), height, static)


def _named(view: View) -> View:
    """The view with a name on each box of a value: the page speaks of them all."""
    symbols = symbols_of(view.graph.items)
    return replace(view, boxes=tuple([
        replace(box, title=symbols[box.item]) if box.kind == VALUE else box for box in view.boxes]))


def _differ(stored: float | Picture, played: float | Picture | None) -> bool:
    """Whether two gradients are not the same, but for the order in which their parts were added."""
    if played is None:
        return True
    x, y = (np.append(g.cells, g.norm) if isinstance(g, Picture) else np.asarray(g) for g in (stored, played))
    largest = np.max(np.abs(y), initial=0.0, where=np.isfinite(y))
    return not np.allclose(x, y, rtol=1e-9, atol=1e-9 * largest, equal_nan=True)
