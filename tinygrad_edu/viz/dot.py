"""DOT, the language of Graphviz: what a view says in it, in the look of micrograd's draw_dot.

Values are records of their name, data and gradient; operations are circles; open modules are clusters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from .snapshot import CONSTANT, FROZEN, LEAF, RESULT, Picture
from .text import plain, times
from .view import MODULE, OPERATION, Box, Frame, View, Wire

FILLS = {"root": "#ffe9a8", RESULT: "#f4f4f4", LEAF: "#d9ecfb", FROZEN: "#e3e3ee", CONSTANT: "#e0e0e0",
         "unreached": "#fbdcdc", "operation": "#ffffff", "module": "#e4f3e0"}
"""The colour of each tone. Text on it is dark, and lines are of a middle grey: both the light and the dark theme of
a notebook may lie behind the picture, which is transparent."""

LINE, INK = "#808080", "#1a1a1a"

NEGATIVE, POSITIVE = (33, 102, 172), (178, 24, 43)
"""The colours of the shades -1 and 1; 0 is white."""

CELLS = 12
"""How many rows and columns of an array's picture are drawn."""


def body(view: View, direction: str = "LR") -> list[str]:
    """The statements of a graph in DOT, each a line: boxes inside their frames, then the wires.

    Every text of the graph goes through `record`, `quoted` or `html`, and so is shown, never read as DOT.
    """
    lines = [f'rankdir={direction} bgcolor=transparent color="{LINE}" fontcolor="{LINE}" fontname="Helvetica"',
             f'node [style=filled color="{LINE}" fontcolor="{INK}" fontname="Helvetica" fontsize=11 height=0.3]',
             f'edge [color="{LINE}" fontcolor="{LINE}" fontname="Helvetica" fontsize=10 arrowsize=0.7]']
    lines += [_statement(part, direction) for part in nested(view)]
    lines += [_wire(wire) for wire in view.wires]
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
    fill = FILLS.get(box.tone, FILLS[RESULT]) if box.shade is None else colour(box.shade)
    more = ' color="#303030" penwidth=2' if box.tone == "root" else ""
    if box.picture is not None and box.picture.shape and box.picture.cells.size:
        shape, label = "plain", _table(texts, box.picture, fill)
        more = ""  # the table has a frame and a colour of its own
    elif box.kind == OPERATION:
        shape, label = "circle" if len(box.title) <= 4 and len(texts) == 1 else "ellipse", quoted(*texts)
        more += ' margin="0.03"'
    elif box.kind == MODULE:
        shape, label = "box", quoted(*texts)
        more += ' style="rounded,filled"' + (" peripheries=2" if box.stack > 1 else "")
    else:
        fields = " | ".join(record(text) for text in texts if text)
        shape, label = "record", f'"{{ {fields} }}"' if direction in ("LR", "RL") else f'"{fields}"'
    return f'b{box.place} [shape={shape} label={label} fillcolor="{fill}"{more}]'


def _wire(wire: Wire) -> str:
    label = times(wire.label, wire.count)
    attributes = [f"label={quoted(label)}"] * bool(label) + ["penwidth=2"] * (wire.count > 1)
    return f"b{wire.source} -> b{wire.target}" + (f" [{' '.join(attributes)}]" if attributes else "")


def _table(texts: Iterable[str], picture: Picture, fill: str) -> str:
    """An HTML-like label: the texts, and below them the array's elements as coloured cells."""
    cells = picture.cells[np.ix_(*[np.linspace(0, n - 1, min(n, CELLS)).astype(int) for n in picture.cells.shape])]
    finite = np.abs(cells[np.isfinite(cells)])
    scale = float(finite.max(initial=0.0)) or 1.0
    rows = "".join("<TR>" + "".join(f'<TD WIDTH="7" HEIGHT="7" FIXEDSIZE="TRUE" BGCOLOR="{colour(x / scale)}"></TD>'
                                    for x in row) + "</TR>" for row in cells.tolist())
    words = "".join(f"<TR><TD>{html(text)}</TD></TR>" for text in texts if text)
    grid = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="0">{rows}</TABLE>'
    return (f'<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="4" COLOR="{LINE}" BGCOLOR="{fill}">'
            f"{words}<TR><TD>{grid}</TD></TR></TABLE>>")


def colour(shade: float) -> str:
    """Blue for -1, white for 0, red for 1, between them for what lies between, and grey for nan.

    >>> colour(-1.0), colour(0.0), colour(2.0), colour(float("nan"))
    ('#2166ac', '#ffffff', '#b2182b', '#909090')
    """
    if shade != shade:
        return "#909090"
    full, part = POSITIVE if shade > 0.0 else NEGATIVE, min(abs(shade), 1.0)
    return "#" + "".join(f"{round(255 + part * (c - 255)):02x}" for c in full)


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
