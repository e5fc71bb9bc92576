"""`layout`: where everything in a view is drawn. Layers of boxes in columns, modules as blocks, wires around them.

The inside of each frame is laid out by itself, and stands in its surroundings as one block. So what belongs together
stays together, frames of the same structure look the same, and the time grows about linearly with the view. A level is
laid out in four steps, each with a file of its own, after Sugiyama, Tagawa and Toda (1981): columns (`layering`), the
order within columns (`ordering`), the distances within columns (`placing`), and the distances between them (`plan`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from .measure import SMALL, TIMES, box_size, shortened, shown, text_width
from .nesting import LEFT, OUTSIDE, RIGHT, Level, Nesting, nested
from .plan import ENTRY, PAD, Block, Knot, Plan, plan
from .view import Frame, View

Point = tuple[float, float]

ARROW, LOOP, HEADING = 9.0, 14.0, 18.0
"""The length of an arrowhead, the room above a box for a wire from it to itself, and that for the title of a frame."""


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle, x to the right and y down."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a view's parts are.

    Attributes:
        width, height: the size of all.
        direction: "LR" or "TB".
        boxes, frames: the place of each.
        wires: of each wire the points of a path of cubic Bézier curves: a start, then for each curve two control
            points and its end.
    """

    width: float
    height: float
    direction: str
    boxes: tuple[Place, ...]
    frames: tuple[Place, ...]
    wires: tuple[tuple[Point, ...], ...]


def layout(view: View, direction: Literal["LR", "TB"] = "LR") -> Layout:
    """Where the boxes, frames and wires of a view are drawn.

    No two boxes overlap, a frame is around its boxes and inner frames and no others, wires cross no box but the two
    that they join, and blocks of the same structure are drawn alike.

    Args:
        view: what is drawn.
        direction: whether wires lead from left to right or from top to bottom.

    Raises:
        ValueError: another direction.
    """
    if direction not in ("LR", "TB"):
        raise ValueError(f"layout: direction is 'LR' or 'TB', not {direction!r}")
    turned = direction == "TB"
    labels = [label_size(label_of(wire.label, wire.count), turned) for wire in view.wires]
    nesting = nested(view, [along for along, _ in labels])
    kinds = _kinds(view, nesting)
    plans, sizes = _plans(view, nesting, kinds, [across for _, across in labels], turned)
    outside = plans[kinds[OUTSIDE]]
    boxes, frames = _spots(view, nesting, kinds, plans)
    wires = _wires(view, nesting, kinds, plans, boxes, frames, sizes)
    if turned:
        wires = [tuple([(v, u) for u, v in points]) for points in wires]
    return Layout(*_turned(outside.u, outside.v, turned), direction,
                  tuple([_place(spot, sizes[place], turned) for place, spot in enumerate(boxes)]),
                  tuple([_place(spot, (plans[kinds[place]].u, plans[kinds[place]].v, 0.0), turned)
                         for place, spot in enumerate(frames)]), tuple(wires))


def label_of(label: str, count: int) -> str:
    r"""What stands beside a wire.

    >>> label_of("0.5", 1), label_of("", 4) == "\N{MULTIPLICATION SIGN}4"
    ('0.5', True)
    """
    return shortened(" ".join([part for part in (label, f"{TIMES}{count}" if count > 1 else "") if part]), 16)


def heading(frame: Frame) -> str:
    """The title of a frame, and how many it stands for."""
    return shortened(frame.title, 48) + (f" {TIMES}{frame.stack}" if frame.stack > 1 else "")


def label_size(text: str, turned: bool) -> Point:
    """How much room a label needs along its wire, and across it."""
    if not text:
        return 0.0, 0.0
    wide, high = text_width(text, SMALL) + 4.0, SMALL + 2.0
    return (high + ARROW, wide) if turned else (wide + ARROW, high)


def _turned(u: float, v: float, turned: bool) -> Point:
    return (v, u) if turned else (u, v)


def _place(spot: Knot, size: tuple[float, float, float], turned: bool) -> Place:
    """The rectangle of a block; of a box with wires to itself, without the room for these."""
    u, v, head = size
    return Place(*_turned(spot[0], spot[1] + head, turned), *_turned(u, v - head, turned))


# ---- blocks of the same structure ------------------------------------------------------------------------------------


def _kinds(view: View, nesting: Nesting) -> list[int]:
    """A number for each level, the same for levels of the same structure, and higher than those of its children."""
    known: dict[object, int] = {}
    kinds = [0] * len(nesting.levels)
    for level in _inner_first(view, nesting.levels):
        children = []
        for is_frame, place in level.children:
            box = view.boxes[place] if not is_frame else None
            children.append((kinds[place],) if box is None else (box.kind, len(shown(box)), box.picture is None,
                                                                 box.stack > 1))
        structure = (tuple(children), len(level.ports[LEFT]), len(level.ports[RIGHT]), tuple(level.edges))
        kinds[level.frame] = known.setdefault(structure, len(known))
    return kinds


def _inner_first(view: View, levels: Sequence[Level]) -> list[Level]:
    depth = [-1] * len(levels)
    depth[OUTSIDE] = 0
    for frame in range(len(view.frames)):
        way, inner = [], frame
        while depth[inner] < 0:
            way.append(inner)
            inner = view.frames[inner].outer
        for number, around in enumerate(reversed(way), depth[inner] + 1):
            depth[around] = number
    return sorted(levels, key=lambda level: -depth[level.frame])


def _plans(view: View, nesting: Nesting, kinds: Sequence[int], across: Sequence[float],
           turned: bool) -> tuple[list[Plan], list[tuple[float, float, float]]]:
    """One plan for each kind of level, drawn with the largest boxes and labels that occur in any of them.

    Also the size of each box, and how much of it is for wires from the box to itself.
    """
    members: list[list[Level]] = [[] for _ in range(max(kinds) + 1)]
    for level in nesting.levels:
        members[kinds[level.frame]].append(level)
    loops, wide = [0.0] * len(view.boxes), [0.0] * len(view.boxes)
    for wire, width in zip(view.wires, across, strict=True):
        if wire.source == wire.target:
            loops[wire.source] += LOOP
        wide[wire.target] = max(wide[wire.target], width)
    sizes = [(0.0, 0.0, 0.0)] * len(view.boxes)
    plans: list[Plan] = []
    for alike in members:
        level = alike[0]
        entries, exits = _ends(level)
        blocks = []
        for number, (is_frame, place) in enumerate(level.children):
            if is_frame:
                inner = plans[kinds[place]]
                blocks.append(Block(inner.u, inner.v, 0.0, inner.ports))
                continue
            same = [other.children[number][1] for other in alike]
            spread = min(max(ENTRY, *[wide[box] for box in same]), max(ENTRY, 480.0 / max(entries[number], 1)))
            needs = (spread * (entries[number] - 1), spread * (exits[number] - 1), turned)
            found = [_turned(*box_size(view.boxes[box], *needs), turned) for box in same]
            head = max([loops[box] for box in same])
            size = (max([u for u, _ in found]), max([v for _, v in found]) + head, head)
            blocks.append(Block(*size, None, spread))
            for box in same:
                sizes[box] = size
        titles = [heading(view.frames[other.frame]) for other in alike if other.frame != OUTSIDE]
        room = max([text_width(title, SMALL) for title in titles], default=-2 * PAD) + 2 * PAD
        before = HEADING if any(titles) else 0.0
        labels = [max(widths) for widths in zip(*[other.labels for other in alike], strict=True)]
        plans.append(plan(level, blocks, labels, (before, 0.0) if turned else (0.0, before),
                          (0.0, room) if turned else (room, 0.0)))
    return plans, sizes


def _ends(level: Level) -> tuple[list[int], list[int]]:
    """How many wires enter each child, and by how many exits they leave it."""
    entries, exits = [0] * len(level.children), [0] * len(level.children)
    for tail, port, head, _ in level.edges:
        if head < len(entries):
            entries[head] += 1
        if tail < len(exits):
            exits[tail] = max(exits[tail], port + 1)
    return entries, exits


# ---- all together ----------------------------------------------------------------------------------------------------


def _spots(view: View, nesting: Nesting, kinds: Sequence[int],
           plans: Sequence[Plan]) -> tuple[list[Knot], list[Knot]]:
    """The corners of all boxes and frames, in the coordinates of the whole."""
    boxes, frames = [(0.0, 0.0)] * len(view.boxes), [(0.0, 0.0)] * len(view.frames)
    for level in reversed(_inner_first(view, nesting.levels)):
        u, v = frames[level.frame] if level.frame != OUTSIDE else (0.0, 0.0)
        for (is_frame, place), at in zip(level.children, plans[kinds[level.frame]].places, strict=True):
            (frames if is_frame else boxes)[place] = (u + at[0], v + at[1])
    return boxes, frames


def _wires(view: View, nesting: Nesting, kinds: Sequence[int], plans: Sequence[Plan], boxes: Sequence[Knot],
           frames: Sequence[Knot], sizes: Sequence[tuple[float, float, float]]) -> list[tuple[Point, ...]]:
    """The path of each wire, put together of its edges."""
    wires, loops = [], [0] * len(view.boxes)
    for wire, way, back in zip(view.wires, nesting.ways, nesting.reversed, strict=True):
        if wire.source == wire.target:
            loops[wire.source] += 1
            wires.append(_loop(boxes[wire.source], sizes[wire.source], loops[wire.source]))
            continue
        knots: list[Knot] = []
        for frame, number in way:
            u, v = frames[frame] if frame != OUTSIDE else (0.0, 0.0)
            knots += [(u + a, v + b) for a, b in plans[kinds[frame]].ways[number]]
        wires.append(_curves(knots[::-1] if back else knots))
    return wires


def _curves(knots: Sequence[Knot]) -> tuple[Point, ...]:
    """A path through the knots that passes each in the direction of u, straight where v does not change."""
    kept = [knots[0]]
    for place in range(1, len(knots) - 1):
        if abs(knots[place][1] - kept[-1][1]) > 1e-6 or abs(knots[place][1] - knots[place + 1][1]) > 1e-6:
            kept.append(knots[place])
    kept.append(knots[-1])
    points = [kept[0]]
    for (u, v), (u_end, v_end) in pairwise(kept):
        if u != u_end or v != v_end:
            middle = (u + u_end) / 2
            points += [(middle, v), (middle, v_end), (u_end, v_end)]
    return tuple(points)


def _loop(spot: Knot, size: tuple[float, float, float], number: int) -> tuple[Point, ...]:
    """From the end of a box over its head back to its beginning."""
    u, v, head = size
    start, middle, end = spot[0], spot[1] + (v + head) / 2, spot[0] + u
    over, out = spot[1] + head - number * LOOP + 6.0, 10.0
    return ((end, middle), (end + out, middle), (end + out, over), (end, over),
            (end - u / 3, over), (start + u / 3, over), (start, over),
            (start - out, over), (start - out, middle), (start, middle))
