"""`View`: what a drawing shows of a graph: boxes, the wires between them, and frames around those of a module.

Every picture, of our own layout or of Graphviz, and every export of a picture is made from one of these.
"""

from __future__ import annotations

from dataclasses import dataclass

from .snapshot import Graph, Picture

VALUE, OPERATION, MODULE = "value", "operation", "module"
"""What a box stands for: a node or plain operand, the operation that made one, a whole call of a module."""


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A box.

    Attributes:
        place: where it stands in the view's boxes, in an order in which wires mostly lead to later ones.
        kind: VALUE, OPERATION or MODULE.
        title: a name, an operation's symbol, or the name of a module; may be empty, and may be any text.
        lines: what stands below it, such as ``data 1.5`` and ``grad 0.2``.
        frame: the place of the frame around it, -1 outside of all.
        item: the place of what it shows among the graph's items, -1 for a module.
        tone: LEAF, FROZEN, CONSTANT or RESULT of `snapshot`, or "unreached" for a variable without a gradient although
            the root has one; "root" for a root; "failed" for what an error is about; "operation", "module".
        stack: how many boxes alike it stands for, itself included.
        shade: from -1 to 1, how strongly it is coloured, and on which side; None for the colour of its tone.
        picture: of an array, to be drawn small; else None.
        block: the place of the module call among the graph's blocks; -1 for a node.
    """

    place: int
    kind: str
    title: str
    lines: tuple[str, ...]
    frame: int
    item: int
    tone: str
    stack: int = 1
    shade: float | None = None
    picture: Picture | None = None
    block: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """A wire from one box to another: the places of both; `count` is how many edges of the graph it bundles.

    Two wires may join the same boxes, as in a + a, and wires between modules may lead back.
    """

    source: int
    target: int
    label: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """An open module: its place among the view's frames, its title, and the place of the frame around it, or -1.

    `stack` is how many frames alike it stands for, itself included.
    """

    place: int
    title: str
    outer: int
    stack: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What is shown, of which graph, and what the caption says of it."""

    graph: Graph
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    frames: tuple[Frame, ...]
    caption: str = ""
