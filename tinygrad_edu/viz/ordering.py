"""The order of the nodes in each column, such that few segments cross: sweeps of medians and means, and swaps."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from .layering import Layers

Ends = list[list[tuple[int, float]]]
"""Of each node the other ends of its segments: the node there, and where on its side, from 0 to below 1."""

SMALL, LARGE = 1500, 6000
"""With fewer segments than SMALL more is tried; with more than LARGE, less."""


class Order:
    """The columns of a graph while they are being sorted.

    Args:
        layers: the columns, whose lists are sorted in place.
        side: of a node, how many ports it has on the left and on the right, where their order is given.
    """

    def __init__(self, layers: Layers, side: Sequence[tuple[int, int]]) -> None:
        self.columns = layers.columns
        nodes = sum([len(column) for column in self.columns])
        self.left: Ends = [[] for _ in range(nodes)]
        self.right: Ends = [[] for _ in range(nodes)]
        self.position = [0] * nodes
        between: list[list[tuple[int, float, int, float]]] = [[] for _ in self.columns]
        column_of = [0] * nodes
        for place, column in enumerate(self.columns):
            for node in column:
                column_of[node] = place
        for tail, port, head, entry in layers.segments:
            leave = port / side[tail][1] if tail < len(side) and side[tail][1] else 0.0
            enter = entry / side[head][0] if head < len(side) and side[head][0] else 0.0
            self.right[tail].append((head, enter))
            self.left[head].append((tail, leave))
            between[column_of[tail]].append((tail, leave, head, enter))
        self.between = between
        self.count = len(layers.segments)
        for column in self.columns:
            self._number(column)

    def _number(self, column: Sequence[int]) -> None:
        for place, node in enumerate(column):
            self.position[node] = place

    def crossings(self) -> int:
        """How many pairs of segments cross, in all."""
        return sum([self._crossings(segments) for segments in self.between])

    def _crossings(self, segments: Sequence[tuple[int, float, int, float]]) -> int:
        position = self.position
        ends = [(position[a] + p, position[b] + q) for a, p, b, q in segments]
        ends.sort()
        total, seen = 0, []  # type: int, list[float]
        for _, end in ends:
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
        return total

    def sweep(self, rightward: bool, mean: bool) -> None:
        """Sort each column by where the neighbours in the one before stand."""
        position = self.position
        ends = self.left if rightward else self.right
        for column in self.columns if rightward else reversed(self.columns):
            keys: dict[int, float] = {}
            for node in column:
                near = ends[node]
                if len(near) == 1:
                    keys[node] = position[near[0][0]] + near[0][1]
                elif near:
                    places = sorted([position[other] + port for other, port in near])
                    keys[node] = sum(places) / len(places) if mean else _median(places)
            if not keys:
                continue
            moving = iter(sorted([node for node in column if node in keys], key=keys.__getitem__))
            column[:] = [next(moving) if node in keys else node for node in column]
            self._number(column)

    def swap(self) -> bool:
        """Exchange neighbours in a column where that removes crossings; whether any were."""
        improved = False
        for column in self.columns:
            if len(column) < 2:
                continue
            lefts, rights = self._places(self.left, column), self._places(self.right, column)
            for place in range(len(column) - 1):
                a, b = column[place], column[place + 1]
                if _gain(lefts[place], lefts[place + 1]) + _gain(rights[place], rights[place + 1]) > 0:
                    column[place], column[place + 1] = b, a
                    for places in (lefts, rights):
                        places[place], places[place + 1] = places[place + 1], places[place]
                    improved = True
            self._number(column)
        return improved

    def _places(self, ends: Ends, column: Sequence[int]) -> list[list[float]]:
        """Where the neighbours of each node in a column stand, sorted."""
        position = self.position
        found = []
        for node in column:
            places = [position[other] + port for other, port in ends[node]]
            if len(places) > 1:
                places.sort()
            found.append(places)
        return found

    def restore(self, columns: Sequence[Sequence[int]]) -> None:
        """Put the columns back in this order."""
        for column, old in zip(self.columns, columns, strict=True):
            column[:] = old
            self._number(column)


def _median(places: Sequence[float]) -> float:
    """The median; of an even number, between the middle two, nearer to the side where the others are closer."""
    middle = len(places) // 2
    if len(places) % 2:
        return places[middle]
    if len(places) == 2:
        return (places[0] + places[1]) / 2
    low, high = places[middle - 1] - places[0], places[-1] - places[middle]
    if low + high == 0:
        return (places[middle - 1] + places[middle]) / 2
    return (places[middle - 1] * high + places[middle] * low) / (low + high)


def _gain(a: Sequence[float], b: Sequence[float]) -> int:
    """How many crossings fewer there are if the node with ends `b` stands above that with ends `a`."""
    if not a or not b or a[-1] < b[0]:
        return -len(a) * len(b)
    gain = 0
    for end in a:
        gain += bisect_left(b, end)
    for end in b:
        gain -= bisect_left(a, end)
    return gain


def ordered(layers: Layers, side: Sequence[tuple[int, int]]) -> int:
    """Sort the columns in place; the number of crossings left."""
    order = Order(layers, side)
    tries = [None, True, False] if order.count < SMALL else [None]
    rounds = 16 if order.count < SMALL else 8 if order.count < LARGE else 4
    best, kept = -1, [list(column) for column in layers.columns]
    given = [list(column) for column in kept]
    for start in tries:
        order.restore(given if start is None else _searched(order, given, start))
        idle = 0
        for number in range(rounds):
            count = order.crossings()
            if best < 0 or count < best:
                best, kept, idle = count, [list(column) for column in layers.columns], 0
            elif idle > 3:
                break
            if best == 0:
                break
            idle += 1
            order.sweep(number % 2 == 0, number % 4 > 1)
            for _ in range(4 if order.count < SMALL else 2):
                if not order.swap():
                    break
        if best == 0:
            break
    order.restore(kept)
    return max(best, 0)


def _searched(order: Order, given: Sequence[Sequence[int]], leftward: bool) -> list[list[int]]:
    """The columns in the order in which a depth-first search meets their nodes: trees are left without crossings."""
    near = order.left if leftward else order.right
    found: dict[int, int] = {}
    for column in reversed(given) if leftward else given:
        for start in column:
            stack = [start]
            while stack:
                node = stack.pop()
                if node not in found:
                    found[node] = len(found)
                    stack.extend([other for other, _ in reversed(near[node])])
    return [sorted(column, key=found.__getitem__) for column in given]
