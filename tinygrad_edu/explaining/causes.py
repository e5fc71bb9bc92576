"""Why a gradient is None, 0 or nearly so: which nodes cut it off, and how."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine import history
from ..node import Node
from ..ops.row import Elementwise
from ..viz.text import number
from .flow import CANCELS, NO_GRADIENT, NOT_FINITE, Cut, Flow
from .letters import norm, payload_text
from .probing import SATURATED, Call, reason
from .ways import CUT_OFF, Walk, Ways, counts

SMALL, FACTOR, LEFT = 1e-6, 1e-3, 1e-12
"""A gradient this small is looked into; a factor this small is to blame; this little is left where paths cancel."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What cuts a gradient off, or makes it small.

    Attributes:
        kind: "not connected", "constant", "detached", "dead", "saturated", "multiplied by 0", "clipped",
            "not selected", "piecewise constant", "stationary", "cancels", "underflow", "zero derivative",
            "zero seed", "small factor", "vanishing", "not finite" or "hook".
        name: what the node is called where that happens.
        index: when that node was made, its `.index`.
        text: what happens there, in words.
        count: how many paths it cuts; one path may be cut in several places.
    """

    kind: str
    name: str
    index: int
    text: str
    count: int = 0


def causes_of(ways: Ways, flow: Flow, call: Call, most: int) -> tuple[list[Cause], int]:
    """What cuts the paths: the places that cut the most first, and of those that cut as many the ones nearest to the
    variable, as what is 0 there may make others 0; and how many more places there are.
    """
    if not ways.order:
        return _unconnected(ways, call, most)
    if ways.root is ways.wrt and not ways.connected:
        return [_frozen(ways.wrt, ways.wrt, call, 1)], 0
    whole = [cut for cut in flow.cuts if cut.how == NO_GRADIENT]
    ends = {cut.edge.source if cut.edge is not None else cut.node for cut in flow.cuts}
    structural = counts(ways, ways.edges, {cut.edge.source for cut in whole if cut.edge is not None})
    flowing = counts(ways, ways.alive, ends)
    merged: dict[tuple[str, Node], tuple[Cut, int]] = {}
    for cut in flow.cuts:
        end = cut.node if cut.edge is None else cut.edge.source
        guilty = end if cut.how in (NO_GRADIENT, CANCELS) else cut.node
        guilty = cut.node if cut.edge is not None and cut.edge.position == CUT_OFF else guilty
        first, count = merged.get((cut.how, guilty), (cut, 0))
        behind = structural[end] if cut.how == NO_GRADIENT else flowing[end]
        merged[cut.how, guilty] = first, count + cut.arriving * behind
    ranked = sorted([(-count, -place, cut) for place, (cut, count) in enumerate(merged.values()) if count],
                    key=operator.itemgetter(0, 1))
    return [_cause(ways, cut, call, -count) for count, _, cut in ranked[:most]], max(0, len(ranked) - most)


def _cause(ways: Ways, cut: Cut, call: Call, count: int) -> Cause:
    node, edge = cut.node, cut.edge
    if edge is None:
        if node is ways.root:
            return Cause("zero seed", call(node), node.index, "the gradient that was given to start from is 0", count)
        return Cause(CANCELS, call(node), node.index, f"the parts that come to {call(node)} add up to 0", count)
    if edge.position == CUT_OFF:
        return Cause("detached", call(node), node.index, f"detached here, from {call(edge.source)}", count)
    if cut.how == NO_GRADIENT:
        return _frozen(edge.source, node, call, count)
    assert node.op is not None
    if cut.how == NOT_FINITE:
        return Cause(NOT_FINITE, call(node), node.index,
                     f"the derivative of {node.op.name} by {call(edge.source)} gives inf or nan here", count)
    kind, text, guilty = reason(cut, call)
    return Cause(kind, call(guilty), guilty.index, text, count)


def _frozen(source: Node, reader: Node, call: Call, count: int) -> Cause:
    text = "requires_grad is False"
    if source._requires_grad:
        text = f"requires_grad was False when {call(reader)} was recorded"
    elif source._notes is not None and source._notes.origin is not None:
        text = "it was detached, and requires_grad is False"
    elif source.is_result:
        text = "it was made without a graph: under no_grad(), or from what is constant or detached"
    return Cause("constant", call(source), source.index, text, count)


def _unconnected(ways: Ways, call: Call, most: int) -> tuple[list[Cause], int]:
    """Nothing leads there: the places where something may have been cut off that left no trace."""
    wrt, found = call(ways.wrt), []
    for node in ways.found:
        if node.op is None and node.is_result and node is not ways.wrt:
            lost = node._notes is not None and node._notes.origin is not None
            if lost and node._notes.origin() is not None:  # type: ignore[union-attr, misc] # its ways were followed
                continue
            text = ("detached here, from a node that is gone" if lost else
                    "made without a graph: under no_grad(), or from what is constant or detached")
            found.append(Cause("detached" if lost else "constant", call(node), node.index,
                               f"{text}; if that was made from {wrt}, the way ends here"))
    if found:
        return found[:most], max(0, len(found) - most)
    root = call(ways.root)
    hint = (f"{wrt} was made from {root}: are the two exchanged?" if ways.root in history(ways.wrt) else
            ".data, float() and item() leave no trace")
    return [Cause("not connected", wrt, ways.wrt.index, f"{root} was not made from {wrt} ({hint})")], 0


# ---- small gradients -------------------------------------------------------------------------------------------------


def causes_of_little(value: Any, seed: Any, walk: Walk, products: Sequence[Any], call: Call,
                     most: int) -> list[Cause]:
    """Why a gradient is small but not 0: the smallest factors of the largest path, or paths that nearly cancel."""
    size = norm(value)
    if not 0.0 < size <= SMALL * norm(seed):
        return []
    nodes, factors = walk.nodes, walk.factors
    end = nodes[-1]
    if size <= LEFT * sum(norm(p) for p in products):
        return [Cause(CANCELS, call(end), end.index,
                      f"the paths add up to almost 0; the largest is {payload_text(products[0])}")]
    sizes = [abs(f) if f.__class__ is float else f[1] for f in factors]
    ranked = sorted(range(len(sizes)), key=sizes.__getitem__)
    small = [k for k in ranked if sizes[k] <= FACTOR][:most]
    if not small and sizes:
        k = ranked[0]
        return [Cause("vanishing", call(nodes[k]), nodes[k].index,
                      f"{len(sizes):,} factors; the smallest is {number(sizes[k])}, here")]
    return [_small(nodes[k], nodes[k + 1], sizes[k], call) for k in small]


def _small(node: Node, source: Node, factor: float, call: Call) -> Cause:
    row = node.op
    assert row is not None
    if isinstance(row, Elementwise) and row.arity == 1 and callable(row.derivatives[0]):
        where = f"at {payload_text(source._data)}" if np.size(source._data) == 1 else "on average"
        return Cause(SATURATED, call(node), node.index, f"saturated {row.name}: derivative {number(factor)} {where}")
    return Cause("small factor", call(node), node.index, f"{row.name} multiplies by {number(factor)}")
