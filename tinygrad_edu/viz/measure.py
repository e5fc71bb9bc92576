"""How large a box is: from its text in a monospaced font, its picture, and how many wires end at it."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from .snapshot import Picture
from .text import spelled
from .view import MODULE, OPERATION, Box

FONT, SMALL = 12.0, 10.0
"""Sizes of the text in a box, and of labels of wires, frame titles and captions."""

EM = 0.61
"""The width of a character in units of its size; 0.60 in all common monospaced fonts."""

TIMES = "\N{MULTIPLICATION SIGN}"
"""Before the number of boxes, frames or edges that one stands for."""

LINE, PAD, STACK = 16.0, 7.0, 6.0
"""The height of a line, the room around a text, and how far boxes of a stack show behind the first."""

TITLE_CELLS, LINE_CELLS = 28, 24
"""How many cells of a title and of a line below it are shown."""

def cells(text: str) -> int:
    """How many cells of a monospaced font the text takes: two for a wide character, none for a combining mark.

    >>> cells("tanh"), cells("値"), cells("é")
    (4, 2, 1)
    """
    return len(text) if text.isascii() else sum([_cells(character) for character in text])


@lru_cache(maxsize=4096)
def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, limit: int) -> str:
    """The text spelled, and its end replaced by an ellipsis if it takes more cells than the limit.

    >>> shortened("a name too long", 7)
    'a name…'
    """
    text = spelled(text[:8 * limit] + "…" if len(text) > 8 * limit else text).strip()
    if cells(text) <= limit:
        return text[:4 * limit]  # marks that take no cells are not let grow without end
    taken = 0
    for place, character in enumerate(text):
        taken += cells(character)
        if taken > limit - 1:
            return text[:place][:4 * limit] + "…"
    return text


def text_width(text: str, size: float = FONT) -> float:
    """The width of a text as shown."""
    return cells(text) * EM * size


def shown(box: Box) -> list[str]:
    """The texts in a box: the title unless it is empty, the lines, and how many boxes it stands for."""
    texts = [shortened(box.title, TITLE_CELLS), *[shortened(line, LINE_CELLS) for line in box.lines]]
    return [text for text in texts if text] + ([f"{TIMES}{box.stack}"] if box.stack > 1 else [])


def picture_size(picture: Picture) -> tuple[float, float]:
    """Width and height of a drawn array: a line for one row, else a map of square cells."""
    rows, columns = picture.cells.shape
    if rows == 0 or columns == 0:
        return 0.0, 0.0
    if rows == 1:
        return float(min(96, max(32, 6 * columns))), 20.0
    side = float(max(3, min(8, 72 // max(rows, columns))))
    return columns * side, rows * side


def box_size(box: Box, entries: float = 0.0, exits: float = 0.0, turned: bool = False) -> tuple[float, float]:
    """Width and height of a box.

    Args:
        box: the box.
        entries: how much of its side the wires that end there need.
        exits: the same of those that begin there.
        turned: whether that side is the horizontal one.
    """
    texts = shown(box)
    widths = [text_width(text) + 2 * PAD for text in texts]
    if box.kind == MODULE or box.picture is not None:
        width, height = max(widths, default=0.0) + PAD, max(1, len(texts)) * LINE + 10.0
    elif box.kind == OPERATION:
        width, height = sum(widths) + 4.0, 26.0
    else:
        width, height = sum(widths), 24.0
    if box.picture is not None:
        wide, high = picture_size(box.picture)
        width, height = width + wide + (PAD if wide else 0.0), max(height, high + 2 * PAD)
    side = max(entries, exits) + 14.0
    width, height = (max(width, side), height) if turned else (width, max(height, side))
    extra = STACK if box.stack > 1 else 0.0
    return -(-max(width, 26.0) // 8) * 8 + extra, height + extra
