"""Graphs and their pictures as files for others: JSON, a web page, PDF."""

from __future__ import annotations

import html
import io
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from ..extras import extra
from .snapshot import Graph, Picture
from .text import plain, summary, tree

VERSION = 1
"""Of what `to_json` writes."""


def to_json(graph: Graph, caption: str = "") -> str:
    """A snapshot as JSON, in ASCII.

    It has ``format``, ``version``, ``caption``, ``nodes``, ``edges``, ``blocks`` and ``roots``. A node has the
    attributes of `snapshot.Item`. An edge has ``source``, ``target`` and the local ``derivative``; those of a node are
    in the order of its operands, two for ``a + a``. Data and gradients are numbers; of an array they are an object with
    the attributes of `snapshot.Picture`; null stands for what was not computed. As JSON has no such numbers, nan and
    the infinities are the strings ``"nan"``, ``"inf"`` and ``"-inf"``. Arguments of operations that JSON cannot say are
    the text that Python shows of them.

    >>> from ..value import Value
    >>> from .snapshot import snapshot
    >>> a = Value(3.0, "a")
    >>> json.loads(to_json(snapshot([a * a])))["edges"][0]
    {'source': 0, 'target': 1, 'derivative': 3.0}
    """
    nodes = [{name: _plain_data(getattr(item, name)) for name in
              ("place", "kind", "name", "op", "symbol", "params", "data", "grad", "block", "index")}
             for item in graph.items]
    edges = [{"source": source, "target": item.place, "derivative": _plain_data(derivative)} for item in graph.items
             for source, derivative in zip(item.inputs, item.derivatives, strict=True)]
    blocks = [{name: getattr(block, name) for name in ("place", "name", "kind", "outer", "depth", "call", "calls")}
              for block in graph.blocks]
    return json.dumps({"format": "tinygrad_edu graph", "version": VERSION, "caption": caption, "nodes": nodes,
                       "edges": edges, "blocks": blocks, "roots": list(graph.roots)}, allow_nan=False)


def _plain_data(x: Any) -> Any:
    """What JSON has a form for."""
    if x is None or isinstance(x, (bool, str)):
        return x
    if isinstance(x, (int, float)):
        return x if isinstance(x, int) or math.isfinite(x) else str(float(x))
    if isinstance(x, Picture):
        return {"shape": list(x.shape), "dtype": x.dtype, "norm": _plain_data(x.norm), "low": _plain_data(x.low),
                "high": _plain_data(x.high), "cells": _plain_data(x.cells.tolist()), "whole": x.whole}
    if isinstance(x, Mapping):
        return {str(name): _plain_data(part) for name, part in x.items()}
    if isinstance(x, (tuple, list)):
        return [_plain_data(part) for part in x]
    return plain(repr(x), width=200)


def to_html(svg: str, graph: Graph, caption: str = "") -> str:
    """A web page of its own with a picture, its caption and the graph as text; it runs no script, nor loads anything.

    Args:
        svg: the picture.
        graph: what it shows.
        caption: what stands below it.
    """
    named = html.escape(plain(summary(graph), 200))
    return PAGE.format(title=named, svg=svg[svg.index("<svg"):],
                       caption=html.escape(plain(caption, 1000)) if caption else named,
                       text=html.escape(tree(graph)))


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px sans-serif; margin: 1em; color-scheme: light dark; }}
figure {{ margin: 0; overflow: auto; }}
</style>
</head>
<body>
<main>
<figure>
{svg}
<figcaption>{caption}</figcaption>
</figure>
<details>
<summary>The graph as text</summary>
<pre>{text}</pre>
</details>
</main>
</body>
</html>
"""


LARGEST_PAGE = 14_400
"""The longest side, in points, of a page of PDF that all viewers open."""


def to_pdf(svg: str) -> bytes:
    """A picture as a PDF of one page, by fpdf2.

    Its fonts are those that every viewer of PDF has: characters outside Latin-1 are shown as ``?``.

    Raises:
        MissingExtraError: fpdf2 is not installed.
    """
    fpdf = extra("fpdf", "pdf")
    svg = svg[svg.index("<svg"):].replace("…", "...")
    svg = re.sub(r"<title>.*?</title>", "", svg, flags=re.DOTALL)  # fpdf2 knows no titles, and says so each time
    svg = svg.encode("latin-1", "replace").decode("latin-1")
    shape = extra("fpdf.svg", "pdf").SVGObject(svg)
    width, height = float(shape.width), float(shape.height)
    scale = min(1.0, LARGEST_PAGE / max(width, height))
    document = fpdf.FPDF(unit="pt", format=(scale * width, scale * height))
    document.set_margin(0)
    document.set_auto_page_break(False)
    document.add_page()
    document.set_font("helvetica")
    document.image(io.BytesIO(svg.encode()), x=0, y=0, w=scale * width, h=scale * height)
    return bytes(document.output())
