"""The columns of a layered drawing: in which of them each node stands, and what passes through those between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Layers:
    """A graph in columns, in which each segment leads from a column to the next.

    Attributes:
        columns: the nodes of each column; those from `real` on are bends of long edges.
        real: how many nodes were given.
        segments: (tail, port, head, port).
        ways: of each edge the segments it is made of.
        of_edge: of each segment that ends at a real node the edge, else -1: which label stands there.
    """

    columns: list[list[int]]
    real: int
    segments: list[tuple[int, int, int, int]]
    ways: list[list[int]]
    of_edge: list[int]


def ranked(size: int, edges: Sequence[tuple[int, int, int, int]], first: Sequence[int],
           last: Sequence[int]) -> list[int]:
    """The column of each node, from 0, such that edges lead to later ones; `first` and `last` get columns of their own.

    Each node stands as late as its readers allow, so that leaves are next to what they enter, unless moving it to the
    left shortens more than it stretches.
    """
    readers: list[list[int]] = [[] for _ in range(size)]
    sources: list[list[int]] = [[] for _ in range(size)]
    exits: list[set[int]] = [set() for _ in range(size)]
    for tail, port, head, _ in edges:
        readers[tail].append(head)
        sources[head].append(tail)
        exits[tail].add(port)
    order = _topological(readers, sources)
    fixed = {*first, *last}
    late = [0 if node in fixed else bool(last) for node in range(size)]  # how many columns from the right
    for node in reversed(order):
        for head in readers[node]:
            late[node] = max(late[node], late[head] + 1)
    leftmost = max([late[node] for node in order if node not in fixed], default=0) + bool(first)
    column = [leftmost - late[node] for node in range(size)]
    for node in first:
        column[node] = 0
    for node in order:
        if node not in fixed and len(sources[node]) > len(exits[node]):
            column[node] = max([column[tail] for tail in sources[node]]) + 1
    return column


def _topological(readers: Sequence[Sequence[int]], sources: Sequence[Sequence[int]]) -> list[int]:
    missing = [len(tails) for tails in sources]
    ready = [node for node, count in enumerate(missing) if count == 0]
    for node in ready:
        for head in readers[node]:
            missing[head] -= 1
            if missing[head] == 0:
                ready.append(head)  # the list is its own queue
    return ready


def layered(size: int, edges: Sequence[tuple[int, int, int, int]], first: Sequence[int],
            last: Sequence[int]) -> Layers:
    """The columns of a graph without cycles. Long edges from one exit share their bends up to where they part."""
    column = ranked(size, edges, first, last)
    columns: list[list[int]] = [[] for _ in range(max(column, default=-1) + 1)]
    for node in range(size):
        columns[column[node]].append(node)
    result = Layers(columns, size, [], [], [])
    trunks: dict[tuple[int, int], list[int]] = {}  # of an exit, the segments to each bend
    nodes = size
    for number, (tail, port, head, entry) in enumerate(edges):
        trunk = trunks.setdefault((tail, port), [])
        for place in range(column[tail] + 1 + len(trunk), column[head]):
            before = (result.segments[trunk[-1]][2], 0) if trunk else (tail, port)
            trunk.append(len(result.segments))
            result.segments.append((*before, nodes, 0))
            result.of_edge.append(-1)
            columns[place].append(nodes)
            nodes += 1
        passed = trunk[:column[head] - column[tail] - 1]
        before = (result.segments[passed[-1]][2], 0) if passed else (tail, port)
        result.ways.append([*passed, len(result.segments)])
        result.segments.append((*before, head, entry))
        result.of_edge.append(number)
    return result
