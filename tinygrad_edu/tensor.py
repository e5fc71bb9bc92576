"""`Tensor`: an array in the graph.

An operation is recorded with the arrays it was applied to; its derivatives are evaluated when a pass asks
for them, by the rule in its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import engine, ops
from .anomaly import calling_line, inspect_result
from .array_node import ArrayNode
from .bridges import StackValues, flatten
from .copying import copied, deepcopied, reduced
from .errors import ShapeError, TinygradError
from .methods import ArrayMethods
from .modes import current_mode
from .node import NO_PARAMS, Node, clock
from .ops.defaults import FLOATS, default_dtype
from .ops.operands import node_class
from .ops.row import Row
from .payloads import constant, frozen, kept, read_only, unchanging

_new = object.__new__
_ndarray = np.ndarray


# ---- recording -----------------------------------------------------------------------------------------------------
# The short ways of the common cases, one or two operands without further arguments; what is unusual is
# left to `_record_carefully`.


def _as_result(data: Any) -> NDArray[Any]:
    """What an operation gave, as an array of floats."""
    if data.__class__ is not _ndarray:
        data = np.asarray(data)
    array: NDArray[Any] = data if data.dtype in FLOATS else data.astype(default_dtype())
    return array


def _recorded(row: Any, data: Any, inputs: tuple[Any, ...], params: Mapping[str, Any], arguments: Sequence[Any],
              scope: object) -> Tensor:
    """The node of a result that requires a gradient."""
    if data.__class__ is not _ndarray or data.dtype not in FLOATS:
        data = _as_result(data)
    out = _new(Tensor)
    out._data, out.inputs, out.params, out._arguments = data, inputs, params, arguments
    out.op, out._requires_grad, out.scope, out.index = row, True, scope, next(clock)
    out._grad = out._notes = None
    return out


def _unary(row: Row) -> Callable[[Any], Tensor]:
    function = row.array

    def record(source: Any) -> Tensor:
        mode = current_mode()
        if not (mode.plain and source._requires_grad):
            return _record_carefully(row, (source,), NO_PARAMS)
        argument = source._data
        try:
            data = function(argument)
        except ValueError:  # a singular matrix: the careful way complains in full
            return _record_carefully(row, (source,), NO_PARAMS)
        return _recorded(row, data, (source,), NO_PARAMS, (argument,), mode.scope)

    return record


def _binary(row: Row) -> Callable[[Any, Any], Tensor]:
    function, reads_constants = row.array, row.reads_constants

    def record(left: Any, right: Any) -> Tensor:
        mode = current_mode()
        y: Any
        if left.__class__ is Tensor:
            x, flows = left._data, left._requires_grad
        elif left.__class__ is _ndarray and left.dtype in FLOATS:
            left = x = unchanging(left) if reads_constants else left
            flows = False
        else:
            return _record_carefully(row, (left, right), NO_PARAMS)
        if right.__class__ is Tensor:
            y, flows = right._data, flows or right._requires_grad
        elif right.__class__ is float:
            y = right
        elif right.__class__ is _ndarray and right.dtype in FLOATS:
            right = y = unchanging(right) if reads_constants else right
        else:
            return _record_carefully(row, (left, right), NO_PARAMS)
        if not (flows and mode.plain):
            return _record_carefully(row, (left, right), NO_PARAMS)
        try:
            data = function(x, y)
        except ValueError:  # shapes: the careful way complains in full
            return _record_carefully(row, (left, right), NO_PARAMS)
        return _recorded(row, data, (left, right), NO_PARAMS, (x, y), mode.scope)

    return record


def _selecting(row: Row, source: Tensor, params: Mapping[str, Any]) -> Tensor:
    """Record a row of one operand and further arguments: an index, axes, a shape."""
    mode = current_mode()
    if not (mode.plain and source._requires_grad):
        return _record_carefully(row, (source,), params)
    params = MappingProxyType({key: frozen(value) for key, value in params.items()})
    argument = source._data
    try:
        data = row.array(argument, **params)
    except (ValueError, IndexError, TinygradError):  # the careful way complains in full
        return _record_carefully(row, (source,), params)
    return _recorded(row, data, (source,), params, (argument,), mode.scope)


def _reflected(row: Row) -> Callable[[Any, Any], Tensor]:
    """The operator ``other row self``."""
    return lambda self, other: _record_carefully(row, (other, self), NO_PARAMS)


def _record_carefully(row: Row, operands: tuple[Any, ...], params: Mapping[str, Any]) -> Tensor:
    """Record any row in any mode, on Tensors, arrays and numbers."""
    mode = current_mode()
    arguments: list[Any] = []
    flows = constants = False
    for x in operands:
        if x.__class__ is Tensor:
            arguments.append(x._data)
            flows = flows or x._requires_grad
        elif isinstance(x, Node):
            node_class(row.name, (*operands, Tensor.result(np.zeros(()))))  # raises: a Value, and no Tensor
        else:
            arguments.append(x if x.__class__ is float else constant(x, row))
            constants = True
    if params:
        params = MappingProxyType({key: frozen(value) for key, value in params.items()})
    data = _as_result(row.on_arrays(arguments, params, operands))
    if flows and mode.recording:
        if constants:
            arguments = [kept(argument, x, row) for argument, x in zip(arguments, operands, strict=True)]
            operands = tuple([x if x.__class__ is Tensor else argument
                              for x, argument in zip(operands, arguments, strict=True)])
        out = _recorded(row, data, operands, params, arguments, mode.scope)
    else:
        # a view of a leaf's array would change with the leaf
        own = data.base is None and not any(data is a for a in arguments)
        out = Tensor.result(data if own else data.copy("K"))
    if mode.anomaly:
        _inspect(out, row, operands)
    return out


def _inspect(out: Tensor, row: Row, operands: tuple[Any, ...]) -> None:
    """What anomaly mode adds to recording."""
    inspect_result(out, row.name, operands)
    notes = out.notes()
    notes.site = calling_line()
    notes.snapshots = [(x, x._data.copy()) for x in operands if isinstance(x, Tensor) and x.op is None]


def _beside(node: Tensor, x: Any) -> Any:
    """The data that `node` is compared with."""
    node_class("comparison", (node, x))
    return x._data if isinstance(x, Tensor) else x


# ---- the class ------------------------------------------------------------------------------------------------------


class Tensor(ArrayNode, ArrayMethods):
    """An array that records the operations made with it.

    Args:
        data: numbers, nested lists or an array; copied. Integers become the default dtype.
        label: a name for drawings and messages.
        requires_grad: False makes it a constant.
        dtype: float64 or float32; by default a float array keeps its own.

    Raises:
        DataError: complex numbers, text, objects, ragged lists, or nodes inside the data.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([[2., 4.],
           [6., 8.]])
    """

    __slots__ = ()

    def __init__(self, data: Any, label: str = "", requires_grad: bool = True, dtype: Any = None) -> None:
        self._begin(self.payload(data, dtype), bool(requires_grad), None)
        if label != "":
            self.label = label

    def __init_subclass__(cls) -> None:
        raise TypeError("Tensor is not made to be subclassed; hold one as an attribute of a class of your own")

    # -- data and gradient

    @property
    def data(self) -> NDArray[Any]:
        """The array. Setting it makes graphs that were recorded before stale; of a result it is read-only.

        Writing single elements, ``t.data[0] = 1``, cannot be noticed by a graph that was recorded before,
        except under `detect_anomaly`: set the whole, or use ``t.data += ...``.
        """
        return self._data if self.op is None else read_only(self._data)

    @data.setter
    def data(self, array: Any) -> None:
        if array is not self._data:  # after `t.data -= step` it is
            array = self.payload(array, self._data.dtype)
            if array.shape != self._data.shape:
                raise ShapeError(f"data: an array of shape {array.shape} cannot replace one of shape {self.shape}",
                                 [self])
        self._assign(array)

    @property
    def grad(self) -> Any:
        """The gradient, an array of the same shape and dtype; None until a backward pass has reached this node."""
        if self.op is None or self._grad is None:
            return self._grad
        return self.shown(self._grad)

    @grad.setter
    def grad(self, array: Any) -> None:
        self._grad = None if array is None else self.owned(self.seed(array))

    def item(self) -> float:
        """The single number as a float, or a ShapeError."""
        if self._data.size != 1:
            raise ShapeError(f"item: a Tensor of shape {self.shape} is not a single number", [self])
        return float(self._data.item())

    # -- what the engine asks

    @classmethod
    def record(cls, row: Row, operands: tuple[Any, ...], params: Mapping[str, Any] = NO_PARAMS) -> Tensor:
        """Apply `row` to Tensors, arrays and numbers and remember it."""
        if len(operands) == 1 and operands[0].__class__ is cls:
            return _selecting(row, operands[0], params)
        return _record_carefully(row, operands, params)

    @classmethod
    def recorder(cls, row: Any) -> Callable[..., Tensor]:
        if cls not in row.recorders:
            count = getattr(row, "arity", -1)
            row.recorders[cls] = (_unary(row) if count == 1 else _binary(row) if count == 2
                                  else lambda *operands: _record_carefully(row, operands, NO_PARAMS))
        known: Callable[..., Tensor] = row.recorders[cls]
        return known

    def detach(self) -> Self:
        """A constant with a copy of the data: no derivative flows through it."""
        return self._cut_off(self._data.copy())

    backward = engine.backward
    __deepcopy__, __copy__, __reduce__ = deepcopied, copied, reduced

    # -- bridges

    @staticmethod
    def stack_values(values: Any, label: str = "") -> Tensor:
        """One Tensor from nested lists of Values (and numbers), the graphs joined.

        >>> a = Value(3.0)
        >>> Tensor.stack_values([[a, 1.0]]).shape
        (1, 2)
        """
        shape, flat = flatten(values)
        out: Tensor = _stack_values(*flat, shape=shape)
        if label:
            out.label = label
        return out

    def to_values(self) -> Any:
        """The elements as Values in nested lists (one Value for a 0-d Tensor), the graphs joined.

        >>> x = Tensor([1.0, 2.0])
        >>> first, second = x.to_values()
        >>> (first * second).backward()
        >>> x.grad
        array([2., 1.])
        """
        return self._nested(np.arange(self._data.size).reshape(self._data.shape))

    def _nested(self, places: NDArray[Any]) -> Any:
        return [self._nested(part) for part in places] if np.ndim(places) else _pick(self, int(places))

    # -- arithmetic

    __add__, __radd__ = _binary(ops.add), _reflected(ops.add)
    __sub__, __rsub__ = _binary(ops.subtract), _reflected(ops.subtract)
    __mul__, __rmul__ = _binary(ops.multiply), _reflected(ops.multiply)
    __truediv__, __rtruediv__ = _binary(ops.divide), _reflected(ops.divide)
    __pow__, __rpow__ = _binary(ops.power), _reflected(ops.power)
    __matmul__, __rmatmul__ = _binary(ops.matmul), _reflected(ops.matmul)

    __neg__, __abs__ = _unary(ops.negative), _unary(ops.absolute)

    def __lt__(self, other: Any) -> Any:
        return self._data < _beside(self, other)

    def __le__(self, other: Any) -> Any:
        return self._data <= _beside(self, other)

    def __gt__(self, other: Any) -> Any:
        return self._data > _beside(self, other)

    def __ge__(self, other: Any) -> Any:
        return self._data >= _beside(self, other)

    def __float__(self) -> float:
        return self.item()

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        numbers = np.array2string(self._data, precision=6, separator=", ", prefix="Tensor(", threshold=60)
        kind = "" if self._data.dtype == np.float64 else f", dtype={self._data.dtype}"
        label = f", label={self.label!r}" if self.label else ""
        label += "" if self._requires_grad else ", requires_grad=False"
        return f"Tensor({numbers}{kind}{label})"


_stack_values = StackValues(Tensor)
_pick = _stack_values.pick
