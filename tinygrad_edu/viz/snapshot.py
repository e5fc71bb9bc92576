"""`Graph`: a graph as it was at one moment, which every view reads: nothing here is a live node.

Drawings, text and exports come later than the graph they show, and must neither keep it alive nor change with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import by_index, history
from ..nn.module import Call
from ..nn.tree import joined, walk
from ..node import NO_PARAMS, Node, raw

LEAF, FROZEN, CONSTANT, RESULT = "leaf", "frozen", "constant", "result"
"""What an item is: a variable, a node without gradient, a plain number or array, the result of an operation."""

CELLS = 24
"""How many rows and columns the picture of an array has at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is kept of an array.

    Attributes:
        shape, dtype: the array's.
        norm: the square root of the sum of squares.
        low, high: the least and the greatest element, nan where there are none.
        cells: the array itself where it is small, else means over parts of it; (rows, columns), at most CELLS each.
        whole: whether the cells are the elements.
    """

    shape: tuple[int, ...]
    dtype: str
    norm: float
    low: float
    high: float
    cells: NDArray[Any]
    whole: bool


@dataclass(slots=True, eq=False)  # not frozen, as that would take twice the time for a million of them
class Item:
    """A node or a plain operand.

    Attributes:
        place: where it stands in the graph's items.
        kind: LEAF, FROZEN, CONSTANT or RESULT.
        name: its label, else the name of a variable or parameter; "" if it has none.
        op: the name of the operation that made it, "" if none did.
        symbol: how a drawing shows the operation.
        params: the operation's other arguments.
        data: a float, or the picture of an array.
        grad: the same of the gradient; None where none was computed.
        inputs: the places of its operands, in order; one that occurs twice stands twice.
        derivatives: by each of them, where the node remembers a number, else None.
        block: the place of the block it was made in, -1 outside of all.
        index: when it was made; of a plain operand, that of the result.
        parameter: whether a module that was called holds it.
    """

    place: int
    kind: str
    name: str
    op: str
    symbol: str
    params: Mapping[str, Any]
    data: float | Picture
    grad: float | Picture | None
    inputs: tuple[int, ...]
    derivatives: tuple[float | None, ...]
    block: int
    index: int
    parameter: bool


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One call of a module.

    Attributes:
        place: where it stands in the graph's blocks, after the block around it.
        name: where the module around it holds the module, ``layers.0``; its class, if none does.
        kind: the name of its class.
        outer: the place of the block around it, or -1.
        depth: how many blocks are around it.
        call: the number of this call among those of the same module, from 0.
        calls: how many of them there are.
    """

    place: int
    name: str
    kind: str
    outer: int
    depth: int
    call: int
    calls: int


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """All that the roots were made from, operands before results.

    Attributes:
        items: the nodes and their plain operands.
        blocks: the module calls, the outer before the inner.
        roots: the places of the roots among the items.
    """

    items: tuple[Item, ...]
    blocks: tuple[Block, ...]
    roots: tuple[int, ...]


def picture(array: Any) -> float | Picture:
    """What is kept of a payload: a number itself, of an array its shape and a small picture."""
    if array.__class__ is float:
        return array
    array = np.asarray(array)
    if array.ndim == 0 and array.dtype.kind != "f":  # a plain integer among the operands
        return float(array)
    columns = array.shape[-1] if array.ndim > 1 else array.size
    flat = array.reshape(math.prod(array.shape[:-1]) if array.ndim > 1 else 1, columns)
    filled = array.size > 0
    with np.errstate(all="ignore"):  # inf - inf among means is nan, and nothing to warn of
        return Picture(array.shape, array.dtype.name, _norm(array), float(array.min()) if filled else math.nan,
                       float(array.max()) if filled else math.nan, _reduced(flat), max(flat.shape) <= CELLS)


def _norm(array: NDArray[Any]) -> float:
    """The square root of the sum of squares, which themselves may be too large or too small for a float."""
    array = array.astype(np.float64)
    largest = float(np.max(np.abs(array), initial=0.0))
    return largest * math.sqrt(np.sum(np.square(array / largest))) if 0.0 < largest < math.inf else largest


def _reduced(array: NDArray[Any]) -> NDArray[Any]:
    """Means over equal parts, where there are too many rows or columns."""
    array = array.astype(np.float64)
    for axis in (0, 1):
        size = array.shape[axis]
        if size > CELLS:
            starts = np.arange(CELLS) * size // CELLS
            counts = np.diff([*starts, size])
            array = np.add.reduceat(array, starts, axis) / (counts[:, None] if axis == 0 else counts)
    return array


def snapshot(roots: Sequence[Node], names: Mapping[int, str] | None = None,
             parameters: Mapping[int, str] | None = None) -> Graph:
    """The graph behind these nodes, as it is now.

    Args:
        roots: the results to begin with.
        names: what nodes are called that have no label, by `id`.
        parameters: the same of nodes that stand for parameters of the modules, but are none.
    """
    return snapshot_of(history(*roots), roots, names, parameters)


def snapshot_of(order: Sequence[Node], roots: Sequence[Node], names: Mapping[int, str] | None = None,
                parameters: Mapping[int, str] | None = None,
                chosen: Mapping[Node, Sequence[int]] | None = None) -> Graph:
    """The same, of nodes that have been found: all behind the roots, by their index.

    Where only a part of these is to be seen, `chosen` has, for each of them, the positions of its operands that are.
    """
    calls = _calls(order)
    blocks = _blocks(calls)
    collected = _Collected(names or {}, {**_names_of_parameters(calls), **(parameters or {})},
                           {call: place for place, call in enumerate(calls)}, chosen)
    for node in order:
        collected.place_of(node)
    items = collected.items
    _enclose(items, blocks)
    for place, name in collected.parameters.items():
        items[place].name = items[place].name or _within(name, items[place].block, blocks)
    return Graph(tuple(items), tuple(blocks), tuple([collected.place[node] for node in roots]))


# ---- the nodes -------------------------------------------------------------------------------------------------------


class _Collected:
    """The items so far."""

    def __init__(self, names: Mapping[int, str], parameter_names: Mapping[int, str],
                 place_of_call: Mapping[Any, int], chosen: Mapping[Node, Sequence[int]] | None) -> None:
        self.names, self.parameter_names, self.place_of_call = names, parameter_names, place_of_call
        self.chosen = chosen
        self.items: list[Item] = []
        self.place: dict[Node, int] = {}
        self.parameters: dict[int, str] = {}

    def place_of(self, node: Any) -> int:
        """Where a node stands, which is now if it is new: a leaf that was given other data has a later index than what
        was made from it.
        """
        if node not in self.place:
            self._take(node)
        return self.place[node]

    def _take(self, node: Any) -> None:
        """Add a node, and before it the plain operands that it was made from."""
        items, op, block = self.items, node.op, self.place_of_call.get(node.scope, -1)
        inputs: list[int] = []
        operands = node.inputs if self.chosen is None else [node.inputs[place] for place in self.chosen[node]]
        for x in operands:
            if isinstance(x, Node):
                inputs.append(self.place_of(x))
            else:
                inputs.append(len(items))
                items.append(Item(len(items), CONSTANT, "", "", "", NO_PARAMS, picture(x), None, (), (), block,
                                  node.index, False))
        self.place[node] = place = len(items)
        name = node.label or self.names.get(id(node), "")
        grad = None if node._grad is None else picture(raw([node._grad])[0])
        if op is not None:
            derivatives = node.derivatives if node.is_scalar else (None,) * len(inputs)
            if self.chosen is not None and node.is_scalar:
                derivatives = tuple([derivatives[place] for place in self.chosen[node]])
            items.append(Item(place, RESULT, name, op.name, op.symbol, node.params, picture(node._data), grad,
                              tuple(inputs), derivatives, block, node.index, False))
            return
        parameter = self.parameter_names.get(id(node))
        if parameter is not None:
            self.parameters[place] = parameter
        kind = LEAF if node._requires_grad else FROZEN
        items.append(Item(place, kind, name, "", "", NO_PARAMS, picture(node._data), grad, (), (), block, node.index,
                          parameter is not None))


def _enclose(items: Sequence[Item], blocks: Sequence[Block]) -> None:
    """Move parameters into the innermost block that holds all who use them."""
    home: dict[int, int] = {}
    for item in items:
        for source in item.inputs:
            if items[source].parameter:
                home[source] = common_block(home[source], item.block, blocks) if source in home else item.block
    for place, block in home.items():
        items[place].block = block


def common_block(a: int, b: int, blocks: Sequence[Block]) -> int:
    """The innermost block around both, -1 if there is none."""
    while a != b:
        if a < b:  # the inner block stands behind
            b = blocks[b].outer
        else:
            a = blocks[a].outer
    return a


# ---- the calls of modules --------------------------------------------------------------------------------------------


def _calls(order: Sequence[Node]) -> list[Call]:
    """The calls that results were recorded in, and those around them, the outer before the inner."""
    found: set[Call] = set()
    for node in order:
        call = node.scope
        while isinstance(call, Call) and call not in found:
            found.add(call)
            call = call.parent
    return sorted(found, key=by_index)


def _blocks(calls: Sequence[Call]) -> list[Block]:
    names: dict[int, dict[int, str]] = {}  # of the modules that a module holds, by the id of both
    numbers: dict[int, int] = {}  # of the calls of each module
    totals = Counter(id(call.module) for call in calls)
    place: dict[Call, int] = {}
    blocks: list[Block] = []
    for call in calls:
        module, parent = call.module, call.parent
        name = type(module).__name__
        if isinstance(parent, Call):
            if id(parent.module) not in names:
                names[id(parent.module)] = {id(part): joined(path, key) for path, key, part in walk(parent.module)
                                            if path is not None}
            name = names[id(parent.module)].get(id(module), name)
        outer = place[parent] if isinstance(parent, Call) else -1
        number = numbers[id(module)] = numbers.get(id(module), -1) + 1
        place[call] = len(blocks)
        blocks.append(Block(len(blocks), name, type(module).__name__, outer,
                            blocks[outer].depth + 1 if outer >= 0 else 0, number, totals[id(module)]))
    return blocks


def parameter_names(order: Sequence[Node]) -> dict[int, str]:
    """The names that the outermost modules have for their parameters among these nodes, by the id of each."""
    return _names_of_parameters(_calls(order))


def _names_of_parameters(calls: Sequence[Call]) -> dict[int, str]:
    names: dict[int, str] = {}
    outermost = {id(call.module): call.module for call in calls if not isinstance(call.parent, Call)}
    for module in outermost.values():
        for name, parameter in module.named_parameters():
            names.setdefault(id(parameter), name)
    return names


def _within(name: str, block: int, blocks: Sequence[Block]) -> str:
    """What a parameter is called inside a block: without the way to it."""
    way: list[str] = []
    while block >= 0 and blocks[block].depth > 0:
        way.append(blocks[block].name)
        block = blocks[block].outer
    return name.removeprefix("".join(f"{part}." for part in reversed(way)))
