"""The kinds of row in the operation table, and how each differentiates.

A row states a derivative once, in plain arithmetic and the library's own functions. Applied to floats or
arrays it gives numbers; applied to nodes it gives a graph, and so derivatives of any order. A row sees of
a node only that it is one: any `Node` among the operands records itself, by `type(node).record(row, ...)`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MethodType
from typing import Any, TypeVar, cast

import numpy as np

from ..errors import DataError, MixedNodesError, ShapeError, SingularMatrixError, TinygradError
from ..node import NO_PARAMS, Node, Payload

Rule = Callable[..., Any]
F = TypeVar("F", bound=Rule)
Interval = tuple[float, float]
Case = tuple[tuple[tuple[int, ...], ...], Mapping[str, Any]]
"""An example for the tests: the shapes of the operands, and the other arguments."""

TABLE: dict[str, Row] = {}
"""Every operation by name, in the order of definition."""

BRIDGES = "join the graphs with Tensor.stack_values([values]) or tensor.to_values()"


def node_class(name: str, operands: Iterable[Any]) -> type[Node] | None:
    """The class of the nodes among `operands`, None where there are none."""
    found: type[Node] | None = None
    for x in operands:
        if isinstance(x, Node):
            if found is None:
                found = x.__class__
            elif found is not x.__class__:
                raise MixedNodesError(f"{name}: a Value and a Tensor cannot be operands of one operation; {BRIDGES}",
                                      nodes_in(operands))
    return found


def nodes_in(operands: Iterable[Any]) -> tuple[Node, ...]:
    """The nodes among `operands`, also those inside lists."""
    found: list[Node] = []
    for x in operands:
        if isinstance(x, Node):
            found.append(x)
        elif isinstance(x, (list, tuple)):
            found += nodes_in(x)
    return tuple(found)


def check_array(name: str, x: Any) -> None:
    """Raise where x, to be taken for an array, would swallow nodes."""
    hidden = nodes_in(x) if isinstance(x, (list, tuple)) else ()
    if hidden or (isinstance(x, np.ndarray) and x.dtype == object):
        raise DataError(f"{name}: nodes inside a list or an object array would lose their graph; join Tensors with "
                        "stack(), Values with Tensor.stack_values(), or apply it to each", hidden)


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
    """

    reads_constants = True

    def __init__(self, name: str, array: Rule, *, doc: str, symbol: str = "", latex: str = "",
                 domain: Sequence[Sequence[Interval]] = (), cases: Sequence[Case] = (), analytic: bool = False,
                 listed: bool = True) -> None:
        if listed:
            if name in TABLE:
                raise ValueError(f"{name}: the table has a row of this name already")
            TABLE[name] = self
        self.name, self.array, self.cases, self.analytic = name, array, tuple(cases), analytic
        self.symbol, self.latex = symbol or name, latex
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
            raise
        except (ValueError, IndexError) as error:
            kind = SingularMatrixError if "ingular" in str(error) else ShapeError
            shapes = ", ".join(str(np.shape(x)) for x in arrays)
            raise kind(f"{self.name} of shapes {shapes}: {error}", nodes_in(operands)) from error

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
        self.scalar, self._partials = scalar, partials

    def __call__(self, *operands: Any) -> Any:
        """Apply to numbers or nodes."""
        record = self.recorders.get(operands[0].__class__)
        if record is not None:
            return record(*operands)
        for x in operands:
            if isinstance(x, Node):
                return x.recorder(self)(*operands)
        return self.plain(operands, NO_PARAMS)

    def partials(self, out: Payload, arguments: Sequence[Payload]) -> Sequence[Payload]:
        return cast(Sequence[Payload], self._partials(out, arguments))

    def partial(self, position: int, out: Payload, arguments: Sequence[Payload]) -> Payload:
        return self.partials(out, arguments)[position]


def first(out: Payload, x: Payload, y: Payload) -> Payload:
    """The first operand: the derivative of a product by the second. Recorders know it, and need no call."""
    return x


def second(out: Payload, x: Payload, y: Payload) -> Payload:
    """The second operand: the derivative of a product by the first. Recorders know it, and need no call."""
    return y


# ---- functions of whole arrays, stated as Python functions ---------------------------------------------------------


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
        named = dict(zip(self._defaults, given[count:], strict=False)) if len(given) > count else {}
        full = {**self._defaults, **named, **params}
        if (len(given) < count or len(given) > count + len(self._defaults) or len(full) > len(self._defaults)
                or named.keys() & params.keys()
                or not self._required <= named.keys() | params.keys()):
            try:
                self.__signature__.bind(*given, **params)
            except TypeError as error:
                raise TypeError(f"{self.name}: {error}") from None
        return given[:count], full


def composed(function: F) -> F:
    """Decorator of a function put together from rows: its errors name it, and the nodes it was called with."""

    @functools.wraps(function)
    def call(*operands: Any, **params: Any) -> Any:
        try:
            return function(*operands, **params)
        except TinygradError as error:
            error.nodes = error.nodes or nodes_in([*operands, *params.values()])
            if function.__name__ not in str(error):
                error.args = (f"{function.__name__}: {error}",)
            raise

    return cast(F, call)


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
    """A function whose two modes are stated outright, in the library's own functions."""

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


def is_zero(x: Payload) -> Payload:
    """Where x is 0, as a plain mask: `==` between nodes is identity."""
    return (x >= 0.0) & (x <= 0.0)
