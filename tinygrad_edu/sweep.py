"""The first-order backward pass over Values, on the derivatives that were stored when they were recorded.

It is a bare multiply-add on floats. What needs more (hooks, a graph that a Tensor is part of, gradients that
are graphs) it leaves to the general pass of the engine, over the same rows.
"""

from __future__ import annotations

from typing import Any

from . import engine

Value = Any
"""A Value; the class stands one file higher."""


def sweep(root: Value, seed: float, interior: bool) -> bool:
    """Backpropagate `seed` from `root`; False, with nothing changed, if the graph needs the general pass."""
    order: list[Value] = []
    leaves: list[Value] = []
    with engine._gradients:  # the sums are on the nodes: one pass at a time
        if not _reach(root, order, leaves):
            return False
        root._sum = seed
        order.sort(key=engine.by_index, reverse=True)
        _flow(order, interior)
        totals = [leaf._sum if leaf._grad is None else leaf._grad + leaf._sum for leaf in leaves]
        for leaf, total in zip(leaves, totals, strict=True):
            leaf._grad = total
    return True


def _reach(root: Value, order: list[Value], leaves: list[Value]) -> bool:
    """Find all that gradients flow to from `root`, and give it a sum of 0: nodes that an operation made go to
    `order`, others to `leaves`. False, with the search broken off, where the general pass is needed.
    """
    token = root._pass = object()  # marks what was found; one left behind by an interrupted pass means nothing
    root._sum = 0.0
    waiting = [root]
    push, pop, keep = waiting.append, waiting.pop, order.append
    shared: set[Value] = set()  # neurons of a layer have all their inputs in common, and calls of one its weights
    share, all_shared = shared.add, shared.issuperset
    while waiting:
        node = pop()
        if node._notes is not None and node._notes.hooks:
            return False
        if node.op is None:
            if node._grad is not None and node._grad.__class__ is not float:  # a graph, from create_graph
                return False
            if node._requires_grad:
                leaves.append(node)
            continue
        keep(node)
        d = node._d_right
        if d.__class__ is tuple:
            if not all_shared(node._left):
                for source, derivative in zip(node._left, d, strict=False):
                    if derivative is not None:
                        share(source)
                        if source._pass is not token:
                            source._pass = token
                            source._sum = 0.0
                            push(source)
            continue
        if d is not None:
            source = node._right
            if source._pass is not token:
                source._pass = token
                source._sum = 0.0
                push(source)
        elif node._d_left is None:  # made from a Tensor
            return False
        if node._d_left is not None:
            source = node._left
            if source._pass is not token:
                source._pass = token
                source._sum = 0.0
                push(source)
    return True


def _flow(order: list[Value], interior: bool) -> None:
    """Hand the sum of each node, youngest first, to its inputs: to each, times the derivative by it."""
    for node in order:
        g = node._sum
        if interior:
            node._grad = g
        d = node._d_left
        if d is not None:
            node._left._sum += g * d
            d = node._d_right
            if d is not None:
                node._right._sum += g * d
        elif (d := node._d_right).__class__ is tuple:
            for source, derivative in zip(node._left, d, strict=False):
                if derivative is not None:
                    source._sum += g * derivative
        else:
            node._right._sum += g * d
