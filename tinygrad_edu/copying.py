"""Copies of graphs, and pickles of leaves: the `copy.deepcopy`, `copy.copy` and `pickle` of Values and Tensors.

A deep copy is a graph of its own with the original's order of creation; what was stale stays stale. A
pickle holds a leaf, or a result without history, never a graph.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Sequence
from typing import Any, TypeVar

from .engine import check_fresh, history
from .errors import GraphError
from .node import Node, Notes, Payload, clock

N = TypeVar("N", bound=Node)


def deepcopied(root: N, memo: dict[int, Any]) -> N:
    """A copy of `root` and of all that it was made from; the `__deepcopy__` of nodes."""
    # leaves first: one whose data was set since is younger than its readers
    order = sorted(history(root), key=lambda x: x.op is not None)
    replaced: dict[Node, Node] = {}
    fresh = [node for node in order if id(node) not in memo]
    for node in order:
        if id(node) not in memo:
            memo[id(node)] = node.replica(replaced)
        replaced[node] = memo[id(node)]
    _restamp([(node, replaced[node]) for node in fresh])
    for node in fresh:
        twin = replaced[node]
        twin._grad = copy.deepcopy(node._grad, memo)
        for source in node.inputs:
            if isinstance(source, Node) and source.index > node.index:  # the copy of a stale graph is stale
                twin.notes().snapshots.append((replaced[source], None))
    return replaced[root]  # type: ignore[return-value] # a replica has its original's class


def copied(node: N) -> N:
    """A copy of `node` with the same inputs; the `__copy__` of nodes."""
    check_fresh(node)
    twin = node.replica({})
    if twin._grad is not None:
        twin._grad = twin.owned(twin._grad)
    return twin


def copied_notes(notes: Notes | None) -> Notes | None:
    """Notes for a copy of a node: hooks stay with the original."""
    if notes is None:
        return None
    copy_of = Notes(notes.label, notes.result)
    copy_of.origin = notes.origin
    return copy_of


def reduced(node: Node) -> tuple[Any, ...]:
    """What pickle saves of a leaf or of a result without history; the `__reduce__` of nodes."""
    if node.op is not None:
        raise GraphError(f"pickle: {node} is the result of {node.op.name}; pickle its detach(), or the leaves", [node])
    return _rebuild, (type(node), node._data, node.label, node._requires_grad, node.is_result, node._grad)


def _restamp(pairs: Sequence[tuple[Node, Node]]) -> None:
    """Number copies, and when their requires_grad was off, in the order of the originals."""
    events: list[tuple[int, Node, tuple[int, int] | None]] = [(node.index, twin, None) for node, twin in pairs]
    for node, twin in pairs:
        if node._notes is not None and node._notes.frozen:
            twin.notes().frozen = [(-1, -1)] * len(node._notes.frozen)
            events += [(time, twin, (i, end)) for i, interval in enumerate(node._notes.frozen)
                       for end, time in enumerate(interval)]
    for _, twin, place in sorted(events, key=operator.itemgetter(0)):
        if place is None:
            twin.index = next(clock)
        else:
            (i, end), frozen = place, twin.notes().frozen
            frozen[i] = (frozen[i][0], next(clock)) if end else (next(clock), frozen[i][1])


def _rebuild(cls: type[Node], data: Payload, label: str, requires_grad: bool, result: bool, grad: Payload) -> Node:
    node = cls.__new__(cls)
    node._begin(data, requires_grad, Notes(label, result) if label or result else None)
    node._grad = grad
    return node
