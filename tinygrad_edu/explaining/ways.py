"""The ways from a result back to a node: the graph between the two, how many paths there are, and the largest.

Nothing here is exponential, although the number of paths is, and nothing recurses.
"""

from __future__ import annotations

import heapq
import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..node import Node

CUT_OFF = -1
"""The position of the edge from what detach() gave to what it was detached from."""


class Edge(NamedTuple):
    """From a node to one of its inputs: its position among them, whether a gradient flows there, and the derivative
    by it where that is one number, as it was when recorded.
    """

    position: int
    source: Node
    flows: bool
    derivative: float | None = None


def edges_of(node: Node) -> Iterator[Edge]:
    """The edges to the nodes that a node was made from, or detached from."""
    if node.op is None:
        origin = node._notes.origin() if node._notes is not None and node._notes.origin is not None else None
        if origin is not None:
            yield Edge(CUT_OFF, origin, False)
        return
    inputs = node.inputs
    derivatives = node.derivatives if node.is_scalar else (None,) * len(inputs)  # type: ignore[attr-defined]
    for position, (source, derivative) in enumerate(zip(inputs, derivatives, strict=True)):
        if isinstance(source, Node):
            notes = source._notes
            flows = source._requires_grad and (notes is None or not notes.frozen_at(node.index))
            yield Edge(position, source, flows, derivative)


class Ways:
    """The graph between a result and a node that it was made from.

    Attributes:
        found: all that the result was made from or detached from, inputs first; not what is behind the node.
        order: those of them that lead to the node, the result first, the node last; empty where nothing leads there.
        edges: from each of them, those that lead on.
        alive: the same without edges that no gradient flows along, or from which none gets to the node.
    """

    def __init__(self, root: Node, wrt: Node) -> None:
        self.root, self.wrt = root, wrt
        self.found = _inputs_first(root, wrt)
        self.edges = _leading(self.found, wrt, {node: list(edges_of(node)) for node in self.found if node is not wrt})
        self.alive = _leading(self.found, wrt, {node: [edge for edge in edges if edge.flows]
                                                for node, edges in self.edges.items()}) if root._requires_grad else {}
        self.order = [node for node in reversed(self.found) if node in self.edges or node is wrt]
        self.order = self.order if self.order[:1] == [root] else []

    @property
    def connected(self) -> bool:
        """Whether a gradient gets to the node."""
        return self.root in self.alive or (self.root is self.wrt and self.root._requires_grad)


def _inputs_first(root: Node, wrt: Node) -> list[Node]:
    """All behind `root`, as far as `wrt`, each behind what it was made from."""
    found: list[Node] = []
    entered: set[Node] = set()
    waiting: list[tuple[Node, bool]] = [(root, False)]
    while waiting:
        node, done = waiting.pop()
        if done:
            found.append(node)
        elif node not in entered:
            entered.add(node)
            waiting.append((node, True))
            if node is not wrt:
                waiting += [(edge.source, False) for edge in edges_of(node) if edge.source not in entered]
    return found


def _leading(found: list[Node], wrt: Node, edges: dict[Node, list[Edge]]) -> dict[Node, list[Edge]]:
    """Of these edges, those that lead to `wrt`."""
    leading = {wrt: [Edge(0, wrt, True)]}
    for node in found:
        if node in edges:
            on = [edge for edge in edges[node] if edge.source in leading]
            if on:
                leading[node] = on
    del leading[wrt]
    return leading


def counts(ways: Ways, edges: dict[Node, list[Edge]], wanted: Iterable[Node]) -> dict[Node, int]:
    """How many paths lead from each of the wanted nodes to the one at the end, along these edges.

    The numbers have as many digits as there are branchings, so those that are not needed any more are dropped.
    """
    kept = set(wanted)
    if not kept:
        return {}
    uses = Counter(edge.source for targets in edges.values() for edge in targets)
    paths = {ways.wrt: 1}
    for node in reversed(ways.order):
        if node in edges:
            paths[node] = sum([paths[edge.source] for edge in edges[node]])
            for edge in edges[node]:
                uses[edge.source] -= 1
                if not uses[edge.source] and edge.source not in kept:
                    del paths[edge.source]
    return {node: paths.get(node, 0) for node in kept}


# ---- the largest paths -----------------------------------------------------------------------------------------------

Size = tuple[int, float, float]
"""What paths are compared by: nan, inf, finite or 0; then the exponent, then the rest."""


class Piece(NamedTuple):
    """A path from the result to somewhere: its size, its product so far, and its last step."""

    size: Size
    product: Any
    before: Any
    node: Node
    edge: Edge | None
    factor: Any


Extend = Callable[[Any, Node, Edge], tuple[Size, Any, Any]]
"""From a product so far, along an edge: the new size, product and factor."""


def largest(ways: Ways, start: Any, extend: Extend, width: int) -> tuple[list[Piece], bool]:
    """The largest paths, and whether none was given up that could have become larger, were sizes all there is.

    At every node the `width` largest of the paths that lead there are followed.
    """
    whole = True
    waiting = {ways.root: [Piece((1, 0.0, 0.0), start, None, ways.root, None, None)]}
    for node in ways.order:
        if node is ways.wrt:
            break
        pieces = waiting.pop(node, [])
        if len(pieces) > width:
            whole = False
            pieces = heapq.nlargest(width, pieces, key=operator.itemgetter(0))
        for edge in ways.alive.get(node, ()):
            reached = waiting.setdefault(edge.source, [])
            for piece in pieces:
                size, product, factor = extend(piece.product, node, edge)
                reached.append(Piece(size, product, piece, edge.source, edge, factor))
    return heapq.nlargest(width, waiting.get(ways.wrt, []), key=operator.itemgetter(0)), whole


def size_of(mantissa: float, exponent: float = 0.0) -> Size:
    """The size of mantissa * 2**exponent."""
    if mantissa == 0.0:
        return 0, 0.0, 0.0
    if not math.isfinite(mantissa):
        return (3 if mantissa != mantissa else 2), 0.0, 0.0
    part, more = math.frexp(abs(mantissa))
    return 1, exponent + more, part


class Walk(NamedTuple):
    """A path, the result first: its nodes, and of each step the edge and the factor."""

    nodes: list[Node]
    edges: list[Edge]
    factors: list[Any]


def unrolled(piece: Piece) -> Walk:
    """The whole way of a path."""
    nodes, edges, factors = [piece.node], [], []
    while piece.edge is not None:
        edges.append(piece.edge)
        factors.append(piece.factor)
        piece = piece.before
        nodes.append(piece.node)
    return Walk(nodes[::-1], edges[::-1], factors[::-1])
