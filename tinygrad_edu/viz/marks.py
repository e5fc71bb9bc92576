"""The parts of an SVG: elements with escaped texts, and the drawing of one box."""

from __future__ import annotations

import math

from .colours import DASHES, TEXT, fill_and_border, shaded
from .layout import Place
from .measure import LINE, PAD, STACK, picture_size, shown, text_width
from .snapshot import Picture
from .text import spelled
from .view import MODULE, OPERATION, Box

_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", ord("'"): "&#39;"}


def escaped(text: str) -> str:
    r"""The text spelled, for use in an element or an attribute.

    >>> print(escaped("<script>'&\x00"))
    &lt;script&gt;&#39;&amp;\x00
    """
    return spelled(text).translate(_ESCAPES)


def number(value: float) -> str:
    """A coordinate, to a hundredth.

    >>> number(1.5), number(-0.001), number(100.0)
    ('1.5', '0', '100')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def rectangle(x: float, y: float, w: float, h: float, rest: str) -> str:
    """A rect with these further attributes."""
    return f'<rect x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}" {rest}/>'


def words(x: float, y: float, text: str, rest: str = "", width: float | None = None) -> str:
    """A text whose base line starts at (x, y), or is centred there if `rest` says so; squeezed into a width if given.

    Each is a paragraph of its own, so that text from right to left reorders nothing but itself.
    """
    fit = f' textLength="{number(width)}" lengthAdjust="spacingAndGlyphs"' if width and not text.isascii() else ""
    return f'<text x="{number(x)}" y="{number(y)}"{" " + rest if rest else ""}{fit}>{escaped(text)}</text>'


def box_marks(box: Box, place: Place) -> list[str]:
    """The elements of a box, within its place."""
    fill, border = fill_and_border(box.tone, box.shade)
    extra = STACK if box.stack > 1 else 0.0
    x, y, w, h = place.x, place.y + extra, place.w - extra, place.h - extra
    radius = {OPERATION: min(13.0, h / 2), MODULE: 8.0}.get(box.kind, 3.0)
    stroke = 2.5 if box.tone in ("root", "failed") else 1.8 if box.kind == MODULE else 1.2
    dash = f' stroke-dasharray="{DASHES[box.tone]}"' if box.tone in DASHES else ""
    look = f'rx="{number(radius)}" fill="{fill}" stroke="{border}" stroke-width="{stroke:g}"'
    marks = [rectangle(x + back, y - back, w, h, look) for back in ((extra, extra / 2) if extra else ())]
    marks.append(rectangle(x, y, w, h, look + dash))
    if box.tone == "unreached":
        marks.append(f'<path d="M{number(x + w - 8)} {number(y)}h8v8z" fill="{border}"/>')
    if box.tone == "failed":  # a cross on the corner, as red alone is not seen by all
        marks.append(f'<circle cx="{number(x + w - 1)}" cy="{number(y + 1)}" r="5.5" fill="{border}"/>'
                     f'<path d="M{number(x + w - 3.4)} {number(y - 1.4)}l4.8 4.8m0 -4.8l-4.8 4.8" stroke="{fill}" '
                     'stroke-width="1.6" fill="none"/>')
    texts = shown(box)
    if box.picture is None and box.kind != MODULE:
        return marks + _row(box, texts, x, y + (h - LINE) / 2, w)
    if box.picture is not None:
        wide, high = picture_size(box.picture)
        across = max([wide, *[wide + PAD + text_width(text) for text in texts]])
        left = x + (w - across) / 2
        return (marks + picture_marks(box.picture, left, y + (h - high) / 2)
                + _lines(box, texts, (left + wide + across + left + PAD) / 2, y + (h - len(texts) * LINE) / 2))
    return marks + _lines(box, texts, x + w / 2, y + (h - len(texts) * LINE) / 2)


def _lines(box: Box, texts: list[str], middle: float, top: float) -> list[str]:
    return [words(middle, top + place * LINE + 12.0, text,
                  'text-anchor="middle"' + (' font-weight="bold"' if place == 0 and box.title else ""))
            for place, text in enumerate(texts)]


def _row(box: Box, texts: list[str], x: float, top: float, across: float) -> list[str]:
    """The texts side by side with lines between, the title first and bold."""
    widths = [text_width(text) for text in texts]
    spare = (across - sum(widths)) / max(2 * len(texts), 1)  # at both sides of each text
    at, marks = x, []
    for position, (text, width) in enumerate(zip(texts, widths, strict=True)):
        if position:
            marks.append(f'<path d="M{number(at)} {number(top - 1)}v{number(LINE + 2)}" stroke="{TEXT}" '
                         'stroke-opacity="0.25" fill="none"/>')
        bold = 'font-weight="bold"' if position == 0 and box.title and box.kind != OPERATION else ""
        marks.append(words(at + spare, top + 12.0, text, bold, width))
        at += 2 * spare + width
    return marks


def picture_marks(picture: Picture, x: float, y: float) -> list[str]:
    """An array drawn small with its corner at (x, y): one row as a line, else a map of cells."""
    if not picture.cells.size:
        return []
    cells = [[float(cell) for cell in row] for row in picture.cells]
    numbers = [cell for row in cells for cell in row if math.isfinite(cell)]
    w, h = picture_size(picture)
    if len(cells) == 1:
        return _line(cells[0], numbers, Place(x, y, w, h))
    most = max([abs(cell) for cell in numbers], default=0.0) or 1.0
    side = w / len(cells[0])
    marks = ['<g shape-rendering="crispEdges">']
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            marks.append(rectangle(x + column * side, y + row * side, side, side, f'fill="{shaded(cell / most)}"'))
    frame = rectangle(x, y, w, h, f'fill="none" stroke="{TEXT}" stroke-opacity="0.35" stroke-width="0.6"')
    return [*marks, "</g>", frame]


def _line(row: list[float], numbers: list[float], place: Place) -> list[str]:
    """One bar for each number, from the line of zero up or down."""
    low, high = min([*numbers, 0.0]), max([*numbers, 0.0])
    scale = place.h / ((high - low) or 1.0)
    zero, step = place.y + high * scale, place.w / len(row)
    marks = []
    for position, cell in enumerate(row):
        if math.isfinite(cell):
            top = zero - max(cell, 0.0) * scale
            marks.append(rectangle(place.x + position * step + 0.5, top, max(step - 1.0, 0.5), abs(cell) * scale,
                                   f'fill="{shaded(1.0 if cell > 0 else -1.0)}"'))
    marks.append(f'<path d="M{number(place.x)} {number(zero)}h{number(place.w)}" stroke="{TEXT}" '
                 'stroke-opacity="0.35" stroke-width="0.6"/>')
    return marks

