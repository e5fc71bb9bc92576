"""A view as nested levels: the inside of each frame, and what is outside of all, is a level with its own small graph.

A wire that crosses the border of a frame does so at a port of it: on the left where it comes in, on the right where it
goes out. All wires of one source share their ports, and their way up to where they part; so a frame is entered once by
a value, however many of its boxes read it. Only wires with the same two ends are kept apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .view import View

LEFT, RIGHT = 0, 1
"""The sides of a frame. Pictures from top to bottom are laid out from left to right and then turned."""

OUTSIDE = -1
"""The frame of what is in none."""


@dataclass(slots=True)
class Level:
    """The inside of a frame.

    Attributes:
        frame: the place of the frame, or OUTSIDE.
        children: boxes by their places and frames by theirs, in the order of the view's boxes: (is a frame, place).
        ports: of each side, what crosses there, in the order of first use.
        edges: (tail, port of the tail, head, port of the head). Tail and head are children by their number here, ports
            of the left side counted on from there, ports of the right side from there. The port is of a frame among
            its own, of the tail box the number of its exit; it is 0 else.
        labels: how wide the label of each edge is; 0 if it has none.
    """

    frame: int
    children: list[tuple[bool, int]] = field(default_factory=list)
    ports: tuple[dict[tuple[int, ...], int], dict[tuple[int, ...], int]] = field(default_factory=lambda: ({}, {}))
    edges: list[tuple[int, int, int, int]] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)
    index: dict[tuple[int, int, int, int], int] = field(default_factory=dict)

    def edge(self, ends: tuple[int, int, int, int], label: float) -> int:
        """The number of the edge with these ends, added if it is new."""
        number = self.index.setdefault(ends, len(self.edges))
        if number == len(self.edges):
            self.edges.append(ends)
            self.labels.append(label)
        elif label > self.labels[number]:
            self.labels[number] = label
        return number


@dataclass(slots=True)
class Nesting:
    """The levels of a view, by the frame, and the way of each wire through them.

    Attributes:
        levels: by the place of the frame; the last one is OUTSIDE.
        ways: of each wire the edges it is made of, as (frame, number of the edge), from its tail on.
        reversed: whether the wire leads back, so that its tail is the target.
    """

    levels: list[Level]
    ways: list[list[tuple[int, int]]]
    reversed: list[bool]


def nested(view: View, label_widths: Sequence[float]) -> Nesting:
    """The levels of a view. Wires from a box to itself are in none."""
    levels = [Level(frame.place) for frame in view.frames] + [Level(OUTSIDE)]
    outers = [frame.outer for frame in view.frames]
    number = _number_children(view, outers, levels)
    paths = _paths([box.frame for box in view.boxes], outers)
    meetings = [_meeting(paths[wire.source], paths[wire.target]) for wire in view.wires]
    back = _leading_back(view, paths, meetings, levels, number)
    ways: list[list[tuple[int, int]]] = []
    numbers: dict[tuple[int, int], int] = {}  # how many wires have these two ends
    exits: dict[int, dict[tuple[int, ...], int]] = {}  # of each box, by what leaves there
    for wire, above, turned, label in zip(view.wires, meetings, back, label_widths, strict=True):
        if wire.source == wire.target:
            ways.append([])
            continue
        tail, head = (wire.target, wire.source) if turned else (wire.source, wire.target)
        copy = numbers[tail, head] = numbers.get((tail, head), -1) + 1
        net = (tail, copy, turned)
        leaves = exits.setdefault(tail, {})
        at, port = number[False, tail], leaves.setdefault(net[1:], len(leaves))
        way: list[tuple[int, int, int, int, int]] = []
        for frame in reversed(paths[tail][above + 1:]):
            out = levels[frame].ports[RIGHT]
            new = out.setdefault(net, len(out))
            way.append((frame, at, port, -1 - new, 0))
            at, port = number[True, frame], new
        frame = paths[tail][above]
        for inner in paths[head][above + 1:]:
            into = levels[inner].ports[LEFT]
            new = into.setdefault(net, len(into))
            way.append((frame, at, port, number[True, inner], new))
            frame, at, port = inner, len(levels[inner].children) + new, 0
        way.append((frame, at, port, number[False, head], 0))
        ways.append([(place, levels[place].edge((u, p, v, q), label if v >= 0 and place == frame else 0.0))
                     for place, u, p, v, q in way])
    for level in levels:
        _number_exits(level)
    return Nesting(levels, ways, back)


def _number_children(view: View, outers: Sequence[int], levels: Sequence[Level]) -> dict[tuple[bool, int], int]:
    """Give each level its children; the number of each child there, by (is a frame, place)."""
    number: dict[tuple[bool, int], int] = {}

    def add(is_frame: bool, place: int, frame: int) -> None:
        number[is_frame, place] = len(levels[frame].children)
        levels[frame].children.append((is_frame, place))

    for box in view.boxes:
        new, inner = [], box.frame
        while inner != OUTSIDE and (True, inner) not in number and inner not in new:
            new.append(inner)
            inner = outers[inner]
        for inner in reversed(new):
            add(True, inner, outers[inner])
        add(False, box.place, box.frame)
    for place, outer in enumerate(outers):  # frames without any box
        if (True, place) not in number:
            add(True, place, outer)
    return number


def _paths(frames: Sequence[int], outers: Sequence[int]) -> list[tuple[int, ...]]:
    """The frames around each of these, from OUTSIDE inwards."""
    known: dict[int, tuple[int, ...]] = {OUTSIDE: (OUTSIDE,)}
    paths = []
    for frame in frames:
        if frame not in known:
            path, inner = [], frame
            while inner not in known:
                path.append(inner)
                inner = outers[inner]
            known[frame] = (*known[inner], *reversed(path))
        paths.append(known[frame])
    return paths


def _meeting(a: Sequence[int], b: Sequence[int]) -> int:
    """Where in both paths the innermost frame stands that is around both."""
    shared = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        shared += 1
    return shared - 1


def _leading_back(view: View, paths: Sequence[tuple[int, ...]], meetings: Sequence[int], levels: Sequence[Level],
                  number: dict[tuple[bool, int], int]) -> list[bool]:
    """Which wires close a cycle among the children of the frame around both ends."""
    readers = [[[] for _ in level.children] for level in levels]  # type: list[list[list[int]]]
    ends = []
    for wire, above in zip(view.wires, meetings, strict=True):
        frame, pair = paths[wire.source][above], []
        for place in (wire.source, wire.target):
            path = paths[place]
            pair.append(number[True, path[above + 1]] if len(path) > above + 1 else number[False, place])
        readers[frame][pair[0]].append(pair[1])
        ends.append((frame, *pair))
    closing = [_closing(adjacent) for adjacent in readers]
    return [(tail, head) in closing[frame] for frame, tail, head in ends]


def _closing(readers: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """The edges that lead back into the path of a depth-first search, begun at what reads nothing."""
    read = {head for heads in readers for head in heads}
    new, open_, done = 0, 1, 2
    state = [new] * len(readers)
    closing = set()
    for start in sorted(range(len(readers)), key=lambda child: child in read):
        stack = [(start, iter(readers[start]))] if state[start] == new else []
        state[start] = max(state[start], open_)
        while stack:
            child, rest = stack[-1]
            for head in rest:
                if state[head] == new:
                    state[head] = open_
                    stack.append((head, iter(readers[head])))
                    break
                if state[head] == open_ and head != child:
                    closing.add((child, head))
            else:
                state[child] = done
                stack.pop()
    return closing


def _number_exits(level: Level) -> None:
    """Count the ports on the right on from those on the left, whose number is only now known."""
    first = len(level.children) + len(level.ports[LEFT])
    level.edges = [(u, p, v if v >= 0 else first - 1 - v, q) for u, p, v, q in level.edges]
