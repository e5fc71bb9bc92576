"""The drawing of one level: where its children and ports are and how its edges run, children's own insides apart.

All here runs from left to right: u along the edges, v across them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .layering import Layers, layered
from .nesting import LEFT, RIGHT, Level
from .ordering import ordered
from .placing import placed

Knot = tuple[float, float]
"""A point (u, v) of a wire, which passes it in the direction of u, or against it where the wire leads back."""

PAD = 14.0
"""The room between a border and what is inside."""

GAP, SLOPE, STEEPEST = 30.0, 0.12, 160.0
"""Between columns: the least room, what is added for each unit that a wire climbs there, and the most added."""

ENTRY, LANE, PORT, NEAR, APART = 8.0, 9.0, 8.0, 10.0, 14.0
"""Least distances: of entries on a box, passing wires, ports, a wire from a box, a box from a box."""


@dataclass(frozen=True, slots=True)
class Block:
    """A child as its level sees it.

    Attributes:
        u, v: the size.
        head: how much of it, at low v, is kept free for wires from a box to itself.
        ports: of a frame, where on its left and right side they are; None for a box.
        spread: how far apart the wires that enter a box are.
    """

    u: float
    v: float
    head: float = 0.0
    ports: tuple[Sequence[float], Sequence[float]] | None = None
    spread: float = ENTRY


@dataclass(frozen=True, slots=True)
class Plan:
    """The drawing of a level.

    Attributes:
        u, v: the size.
        places: of each child the corner at low u and v.
        ports: where on the left and on the right side they are.
        ways: of each edge the knots.
    """

    u: float
    v: float
    places: list[Knot]
    ports: tuple[list[float], list[float]]
    ways: list[list[Knot]]


def plan(level: Level, blocks: Sequence[Block], labels: Sequence[float], margin: Knot, least: Knot) -> Plan:
    """Draw a level.

    Args:
        level: its graph.
        blocks: its children.
        labels: how much room along each edge its label needs before its head.
        margin: how much more room there is before everything, in u and v, for a title.
        least: the least size.
    """
    children = len(blocks)
    lefts = range(children, children + len(level.ports[LEFT]))
    rights = range(lefts.stop, lefts.stop + len(level.ports[RIGHT]))
    layers = layered(rights.stop, level.edges, lefts, rights)
    exits = [0] * children
    for tail, port, _, _ in level.edges:
        if tail < children:
            exits[tail] = max(exits[tail], port + 1)
    ordered(layers, [(0, exits[child]) if block.ports is None else (len(block.ports[LEFT]), len(block.ports[RIGHT]))
                     for child, block in enumerate(blocks)])
    offsets = _offsets(layers, blocks, exits)
    tall = [block.v for block in blocks] + [0.0] * (sum(map(len, layers.columns)) - children)
    gaps = [[0.0, *[tall[a] + _distance(a, b, blocks, layers.real) for a, b in pairwise(column)]][:len(column)]
            for column in layers.columns]
    position = placed(layers, gaps, offsets)
    top = min(position, default=0.0) - PAD - margin[1]
    position = [at - top for at in position]
    v = max(max([at + size for at, size in zip(position, tall, strict=True)], default=margin[1] + PAD) + PAD, least[1])
    starts, ends, bends = _columns(layers, blocks, position, offsets, labels, margin[0], bool(lefts))
    u = max((ends[-1] if ends else margin[0] + PAD) + (0.0 if rights else PAD), least[0])
    if rights:
        bends[-1] += u - starts[-1]
        starts[-1] = ends[-1] = u
    sides = _sides(layers, blocks, starts, ends)
    ways = _ways(layers, position, offsets, sides, bends, ends)
    return Plan(u, v, [(sides[child][0], position[child]) for child in range(children)],
                ([position[port] for port in lefts], [position[port] for port in rights]), ways)


def _distance(a: int, b: int, blocks: Sequence[Block], real: int) -> float:
    """How far two neighbours in a column are apart at least."""
    boxes = (a < len(blocks)) + (b < len(blocks))
    if boxes:
        return APART if boxes == 2 else NEAR
    return PORT if a < real and b < real else LANE


def _offsets(layers: Layers, blocks: Sequence[Block], exits: Sequence[int]) -> list[tuple[float, float]]:
    """How far from the positions of its nodes each segment begins and ends: at the ports of frames, spread on boxes."""
    position = [0] * sum(map(len, layers.columns))
    for column in layers.columns:
        for place, node in enumerate(column):
            position[node] = place
    leaving, entering = [0.0] * len(layers.segments), [0.0] * len(layers.segments)
    entries: list[list[tuple[float, int]]] = [[] for _ in blocks]
    for number, (tail, port, head, entry) in enumerate(layers.segments):
        share = 0.0
        if tail < len(blocks):
            block, count = blocks[tail], exits[tail]
            if block.ports is not None:
                leaving[number], count = block.ports[RIGHT][port], len(block.ports[RIGHT])
            else:
                leaving[number] = _spread(block, port, count)
            share = port / max(count, 1)
        if head < len(blocks):
            known = blocks[head].ports
            if known is not None:
                entering[number] = known[LEFT][entry]
            else:
                entries[head].append((position[tail] + share, number))
    for block, ends in zip(blocks, entries, strict=True):
        for place, (_, number) in enumerate(sorted(ends)):
            entering[number] = _spread(block, place, len(ends))
    return list(zip(leaving, entering, strict=True))


def _spread(block: Block, place: int, count: int) -> float:
    """Where on the side of a box the wire stands that is number `place` of `count`."""
    room = block.v - block.head
    step = min(block.spread, (room - 10.0) / max(count - 1, 1))
    return block.head + room / 2 + (place - (count - 1) / 2) * step


def _columns(layers: Layers, blocks: Sequence[Block], position: Sequence[float], offsets: Sequence[tuple[float, float]],
             labels: Sequence[float], margin: float, from_border: bool) -> tuple[list[float], list[float], list[float]]:
    """Where each column starts and ends, and where the wires before it stop bending.

    The more these climb and the longer their labels, the more room is before it.
    """
    column_of: dict[int, int] = {node: place for place, column in enumerate(layers.columns) for node in column}
    room = [GAP] * len(layers.columns)  # before each column
    straight = [0.0] * len(layers.columns)  # how much of it is for labels
    for (tail, _, head, _), (leave, enter), edge in zip(layers.segments, offsets, layers.of_edge, strict=True):
        climb = abs(position[head] + enter - position[tail] - leave)
        place = column_of[head]
        room[place] = max(room[place], GAP + min(SLOPE * climb, STEEPEST))
        if edge >= 0:
            straight[place] = max(straight[place], labels[edge])
    starts, ends, at = [], [], 0.0
    for place, column in enumerate(layers.columns):
        if place == 0:
            at = 0.0 if from_border else margin + PAD
        else:
            at += room[place] + straight[place] + (margin if place == 1 and from_border else 0.0)
        starts.append(at)
        at += max([blocks[node].u for node in column if node < len(blocks)], default=0.0)
        ends.append(at)
    return starts, ends, [start - along for start, along in zip(starts, straight, strict=True)]


def _sides(layers: Layers, blocks: Sequence[Block], starts: Sequence[float],
           ends: Sequence[float]) -> dict[int, tuple[float, float]]:
    """Where each node begins and ends within its column: what reads nothing at its end, others in the middle."""
    entered = {head for _, _, head, _ in layers.segments}
    left = {tail for tail, _, _, _ in layers.segments}
    sides = {}
    for column, start, end in zip(layers.columns, starts, ends, strict=True):
        for node in column:
            if node < len(blocks):
                free = end - start - blocks[node].u
                at = start + free * (0.0 if node not in left else 1.0 if node not in entered else 0.5)
                sides[node] = (at, at + blocks[node].u)
            else:
                sides[node] = (start, end)
    return sides


def _ways(layers: Layers, position: Sequence[float], offsets: Sequence[tuple[float, float]],
          sides: dict[int, tuple[float, float]], bends: Sequence[float], ends: Sequence[float]) -> list[list[Knot]]:
    """The knots of each edge: straight through columns and along labels.

    Between columns all bend over the same distance, so that two cross if their order changes, and only then.
    """
    column_of = {node: place for place, column in enumerate(layers.columns) for node in column}
    ways = []
    for way in layers.ways:
        knots: list[Knot] = []
        for number in way:
            tail, _, head, _ = layers.segments[number]
            leave, enter = position[tail] + offsets[number][0], position[head] + offsets[number][1]
            knots += ((sides[tail][1], leave), (ends[column_of[tail]], leave), (bends[column_of[head]], enter))
        knots.append((sides[head][0], enter))
        ways.append(knots)
    return ways
