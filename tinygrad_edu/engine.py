"""The passes over the graph: reverse mode, forward mode, and `backward`, which stores what reverse mode found.

Nodes are numbered as they are created: the reverse pass visits them by falling index, the forward pass by
rising index, and neither needs recursion. Like the nodes, the passes know nothing of numbers or arrays.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import NoReturn

from .anomaly import check_cotangent
from .errors import AnomalyError, GraphError, StaleGraphError
from .modes import Recording, current_mode
from .node import Node, Notes, Payload, raw

_gradients = threading.RLock()
"""Held while gradients are committed, so that threads sharing leaves lose no contribution."""

by_index = operator.attrgetter("index")
"""The sort key of creation order."""


def history(*roots: Node) -> list[Node]:
    """Every node that `roots` were made from, themselves included, in the order of creation."""
    seen = set(roots)
    waiting = list(seen)
    while waiting:
        for source in waiting.pop().inputs:
            if isinstance(source, Node) and source not in seen:
                seen.add(source)
                waiting.append(source)
    return sorted(seen, key=by_index)


def check_fresh(node: Node) -> None:
    """Raise if an input of `node` was given other data after `node` was recorded."""
    for source in node.inputs:
        if isinstance(source, Node) and source.index > node.index:
            _raise_stale(source, node, ".data was set")
    _check_snapshots(node)


def _fresh(order: list[Node]) -> list[Node]:
    """`order`, or a StaleGraphError: also a node that no derivative flows through may be a view of a changed leaf."""
    for node in order:
        check_fresh(node)
    return order


def _check_snapshots(node: Node) -> None:
    """What anomaly mode adds: raise if an input's elements were written after `node` was recorded."""
    if node._notes is not None:
        for leaf, snapshot in node._notes.snapshots:
            if not leaf.same(snapshot):
                _raise_stale(leaf, node, "elements of .data were written")


def _raise_stale(leaf: Node, node: Node, how: str) -> NoReturn:
    assert node.op is not None
    raise StaleGraphError(f"{node.op.name}: the graph is stale: its input {leaf} has changed: {how} after the "
                          "operation was recorded; compute the result again, then differentiate it", [node, leaf])


def _leads_to(targets: Iterable[Node], order: Sequence[Node]) -> set[Node]:
    """The nodes of `order` (by rising index) that are, or were made from, one of `targets`."""
    reached = set(targets)
    for node in order:
        if node not in reached and any(isinstance(x, Node) and x in reached for x in node.inputs):
            reached.add(node)
    return reached


def reverse(seeds: Mapping[Node, Payload], wrt: Iterable[Node] | None, create_graph: bool,
            interior: bool = True) -> dict[Node, Payload]:
    """Reverse mode: the cotangents of `wrt` (where None, of every leaf, and if `interior` of every node on the way).

    With v the cotangents in `seeds`, the result is the vector-Jacobian product v J. Under `create_graph`
    the rules are applied to the nodes themselves, and so the result is a graph that can be differentiated.
    Reads and writes no `.grad`.
    """
    targets = None if wrt is None else set(wrt)
    active = None if targets is None else _leads_to(targets, _fresh(history(*seeds)))
    cotangents = dict(seeds)
    made: set[Node] = set()  # the nodes whose cotangent was made here, in memory that nothing else shares
    anomaly = current_mode().anomaly
    waiting = [(-node.index, node) for node in seeds]  # a heap: the youngest node first
    heapify(waiting)
    with Recording(create_graph):
        while waiting:
            _, node = heappop(waiting)
            op = node.op
            if op is None or (active is not None and node not in active):
                continue
            if node._notes is not None:
                _check_snapshots(node)
                cotangents[node] = _call_hooks(node._notes, node, cotangents[node])
            kept = interior if targets is None else node in targets
            cotangent = cotangents[node] if kept else cotangents.pop(node)
            index, params, adders = node.index, node.params, op.adders
            out, arguments = (node, node.inputs) if create_graph else (node._data, node.arguments)
            for position, source in enumerate(node.inputs):
                if isinstance(source, Node):
                    if source.index > index:
                        _raise_stale(source, node, ".data was set")
                    if (source._requires_grad and (active is None or source in active)
                            and (source._notes is None or not source._notes.frozen_at(index))):
                        if adders and position in adders and source in made:
                            part = cotangents[source]
                            adders[position](part, cotangent, arguments, params)
                        else:
                            part = source.fit(op.vjp(position, cotangent, out, arguments, params))
                            alone = position in adders if adders else False  # memory that the rule has just filled
                            if source in cotangents:
                                part, alone = source.added(cotangents[source], part, source in made), True
                            elif source.op is not None:
                                heappush(waiting, (-source.index, source))
                            cotangents[source] = part
                            if alone and source.adds_in_place and not create_graph:
                                made.add(source)
                        if anomaly:
                            check_cotangent(node, source, cotangent, part)
        for node, cotangent in cotangents.items():
            if node.op is None and node._notes is not None:
                cotangents[node] = _call_hooks(node._notes, node, cotangent)
    return cotangents


def forward(tangents: Mapping[Node, Payload], outputs: Sequence[Node], create_graph: bool) -> list[Payload | None]:
    """Forward mode: the tangents of `outputs`, the Jacobian-vector product J v; None where v does not reach."""
    order = _fresh(history(*outputs))
    flowing: dict[Node, Payload] = dict(tangents)
    with Recording(create_graph):
        for node in order:
            if node.op is None or node in flowing:
                continue
            inputs = node.inputs
            incoming = [flowing.get(x) if isinstance(x, Node) else None for x in inputs]
            if all(t is None for t in incoming):
                continue
            out, arguments = (node, inputs) if create_graph else (node._data, node.arguments)
            flowing[node] = node.spread(node.op.jvp(out, arguments, incoming, node.params))
    return [flowing.get(y) for y in outputs]


def _call_hooks(notes: Notes, node: Node, cotangent: Payload) -> Payload:
    for hook in list(notes.hooks.values()):
        replacement = hook(node.shown(cotangent))
        if replacement is not None:
            cotangent = node.seed(replacement, isinstance(cotangent, Node))
    return cotangent


def _unshared(cotangents: Mapping[Node, Payload]) -> dict[Node, Payload]:
    """The same graphs of gradients, a node for each: an addition hands one to both its inputs."""
    seen: set[int] = set()
    own = {}
    for node, g in cotangents.items():
        own[node] = g * 1.0 if id(g) in seen else g
        seen.add(id(g))
    return own


def _commit(cotangents: Mapping[Node, Payload], create_graph: bool) -> None:
    """Store what a backward pass found: leaves add up, the nodes between are set afresh."""
    with _gradients, Recording(create_graph):
        if create_graph:
            cotangents = _unshared(cotangents)
        found = [(node, node.owned(g) if node._grad is None else node.fit(node._grad + g))
                 for node, g in cotangents.items() if node.op is None and node._requires_grad]
        if current_mode().anomaly:
            for node, total in found:
                before = all(node.finite(cotangents[node])) and (node._grad is None or all(node.finite(node._grad)))
                if before and not all(node.finite(total)):
                    raise AnomalyError(f"the accumulated gradient of {node} is not finite", [node])
        for node, total in found:
            node._grad = total
        for node, g in cotangents.items():
            if node.op is not None:  # a graph here would be a cycle that no zero_grad() on the leaves unties
                node._grad = raw([g])[0] if create_graph else g


def backward(node: Node, gradient: Payload | None = None, create_graph: bool = False, interior: bool = True) -> None:
    """Add d node / d leaf to the `.grad` of every leaf, and set `.grad` on every node between.

    Leaves accumulate over calls until `zero_grad()`; nodes between are set afresh. An error on the
    way leaves every gradient as it was.

    Args:
        node: the result to differentiate.
        gradient: the cotangent to start from; needed where the node is not a single number.
        create_graph: record the pass, so that the gradients can be differentiated again.
        interior: False leaves the `.grad` of nodes between as it was, and needs memory for few of theirs at a time.

    Raises:
        GraphError: the node depends on nothing that requires a gradient.
        StaleGraphError: a leaf changed after it was recorded (a first-order pass over Values alone does not
            need the leaf: it has the derivatives stored when they were recorded).
    """
    if not node._requires_grad:
        raise GraphError(f"backward: {node} is a constant: nothing it was made from has requires_grad=True "
                         "(was it made under no_grad(), or detached?)", [node])
    seed = node.seed(gradient, create_graph)
    cotangents = reverse({node: seed}, None, create_graph, interior)
    _commit(cotangents, create_graph)
