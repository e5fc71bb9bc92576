"""From a graph to a view of it: which modules are open, which are a box, and what is written on the boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from ..errors import DataError
from .shading import coloured
from .snapshot import LEAF, RESULT, Graph, Item, Picture, common_block
from .structure import Structure, resolved
from .text import SHORT, measured, number
from .view import MODULE, OPERATION, VALUE, Box, Frame, View, Wire

MOST = 10_000
"""More boxes than this are not drawn: no page shows them, no eye follows them."""

ALL = "all"


def view_of(graph: Graph, depth: int | str | None = None, max_nodes: int = 300, *, stacked: bool = True,
            show: Sequence[str] = ("data", "grad"), color_by: str | None = None, caller: str = "draw") -> View:
    """What a drawing shows of a graph.

    Args:
        graph: the snapshot.
        depth: how many levels of modules are open; "all" opens every one, and None as many as leave at most
            `max_nodes` boxes.
        max_nodes: see `depth`.
        stacked: whether modules that are alike and side by side are shown as one, with their number; not where boxes
            are coloured by numbers, in which these differ.
        show: what is written: "data", "grad", and "derivatives" on the wires.
        color_by: what colours the boxes: "grad", "saturation" or "op"; None leaves them by what they are.
        caller: who is named in errors.

    Raises:
        DataError: there would be too many boxes; or an argument is none of these.
    """
    if not isinstance(show, Iterable):
        raise DataError(f'draw: show must be some of "data", "grad" and "derivatives", not {show!r}')
    show = (show,) if isinstance(show, str) else tuple(show)
    unknown = [name for name in show if name not in ("data", "grad", "derivatives")]
    if unknown:
        raise DataError(f'draw: show has {unknown[0]!r}, but knows "data", "grad" and "derivatives"')
    if isinstance(depth, bool) or not (depth is None or depth == ALL or (isinstance(depth, int) and depth >= 0)):
        raise DataError(f'{caller}: depth must be a number from 0, "all" or None, not {depth!r}')
    if isinstance(max_nodes, bool) or not isinstance(max_nodes, (int, float)):
        raise DataError(f"{caller}: max_nodes must be a number, not {max_nodes!r}")
    structure = Structure(graph, stacked and color_by in (None, "op"))
    levels = _levels(graph, structure)
    counts = _counts(graph, structure, levels)
    chosen = depth_of(counts, depth, max_nodes)
    if counts[chosen] > MOST:
        refuse(counts[chosen], _advice(chosen), caller)
    folding = _Folding(graph, structure, levels, chosen, show)
    view = folding.view(_caption(graph, counts, chosen))
    return view if color_by is None else coloured(view, color_by)


NEVER = -1
"""The level of what is not shown itself at any depth, as something alike is shown for it."""


def _levels(graph: Graph, structure: Structure) -> list[int]:
    """For each item, how many levels of modules must be open to see it; a parameter is seen where it is used."""
    level = [NEVER] * len(graph.items)
    used = [NEVER] * len(graph.items)
    for item in graph.items:
        if structure.shown[item.block]:
            level[item.place] = graph.blocks[item.block].depth + 1 if item.block >= 0 else 0
            for source in item.inputs:
                used[source] = level[item.place] if used[source] == NEVER else min(used[source], level[item.place])
    for item in graph.items:
        if item.parameter and item.place not in graph.roots:
            level[item.place] = used[item.place]
    return level


def _counts(graph: Graph, structure: Structure, levels: Sequence[int]) -> list[int]:
    """How many boxes there are with 0, 1, 2, ... levels of modules open."""
    deepest = max([block.depth + 1 for block in graph.blocks], default=0)
    items, boxes = [0] * (deepest + 1), [0] * (deepest + 1)
    for item in graph.items:
        if levels[item.place] != NEVER:
            items[levels[item.place]] += 2 if item.kind == RESULT else 1
    for block in graph.blocks:
        boxes[block.depth] += structure.shown[block.place]
    hidden = [sum(levels[root] > depth for root in set(graph.roots)) for depth in range(deepest + 1)]
    return [sum(items[:depth + 1]) + boxes[depth] + hidden[depth] for depth in range(deepest + 1)]


def boxes_by_depth(graph: Graph, *, stacked: bool = True) -> list[int]:
    """How many boxes a view has with 0, 1, 2, ... levels of modules open, the last with all of them."""
    structure = Structure(graph, stacked)
    return _counts(graph, structure, _levels(graph, structure))


def depth_of(counts: Sequence[int], depth: int | str | None, max_nodes: int) -> int:
    """How many levels are open, of the numbers of boxes that there are: what is asked for, as `view_of` takes it."""
    if depth is None:
        return max([level for level, count in enumerate(counts) if count <= max_nodes], default=0)
    return len(counts) - 1 if depth == ALL else min(int(depth), len(counts) - 1)


def refuse(boxes: int, advice: str, caller: str = "draw") -> NoReturn:
    """Raise: there are too many boxes."""
    raise DataError(f"{caller}: {boxes:,} boxes are more than a picture can hold ({MOST:,}); {caller} a smaller "
                    f"graph, of fewer rows or steps, or {advice}")


def _advice(chosen: int) -> str:
    return f"give a depth below {chosen}" if chosen > 0 else "put its parts in modules, which can be shown as boxes"


def _caption(graph: Graph, counts: Sequence[int], chosen: int) -> str:
    """How much of the graph is shown, where it is not all."""
    size = f"{len(graph.items):,} nodes"
    return size if chosen == len(counts) - 1 else f"{size}; modules open to depth {chosen} of {len(counts) - 1}"


# ---- the boxes -------------------------------------------------------------------------------------------------------


class _Folding:
    """Builds a view at one depth."""

    def __init__(self, graph: Graph, structure: Structure, levels: Sequence[int], depth: int,
                 show: Sequence[str]) -> None:
        self.graph, self.structure, self.levels, self.depth, self.show = graph, structure, levels, depth, show
        self.boxes: list[Box] = []
        self.frames: list[Frame] = []
        self.frame_of: dict[int, int] = {}
        self.module_of: dict[int, int] = {}
        self.value_of: dict[int, int] = {}
        self.operation_of: dict[int, int] = {}
        self.reached = any(graph.items[root].grad is not None for root in graph.roots)

    def view(self, caption: str) -> View:
        """All of it."""
        blocks = self.graph.blocks
        for block in blocks:
            if block.depth < self.depth and self.structure.shown[block.place]:
                self.frame_of[block.place] = len(self.frames)
                self.frames.append(Frame(len(self.frames), self._title(block.place), self._frame(block.outer),
                                         self.structure.stack[block.place]))
        roots = set(self.graph.roots)
        for item in self.graph.items:
            if NEVER != self.levels[item.place] <= self.depth:
                self._show(item)
            elif self.structure.shown[item.block]:
                self._show_module(self._closed(item.block))
                if item.place in roots:  # what was asked for is seen even where what made it is not
                    self._show_value(item, self._frame(self.graph.blocks[self._closed(item.block)].outer))
        return View(self.graph, tuple(self.boxes), tuple(self._wires()), tuple(self.frames), caption)

    def _frame(self, block: int) -> int:
        return self.frame_of[block] if block >= 0 else -1

    def _title(self, place: int) -> str:
        block = self.graph.blocks[place]
        name = block.name if block.name == block.kind else f"{block.name}: {block.kind}"
        alike, around = self.structure.stack[place], block.outer
        while around >= 0:
            alike, around = alike * self.structure.stack[around], self.graph.blocks[around].outer
        return name if alike >= block.calls else f"{name}, call {block.call + 1}"

    def _closed(self, block: int) -> int:
        """The closed module that a block is, or is inside of; -1 if it is open."""
        closed = -1
        while block >= 0:
            if self.graph.blocks[block].depth >= self.depth:
                closed = block
            block = self.graph.blocks[block].outer
        return closed

    def _show_module(self, closed: int) -> None:
        if closed >= 0 and closed not in self.module_of:
            self.module_of[closed] = len(self.boxes)
            self._add(MODULE, self._title(closed), (), self._frame(self.graph.blocks[closed].outer), -1, MODULE,
                      self.structure.stack[closed], closed)

    def _show(self, item: Item) -> None:
        frame = self._frame(item.block)
        if item.kind == RESULT:
            self.operation_of[item.place] = len(self.boxes)
            self._add(OPERATION, item.symbol, (), frame, item.place, OPERATION)
        self._show_value(item, frame)

    def _show_value(self, item: Item, frame: int) -> None:
        self.value_of[item.place] = len(self.boxes)
        self._add(VALUE, item.name, tuple(self._lines(item)), frame, item.place, self._tone(item))

    def _add(self, kind: str, title: str, lines: tuple[str, ...], frame: int, item: int, tone: str,
             stack: int = 1, block: int = -1) -> None:
        data = self.graph.items[item].data if kind == VALUE else None
        shown = data if isinstance(data, Picture) and data.cells.size > 1 else None
        self.boxes.append(Box(len(self.boxes), kind, title, lines, frame, item, tone, stack, None, shown, block))

    def _tone(self, item: Item) -> str:
        if item.place in self.graph.roots:
            return "root"
        return "unreached" if item.kind == LEAF and item.grad is None and self.reached else item.kind

    def _lines(self, item: Item) -> list[str]:
        lines = []
        if "data" in self.show and isinstance(item.data, Picture) and item.data.shape:
            lines.append(f"{'x'.join(map(str, item.data.shape))} {item.data.dtype}")
        if "data" in self.show:
            lines.append(measured("data", item.data))
        if "grad" in self.show and item.kind in (LEAF, RESULT):
            lines.append("grad not computed" if item.grad is None else measured("grad", item.grad))
        return lines

    # -- the wires

    def _wires(self) -> list[Wire]:
        """From each operand to the operation, and from it to its result; between modules, bundled."""
        wires: list[Wire] = []
        bundles: dict[tuple[int, int], int] = {}
        labelled = "derivatives" in self.show
        for item in self.graph.items:
            target = self._box(item.place, self.operation_of)
            if target is None:
                continue
            replaced = self.structure.replaced[item.block]
            for source, derivative in zip(item.inputs, item.derivatives, strict=True):
                if replaced >= 0 and self.structure.replaced[self.graph.items[source].block] == replaced:
                    continue  # inside a block that another is shown for, which has this wire of its own
                if self.graph.items[source].parameter and source not in self.value_of:
                    continue  # it is used in closed modules alone
                start = self._box(source, self.value_of)
                if start is None or start == target:
                    continue
                if self._is_inside(self.graph.items[source], item, target):
                    continue
                own = item.place in self.operation_of and source in self.value_of
                label = number(derivative, SHORT) if own and derivative is not None and labelled else ""
                if own:
                    bundles.setdefault((start, target), len(wires))
                    wires.append(Wire(start, target, label))
                elif (start, target) in bundles:
                    place = bundles[start, target]
                    wires[place] = Wire(start, target, wires[place].label, wires[place].count + 1)
                else:
                    bundles[start, target] = len(wires)
                    wires.append(Wire(start, target))
            if item.kind == RESULT and item.place in self.value_of:
                wires.append(Wire(target, self.value_of[item.place]))
        return wires

    def _is_inside(self, source: Item, target: Item, box: int) -> bool:
        """Whether a wire is inside the closed module `box`, where a root stands before it; or inside a block that
        another is shown for, which has this wire of its own.
        """
        if source.kind == RESULT and self.module_of.get(self._closed(source.block)) == box:
            return True
        return not self.structure.shown[common_block(source.block, target.block, self.graph.blocks)]

    def _box(self, item: int, shown: dict[int, int]) -> int | None:
        """The box that shows an item: its own, one alike, or the closed module that it is in."""
        item = resolved(self.structure.counterpart, item)
        return shown[item] if item in shown else self.module_of.get(self._closed(self.graph.items[item].block))
