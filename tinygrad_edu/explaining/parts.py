"""What an explanation is made of: names, numbers and formulas, never live nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .causes import Cause

WRITTEN, ENDS = 12, 4
"""A path of more steps than this is written as so many at either end."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way from the result back to the variable.

    Attributes:
        nodes: what the nodes on it are called, the result first.
        derivatives: the local derivative of each step; None where it is no single number.
        product: what the path contributes to the gradient.
        share: its part of the whole; of all paths they add up to 1. None where the whole is 0 or not finite.
        gains: for arrays, by how much each step changes the length of what is pulled back along the path.
        positions: for each step, the position of the operand that it leads to.
    """

    nodes: tuple[str, ...]
    derivatives: tuple[float | None, ...]
    product: Any
    share: float | None
    gains: tuple[float, ...]
    positions: tuple[int, ...]

    @property
    def written(self) -> tuple[list[int], int]:
        """The steps that are written out, and how many are left out behind the first ENDS of them."""
        n = len(self.derivatives)
        if n <= WRITTEN:
            return list(range(n)), 0
        return [*range(ENDS), *range(n - ENDS, n)], n - 2 * ENDS


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that is used: what it stands for as a formula (none for a variable), and as numbers."""

    name: str
    definition: str
    data: str
    latex: str

    def __str__(self) -> str:
        return " = ".join(filter(None, [self.name, self.definition, self.data]))


@dataclass(frozen=True, slots=True)
class Local:
    """A local derivative that is used: of what, by what (and which operand that is, if it is several), the rule of the
    operation as a formula, if there is one, and the number, if it is one.
    """

    of: str
    by: str
    operand: int | None
    formula: str
    latex: str
    number: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivation:
    """The gradient of one node by another, as a sum over paths of products of local derivatives.

    Attributes:
        of, by: what the two nodes are called.
        value: the gradient, a float or an array: what `.grad` is after one `backward`; None where none gets there.
        paths: the largest paths, the largest first.
        count: how many there are.
        exact: whether these are the largest of all; else they are the largest that were found.
        rest: what all other paths contribute together.
        rest_count: how many those are.
        share_note: why there are no shares; "" where there are.
        causes: why the gradient, or a part of it, is not there, or small.
        more_causes: how many more places cut paths off.
        symbols: what the names stand for, by name; of a long path, those that are written out.
        locals: the local derivatives that are written out.
    """

    of: str
    by: str
    value: Any
    paths: tuple[Path, ...]
    count: int
    exact: bool
    rest: Any
    rest_count: int
    share_note: str
    causes: tuple[Cause, ...]
    more_causes: int
    symbols: dict[str, Symbol]
    locals: tuple[Local, ...]
