"""What in a graph is alike: calls of modules with the same content side by side, of which a drawing shows one.

Sixteen neurons of a layer are the same picture sixteen times. Those that follow one another, as the cells of a
recurrent network do, are not side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .snapshot import Block, Graph, Item, Picture


class Structure:
    """What stands for what.

    Attributes:
        model: for each block the one that is shown for it, itself or one alike.
        stack: for each block that is shown how many blocks alike there are, itself included.
        counterpart: for each item the one that is shown for it.
        shown: for each block whether it and all around it are shown themselves; at the end, for -1, True.
        replaced: for each block the outermost around it, or itself, that another is shown for; -1 where there is none.
    """

    def __init__(self, graph: Graph, stacked: bool = True) -> None:
        self.model = list(range(len(graph.blocks)))
        self.stack = [1] * len(graph.blocks)
        self.counterpart = list(range(len(graph.items)))
        if stacked and graph.blocks:
            contents = _Contents(graph)
            for group in contents.groups():
                self._fold(group, contents)
        self.shown = [True] * (len(graph.blocks) + 1)
        for block in graph.blocks:
            self.shown[block.place] = self.model[block.place] == block.place and self.shown[block.outer]
        self.replaced = [-1] * (len(graph.blocks) + 1)
        for block in graph.blocks:
            around = self.replaced[block.outer]
            self.replaced[block.place] = block.place if around < 0 and not self.shown[block.place] else around

    def _fold(self, group: list[int], contents: _Contents) -> None:
        first, *others = group
        self.stack[first] = len(group)
        own = contents.all_items(first)
        for other in others:
            self.model[other] = first
            for item, model in zip(contents.all_items(other), own, strict=True):
                self.counterpart[item] = model


def resolved(counterpart: Sequence[int], item: int) -> int:
    """The item that is shown in the end: one alike may be inside a block that is itself shown by another."""
    while counterpart[item] != item:
        item = counterpart[item]
    return item


class _Contents:
    """What is in each block: its children, items and inner blocks, and the wires between them.

    A child is named by a number: an item by its place, a block by -1 - its place.
    """

    def __init__(self, graph: Graph) -> None:
        self.items, self.blocks = graph.items, graph.blocks
        self.children: list[list[int]] = [[] for _ in graph.blocks]
        self.wires: list[list[tuple[int, int]]] = [[] for _ in graph.blocks]
        self.entering: list[int] = [0] * len(graph.blocks)
        self.level: dict[int, int] = {}
        self._known: dict[Any, int] = {}
        entered: set[int] = set()
        for item in graph.items:
            self._enter(item.block, item.place, entered)
            for place in item.inputs:
                source = self.items[place]
                if not source.parameter:  # those decide nothing: calls of one module have all of them in common
                    self._connect(source, item)

    def _enter(self, block: int, child: int, entered: set[int]) -> None:
        """Enter a child among those of its block, and the block among those of the one around it."""
        while block >= 0:
            self.children[block].append(child)
            if block in entered:
                return
            entered.add(block)
            child, block = -1 - block, self.blocks[block].outer

    def _connect(self, source: Item, target: Item) -> None:
        """Note a wire where both ends are children of one block, and that it enters the blocks further in."""
        a, b = source.block, target.block
        left, right = source.place, target.place
        while a != b:
            if a < b:
                self.entering[b] += 1
                right, b = -1 - b, self.blocks[b].outer
            else:
                left, a = -1 - a, self.blocks[a].outer
        if a >= 0:
            self.wires[a].append((left, right))
        self.level[right] = max(self.level.get(right, 0), self.level.get(left, 0) + 1)

    def groups(self) -> list[list[int]]:
        """Blocks that are alike and side by side, two or more of them, the inner groups first."""
        kinds = [0] * len(self.blocks)
        found: dict[Any, list[int]] = {}
        for block in reversed(self.blocks):
            place = block.place
            kinds[place] = self._kind(block, kinds)
            key = (block.outer, kinds[place], self.level.get(-1 - place, 0))
            found.setdefault(key, []).append(place)
        return [group[::-1] for group in found.values() if len(group) > 1]

    def _kind(self, block: Block, kinds: list[int]) -> int:
        """A number that blocks with the same content share."""
        children = self.children[block.place]
        number = {child: k for k, child in enumerate(children)}
        content = (block.kind, self.entering[block.place],
                   tuple([_look(self.items[c]) if c >= 0 else kinds[-1 - c] for c in children]),
                   tuple([(number[a], number[b]) for a, b in self.wires[block.place]]))
        return self._known.setdefault(content, len(self._known) + 1)

    def all_items(self, block: int) -> list[int]:
        """The items in a block and in those inside it, in an order that blocks alike have in common."""
        found: list[int] = []
        waiting = [-1 - block]
        while waiting:
            child = waiting.pop()
            if child >= 0:
                found.append(child)
            else:
                waiting.extend(reversed(self.children[-1 - child]))
        return found


def _look(item: Item) -> Any:
    """What items alike have in common."""
    return item.kind, item.op, len(item.inputs), item.data.shape if isinstance(item.data, Picture) else None
