"""`Drawing`: a view as a graph of the graphviz package, which does all that one can, and needs no Graphviz."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import graphviz

from ..errors import MissingExtraError, UnsupportedError
from .dot import body
from .engines import ADVICE, WHEEL_FORMATS, find_dot, is_wheel
from .exports import to_html, to_json, to_pdf
from .layout import layout
from .mermaid import mermaid
from .snapshot import Graph
from .svg import svg
from .text import plain, summary, tree
from .view import View

DIRECTIONS = ("LR", "TB")
"""From left to right, from top to bottom."""

NOTHING = View(Graph((), (), ()), (), (), ())
"""What the subgraphs that are built by hand show."""

PIXELS = 4_000
"""The longest side of a picture made of pixels: a large graph would ask for gigabytes."""

DOTS_PER_INCH = 96
"""Of such pictures, if the graph does not say otherwise."""

RASTER = frozenset({"bmp", "gif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"})

MIME = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpeg"}

SMALL = 40
"""How many nodes a graph has at most whose tree is part of its `repr`."""


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # the package has no type information
    """A picture of a graph, and a `graphviz.Digraph`: what that can do works here, `source`, `save`, `render`, `pipe`.

    A notebook shows it. What draws it is a Graphviz program, if there is one: `engines.find_dot` says which; else our
    own layout makes SVG. `format` is "svg", if not set, since only that never needs a program. As in Graphviz, nodes,
    edges and attributes can be added; then only a program can draw it.

    Args:
        view: what to show.
        direction: "LR" or "TB".
        engine: "own" for our own layout, the name or path of a program, or one of Graphviz's layout engines ("neato").
        settings: those of `graphviz.Digraph`.

    Attributes:
        shown: the view.
        direction: as given.
        program: the choice of a program: None, if none was made.
    """

    def __init__(self, view: View = NOTHING, direction: Literal["LR", "TB"] = "LR", *, engine: str | None = None,
                 **settings: Any) -> None:
        if direction not in DIRECTIONS:
            raise ValueError(f"direction is {direction!r}; it can be one of {', '.join(DIRECTIONS)}")
        self.shown, self.direction = view, direction
        self.program = None if engine in graphviz.ENGINES - {"dot"} else engine
        settings.setdefault("format", "svg")
        if view is not NOTHING:
            settings["body"] = [*body(view, direction), *(settings.get("body") or [])]
        super().__init__(engine=None if self.program else engine, **settings)
        self._as_made = self.source

    def copy(self) -> Drawing:
        other = copy.copy(self)
        other.body = list(self.body)
        for name in ("graph_attr", "node_attr", "edge_attr"):
            setattr(other, name, dict(getattr(self, name)))
        return other

    # ---- the pictures ------------------------------------------------------------------------------------------------

    def pipe(self, format: str | None = None, renderer: str | None = None,
             formatter: str | None = None, neato_no_op: bool | int | None = None, quiet: bool = False, *,
             engine: str | None = None, encoding: str | None = None) -> bytes | str:
        """The picture as bytes, or as text if there is an encoding; the arguments are those of `graphviz.Digraph.pipe`.

        Raises:
            MissingExtraError: the format needs a program or package that is not there; the message says which.
            UnsupportedError: nodes, edges or attributes were added, and there is no program.
            graphviz.CalledProcessError: the program failed.
        """
        picture = self._picture(format, renderer, formatter, neato_no_op, quiet, engine)
        return picture if encoding is None else picture.decode(encoding)

    def render(self, filename: str | os.PathLike[str] | None = None, directory: str | os.PathLike[str] | None = None,
               view: bool = False, cleanup: bool = False, format: str | None = None,
               renderer: str | None = None, formatter: str | None = None, neato_no_op: bool | int | None = None,
               quiet: bool = False, quiet_view: bool = False, *, outfile: str | os.PathLike[str] | None = None,
               engine: str | None = None, raise_if_result_exists: bool = False, overwrite_source: bool = False) -> str:
        """Save the source and the picture; the path of the picture. The arguments are those of Digraph's `render`.

        Raises:
            graphviz.FileExistsError: the picture exists, and `raise_if_result_exists` is true.
            ValueError: the picture would take the place of the source.
            What `pipe` raises; then nothing was written.
        """
        if outfile is not None:
            format = format or Path(outfile).suffix[1:]
            filename = Path(outfile).with_suffix(".gv") if filename is None else filename
            outfile = Path(self.directory if directory is None else "", outfile)
        source = Path(self.directory if directory is None else directory, filename or self.filename)
        format = (format or self.format).lower()
        suffix = ".".join(filter(None, [formatter, renderer, format]))
        result = Path(f"{source}.{suffix}") if outfile is None else outfile
        if raise_if_result_exists and result.exists():
            raise graphviz.FileExistsError(f"output file exists: {str(result)!r}")
        if not overwrite_source and result.resolve() == source.resolve():
            raise ValueError(f"outfile {result.name!r} must be different from input file {source.name!r} "
                             "(pass overwrite_source=True to override)")
        folder = source.parent if source.parent.is_dir() else None  # what images of the graph's nodes are relative to
        picture = self._picture(format, renderer, formatter, neato_no_op, quiet, engine, folder)
        self.save(filename, directory=directory)
        result.write_bytes(picture)
        if cleanup:
            source.unlink()
        if view or quiet_view:
            graphviz.view(str(result), quiet=quiet_view)
        return str(result)

    def _picture(self, format: str | None, renderer: str | None, formatter: str | None,
                 neato_no_op: bool | int | None, quiet: bool, engine: str | None, folder: Path | None = None) -> bytes:
        format = (format or self.format).lower()
        engine = engine or self.engine
        if format not in graphviz.FORMATS or engine not in graphviz.ENGINES:
            raise ValueError(f"unknown format or engine: {format!r}, {engine!r}; Graphviz has the formats "
                             f"{', '.join(sorted(graphviz.FORMATS))} and the engines "
                             f"{', '.join(sorted(graphviz.ENGINES))}")
        if formatter is not None and renderer is None:
            raise graphviz.RequiredArgumentError("formatter given without renderer")
        program = find_dot(self.program)
        if format == "pdf" and (program is None or is_wheel(program)):
            return to_pdf(self._picture("svg", None, None, neato_no_op, quiet, engine, folder).decode())
        if program is None:
            return self._own_picture(format, engine)
        if is_wheel(program) and format not in WHEEL_FORMATS:
            raise MissingExtraError(f"{format} is not among the formats of {program}; install Graphviz")
        command = [program, f"-K{engine}", "-T" + ":".join(filter(None, [format, renderer, formatter]))]
        command += [f"-Gsize={PIXELS / DOTS_PER_INCH:.2f}"] if format in RASTER else []
        command += [f"-n{neato_no_op:d}"] if neato_no_op else []
        return _run(command, self.source.encode(self.encoding), quiet, folder)

    def _own_picture(self, format: str, engine: str) -> bytes:
        if self.source != self._as_made or engine != "dot":
            why = f"{engine} is a layout engine of Graphviz" if engine != "dot" else "this drawing was changed"
            raise UnsupportedError(f"{why}, and our own layout draws only what it was made of; {ADVICE}")
        if format != "svg":
            raise MissingExtraError(f"{format} needs a program; " +
                                    (ADVICE if format in WHEEL_FORMATS else "install Graphviz"))
        return own_svg(self.shown, self.direction).encode()

    # ---- for notebooks and terminals ---------------------------------------------------------------------------------

    def _repr_mimebundle_(self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None,
                          **_: Any) -> dict[str, bytes | str]:
        """What a notebook shows: SVG and, where a notebook is not trusted, text."""
        wanted = set(["image/svg+xml", "text/plain"] if include is None else include) - set(exclude or ())
        bundle: dict[str, bytes | str] = {}
        for kind in wanted & MIME.keys():
            try:
                bundle[kind] = self.pipe(MIME[kind], encoding="utf-8" if kind == "image/svg+xml" else None)
            except (MissingExtraError, UnsupportedError) as error:
                if include is not None:
                    raise
                return {"text/plain": f"{self!r}\n{error}"}
        if "text/plain" in wanted:
            bundle["text/plain"] = repr(self)
        return bundle

    def __repr__(self) -> str:
        graph = self.shown.graph
        lines = [summary(graph), plain(self.shown.caption, 200)]
        if graph.roots:
            lines.append(tree(graph) if len(graph.items) <= SMALL else "to_text() lists them")
        return "\n".join(filter(None, lines))

    # ---- exports -----------------------------------------------------------------------------------------------------

    def to_svg(self) -> str:
        """The picture as SVG."""
        return str(self.pipe("svg", encoding="utf-8"))

    def to_html(self) -> str:
        """A web page with the picture, its caption and the graph as text."""
        return to_html(self.to_svg(), self.shown.graph, self.shown.caption)

    def to_text(self, max_lines: int = 100, width: int = 100) -> str:
        """The graph as an indented tree; `text.tree` says how."""
        return tree(self.shown.graph, max_lines, width)

    def to_json(self) -> str:
        """The graph, whatever of it is shown, as JSON; `exports.to_json` says how."""
        return to_json(self.shown.graph, self.shown.caption)

    def to_mermaid(self) -> str:
        """The view as a Mermaid flowchart."""
        return mermaid(self.shown, self.direction)

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write a file of the kind that its suffix names; returns its path.

        It is .svg, .png, .jpg or .pdf for a picture, .html for a page with one, .dot or .gv, .mmd for Mermaid, .json,
        or .txt for the tree.

        Raises:
            ValueError: for another suffix.
            What `pipe` and `mermaid.mermaid` raise; then nothing was written.
        """
        path = Path(path)
        makers: dict[str, Callable[[], str]] = {
            "html": self.to_html, "json": self.to_json, "mmd": self.to_mermaid, "txt": self.to_text,
            "dot": lambda: str(self.source), "gv": lambda: str(self.source)}
        kind = path.suffix[1:].lower()
        if kind in makers:
            data = makers[kind]().encode()
        elif kind in ("svg", "png", "jpg", "pdf"):
            data = self._picture(kind, None, None, None, False, None)
        else:
            known = ", ".join(f".{name}" for name in sorted([*makers, "svg", "png", "jpg", "pdf"]))
            raise ValueError(f"{path.name!r} has the suffix {path.suffix!r}; known are {known}")
        path.write_bytes(data)
        return path


def own_svg(view: View, direction: Literal["LR", "TB"]) -> str:
    """The picture that our own layout makes."""
    return svg(view, layout(view, direction))


def _run(command: list[str], source: bytes, quiet: bool, folder: Path | None) -> bytes:
    """What the program makes of the source; what it complains of goes to stderr, as Graphviz's package does it."""
    done = subprocess.run(command, input=source, capture_output=True, check=False, cwd=folder)
    if done.returncode:
        raise graphviz.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    if not quiet:
        told = [line for line in done.stderr.decode(errors="replace").splitlines() if line and FONTS not in line]
        print(*told, sep="\n", end="\n" if told else "", file=sys.stderr)
    return done.stdout


FONTS = "no value for width of non-ASCII character"
"""Told of every letter outside ASCII, and of no use to anyone who looks at the picture."""
