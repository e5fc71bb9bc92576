"""The kinds of row that are functions of whole arrays, stated as Python functions.

They differ in how they differentiate: `Linear` by a transpose, `LinearInEach` by one for each operand,
`Fused` by rules that state both modes outright.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..node import Node, Payload
from .operands import node_class
from .row import Row, Rule, add_up


class ArrayRow(Row):
    """A row made from a function of arrays: positional-only parameters are operands, the rest metadata.

    Attributes:
        arity: the number of operands, where it is fixed and there is no metadata, else -1.
    """

    def __init__(self, function: Rule, **described: Any) -> None:
        super().__init__(function.__name__.lstrip("_"), function, doc=inspect.getdoc(function) or "", **described)
        self.__wrapped__ = function
        self.__signature__ = inspect.signature(function)
        parameters = self.__signature__.parameters.values()
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self._operands = sys.maxsize if self.variadic else len([p for p in parameters if p.kind is p.POSITIONAL_ONLY])
        self._defaults = {p.name: p.default for p in parameters
                          if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        self.arity = -1 if self.variadic or self._defaults else self._operands
        self._required = {name for name, default in self._defaults.items() if default is inspect.Parameter.empty}

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Apply to arrays or Tensors; nodes are recorded."""
        if self.arity == len(operands) and not params:
            for x in operands:
                record = self.recorders.get(x.__class__)
                if record is not None:
                    return record(*operands)
        elif self._operands == 1 and operands and isinstance(operands[0], Node) and not operands[0].is_scalar:
            operands, params = self.bind(operands, params)  # a selection of an array
            return operands[0].record(self, operands, params)
        for x in operands[:self._operands]:
            if x.__class__ is not np.ndarray or x.dtype.hasobject:
                break
        else:  # plain arrays, as in every first-order rule: Python binds the arguments
            try:
                return self.array(*operands, **params)
            except (TypeError, ValueError, IndexError):
                pass  # the long way complains in full
        operands, params = self.bind(operands, params)
        kind = node_class(self.name, operands)
        if kind is None:
            return self.plain(operands, params)
        return kind.record(self, operands, params) if params else kind.recorder(self)(*operands)

    def bind(self, given: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The operands, and all the other arguments by name."""
        count = len(given) if self.variadic else self._operands
        if not params and len(given) == count + len(self._defaults):  # all in their order, as in getitem(x, index)
            return given[:count], dict(zip(self._defaults, given[count:], strict=True))
        named = dict(zip(self._defaults, given[count:], strict=False)) if len(given) > count else {}
        full = {**self._defaults, **named, **params}
        missing = any(full[name] is inspect.Parameter.empty for name in self._required)
        if (missing or not count <= len(given) <= count + len(self._defaults) or len(full) > len(self._defaults)
                or (named and params and named.keys() & params.keys())):
            try:
                self.__signature__.bind(*given, **params)
            except TypeError as error:
                raise TypeError(f"{self.name}: {error}") from None
        return given[:count], full


def zeros_like(argument: Payload) -> Payload:
    """A plain zero of the shape and dtype of an operand, for a tangent that is not there."""
    data = argument._data if isinstance(argument, Node) else argument
    return np.zeros(np.shape(data), getattr(data, "dtype", np.float64)) if np.shape(data) else 0.0


class Linear(ArrayRow):
    """A function linear in all operands jointly.

    Reverse mode is the transpose, stated for each operand as a function of (cotangent, *operands, **params)
    (with the operand's position in front where their number varies); forward mode is the function itself,
    on all tangents at once.
    """

    reads_constants = False

    def __init__(self, function: Rule, *transposes: Rule, **described: Any) -> None:
        super().__init__(function, **described)
        self.transposes = transposes

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Sequence[Payload],
            params: Mapping[str, Any]) -> Payload:
        if self.variadic:
            return self.transposes[0](position, cotangent, *arguments, **params)
        return self.transposes[position](cotangent, *arguments, **params)

    def jvp(self, out: Payload, arguments: Sequence[Payload], tangents: Sequence[Payload | None],
            params: Mapping[str, Any]) -> Payload:
        return self(*[zeros_like(x) if t is None else t for x, t in zip(arguments, tangents, strict=True)], **params)


class LinearInEach(Linear):
    """A function linear in each operand while the others are kept: a product in the widest sense."""

    reads_constants = True

    def jvp(self, out: Payload, arguments: Sequence[Payload], tangents: Sequence[Payload | None],
            params: Mapping[str, Any]) -> Payload:
        return add_up(self(*arguments[:i], t, *arguments[i + 1:], **params)
                      for i, t in enumerate(tangents) if t is not None)


class Fused(ArrayRow):
    """A function whose two modes are stated outright, in the library's own functions.

    Reverse mode is stated for each operand as a function of (cotangent, out, *operands, **params); forward mode once,
    of (out, operands, tangents, **params), where the tangent of a constant operand is None.

    >>> import tinygrad_edu as tg
    >>> @tg.operation(lambda g, out, x: out * (g - (g * out).sum(axis=-1, keepdims=True)), kind=tg.ops.Fused,
    ...               jvp=lambda out, xs, ts: out * (ts[0] - (out * ts[0]).sum(axis=-1, keepdims=True)),
    ...               cases=[(((2, 3),), {})])
    ... def softmax_of_rows(x, /):
    ...     e = np.exp(x - x.max(axis=-1, keepdims=True))
    ...     return e / e.sum(axis=-1, keepdims=True)
    >>> tg.testing.check_operation(softmax_of_rows)
    """

    def __init__(self, function: Rule, vjps: Sequence[Rule], jvp: Rule, **described: Any) -> None:
        super().__init__(function, **described)
        self.vjps, self._jvp = tuple(vjps), jvp

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Sequence[Payload],
            params: Mapping[str, Any]) -> Payload:
        return self.vjps[position](cotangent, out, *arguments, **params)

    def jvp(self, out: Payload, arguments: Sequence[Payload], tangents: Sequence[Payload | None],
            params: Mapping[str, Any]) -> Payload:
        return self._jvp(out, arguments, tangents, **params)


def row(kind: type[ArrayRow], *rules: Any, **described: Any) -> Callable[[Rule], ArrayRow]:
    """Decorator: make the function below a row of `kind`."""
    return lambda function: kind(function, *rules, **described)
