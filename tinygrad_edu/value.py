"""`Value`: a number in the graph.

The partial derivatives of an operation are evaluated when it is recorded, by the rule in its row, and
stored beside the inputs. The first-order backward pass is then a bare multiply-add on floats, and a
drawing has its edge labels. Whatever needs more (create_graph, hooks, anomaly mode, a graph that a
Tensor is part of) takes the general pass of the engine, over the same rows.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, Self, cast

from . import engine, ops
from .anomaly import calling_line, inspect_result
from .copying import copied, copied_notes, deepcopied, reduced
from .errors import DataError
from .methods import NodeMethods
from .modes import current_mode
from .node import NO_PARAMS, Node, Notes, Payload, clock
from .ops.operands import BRIDGES, node_class, nodes_in
from .ops.row import Elementwise, Rule, ScalarRow, first, second
from .payloads import new_float, shortened
from .sweep import sweep

_new = object.__new__


def _short(grad: Any) -> str:
    return "None" if grad is None else f"{float(grad):.6g}"


def _beside(node: Value, other: Any) -> float:
    """The number that `node` is compared with."""
    node_class("comparison", (node, other))
    return other._data if isinstance(other, Value) else Value.payload(other)


def operand(x: Any, row: ScalarRow) -> Any:
    """x as an operand: a Value, or a float."""
    if x.__class__ is Value or x.__class__ is float:
        return x
    if getattr(x, "ndim", 0):
        raise DataError(f"{row.name}: a Value cannot be combined with an array of shape {x.shape}; use a Tensor, or "
                        "loop over the elements")
    try:
        return Value.payload(x)
    except DataError as error:
        raise DataError(f"{row.name}: {shortened(x)} is not a number that a Value can meet") from error


# ---- recording -----------------------------------------------------------------------------------------------------
# Everything a Value does passes through here, so these lines are written for speed: the fields are set
# one by one, and what is unusual is left to `_record_carefully`.


def _refuse(row: Any, *operands: Any) -> NoReturn:
    raise DataError(f"{row.name}: works on arrays and Tensors; a Value is a single number ({BRIDGES})",
                    nodes_in(operands))


def _recorder(row: Any) -> Callable[..., Value]:
    """The function that applies `row` to Values and floats."""
    if not isinstance(row, ScalarRow):
        return functools.partial(_refuse, row)
    if isinstance(row, Elementwise):
        if len(row.derivatives) == 1:
            return _unary(row)
        if len(row.derivatives) == 2:
            return _binary(row)
    return _nary(row)


def _stated(derivative: float, out: float, x: float) -> float:
    """A derivative that the row states as a number, as a formula."""
    return derivative


def _unary(row: Elementwise) -> Callable[[Any], Value]:
    function, derivative = row.scalar, row.derivatives[0]
    if not callable(derivative):
        derivative = functools.partial(_stated, derivative)

    def record(source: Any) -> Value:
        mode = current_mode()
        if not (mode.plain and source._requires_grad):
            return _record_carefully(row, (source,))
        x = source._data
        out = _new(Value)
        try:
            out._data = result = function(x)
            out._d_left = derivative(result, x)
        except (ArithmeticError, ValueError):
            return _record_carefully(row, (source,))
        out._left = source
        out.op, out._requires_grad, out.scope, out.index = row, True, mode.scope, next(clock)
        out._right = out._d_right = out._grad = out._pass = out._notes = None
        return out

    return record


# Half of all nodes have two operands. Their recorders are written out from one text for each row, because a
# call costs as much as all the rest of a multiplication: what the row's operator and derivatives are is
# written in place, where they are an operator of Python, a number, or the other operand.

_BINARY = """
def of(row, function, by_left, by_right):
    def record(left, right):
        mode = current_mode()
        out = _new(Value)
        try:
            if not mode.plain:
                return _record_carefully(row, (left, right))
            if left.__class__ is Value:
                x = left._data
                if right.__class__ is Value and left._requires_grad and right._requires_grad:
                    y = right._data
                    out._data = result = {function}
                    out._d_left = {by_left}
                    out._d_right = {by_right}
                elif right.__class__ is float and left._requires_grad:
                    y = right
                    out._data = result = {function}
                    out._d_left, out._d_right = {by_left}, None
                elif right.__class__ is int:
                    return record(left, float(right))
                else:
                    return _record_carefully(row, (left, right))
            elif left.__class__ is float and right._requires_grad:
                x, y = left, right._data
                out._data = result = {function}
                out._d_left, out._d_right = None, {by_right}
            elif left.__class__ is int:
                return record(float(left), right)
            else:
                return _record_carefully(row, (left, right))
        except (ArithmeticError, ValueError):
            return _record_carefully(row, (left, right))
        out._left = left
        out._right = right
        out.op = row
        out._requires_grad = True
        out.scope = mode.scope
        out.index = next(clock)
        out._grad = out._pass = out._notes = None
        return out
    return record
"""

_INFIX = {operator.add: "x + y", operator.sub: "x - y", operator.mul: "x * y", operator.truediv: "x / y"}


def _binary(row: Elementwise) -> Callable[[Any, Any], Value]:
    text = _BINARY.format(function=_INFIX.get(row.scalar, "function(x, y)"),
                          by_left=_written(row.derivatives[0], "by_left"),
                          by_right=_written(row.derivatives[1], "by_right"))
    written: dict[str, Any] = {}
    exec(compile(text, __file__, "exec"), globals(), written)
    recorder: Callable[[Any, Any], Value] = written["of"](row, row.scalar, *row.derivatives)
    return recorder


def _written(derivative: Rule | float, name: str) -> str:
    """The derivative called `name`, as the text of a recorder has it."""
    known = {first: "x", second: "y"}
    return known.get(derivative, f"{name}(result, x, y)") if callable(derivative) else name


def _nary(row: ScalarRow) -> Callable[..., Value]:
    function, partials = row.scalar, row.partials

    def record(*operands: Any) -> Value:
        mode = current_mode()
        if not mode.plain:
            return _record_carefully(row, operands)
        try:
            floats = [x._data for x in operands if x._requires_grad]
        except AttributeError:  # a plain number among them
            floats = []
        flows = len(floats) == len(operands)
        if not flows:
            floats = [x._data if x.__class__ is Value else x for x in operands]
        try:
            result = function(*floats)
            derivatives = tuple(partials(result, floats))
        except (ArithmeticError, ValueError, TypeError):
            return _record_carefully(row, operands)
        if not flows:
            derivatives = tuple([d if x.__class__ is Value and x._requires_grad else None
                                 for x, d in zip(operands, derivatives, strict=True)])
            flows = derivatives.count(None) < len(derivatives)
        if result.__class__ is not float or not flows:
            return _record_carefully(row, operands)
        out = _new(Value)
        out._data, out._left, out._d_right = result, operands, derivatives
        out.op, out._requires_grad, out.scope, out.index = row, True, mode.scope, next(clock)
        out._right = out._d_left = out._grad = out._pass = out._notes = None
        return out

    return record


def _record_carefully(row: ScalarRow, operands: tuple[Any, ...]) -> Value:
    """Record any row in any mode, with IEEE arithmetic where Python's raises."""
    mode = current_mode()
    node_class(row.name, operands)
    inputs = tuple([x if x.__class__ is Value or x.__class__ is float else operand(x, row) for x in operands])
    floats: list[Any] = [x._data if x.__class__ is Value else x for x in inputs]
    data = row.on_floats(floats)
    flows = [x.__class__ is Value and x._requires_grad for x in inputs]
    if mode.recording and True in flows:
        out = _new(Value)
        out._begin(data, True, None)
        derivatives = tuple([float(row.ieee_partial(i, data, floats)) if flow else None
                             for i, flow in enumerate(flows)])
        out.op = row
        if len(inputs) <= 2 and isinstance(row, Elementwise):
            out._left, out._right = (*inputs, None)[:2]
            out._d_left, out._d_right = (*derivatives, None)[:2]
        else:
            out._left, out._d_right = inputs, derivatives
    else:
        out = Value.result(data)
    if mode.anomaly:
        inspect_result(out, row.name, inputs)
        out.notes().site = calling_line()
    return out


def _reflected(row: Elementwise) -> Callable[[Any, Any], Value]:
    """The operator ``other row self``."""
    record = _binary(row)
    return lambda self, other: record(other, self)




_STORED = frozenset({float, type(None)})

# ---- the class -------------------------------------------------------------------------------------------------------


class Value(Node, NodeMethods):
    """A number that records the operations made with it.

    Args:
        data: the number, kept as a float.
        label: a name for drawings and messages.
        requires_grad: False makes it a constant.

    Raises:
        DataError: not a real number.

    >>> a, b = Value(2.0), Value(-3.0)
    >>> c = a * b + a
    >>> c.backward()
    >>> c.data, a.grad, b.grad
    (-4.0, -2.0, 2.0)
    """

    # one or two operands have slots of their own; of n-ary rows, _left is the tuple of operands and
    # _d_right the tuple of derivatives. A derivative is None where no gradient flows. _sum is the
    # cotangent in the backward pass of which _pass is the token
    __slots__ = ("_d_left", "_d_right", "_left", "_pass", "_right", "_sum")

    _data: float
    _left: Any
    _right: Any
    _d_left: Any
    _d_right: Any
    _sum: float
    _pass: object

    is_scalar: ClassVar[bool] = True

    def __init__(self, data: Any, label: str = "", requires_grad: bool = True) -> None:
        self._begin(self.payload(data), bool(requires_grad), None)
        if label != "":
            self.label = label

    def __init_subclass__(cls) -> None:
        raise TypeError("Value is not made to be subclassed; hold one as an attribute of a class of your own")

    def _begin(self, data: Payload, requires_grad: bool, notes: Notes | None) -> None:
        super()._begin(data, requires_grad, notes)
        self._left = self._right = self._d_left = self._d_right = self._pass = None

    # -- data and gradient

    @property
    def data(self) -> float:
        """The number. Setting it makes graphs that were recorded before stale: a first-order pass over them gives
        the derivatives of when they were recorded, any other raises StaleGraphError.
        """
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        self._assign(self.payload(number))

    @property
    def grad(self) -> Any:
        """The gradient as a float; None until a backward pass has reached this node."""
        return self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        self._grad = None if number is None else self.seed(number)

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The operands it was made from, in order: Values, and floats for constants."""
        if self.op is None:
            return ()
        if self._d_right.__class__ is tuple:
            return cast(tuple[Any, ...], self._left)
        return (self._left,) if self._right is None else (self._left, self._right)

    @property
    def derivatives(self) -> tuple[float | None, ...]:
        """The partial derivative by each input, as it was when recorded; None by constants."""
        stored = self._d_right if self._d_right.__class__ is tuple else (self._d_left, self._d_right)[:len(self.inputs)]
        if _STORED.issuperset(map(type, stored)):
            return stored
        return tuple(None if d is None else float(d) for d in stored)

    def item(self) -> float:
        """The number as a float."""
        return self._data

    # -- what the engine asks

    payload = staticmethod(new_float)

    @classmethod
    def record(cls, row: Any, operands: tuple[Any, ...], params: Mapping[str, Any] = NO_PARAMS) -> Value:
        """Apply `row` to Values and numbers and remember it."""
        return _refuse(row, *operands) if params else cls.recorder(row)(*operands)

    @classmethod
    def recorder(cls, row: Any) -> Callable[..., Value]:
        known: Callable[..., Value] = row.recorders.get(cls) or _recorder(row)
        row.recorders[cls] = known
        return known

    def fit(self, cotangent: Payload) -> Payload:
        return cotangent if isinstance(cotangent, Value) else float(cotangent)

    def spread(self, tangent: Payload) -> Payload:
        return self.fit(tangent)

    def seed(self, gradient: Payload | None, graph: bool = False) -> Payload:
        if graph and isinstance(gradient, Value):
            return gradient
        number = 1.0 if gradient is None else gradient._data if isinstance(gradient, Value) else self.payload(gradient)
        return self.result(number) if graph else number

    def finite(self, payload: Payload) -> tuple[bool, bool]:
        number = payload._data if isinstance(payload, Node) else payload
        return number == number, number not in (float("inf"), float("-inf"))

    def replica(self, replaced: Mapping[Node, Node]) -> Self:
        twin = type(self).__new__(type(self))
        twin._begin(self._data, self._requires_grad, copied_notes(self._notes))
        twin.op, twin.scope = self.op, self.scope
        twin._d_left, twin._d_right, twin._grad = self._d_left, self._d_right, self._grad
        if self._d_right.__class__ is tuple:
            twin._left = tuple(replaced.get(x, x) if isinstance(x, Node) else x for x in self._left)
        else:
            twin._left, twin._right = (replaced.get(x, x) if isinstance(x, Node) else x
                                       for x in (self._left, self._right))
        return twin

    def backward(self, gradient: Payload | None = None, create_graph: bool = False, interior: bool = True) -> None:
        if create_graph or not self._requires_grad or not current_mode().plain or not sweep(
                self, self.seed(gradient), interior):
            engine.backward(self, gradient, create_graph, interior)

    backward.__doc__ = engine.backward.__doc__
    __deepcopy__, __copy__, __reduce__ = deepcopied, copied, reduced

    # -- arithmetic

    __add__, __radd__ = _binary(ops.add), _reflected(ops.add)
    __sub__, __rsub__ = _binary(ops.subtract), _reflected(ops.subtract)
    __mul__, __rmul__ = _binary(ops.multiply), _reflected(ops.multiply)
    __truediv__, __rtruediv__ = _binary(ops.divide), _reflected(ops.divide)
    __pow__, __rpow__ = _binary(ops.power), _reflected(ops.power)
    __neg__ = _unary(ops.negative)
    __abs__ = _unary(ops.absolute)

    def __lt__(self, other: Any) -> bool:
        return bool(self._data < _beside(self, other))

    def __le__(self, other: Any) -> bool:
        return bool(self._data <= _beside(self, other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._data > _beside(self, other))

    def __ge__(self, other: Any) -> bool:
        return bool(self._data >= _beside(self, other))

    def __float__(self) -> float:
        return self._data

    def __int__(self) -> int:
        return int(self._data)

    def __round__(self, digits: int | None = None) -> float:
        return round(self._data, digits)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        label += "" if self._requires_grad else ", requires_grad=False"
        return f"Value(data={self._data:.6g}, grad={_short(self._grad)}{label})"
