"""`Row`, an entry of the operation table, and the kinds of row that are functions of numbers.

A row states a derivative once, in plain arithmetic and the library's own functions. Applied to floats or
arrays it gives numbers; applied to nodes it gives a graph, and so derivatives of any order. A row sees of
a node only that it is one: any `Node` among the operands records itself, by `type(node).record(row, ...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType, MethodType
from typing import Any

import numpy as np

from ..errors import ShapeError, SingularMatrixError, TinygradError
from ..node import NO_PARAMS, Node, Payload
from .operands import check_array, nodes_in

Rule = Callable[..., Any]
Interval = tuple[float, float]
Case = tuple[tuple[tuple[int, ...], ...], Mapping[str, Any]]
"""An example for the tests: the shapes of the operands, and the other arguments."""

TABLE: dict[str, Row] = {}
"""Every operation by name, in the order of definition."""

class Row:
    """An operation: its name, its function on plain numbers and arrays, its derivative, how it is drawn.

    Attributes:
        name: NumPy's own name for it.
        array: its function on arrays.
        symbol: what a drawing shows.
        latex: a template for formulas, with {0}, {1} for the operands.
        recorders: for each class of operand that it has met, the function that takes it from there.
        domain: for each operand, the intervals in which the tests draw and the function is smooth.
        cases: shapes and arguments that the tests try.
        analytic: whether the function continues to complex arguments, as the complex-step test needs.
        reads_constants: whether the rule looks at constant operands, so that they are kept as copies.
        adders: for operands of whose cotangent the rule fills only a part, by position: functions of (total,
            cotangent, operands, params) that add that part to an array, where the rule puts it among zeros.
    """

    reads_constants = True

    def __init__(self, name: str, array: Rule, *, doc: str, symbol: str = "", latex: str = "",
                 domain: Sequence[Sequence[Interval]] = (), cases: Sequence[Case] = (), analytic: bool = False,
                 adders: Mapping[int, Rule] = MappingProxyType({}), listed: bool = True) -> None:
        if listed:
            if name in TABLE:
                raise ValueError(f"{name}: the table has a row of this name already")
            TABLE[name] = self
        self.name, self.array, self.cases, self.analytic = name, array, tuple(cases), analytic
        self.symbol, self.latex, self.adders = symbol or name, latex, adders
        self.recorders: dict[type, Rule] = {}
        self.domain: tuple[tuple[Interval, ...], ...] = tuple(tuple(d) for d in domain)
        self.__name__ = self.__qualname__ = name
        self.__doc__ = doc
        self.__module__ = __package__.partition(".")[0]

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _row_named, (self.name,)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """As an attribute of a node class, a row is a method."""
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Apply to floats, arrays, Values or Tensors; nodes are recorded."""
        raise NotImplementedError  # pragma: no cover - each kind has its own

    def plain(self, operands: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """The result on numbers and arrays, where nothing is recorded."""
        for x in operands:
            check_array(self.name, x)
        return self.on_arrays([np.asarray(x) if isinstance(x, (list, tuple)) else x for x in operands], params)

    def on_arrays(self, arrays: Sequence[Any], params: Mapping[str, Any], operands: Sequence[Any] = ()) -> Any:
        """The array function, its complaints naming the operation and the shapes (and the nodes among `operands`)."""
        try:
            return self.array(*arrays, **params)
        except TinygradError as error:
            error.nodes = error.nodes or nodes_in(operands)
            error.attempt = error.attempt or (self.name, tuple(operands))
            raise
        except (ValueError, IndexError) as error:
            kind = SingularMatrixError if "ingular" in str(error) else ShapeError
            shapes = ", ".join(str(np.shape(x)) for x in arrays)
            told = kind(f"{self.name} of shapes {shapes}: {error}", nodes_in(operands))
            told.attempt = self.name, tuple(operands)
            raise told from error

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Sequence[Payload],
            params: Mapping[str, Any]) -> Payload:
        """The part of the cotangent that flows to the input at `position`."""
        raise NotImplementedError  # pragma: no cover - each kind has its own

    def jvp(self, out: Payload, arguments: Sequence[Payload], tangents: Sequence[Payload | None],
            params: Mapping[str, Any]) -> Payload:
        """The tangent of the result; None among `tangents` stands for zero."""
        raise NotImplementedError  # pragma: no cover - each kind has its own


def _row_named(name: str) -> Row:
    return TABLE[name]


def add_up(terms: Iterable[Payload]) -> Payload:
    """The sum of at least one term, without starting from a zero of some dtype."""
    terms = iter(terms)
    total = next(terms)
    for term in terms:
        total = total + term
    return total


# ---- one number in, one number out, over any shapes ----------------------------------------------------------------


class ScalarRow(Row):
    """A row that Values can record: it has a function and partial derivatives on floats.

    Python's float functions raise where IEEE arithmetic, and NumPy, have inf and nan; then function and
    derivative are evaluated once more on `np.float64`, without warnings.
    """

    scalar: Rule

    def partial(self, position: int, out: Payload, arguments: Sequence[Payload]) -> Payload:
        """The derivative of the result by the operand at `position`."""
        raise NotImplementedError  # pragma: no cover - each kind has its own

    def partials(self, out: Payload, arguments: Sequence[Payload]) -> Sequence[Payload]:
        """The derivatives by all operands."""
        return [self.partial(i, out, arguments) for i in range(len(arguments))]

    def on_floats(self, operands: Sequence[float]) -> float:
        """The result on floats, as IEEE arithmetic has it."""
        try:
            return self.scalar(*operands)  # type: ignore[no-any-return] # a function of the table
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                return float(self.array(*map(np.float64, operands)))

    def ieee_partial(self, position: int, out: Payload, arguments: Sequence[Payload]) -> Payload:
        """The partial derivative, with plain numbers among the arguments as IEEE arithmetic has them."""
        try:
            return self.partial(position, out, arguments)
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                return self.partial(position, _widened(out), list(map(_widened, arguments)))

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Sequence[Payload],
            params: Mapping[str, Any]) -> Payload:
        return scaled(cotangent, self.ieee_partial(position, out, arguments))

    def jvp(self, out: Payload, arguments: Sequence[Payload], tangents: Sequence[Payload | None],
            params: Mapping[str, Any]) -> Payload:
        return add_up(scaled(t, self.ieee_partial(i, out, arguments)) for i, t in enumerate(tangents) if t is not None)


def _widened(x: Payload) -> Payload:
    return np.float64(x) if x.__class__ is float else x


def scaled(g: Payload, derivative: Payload) -> Payload:
    """g times the derivative, without the multiplication where a rule states 1.0 outright."""
    if derivative.__class__ is float:
        if derivative == 1.0:
            return g
        if derivative == -1.0:
            return -g
    return g * derivative


class Elementwise(ScalarRow):
    """A function of numbers, broadcast over arrays.

    Its derivatives are formulas of (out, *operands), one for each operand, evaluated only where a gradient
    is needed; a plain number stands for a constant derivative.
    """

    def __init__(self, name: str, scalar: Rule, array: Rule, *derivatives: Rule | float, **described: Any) -> None:
        super().__init__(name, array, **described)
        self.scalar = scalar
        self.derivatives, self.arity = derivatives, len(derivatives)
        self.reads_constants = any(callable(d) for d in derivatives)
        if self.arity == 1:  # the short way for arrays; several operands could mix with nodes
            self.recorders[np.ndarray] = self._on_array
        if len(self.domain) != len(derivatives):
            raise ValueError(f"{name}: {len(derivatives)} derivatives, but a domain for {len(self.domain)} operands")

    def __call__(self, *operands: Any) -> Any:
        """Apply to floats, arrays, Values or Tensors; nodes are recorded."""
        if len(operands) == self.arity:
            record = self.recorders.get(operands[0].__class__)
            if record is not None:
                return record(*operands)
        return self._dispatch(operands)

    def _on_array(self, x: Any) -> Any:
        return self.plain((x,), NO_PARAMS) if x.dtype.hasobject else self.array(x)

    def _dispatch(self, operands: tuple[Any, ...]) -> Any:
        if len(operands) != self.arity:
            wanted = "1 operand" if self.arity == 1 else f"{self.arity} operands"
            raise TypeError(f"{self.name} takes {wanted}, not {len(operands)}")
        only_numbers = True
        for x in operands:
            if x.__class__ is not float:
                if isinstance(x, Node):
                    return x.recorder(self)(*operands)
                if x.__class__ not in _PYTHON_NUMBERS:
                    only_numbers = False
        return self.on_floats(operands) if only_numbers else self.plain(operands, NO_PARAMS)

    def partial(self, position: int, out: Payload, arguments: Sequence[Payload]) -> Payload:
        rule = self.derivatives[position]
        return rule(out, *arguments) if callable(rule) else rule

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Sequence[Payload],
            params: Mapping[str, Any]) -> Payload:
        rule = self.derivatives[position]
        if not callable(rule):
            return scaled(cotangent, rule)
        try:
            return cotangent * rule(out, *arguments)
        except (ArithmeticError, ValueError):
            return cotangent * self.ieee_partial(position, out, arguments)


_PYTHON_NUMBERS = (float, int, bool)


class Nary(ScalarRow):
    """A function of any number of numbers, recorded as one node.

    Its derivatives are one formula of (out, operands) that gives all of them, in the order of the operands.
    """

    def __init__(self, name: str, scalar: Rule, partials: Rule, **described: Any) -> None:
        super().__init__(name, scalar, **described)
        self.scalar = scalar
        self.partials = partials  # type: ignore[method-assign] # the formula itself: a call less for each neuron

    def __call__(self, *operands: Any) -> Any:
        """Apply to numbers or nodes."""
        record = self.recorders.get(operands[0].__class__)
        if record is not None:
            return record(*operands)
        for x in operands:
            if isinstance(x, Node):
                return x.recorder(self)(*operands)
        return self.plain(operands, NO_PARAMS)

    def partial(self, position: int, out: Payload, arguments: Sequence[Payload]) -> Payload:
        return self.partials(out, arguments)[position]


def first(out: Payload, x: Payload, y: Payload) -> Payload:
    """The first operand: the derivative of a product by the second. Recorders know it, and need no call."""
    return x


def second(out: Payload, x: Payload, y: Payload) -> Payload:
    """The second operand: the derivative of a product by the first. Recorders know it, and need no call."""
    return y


def is_zero(x: Payload) -> Payload:
    """Where x is 0, as a plain mask: `==` between nodes is identity."""
    return (x >= 0.0) & (x <= 0.0)
