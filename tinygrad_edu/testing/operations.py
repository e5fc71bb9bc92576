"""Everything that the built-in operations have to stand, for a user's own, in one call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import DataError, GradientError
from ..ops.row import Row
from . import demands, edges
from .measure import Function

Check = Callable[[Row, np.random.Generator], None]

DRAWN: tuple[Check, ...] = (
    demands.forward, demands.first_order, demands.complex_step, demands.second_order, demands.third_order,
    demands.families, demands.broadcasting, edges.kinks)
"""The demands that depend on the operands drawn."""

CHECKS: tuple[Check, ...] = (
    demands.has_examples, *DRAWN, demands.sizes, edges.edge_results, edges.edge_gradients, edges.float32,
    edges.layouts, edges.frozen, edges.ownership)
"""All demands, in the order in which to read their complaints."""


def check_operation(op: Row, reference: Function | None = None, rng: np.random.Generator | None = None,
                    repeat: int = 3) -> None:
    """Try an operation on everything that the built-in ones have to stand; raise at the first failure.

    Args:
        op: a row of the table, such as `operation` makes.
        reference: another function of the same arrays, which gives the right numbers.
        rng: draws operands from the domain of the row; by default the same ones every time.
        repeat: how many times operands are drawn.

    Raises:
        GradientError: names the operation, the shapes, what was compared, and both numbers.

    >>> from tinygrad_edu.ops import tanh
    >>> check_operation(tanh, np.tanh)
    """
    if not isinstance(op, Row):
        raise DataError(f"check_operation: {op!r} is no operation of the table; make it one with operation(), or check "
                        "the gradients of a function put together from operations")
    rng = np.random.default_rng(0) if rng is None else rng
    for check in CHECKS:
        for _ in range(repeat if check in DRAWN else 1):
            _named(op, check, rng)
    if reference is not None:
        _named(op, lambda row, rng: demands.matches(row, reference, rng), rng)


HINTS = (
    ("converted to Python scalars", "math.sin takes no arrays: write np.sin in the function, tg.sin in its rules"),
    ("truth value of an array", "if, max and min take no arrays: write np.where or np.maximum"),
    ("NoneType", "is a return missing?"),
)
"""What may be meant by the messages of Python and NumPy: a part of them, and the likely cause."""


def _named(row: Row, check: Check, rng: np.random.Generator) -> None:
    """The check, any exception of the row's functions turned into a complaint that names it."""
    try:
        check(row, rng)
    except GradientError:
        raise
    except Exception as error:
        what = (check.__doc__ or "the same numbers as the reference").partition(".")[0].partition("\n")[0]
        hint = next((f"; {said}" for part, said in HINTS if part in str(error)), "")
        raise GradientError(f"{row.name}: {type(error).__name__}: {error}{hint} (checked was: {what})") from error
