"""What a notebook shows of a node: made by a reader on a higher floor, which the package enters here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Bundle = dict[str, Any]
"""Representations by their MIME type."""

READERS: dict[str, Callable[[Any], Bundle]] = {}
"""By what is shown: a function that gives its richer representations."""


def bundle(what: str, thing: Any, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None) -> Bundle:
    """The representations of a thing, of those kinds that are wanted; the text is its `repr`."""
    found = {"text/plain": repr(thing)}
    if what in READERS:
        found |= READERS[what](thing)
    kinds = (set(found) if include is None else set(include)) - set(exclude or ())
    return {kind: x for kind, x in found.items() if kind in kinds}
