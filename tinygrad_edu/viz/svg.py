"""`svg`: a view that has been laid out as a picture that stands by itself: no script, no style sheet, no reference."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from .colours import LABEL, ON_PAGE, TEXT
from .layout import ARROW, Layout, Place, Point, heading, label_of
from .marks import box_marks, escaped, number, rectangle, words
from .measure import EM, FONT, SMALL
from .text import spelled
from .view import OPERATION, VALUE, Box, Frame, View, Wire

FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"

CAPTION_LINE, CAPTION_CELLS = 15.0, 56
"""The height of a line of the caption, and how many cells it has at least."""


def svg(view: View, placed: Layout) -> str:
    """The picture of a view.

    It reads on light and on dark pages, is as large as its content and shrinks to the width of its page. Elements carry
    what a program needs to find them: boxes, wires and frames are groups `b0`, `w0`, `f0`, ... with `data-` attributes,
    and texts that are cut show in full as tooltips.

    Args:
        view: what is drawn.
        placed: where, from `layout`.
    """
    caption = _caption(view.caption, placed.width)
    width = max([placed.width, *[len(line) * EM * SMALL + 24.0 for line in caption]])
    height = placed.height + (len(caption) * CAPTION_LINE + 8.0 if caption else 0.0)
    w, h = number(width), number(height)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        f'style="max-width:100%;height:auto" class="tinygrad-graph" data-direction="{placed.direction}" '
        f'font-family="{FONTS}" font-size="{FONT:g}" fill="{TEXT}" xml:space="preserve">')
    parts = [opening, f"<title>{escaped(view.caption or 'graph')}</title>"]
    inner_last = sorted(range(len(view.frames)), key=lambda place: -placed.frames[place].w * placed.frames[place].h)
    parts += [_frame(view.frames[place], placed.frames[place]) for place in inner_last]
    parts += [_wire(place, wire, points)
              for place, (wire, points) in enumerate(zip(view.wires, placed.wires, strict=True))]
    parts += [_box(box, place) for box, place in zip(view.boxes, placed.boxes, strict=True)]
    parts += [_label(place, wire, points)
              for place, (wire, points) in enumerate(zip(view.wires, placed.wires, strict=True))]
    parts += [words(12.0, placed.height + 10.0 + row * CAPTION_LINE, line, f'class="caption" {LABEL}')
              for row, line in enumerate(caption)]
    return "\n".join([part for part in parts if part]) + "\n</svg>\n"


def _caption(text: str, width: float) -> list[str]:
    """The caption in lines as wide as the picture, or a little wider than a narrow one."""
    return textwrap.wrap(spelled(text), max(CAPTION_CELLS, int((width - 24.0) / (EM * SMALL))))


def _frame(frame: Frame, place: Place) -> str:
    look = f'rx="6" fill="{ON_PAGE}" fill-opacity="0.07" stroke="{ON_PAGE}" stroke-opacity="0.7"'
    behind = [rectangle(place.x + back, place.y - back, place.w, place.h, look) for back in (5.0, 2.5)]
    return (f'<g class="frame" id="f{frame.place}" data-frame="{frame.outer}" data-stack="{frame.stack}">'
            f"<title>{escaped(frame.title)}</title>" + "".join(behind if frame.stack > 1 else [])
            + rectangle(place.x, place.y, place.w, place.h, look)
            + words(place.x + 8.0, place.y + 13.0, heading(frame), f'{LABEL} font-weight="bold"') + "</g>")


def _box(box: Box, place: Place) -> str:
    lines = [escaped(part) for part in (box.title, *box.lines) if part]
    tip = f"<title>{'&#10;'.join(lines)}</title>" if lines else ""
    kind = box.kind if box.kind in (VALUE, OPERATION) else "module"
    return (f'<g class="box {kind} {escaped(box.tone)}" id="b{box.place}" data-item="{box.item}" '
            f'data-frame="{box.frame}" data-stack="{box.stack}">{tip}{"".join(box_marks(box, place))}</g>')


def _wire(place: int, wire: Wire, points: Sequence[Point]) -> str:
    """The line, which stops inside its arrowhead, and the head."""
    (x, y), (dx, dy) = points[-1], _direction(points)
    ends = [*points[:-1], (x - dx * ARROW / 2, y - dy * ARROW / 2)]
    side = ARROW * 0.38
    head = [(x, y), (x - dx * ARROW - dy * side, y - dy * ARROW + dx * side),
            (x - dx * ARROW + dy * side, y - dy * ARROW - dx * side)]
    width = min(1.2 + 0.4 * (wire.count > 1) + 0.2 * min(wire.count, 6), 2.6)
    return (f'<g class="wire" id="w{place}" data-source="{wire.source}" '
            f'data-target="{wire.target}" data-count="{wire.count}"><title>{escaped(wire.label)}</title>'
            f'<path d="{_path(ends)}" fill="none" stroke="{ON_PAGE}" stroke-width="{width:g}"/>'
            f'<path d="M{" ".join([f"{number(a)} {number(b)}" for a, b in head])}z" fill="{ON_PAGE}"/></g>')


def _path(points: Sequence[Point]) -> str:
    """Curves as path commands; those that run straight as lines."""
    (x, y), commands = points[0], [f"M{number(points[0][0])} {number(points[0][1])}"]
    for a, b, c in zip(points[1::3], points[2::3], points[3::3], strict=True):
        if x == a[0] == b[0] == c[0] or y == a[1] == b[1] == c[1]:
            commands.append(f"L{number(c[0])} {number(c[1])}")
        else:
            commands.append("C" + " ".join([f"{number(u)} {number(v)}" for u, v in (a, b, c)]))
        x, y = c
    return "".join(commands)


def _direction(points: Sequence[Point]) -> Point:
    """Where a path points at its end: along one of the axes."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    if abs(x1 - x0) >= abs(y1 - y0):
        return (1.0 if x1 >= x0 else -1.0), 0.0
    return 0.0, (1.0 if y1 >= y0 else -1.0)


def _label(place: int, wire: Wire, points: Sequence[Point]) -> str:
    """The label just before the head of its wire, above it or to its right."""
    text = label_of(wire.label, wire.count)
    if not text:
        return ""
    (x, y), (dx, dy) = points[-1], _direction(points)
    rest = f'class="label" data-wire="{place}" {LABEL}'
    if dx:
        anchor = ' text-anchor="end"' if dx > 0 else ""
        return words(x - dx * (ARROW + 1.0), y - 3.0, text, rest + anchor)
    return words(x + 3.0, y - dy * (ARROW + 1.0), text, rest)
