"""`page`: the web page that plays a graph, in one file; and what a notebook shows of it."""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from importlib import resources
from string import Template

from ..viz.colours import DASHES, TONES

THEMES = ("auto", "light", "dark")
"""How the page looks at first; "auto" asks the browser."""


@cache
def _text(name: str) -> str:
    """One of the files beside this one, without indentation."""
    lines = resources.files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines()
    return "\n".join([line.strip() for line in lines if line.strip()])


@cache
def style() -> str:
    """The page's style sheet, with the colours of all drawings, and without spaces that only its reader needs."""
    tones = [f"#graph .{tone} rect{{fill:{fill};stroke:{border}}}" for tone, (fill, border) in TONES.items()]
    dashes = [f"#graph .{tone} rect{{stroke-dasharray:{dashes}}}" for tone, dashes in DASHES.items()]
    return "\n".join([*tones, *dashes, re.sub(r"\s*([{};,])\s*|(?<=:) ", r"\1", _text("player.css"))])


@cache
def script() -> str:
    """The page's program, without comments, and without spaces that only its reader needs.

    It keeps to what this relies on: a comment is a line, or the rest of one after `` // ``; texts are on one line, and
    templates have none within them; no sign stands twice with a space between; and statements end with semicolons.
    """
    code = re.sub(r"^// .*\n| // .*$", "", _text("player.js"), flags=re.MULTILINE)
    return re.sub(r"""("[^"\n]*"|`[^`\n]*`)|\s*([-+*/=,;:?{}()<>&|]+)\s*""", lambda found: found[1] or found[2], code)


def page(title: str, data: str, depths: int, opened: int, theme: str) -> str:
    """The page: it loads nothing, and sends nothing.

    Args:
        title: what it is called.
        data: the graph, from `payload`.
        depths: how many levels of modules there are.
        opened: how many of them are open at first.
        theme: one of THEMES.
    """
    options = "".join([f'<option value="{depth}"{" selected" if depth == opened else ""}>'
                       f'{depth if depth < depths else "all"}</option>' for depth in range(depths + 1)])
    return Template(_text("page.html")).substitute(
        theme=theme, title=html.escape(title), style=style(), script=script(), data=data, depths=options,
        depth_hidden="" if depths else " hidden")


def embedded(document: str, svg: str, title: str, height: int) -> str:
    """What a notebook shows: the page, which can reach nothing around it, over the picture, which is left where
    pages in pages are not allowed.
    """
    picture = base64.b64encode(svg.encode()).decode()
    label = html.escape(title)
    return (f'<div style="position:relative;height:{height}px">'
            f'<img alt="{label}" src="data:image/svg+xml;base64,{picture}" '
            'style="max-width:100%;max-height:100%;object-fit:contain">'
            f'<iframe title="{label}" sandbox="allow-scripts allow-downloads" srcdoc="{html.escape(document)}" '
            'style="position:absolute;inset:0;width:100%;height:100%;border:0"></iframe></div>')
