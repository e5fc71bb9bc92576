"""`replay`: what a backward pass hands along each edge, for a page that plays it one edge at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..engine import reverse
from ..node import Node
from ..viz.snapshot import CONSTANT, Graph, Item, Picture, picture


@dataclass(frozen=True, slots=True)
class Handed:
    """What an item hands to one of its operands.

    Attributes:
        slope: the derivative by the operand, of which the graph remembers the number: times the item's gradient, it is
            the part. None where it is no number.
        part: what is added to the operand's gradient; None where the slope says it.
        running: the picture of the operand's gradient after that, where it is not the first part; numbers need none.
    """

    slope: float | None
    part: float | Picture | None = None
    running: Picture | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """A backward pass.

    Attributes:
        totals: of each item its whole gradient, None where none flows to.
        handed: of each item, what it hands to each of its operands; None where nothing flows.
        hooked: the items whose gradient hooks have looked at when it was complete: the total is what these gave.
    """

    totals: tuple[float | Picture | None, ...]
    handed: tuple[tuple[Handed | None, ...], ...]
    hooked: frozenset[int]


def replay(root: Node, order: Sequence[Node], graph: Graph, gradient: Any = None) -> Replay:
    """A backward pass from the root, which changes no `.grad`.

    Args:
        root: where it begins; where it requires no gradient, nothing flows.
        order: all nodes behind it, by their index.
        graph: the snapshot of them.
        gradient: the cotangent to begin with, as `backward` takes it.

    Raises:
        What `backward` raises.
    """
    cotangents = reverse({root: root.seed(gradient)}, None, create_graph=False) if root.requires_grad else {}
    totals: list[float | Picture | None] = [None] * len(graph.items)
    handed: list[tuple[Handed | None, ...]] = [()] * len(graph.items)
    sums: dict[Node, Any] = {}
    hooked = set()
    items = [item for item in graph.items if item.kind != CONSTANT]
    for item, node in zip(reversed(items), reversed(order), strict=True):
        if node in cotangents:
            totals[item.place] = picture(cotangents[node])
            handed[item.place] = _all_handed(item, node, cotangents, sums)
            if node._notes is not None and node._notes.hooks:
                hooked.add(item.place)
    return Replay(tuple(totals), tuple(handed), frozenset(hooked))


def _all_handed(item: Item, node: Node, cotangents: dict[Node, Any],
                sums: dict[Node, Any]) -> tuple[Handed | None, ...]:
    """What a node hands to each of its operands, in order; `sums` are the gradients so far that are arrays."""
    found: list[Handed | None] = []
    arguments, params = node.arguments, node.params
    for position, (source, slope) in enumerate(zip(node.inputs, item.derivatives, strict=True)):
        if not (isinstance(source, Node) and source in cotangents) or (
                source._notes is not None and source._notes.frozen_at(node.index)):
            found.append(None)
        elif slope is not None:
            found.append(Handed(slope))
        else:
            assert node.op is not None
            part = source.fit(node.op.vjp(position, cotangents[node], node._data, arguments, params))
            before = sums.get(source)
            sums[source] = part if before is None else before + part
            running = picture(sums[source]) if before is not None else None
            found.append(Handed(None, picture(part), running if isinstance(running, Picture) else None))
    return tuple(found)
