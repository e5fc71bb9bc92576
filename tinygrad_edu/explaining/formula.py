"""`Formula`: a symbol that rows of the table are applied to, to see what they and their derivatives look like.

A rule is plain arithmetic and functions of the library, so it works on these as it does on numbers and nodes: the
formula of a derivative is its rule, written down. Where a rule asks what a number is, there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..node import NO_PARAMS, Node
from ..ops.row import Elementwise, Nary
from ..viz.text import number, plain
from .letters import escaped, name_latex, name_text, number_latex, payload_text

COMPARISON, SUM, PRODUCT, POWER, ATOM = range(5)
"""How strongly the outermost operation of a formula binds."""

INFIX = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT, "**": POWER}

LONGEST = 70
"""Longer formulas explain nothing."""


class Formula(Node):
    """A formula, as text and as LaTeX; operations on it make larger ones."""

    __slots__ = ("latex", "level", "text")

    is_scalar = True

    def __init__(self, text: str, latex: str, level: int = ATOM) -> None:
        self.text, self.latex, self.level = text, latex, level
        self._notes, self.op, self._requires_grad, self._data = None, None, True, None

    @classmethod
    def record(cls, row: Any, operands: tuple[Any, ...], params: Mapping[str, Any] = NO_PARAMS) -> Formula:
        parts = [as_formula(x) for x in operands]
        symbol = row.symbol
        if symbol in INFIX and len(parts) == 2:
            simpler = _simpler(symbol, operands, parts)
            return _infix(row, symbol, parts) if simpler is None else simpler
        if symbol == "neg":
            return cls(f"-{parts[0]._wrapped(PRODUCT)}", f"-{parts[0]._bracketed(PRODUCT)}", PRODUCT)
        if symbol == "[]":
            index = plain(_index(params.get("index")), 30)
            return cls(f"{parts[0]._wrapped(ATOM)}[{index}]",
                       rf"{{{parts[0]._bracketed(ATOM)}}}_{{\mathtt{{{escaped(index)}}}}}")
        options = [f"{key}={value!r}" for key, value in params.items() if isinstance(value, (int, tuple)) and value]
        listed = [p.text for p in parts] if len(parts) <= 6 else [*[p.text for p in parts[:4]], "..."]
        return cls(f"{plain(row.name)}({plain(', '.join(listed + options), LONGEST)})", _function_latex(row, parts))

    def _wrapped(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"

    def _bracketed(self, level: int) -> str:
        return self.latex if self.level >= level else rf"\left({self.latex}\right)"

    def _compared(self, sign: str, latex: str, other: Any) -> Formula:
        right = as_formula(other)
        return Formula(f"{self._wrapped(SUM)} {sign} {right._wrapped(SUM)}",
                       f"{self._bracketed(SUM)} {latex} {right._bracketed(SUM)}", COMPARISON)

    def __lt__(self, other: Any) -> Formula:
        return self._compared("<", r"\lt", other)

    def __le__(self, other: Any) -> Formula:
        return self._compared("<=", r"\le", other)

    def __gt__(self, other: Any) -> Formula:
        return self._compared(">", r"\gt", other)

    def __ge__(self, other: Any) -> Formula:
        return self._compared(">=", r"\ge", other)

    def __and__(self, other: Any) -> Formula:
        return self._compared("and", r"\wedge", other)

    def __or__(self, other: Any) -> Formula:
        return self._compared("or", r"\vee", other)

    def __bool__(self) -> bool:
        raise TypeError("a formula is neither true nor false")

    def __add__(self, other: Any) -> Formula:
        return Formula.record(ops.add, (self, other))

    def __radd__(self, other: Any) -> Formula:
        return Formula.record(ops.add, (other, self))

    def __sub__(self, other: Any) -> Formula:
        return Formula.record(ops.subtract, (self, other))

    def __rsub__(self, other: Any) -> Formula:
        return Formula.record(ops.subtract, (other, self))

    def __mul__(self, other: Any) -> Formula:
        return Formula.record(ops.multiply, (self, other))

    def __rmul__(self, other: Any) -> Formula:
        return Formula.record(ops.multiply, (other, self))

    def __truediv__(self, other: Any) -> Formula:
        return Formula.record(ops.divide, (self, other))

    def __rtruediv__(self, other: Any) -> Formula:
        return Formula.record(ops.divide, (other, self))

    def __neg__(self) -> Formula:
        return Formula.record(ops.negative, (self,))


def named(name: str) -> Formula:
    """The symbol of a node; what is no plain word is put in brackets between the signs of a formula."""
    short = name_text(name)
    return Formula(short, name_latex(name)) if short[:1] != "(" else Formula(short[1:-1], name_latex(name), COMPARISON)


def as_formula(x: Any) -> Formula:
    """A formula itself; a plain number or array as it is written."""
    if isinstance(x, Formula):
        return x
    if np.size(x) == 1:
        x = float(np.asarray(x).item())
        negative = x < 0.0
        return Formula(number(x), number_latex(x), PRODUCT if negative else ATOM)
    text = payload_text(x) if isinstance(x, np.ndarray) else "..."
    return Formula(text, rf"\text{{{text}}}")


def _simpler(symbol: str, operands: Sequence[Any], parts: Sequence[Formula]) -> Formula | None:
    """One of the two operands, where the other is a plain 1 or 0 that changes nothing."""
    left, right = [x if isinstance(x, float) else None for x in operands]
    if (symbol in ("*", "/", "**") and right == 1.0) or (symbol in ("+", "-") and right == 0.0):
        return parts[0]
    if (symbol == "*" and left == 1.0) or (symbol == "+" and left == 0.0):
        return parts[1]
    return None


def _infix(row: Any, symbol: str, parts: Sequence[Formula]) -> Formula:
    level = INFIX[symbol]
    left, right = parts
    tight = level + (symbol in "-/@")
    text = f"{left._wrapped(level + (symbol == '**'))} {symbol} {right._wrapped(tight)}"
    if symbol == "/":
        latex = _filled(row, left.latex, right.latex)
    elif symbol == "**":
        latex = _filled(row, left._bracketed(ATOM), right.latex)
    else:
        shown = right._bracketed(level + (symbol != "+")) if right.latex[:1] == "-" else right._bracketed(tight)
        latex = _filled(row, left._bracketed(level), shown)
    return Formula(text, latex, level)


def _filled(row: Any, *operands: str) -> str:
    """The row's own LaTeX; the plain name of the function where it has none, or none that works."""
    try:
        if row.latex:
            return str(row.latex.format(*operands))
    except (LookupError, ValueError):
        pass
    return rf"\operatorname{{{escaped(plain(row.name))}}}({', '.join(operands[:4])}{', ...' if operands[4:] else ''})"


def _function_latex(row: Any, parts: Sequence[Formula]) -> str:
    enclosed = row.latex.count("{{{0}}}") or "({0}" in row.latex or not row.latex
    return _filled(row, *[p.latex if enclosed else p._bracketed(ATOM) for p in parts])


def _index(index: Any) -> str:
    if isinstance(index, tuple):
        return ", ".join(map(_index, index))
    if isinstance(index, slice):
        ends = ":".join("" if end is None else str(end) for end in (index.start, index.stop))
        return ends if index.step is None else f"{ends}:{index.step}"
    return "..." if index is Ellipsis else f"array {index.shape}" if isinstance(index, np.ndarray) else str(index)


def applied(row: Any, operands: Sequence[Any], params: Mapping[str, Any]) -> Formula:
    """What an operation does, written down, also where it does nothing: times 1."""
    return Formula.record(row, tuple([as_formula(x) for x in operands]), params)


def derived(row: Any, position: int, out: Formula, operands: Sequence[Any]) -> Formula | None:
    """The rule for the derivative by an operand, written down; None where it is a number, or no formula."""
    if not isinstance(row, (Elementwise, Nary)):
        return None
    try:
        found = row.partial(position, out, operands)
    except Exception:  # a rule may ask anything of its operands, and a user's may raise anything
        return None
    return found if isinstance(found, Formula) and len(found.text) <= LONGEST else None
