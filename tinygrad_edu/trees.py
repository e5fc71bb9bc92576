"""Trees: arguments and results as nested lists, tuples and dicts, whose leaves are all else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .errors import ShapeError


def leaves_of(tree: Any) -> list[Any]:
    """What stands in the lists, tuples and dicts of `tree`, however deep, in their order; `tree` itself if it is none.

    >>> leaves_of({"w": [1.0, 2.0], "b": 3.0})
    [1.0, 2.0, 3.0]
    """
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in leaves_of(tree[key])]
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves_of(item)]
    return [tree]


def rebuilt(tree: Any, leaves: Iterable[Any]) -> Any:
    """The shape of `tree`, filled from `leaves` in order."""
    source = iter(leaves)
    if isinstance(tree, dict):
        return {key: rebuilt(item, source) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [rebuilt(item, source) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return next(source)


def aligned(tree: Any, given: Any, what: str) -> list[Any]:
    """What `given` has in the places of the leaves of `tree`; dicts are matched by key."""
    if isinstance(tree, dict):
        if not isinstance(given, dict) or given.keys() != tree.keys():
            raise ShapeError(f"{what}: a dict with the keys {list(tree)} is wanted, not {given!r:.80}")
        return [leaf for key in tree for leaf in aligned(tree[key], given[key], what)]
    if isinstance(tree, (list, tuple)):
        if not isinstance(given, (list, tuple)) or len(given) != len(tree):
            count = f", of {len(given)}" if isinstance(given, (list, tuple)) else ""
            raise ShapeError(f"{what}: a list or tuple of {len(tree)} is wanted, not {given!r:.80}{count}")
        return [leaf for part, item in zip(tree, given, strict=True) for leaf in aligned(part, item, what)]
    return [given]
