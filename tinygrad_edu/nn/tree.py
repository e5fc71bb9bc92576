"""What a module holds: the nodes and arrays found by walking its attributes, in the order they were set.

The walk goes through lists, tuples, dicts and other modules. The way to a part is its name:
``layers.0.neurons.3.w.1``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..node import Node

Path = tuple[Any, Any] | None
"""The way to a container: (the way to what holds it, its key there); None is the way to the root."""


class Holder:
    """Base of what is walked by its attributes."""

    def _held(self) -> dict[str, Any]:
        """What it holds, by the names that appear in those of its parameters: its attributes."""
        return vars(self)


def walk(root: Holder, also: tuple[type, ...] = (), deep: bool = True) -> Iterator[tuple[Path, Any, Any]]:
    """Every module, node and array that `root` holds, each once, as (way to its holder, key, itself); root first.

    So are objects of the classes `also`; unless `deep`, what other modules hold is left out. What is still to be
    visited waits in a list, the next at its end: no nesting is too deep, no cycle endless. An object array counts as a
    list of its elements.
    """
    seen: set[int] = set()
    waiting: list[tuple[Path, Any, Any]] = [(None, "", root)]
    while waiting:
        entry = waiting.pop()
        part = entry[2]
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, np.ndarray) and part.dtype == object:
            part = part.ravel().tolist()
        if isinstance(part, (Node, np.ndarray, *also)):
            yield entry
        elif isinstance(part, (list, tuple)):
            waiting.extend(zip(itertools.repeat(entry[:2]), range(len(part) - 1, -1, -1), reversed(part), strict=False))
        elif isinstance(part, (Holder, dict)):
            if isinstance(part, Holder):
                yield entry
                if part is not root and not deep:
                    continue
                part = part._held()
            way = entry[:2]  # one object for all that is held there
            waiting.extend((way, key, item) for key, item in reversed(part.items()))


def nodes_of(root: Holder) -> Iterable[Node]:
    """The nodes that `walk` finds, each once and in its order, without their names: three times as fast."""
    found: dict[Node, None] = {}
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Node):
            found.setdefault(part)
        elif isinstance(part, (list, tuple, dict, Holder, np.ndarray)) and id(part) not in seen:
            seen.add(id(part))
            if isinstance(part, (list, tuple)):
                waiting.extend(reversed(part))
            elif not isinstance(part, np.ndarray):
                waiting.extend(reversed((part if isinstance(part, dict) else part._held()).values()))
            elif part.dtype == object:
                waiting.extend(reversed(part.ravel().tolist()))
    return found


def joined(path: Path, key: Any) -> str:
    """The name of what `key` leads to in the container at `path`; the root has no name of its own."""
    names = []
    while path is not None:
        names.append(str(key))
        path, key = path
    return ".".join(reversed(names))
