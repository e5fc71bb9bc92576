"""Where across its column each node stands: as straight as the order and the distances between neighbours allow."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .layering import Layers

SWEEPS, NEARLY = 9, 16.0
"""How often all columns are gone through, and how far from a straight line a node is moved into it at the end."""


def fitted(wanted: Sequence[float], weights: Sequence[float], distances: Sequence[float]) -> list[float]:
    """The positions with the least sum of weights * (position - wanted)^2 that keep the distances to the one before.

    Without distances this is isotonic regression: neighbours that want to be out of order are pooled at their mean.

    >>> fitted([0.0, 0.0, 50.0], [1.0, 1.0, 1.0], [0.0, 10.0, 10.0])
    [-5.0, 5.0, 50.0]
    """
    shift, shifts = 0.0, []
    pools: list[list[float]] = []  # of each its mean, weight and number
    for want, weight, distance in zip(wanted, weights, distances, strict=True):
        shift += distance
        shifts.append(shift)
        mean, total, number = want - shift, weight, 1.0
        while pools and pools[-1][0] >= mean:
            before, heavy, many = pools.pop()
            mean = (mean * total + before * heavy) / (total + heavy)
            total += heavy
            number += many
        pools.append([mean, total, number])
    means = [mean for mean, _, number in pools for _ in range(int(number))]
    return [mean + shift for mean, shift in zip(means, shifts, strict=True)]


def placed(layers: Layers, gaps: Sequence[Sequence[float]], offsets: Sequence[tuple[float, float]]) -> list[float]:
    """The position of each node.

    Args:
        layers: the columns, sorted.
        gaps: in each column, how far each node is at least from the one before.
        offsets: of each segment how far its ends are from the positions of its nodes.
    """
    nodes, real = sum([len(column) for column in layers.columns]), layers.real
    lefts: list[list[tuple[int, float, float]]] = [[] for _ in range(nodes)]  # node, where it wants us, how strongly
    rights: list[list[tuple[int, float, float]]] = [[] for _ in range(nodes)]
    for (tail, _, head, _), (leave, enter) in zip(layers.segments, offsets, strict=True):
        strength = 8.0 if tail >= real and head >= real else 2.0 if tail >= real or head >= real else 1.0
        lefts[head].append((tail, leave - enter, strength))
        rights[tail].append((head, enter - leave, strength))
    for near in lefts:  # what has one neighbour, which has no other, stands in line with it
        if len(near) == 1 and near[0][0] < real and len(rights[near[0][0]]) == 1:
            near[0] = (*near[0][:2], 4.0)
            rights[near[0][0]][0] = (*rights[near[0][0]][0][:2], 4.0)
    position = [0.0] * nodes
    for column, distances in zip(layers.columns, gaps, strict=True):
        at = 0.0
        half = sum(distances) / 2
        for node, distance in zip(column, distances, strict=True):
            at += distance
            position[node] = at - half
    both = [near + others for near, others in zip(lefts, rights, strict=True)]
    columns = list(zip(layers.columns, gaps, strict=True))
    for sweep in range(SWEEPS):
        rightward = sweep % 2 == 0
        nearest = both if sweep >= SWEEPS - 4 else lefts if rightward else rights
        for column, distances in columns if rightward else reversed(columns):
            wanted, weights = [], []
            for node in column:
                near = nearest[node]
                yields = 1.0
                if not near:
                    near, yields = both[node], 0.1
                total = pull = 0.0
                for other, offset, strength in near:
                    total += strength
                    pull += (position[other] + offset) * strength
                wanted.append(pull / total if total else position[node])
                weights.append(total * yields or 0.01)
            for node, at in zip(column, fitted(wanted, weights, distances), strict=True):
                position[node] = at
    room = _Room(layers, gaps, position)
    for column in layers.columns:
        for node in column:
            if node < real and len(lefts[node]) == 1:
                room.line_up(node, position[lefts[node][0][0]] + lefts[node][0][1])
            elif node >= real and lefts[node][0][0] < real:
                trunk = [node]
                while further := [other for other, _, _ in rights[trunk[-1]] if other >= real]:
                    trunk += further  # a bend leads to one other at most
                room.straighten(trunk)
    return position


class _Room:
    """How far each node could be moved, its neighbours in the column staying where they are."""

    def __init__(self, layers: Layers, gaps: Sequence[Sequence[float]], position: list[float]) -> None:
        self.position = position
        self.neighbours: dict[int, tuple[int, float, int, float]] = {}  # before and after, and the distances to them
        for column, distances in zip(layers.columns, gaps, strict=True):
            befores, afters = [-1, *column[:-1]], [*column[1:], -1]
            for node, before, after, near, far in zip(column, befores, afters, distances, [*distances[1:], 0.0],
                                                      strict=True):
                self.neighbours[node] = (before, near, after, far)

    def of(self, node: int) -> tuple[float, float]:
        """The lowest and the highest position that the node could have."""
        before, near, after, far = self.neighbours[node]
        here = self.position[node]  # which rounding may have put a little out of bounds
        return (min(here, self.position[before] + near) if before >= 0 else -math.inf,
                max(here, self.position[after] - far) if after >= 0 else math.inf)

    def line_up(self, node: int, wanted: float) -> None:
        """Move a node that is nearly in line with its only neighbour on the left into line, where there is room."""
        low, high = self.of(node)
        if low <= wanted <= high and abs(wanted - self.position[node]) <= NEARLY:
            self.position[node] = wanted

    def straighten(self, trunk: Sequence[int]) -> None:
        """Put the bends of a long wire into as few straight lines as there is room for, from the left on."""
        line: list[int] = []
        floor, ceiling = -math.inf, math.inf
        for node in trunk:
            low, high = self.of(node)
            if max(low, floor) > min(high, ceiling):
                self._set(line, floor, ceiling)
                line, floor, ceiling = [], -math.inf, math.inf
            line.append(node)
            floor, ceiling = max(low, floor), min(high, ceiling)
        self._set(line, floor, ceiling)

    def _set(self, line: Sequence[int], floor: float, ceiling: float) -> None:
        mean = sum([self.position[node] for node in line]) / len(line)
        for node in line:
            self.position[node] = min(max(mean, floor), ceiling)
