"""A user's own operation, made a row of the table by a decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from .array_row import ArrayRow, Fused, Linear
from .row import TABLE, Elementwise, Interval, Row, Rule

OWN: dict[str, Row] = {}
"""The rows that users registered, by name: these may be replaced, the built-in ones not."""

DEFAULT = (-2.0, 2.0)
"""Where an operand is drawn of which nothing is said."""


def operation(*rules: Rule | float, kind: type[Row] = Elementwise, domain: Sequence[Any] = (),
              scalar: Rule | None = None, jvp: Rule | None = None, **described: Any) -> Callable[[Rule], Any]:
    """Decorator: make a function a row of the table, that takes numbers, arrays, Values and Tensors.

    Args:
        rules: the derivative by each operand: a formula of (out, *operands), or a number. It is written in
            arithmetic and functions of this library, never NumPy's, so that it can be differentiated again.
        kind: `Elementwise`, a function of numbers, broadcast over arrays. Or a function of whole arrays: of
            `ops.Linear`, `ops.LinearInEach` and `ops.Fused` rows the rules give the cotangent of each operand, as
            `ops/array_row.py` says; positional-only parameters are operands, all others are metadata.
        domain: for each operand an interval, or a list of intervals, where the function is smooth.
        scalar: the function on floats; by default the function itself.
        jvp: forward mode of a `Fused` row.
        described: `symbol` and `latex` for drawings; `analytic`, whether it takes complex numbers too; `cases`,
            pairs of shapes and other arguments on which a function of whole arrays can be tried.

    Raises:
        TypeError: there are not as many rules as operands, or a rule is none.
        ValueError: the name is that of a built-in operation, or the domain is none.

    Registered again, an operation takes the place of the one before; what was recorded with that keeps it.
    `testing.check_operation` tries an operation on everything that the built-in ones have to stand.

    >>> @operation(lambda out, x: out * (1.0 - out), domain=[(-3.0, 3.0)])
    ... def squash(x):
    ...     '''1 / (1 + exp(-x)).'''
    ...     return 1.0 / (1.0 + np.exp(-x))
    >>> squash(0.0), squash(np.array([0.0]))
    (0.5, array([0.5]))
    """
    if not isinstance(kind, type) or not issubclass(kind, Row):
        raise TypeError(f"operation: kind={kind!r} is no kind of row, such as Elementwise, Linear or Fused")

    def register(function: Rule) -> Row:
        if not callable(function):
            raise TypeError(f"operation: {type(function).__name__} is no function; write the rules behind the "
                            "decorator's name, as in @operation(lambda out, x: 1.0 - out * out)")
        name = _free_name(function)
        count, required = _operands(name, function, kind)
        _check_rules(name, rules, required, kind)
        _check_fitting(name, kind, scalar, jvp)
        _check_described(name, described)
        intervals = _intervals(name, domain, count or _most(described.get("cases", ())))
        row = _made(name, function, rules, kind, scalar, jvp, {"domain": intervals, **described})
        row.__module__ = function.__module__
        row.__signature__ = inspect.signature(function)  # type: ignore[attr-defined] # for help, and gradcheck's names
        TABLE[name] = OWN[name] = row
        return row

    return register


def _free_name(function: Rule) -> str:
    """The name of the operation that `function` makes, or a ValueError."""
    name = str(getattr(function, "__name__", "")).lstrip("_")
    if not name.isidentifier():
        raise ValueError("operation: a lambda has no name for messages and drawings, nor has any object that can be "
                         "called; write it as def name(x): ...")
    if name in TABLE and TABLE[name] is not OWN.get(name):
        raise ValueError(f"operation: {name} is a built-in operation, which others are made of; give the function "
                         f"another name, such as my_{name}")
    return name


def _operands(name: str, function: Rule, kind: type[Row]) -> tuple[int, list[str]]:
    """How many operands there are (0 for any number), and the parameters for which rules are to be given."""
    parameters = inspect.signature(function).parameters.values()
    if not issubclass(kind, ArrayRow):
        for p in parameters:
            if p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) or p.default is not p.empty:
                raise TypeError(f"operation: {name} works number by number, and its parameter {p} is no operand; keep "
                                "to def f(x, y), or give the kind= of a function of whole arrays")
        return len(parameters), [p.name for p in parameters]
    variadic = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    operands = variadic or [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    if not operands:
        raise TypeError(f"operation: {name} has no operands; those of a {kind.__name__} row stand before a slash, as "
                        "in def f(x, y, /, axis=None)")
    return 0 if variadic else len(operands), operands


def _check_rules(name: str, rules: Sequence[Any], operands: Sequence[str], kind: type[Row]) -> None:
    if len(rules) != len(operands):
        raise TypeError(f"operation: the operands of {name} are ({', '.join(operands)}), the rules number "
                        f"{len(rules)}; give the derivative by each operand, in their order")
    for rule, operand in zip(rules, operands, strict=True):
        if not callable(rule) and (not isinstance(rule, Real) or issubclass(kind, (Linear, Fused))):
            wanted = (f"and no function; of a {kind.__name__} row it gives the cotangent of {operand}"
                      if issubclass(kind, (Linear, Fused)) else
                      "neither a function such as lambda out, x: 1.0 - out * out nor a number")
            raise TypeError(f"operation: the rule of {name} for {operand} is {rule!r}, {wanted}")
        if callable(rule) and issubclass(kind, Elementwise):
            try:
                inspect.signature(rule).bind("out", *operands)
            except TypeError:
                raise TypeError(f"operation: the rule of {name} for {operand} must take (out, "
                                f"{', '.join(operands)}): the result first, then the operands") from None


def _check_fitting(name: str, kind: type[Row], scalar: Rule | None, jvp: Rule | None) -> None:
    """What a kind of row makes no use of must not be given, and be taken for checked."""
    if jvp is not None and not issubclass(kind, Fused):
        raise TypeError(f"operation: {name} is {kind.__name__}, whose forward mode follows from its rules: it takes no "
                        "jvp=, which is for Fused rows")
    if scalar is not None and not issubclass(kind, Elementwise):
        raise TypeError(f"operation: {name} is {kind.__name__}, a function of whole arrays: it takes no scalar=")


def _check_described(name: str, described: Mapping[str, Any]) -> None:
    """What a row has besides is not for others: an `adder` of a rule that hands its cotangent on would write to it."""
    unknown = described.keys() - {"symbol", "latex", "analytic", "cases"}
    if unknown:
        raise TypeError(f"operation: {name} is described by symbol, latex, analytic and cases, not by "
                        f"{', '.join(sorted(unknown))}")


def _most(cases: Sequence[Any]) -> int:
    return max((len(shapes) for shapes, _ in cases), default=1)


def _intervals(name: str, domain: Sequence[Any], count: int) -> list[tuple[Interval, ...]]:
    """The intervals of each operand, where one alone may stand for a list of one."""
    domain = domain or [DEFAULT] * count
    # a number among them is (low, high) for [(low, high)]
    found = [tuple(map(tuple, [of] if np.ndim(of) == 1 else of)) for of in domain if np.ndim(of)]
    pairs = [interval for of in found for interval in of]
    if len(found) != count or not all(map(_is_interval, pairs)):
        raise ValueError(f"operation: the domain of {name} is {domain}; give an interval or a list of intervals for "
                         f"each operand, of which there are {count}: [{', '.join(['(low, high)'] * count)}]")
    return found


def _is_interval(pair: Sequence[Any]) -> bool:
    """Whether numbers can be drawn from it."""
    return len(pair) == 2 and all(isinstance(x, Real) for x in pair) and -np.inf < pair[0] < pair[1] < np.inf


def _made(name: str, function: Rule, rules: Sequence[Any], kind: type[Row], scalar: Rule | None, jvp: Rule | None,
          described: dict[str, Any]) -> Row:
    """The row, not in the table yet."""
    rules = [float(rule) if isinstance(rule, Real) else rule for rule in rules]
    if issubclass(kind, Elementwise):
        doc = inspect.getdoc(function) or ""
        return kind(name, scalar or on_floats(function), function, *rules, doc=doc, listed=False, **described)
    making: Callable[..., Row] = kind
    if issubclass(kind, Fused):
        if jvp is None:
            raise TypeError(f"operation: {name} needs jvp=, a function of (out, operands, tangents) for forward mode")
        return making(function, rules, jvp, listed=False, **described)
    return making(function, *rules, listed=False, **described)


def on_floats(function: Rule) -> Rule:
    """An array function on floats: its result a float, inf and nan without a warning."""
    def scalar(*operands: float) -> float:
        with np.errstate(all="ignore"):
            return float(function(*operands))

    return scalar
