"""Mermaid, which draws a graph from text in Markdown on code hosts and in many editors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..errors import UnsupportedError
from .colours import TEXT, TONES
from .dot import nested
from .text import plain, times
from .view import MODULE, OPERATION, Box, Frame, View, Wire

EDGES, CHARACTERS = 500, 50_000
"""What Mermaid draws at most, as it is set up by default."""

BRACKETS = {OPERATION: ('(["', '"])'), MODULE: ('[["', '"]]')}
"""Which shape a box has; all others are rectangles."""


def mermaid(view: View, direction: str = "LR") -> str:
    """A view as a Mermaid flowchart.

    Raises:
        UnsupportedError: it is larger than Mermaid draws by default.
    """
    if len(view.wires) > EDGES:
        raise UnsupportedError(f"{len(view.wires):,} wires, but Mermaid draws at most {EDGES}; {ADVICE}")
    lines = [f"flowchart {direction}", *map(_statement, nested(view)), *map(_wire, view.wires), *_classes(view)]
    text = "\n".join([*lines, ""])
    if len(text) > CHARACTERS:
        raise UnsupportedError(f"{len(text):,} characters, but Mermaid reads at most {CHARACTERS:,}; {ADVICE}")
    return text


ADVICE = "fold modules (a smaller depth= or max_nodes=), or export SVG"
"""What to do about a view that is too large."""


def _statement(part: Box | Frame | None) -> str:
    if part is None:
        return "end"
    title = times(part.title, part.stack)
    if isinstance(part, Frame):
        return f'subgraph f{part.place}["{escaped(title) or " "}"]'
    lines = "<br>".join([escaped(text) for text in (title, *part.lines) if text]) or " "
    opening, closing = BRACKETS.get(part.kind, ('["', '"]'))
    return f"b{part.place}{opening}{lines}{closing}"


def _wire(wire: Wire) -> str:
    label = escaped(times(wire.label, wire.count))
    return f"b{wire.source} -->" + (f'|"{label}"| ' if label else " ") + f"b{wire.target}"


def _classes(view: View) -> Iterator[str]:
    """The tones as classes, and which boxes have them."""
    members: dict[str, list[str]] = defaultdict(list)
    for box in view.boxes:
        if box.tone in TONES:
            members[box.tone].append(f"b{box.place}")
    for tone, boxes in members.items():
        yield f"classDef {tone} fill:{TONES[tone][0]},stroke:{TONES[tone][1]},color:{TEXT}"
        yield f"class {','.join(boxes)} {tone}"


def escaped(text: str) -> str:
    """A text as Mermaid shows it literally: all but letters, digits and a few marks are written by their number.

    >>> escaped('end "x" #1;')
    'end #34;x#34; #35;1#59;'
    """
    return "".join([ch if ch.isalnum() or ch in " .,-" else f"#{ord(ch)};" for ch in plain(text)])
