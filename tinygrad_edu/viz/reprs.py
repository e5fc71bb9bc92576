"""What a notebook shows of a node that stands alone in a cell: its graph, if it is small, else its numbers."""

from __future__ import annotations

import html
import sys
import traceback
from typing import Any

import numpy as np

from ..display import Bundle
from ..errors import TinygradError
from ..node import Node, raw
from .folding import view_of
from .layout import layout
from .naming import names_among
from .neighbourhood import failure, names_at
from .snapshot import picture, snapshot
from .svg import svg
from .text import kind_of_array, number, plain, spelled

FEW = 40
"""How many nodes a graph has at most that is drawn unasked."""


def node_bundle(node: Node) -> Bundle:
    """The graph as SVG, or a table of data and gradient."""
    if node.op is not None and _is_small(node):
        graph = snapshot([node], names_among(vars(sys.modules["__main__"])))
        view = view_of(graph)
        return {"image/svg+xml": svg(view, layout(view))}
    return {"text/html": _table(node)}


def error_bundle(error: TinygradError) -> Bundle:
    """The message and, if there are nodes, a drawing of where the error happened; showing one never fails."""
    said = "".join(traceback.format_exception_only(error)).strip()
    try:
        view = failure(error, names_at(error) | names_among(vars(sys.modules["__main__"]))) if error.nodes else None
        drawn = "" if view is None else svg(view, layout(view))
    except Exception:  # whatever it is, the first error is the one to be seen
        drawn = ""
    bundle = {"text/plain": said, "text/html": f"<pre>{html.escape(spelled_lines(said))}</pre>{drawn}"}
    return bundle | {"image/svg+xml": drawn} if drawn else bundle


def spelled_lines(text: str) -> str:
    """A text of several lines in harmless characters."""
    return "\n".join(map(spelled, text.split("\n")))


def _is_small(node: Node) -> bool:
    """Whether the graph has at most FEW nodes; it is not looked at further."""
    seen, waiting = {node}, [node]
    while waiting and len(seen) <= FEW:
        new = {x for x in waiting.pop().inputs if isinstance(x, Node)} - seen
        seen |= new
        waiting += new
    return len(seen) <= FEW


def _table(node: Any) -> str:
    """One row: what it is called, what made it, its data and gradient."""
    gradient = "not computed" if node._grad is None else _text(raw([node._grad])[0])
    cells = {"name": plain(node.label) or "-", "made by": node.op.name if node.op is not None else "-",
             "kind": kind_of_array(picture(node._data)) or "number", "data": _text(node._data), "grad": gradient}
    head, body = ("".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
                  for tag, row in (("th", cells), ("td", cells.values())))
    return f"<table><thead><tr>{head}</tr></thead><tbody><tr>{body}</tr></tbody></table>"


def _text(data: Any) -> str:
    """A number, or the ends of an array."""
    return number(data) if isinstance(data, float) else np.array2string(
        data, precision=4, threshold=16, edgeitems=2, separator=", ")
