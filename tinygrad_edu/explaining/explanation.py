"""`Explanation`: a derivation that shows itself, in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..display import Bundle
from . import latex, page, text
from .parts import Derivation


class Explanation(Derivation):
    """A gradient as a derivation: what `explain` gives. It holds names and numbers, and no node."""

    __slots__ = ()

    def __repr__(self) -> str:
        return text.rendered(self)

    def _repr_latex_(self) -> str:
        return latex.rendered(self)

    def _repr_html_(self) -> str:
        return page.rendered(self)

    def _repr_mimebundle_(self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None,
                          **_: Any) -> Bundle:
        """What a notebook shows."""
        found = {"text/plain": repr(self), "text/latex": self._repr_latex_(), "text/html": self._repr_html_()}
        kinds = (set(found) if include is None else set(include)) - set(exclude or ())
        return {kind: x for kind, x in found.items() if kind in kinds}
