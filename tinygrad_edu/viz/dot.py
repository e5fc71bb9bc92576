"""DOT, the language of Graphviz: what a view says in it, in the look of micrograd's draw_dot.

Values are records of their name, data and gradient; operations are circles; open modules are clusters.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from .colours import DASHES, ON_PAGE, TEXT, fill_and_border, shaded
from .snapshot import Picture
from .text import plain, times
from .view import MODULE, OPERATION, Box, Frame, View, Wire

CELLS = 12
"""How many rows and columns of an array's picture are drawn."""


def body(view: View, direction: str = "LR") -> list[str]:
    """The statements of a graph in DOT, each a line: boxes inside their frames, the wires, the caption.

    Every text of the graph goes through `record`, `quoted` or `html`, and so is shown, never read as DOT.
    """
    lines = [f'rankdir={direction} bgcolor=transparent color="{ON_PAGE}" fontcolor="{ON_PAGE}" fontname="Helvetica"',
             f'node [fontcolor="{TEXT}" fontname="Helvetica" fontsize=11 height=0.3]',
             f'edge [color="{ON_PAGE}" fontcolor="{ON_PAGE}" fontname="Helvetica" fontsize=10 arrowsize=0.7]']
    lines += [_statement(part, direction) for part in nested(view)]
    lines += [_wire(wire) for wire in view.wires]
    if view.caption:
        lines.append(f"label={quoted(*textwrap.wrap(plain(view.caption, 600), 60))} labelloc=b")
    return [f"\t{line}\n" for line in lines]


def nested(view: View) -> Iterator[Box | Frame | None]:
    """The boxes outside of all frames, then each frame, what is inside it, and None where it ends."""
    boxes: dict[int, list[Box]] = defaultdict(list)
    frames: dict[int, list[Frame]] = defaultdict(list)
    for box in view.boxes:
        boxes[box.frame].append(box)
    for frame in view.frames:
        frames[frame.outer].append(frame)
    yield from boxes[-1]
    waiting: list[Frame | None] = list(reversed(frames[-1]))
    while waiting:
        opened = waiting.pop()
        yield opened
        if opened is not None:
            yield from boxes[opened.place]
            waiting += [None, *reversed(frames[opened.place])]


def _statement(part: Box | Frame | None, direction: str) -> str:
    if part is None:
        return "}"
    if isinstance(part, Frame):
        return f"subgraph cluster_{part.place} {{ label={quoted(times(part.title, part.stack))} style=rounded"
    return _box(part, direction)


def _box(box: Box, direction: str) -> str:
    texts = [times(box.title, box.stack), *box.lines]
    fill, border = fill_and_border(box.tone, box.shade)
    style = "filled,dashed" if box.tone in DASHES else "filled"
    more = " penwidth=2" if box.tone in ("root", "failed") else ""
    if box.picture is not None and box.picture.shape and box.picture.cells.size:
        shape, label = "plain", _table(texts, box.picture, fill, border)  # which has a frame and a colour of its own
        style = "solid"
    elif box.kind == OPERATION:
        shape, label = "circle" if len(box.title) <= 4 and len(texts) == 1 else "ellipse", quoted(*texts)
        more += " margin=0.03"
    elif box.kind == MODULE:
        shape, label = "box", quoted(*texts)
        style += ",rounded"
        more += " peripheries=2" if box.stack > 1 else ""
    else:
        fields = " | ".join(record(text) for text in texts if text)
        shape, label = "record", f'"{{ {fields} }}"' if direction in ("LR", "RL") else f'"{fields}"'
    return f'b{box.place} [shape={shape} label={label} style="{style}" fillcolor="{fill}" color="{border}"{more}]'


def _wire(wire: Wire) -> str:
    label = times(wire.label, wire.count)
    attributes = [f"label={quoted(label)}"] * bool(label) + ["penwidth=2"] * (wire.count > 1)
    return f"b{wire.source} -> b{wire.target}" + (f" [{' '.join(attributes)}]" if attributes else "")


def _table(texts: Iterable[str], picture: Picture, fill: str, border: str) -> str:
    """An HTML-like label: the texts, and below them the array's elements as coloured cells."""
    cells = picture.cells[np.ix_(*[np.linspace(0, n - 1, min(n, CELLS)).astype(int) for n in picture.cells.shape])]
    finite = np.abs(cells[np.isfinite(cells)])
    scale = float(finite.max(initial=0.0)) or 1.0
    rows = "".join("<TR>" + "".join(f'<TD WIDTH="7" HEIGHT="7" FIXEDSIZE="TRUE" BGCOLOR="{shaded(x / scale)}"></TD>'
                                    for x in row) + "</TR>" for row in cells.tolist())
    words = "".join(f"<TR><TD>{html(text)}</TD></TR>" for text in texts if text)
    grid = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="0">{rows}</TABLE>'
    return (f'<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="4" COLOR="{border}" BGCOLOR="{fill}">'
            f"{words}<TR><TD>{grid}</TD></TR></TABLE>>")


# ---- texts -----------------------------------------------------------------------------------------------------------


def quoted(*lines: str) -> str:
    r"""Lines of text as a string of DOT that is shown as it is.

    In labels, DOT reads a backslash as the begin of an escape and an ampersand as that of an entity.

    >>> print(quoted('a "b" \\N', "&lt;"))
    "a \"b\" \\N\n&amp;lt;"
    """
    return '"' + "\\n".join([plain(line).translate(IN_STRINGS) for line in lines]) + '"'


def record(text: str) -> str:
    r"""The same for a field of a record label, without the quotes: there, braces, bars, angles and spaces mean more.

    >>> print(record("a|b {c}"))
    a\|b\ \{c\}
    """
    return plain(text).translate(IN_RECORDS)


def html(text: str) -> str:
    r"""The same for the text of an HTML-like label, where a backslash begins an escape too.

    >>> print(html(r'<b> & "q" \N'))
    &lt;b&gt; &amp; &quot;q&quot; \\N
    """
    return plain(text).translate(IN_HTML).replace("  ", "&#160; ")


IN_STRINGS = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})
IN_RECORDS = IN_STRINGS | str.maketrans({ch: "\\" + ch for ch in "{}|<> "})
IN_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "\\\\"})
