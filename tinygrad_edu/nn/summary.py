"""The summary of a module: the tree of the modules it holds, with parameters, output shapes and arithmetic.

Shapes and arithmetic are read from a trial run of a copy, so that the module itself stays as it is.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..node import Node
from .tree import Holder, Path, walk
from .trial import trial

CONVENTION = ("FLOPs of one forward pass after eval(): additions, multiplications, comparisons and functions of a "
              "number count 1 each.")


class Row:
    """A module in a summary, with all that it holds.

    Attributes:
        name: the name by which the module around it knows it.
        module: what it is: its repr; of a module that holds others, its class.
        outer: the row of the module around it, None of the outermost.
        children: the rows of the modules that it holds itself.
        parameters: how many numbers its parameters have, without those counted further up.
        frozen: how many of these do not require gradients.
        output: the shape of what it gives, "" where that is not known.
        flops: the arithmetic of all its calls in one forward pass; None where that is not known.
    """

    def __init__(self, name: str, part: Holder, outer: Row | None) -> None:
        self.name, self.part, self.outer = name, part, outer
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.children: list[Row] = []
        self.parameters = self.frozen = 0
        self.output = ""
        self.flops: int | None = None

    @property
    def module(self) -> str:
        """What it is: its repr; of a module that holds others, its class."""
        text = type(self.part).__name__ if self.children else repr(self.part)
        return text.partition("\n")[0]

    @property
    def path(self) -> str:
        """The name by which the outermost module knows it, ``layers.0``, which itself is ""."""
        names, row = [], self
        while row.outer is not None:
            names.append(row.name)
            row = row.outer
        return ".".join(reversed(names))

    @property
    def cells(self) -> tuple[str, str, str]:
        """Output, parameters and arithmetic as they are printed."""
        some = f" ({self.frozen:,} frozen)" if self.frozen else ""
        mark = " frozen" if self.frozen and self.frozen == self.parameters else some
        return self.output, f"{self.parameters:,}{mark}", "" if self.flops is None else f"{self.flops:,}"

    def __repr__(self) -> str:
        return f"<{self.path or 'outermost'}: {self.module}, {self.parameters:,} parameters>"


class Summary:
    """What `Module.summary` gives: a table as text, and in notebooks, of the tree of modules.

    Attributes:
        rows: a `Row` for each module, the outermost first, each before those it holds.
        parameters: how many numbers there are in all parameters, shared ones counted once.
        frozen: how many of these do not require gradients.
        flops: the arithmetic of one forward pass, None where no inputs were given.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.parameters, self.frozen, self.flops = rows[0].parameters, rows[0].frozen, rows[0].flops

    def __str__(self) -> str:
        head, *lines = self._table()
        widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
        text = [f"{first:<{widths[0]}}  " + "  ".join(f"{cell:>{n}}" for cell, n in zip(rest, widths[1:], strict=True))
                for first, *rest in (head, *lines)]
        return "\n".join([line.rstrip() for line in text] + ([] if self.flops is None else [CONVENTION]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """A table without colours of its own, so that it can be read on any ground."""
        (first, *columns), *lines = self._table()
        right = ' style="text-align: right"'
        head = f'<th style="text-align: left">{first}</th>' + "".join(f"<th{right}>{name}</th>" for name in columns)
        body = "".join(
            f'<tr><td style="text-align: left; white-space: pre">{html.escape(text)}</td>'
            + "".join(f"<td{right}>{html.escape(cell)}</td>" for cell in cells) + "</tr>" for text, *cells in lines)
        note = "" if self.flops is None else f"<caption>{CONVENTION}</caption>"
        return f"<table>{note}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _table(self) -> Iterator[tuple[str, ...]]:
        """The head, the lines and the totals, in columns."""
        kept = slice(None) if self.flops is not None else slice(1, 2)
        yield "module", *("output", "parameters", "FLOPs")[kept]
        for row, text in _folded(self.rows[0]):
            yield "  " * row.depth + text, *row.cells[kept]
        yield "total", *("", *self.rows[0].cells[1:])[kept]


def _folded(root: Row) -> Iterator[tuple[Row, str]]:
    """The rows to print, each with its text; of equal neighbours the first, which says how many there are."""
    alike = _kinds(root)
    waiting = [(root, root.module)]
    while waiting:
        row, text = waiting.pop()
        yield row, text
        lines = []
        for _, group in itertools.groupby(row.children, lambda child: alike[id(child)]):
            first, *others = group
            place = f"{first.name}: " if not others else f"{first.name} to {others[-1].name}: {len(others) + 1} x "
            lines.append((first, place + first.module))
        waiting.extend(reversed(lines))


def _kinds(root: Row) -> dict[int, int]:
    """A number for each row: equal for those that would be printed alike, with all they hold."""
    order = [root]
    for row in order:
        order.extend(row.children)
    numbers: dict[Any, int] = {}
    kinds: dict[int, int] = {}
    for row in reversed(order):
        looks = row.module, row.cells, tuple(kinds[id(child)] for child in row.children)
        kinds[id(row)] = numbers.setdefault(looks, len(numbers))
    return kinds


# ---- from a module to its rows -------------------------------------------------------------------------------------


def summarised(model: Holder, inputs: tuple[Any, ...]) -> Summary:
    """The summary of `model`; with `inputs`, after a trial run on them."""
    rows = _rows(model)
    if inputs:
        for row, (output, count) in zip(rows, trial(model, inputs), strict=True):
            row.output, row.flops = output, count
    for row in reversed(rows):  # those inside come after those around them
        if row.outer is not None:
            row.outer.parameters += row.parameters
            row.outer.frozen += row.frozen
            if row.flops is not None and row.outer.flops is not None:
                row.outer.flops += row.flops
    return Summary(rows)


def _rows(model: Holder) -> list[Row]:
    """A row for each module, with the parameters that are its own."""
    rows: dict[tuple[int, Any], Row] = {}  # by the way to the holder, of which there is one object, and the key there
    ways: list[Path] = []  # kept, so that no id is used twice
    for path, key, part in walk(model):
        ways.append(path)
        names, outer = [str(key)], None
        while path is not None and outer is None:  # lists and dicts are no modules: their names are joined
            path, inner = path
            outer = rows.get((id(path), inner))
            names += [] if outer else [str(inner)]
        if isinstance(part, Holder):
            row = rows[id(ways[-1]), key] = Row(".".join(reversed(names)), part, outer)
            if outer is not None:
                outer.children.append(row)
        elif outer is not None and isinstance(part, Node) and not part.is_result:
            outer.parameters += np.size(part._data)
            outer.frozen += 0 if part.requires_grad else np.size(part._data)
    return list(rows.values())
