"""Part 1: the graph of an expression, and its gradients."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent
from typing import Any

import tinygrad_edu as tg

from .text import show


def formula(a: Any, b: Any, c: Any) -> Any:
    """a tanh(a b + c), of numbers or Values."""
    return a * tg.tanh(a * b + c)


def differentiate_an_expression() -> tg.Value:
    """Part 1: the graph of an expression, and each gradient beside a measured slope; returns its result."""
    show("\n1. The gradients of an expression\n")
    leaves = [tg.Value(2.0, "a"), tg.Value(-3.0, "b"), tg.Value(6.5, "c")]
    y = formula(*leaves)
    y.backward()
    show("y = a * tanh(a * b + c) was recorded as this graph, each node above what it was made from:\n")
    show(indent(tg.draw(y).to_text(), "  "))
    show("\nbackward() found each grad, dy/dnode, exactly. Nudging one input at a time measures nearly the same:\n")
    show("           backward()      (y(x + h) - y(x - h)) / 2h")
    point = [leaf.data for leaf in leaves]
    for i, leaf in enumerate(leaves):
        show(f"  dy/d{leaf.label}  {leaf.grad:12.8f}    {measured_slope(point, i):12.8f}")
    return y  # type: ignore[no-any-return] # the formula is for numbers too


def measured_slope(point: Sequence[float], i: int, h: float = 1e-6) -> float:
    """The central difference of the formula by its i-th argument."""
    ahead, behind = list(point), list(point)
    ahead[i] += h
    behind[i] -= h
    return float(formula(*ahead) - formula(*behind)) / (2.0 * h)
