"""`Tensor`: an array in the graph, and the two bridges between Tensors and Values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from . import engine, ops
from .engine import NO_PARAMS, Node, Notes, Payload, current_mode
from .errors import DataError, GraphError, MixedNodesError, ShapeError
from .ops.defaults import FLOATS, default_dtype, float_dtype
from .ops.linear import unbroadcast
from .ops.row import BRIDGES, ArrayRow, Linear, Row
from .value import Value, copied

_new = object.__new__
_tick = engine._clock
_ndarray = np.ndarray
_NUMBERS = (float, int, bool)


def _operator(row: Row) -> Callable[[Any, Any], Tensor]:
    """The operator ``self row other``."""
    return lambda self, other: Tensor.record(row, (self, other))


def _reflected(row: Row) -> Callable[[Any, Any], Tensor]:
    """The operator ``other row self``."""
    return lambda self, other: Tensor.record(row, (other, self))


class Tensor(Node):
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

    __slots__ = ("_inputs", "_params")

    _data: NDArray[Any]
    _inputs: tuple[Any, ...]
    _params: Mapping[str, Any]

    def __init__(self, data: Any, label: str = "", requires_grad: bool = True, dtype: Any = None) -> None:
        self._begin(self.payload(data, dtype), bool(requires_grad), None)
        if label:
            self.label = label

    def _begin(self, data: Payload, requires_grad: bool, notes: Notes | None) -> None:
        super()._begin(data, requires_grad, notes)
        self._inputs, self._params = (), NO_PARAMS

    # -- data and gradient

    @property
    def data(self) -> NDArray[Any]:
        """The array. Setting it makes graphs that were recorded before stale; of a result it is read-only.

        Writing single elements, ``t.data[0] = 1``, cannot be noticed by a graph that was recorded before,
        except under `detect_anomaly`: set the whole, or use ``t.data += ...``.
        """
        return self._data if self.op is None and not self.is_result else _read_only(self._data)

    @data.setter
    def data(self, array: Any) -> None:
        if array is not self._data:  # after `t.data -= step` it is
            array = self.payload(array, self._data.dtype)
            if array.shape != self._data.shape:
                raise ShapeError(f"data: an array of shape {array.shape} cannot replace one of shape {self._data.shape}",
                                 [self])
        self._assign(array)

    @property
    def grad(self) -> Any:
        """The gradient, an array of the same shape and dtype; None until a backward pass has reached this node."""
        if self._grad.__class__ is _ndarray and self.op is not None:
            return _read_only(self._grad)
        return self._grad

    @grad.setter
    def grad(self, array: Any) -> None:
        self._grad = None if array is None else self.owned(self.seed(array))

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The operands it was made from, in order: nodes, and plain numbers or arrays for constants."""
        return self._inputs

    @property
    def params(self) -> Mapping[str, Any]:
        """The operation's other arguments: axis, index, shape."""
        return self._params

    def item(self) -> float:
        """The single number as a float, or a ShapeError."""
        if self._data.size != 1:
            raise ShapeError(f"item: a Tensor of shape {self.shape} is not a single number", [self])
        return float(self._data.item())

    # -- what the engine asks

    @classmethod
    def payload(cls, data: Any, dtype: Any = None) -> NDArray[Any]:
        """A new array with the numbers of `data`, or a DataError."""
        if isinstance(data, Node):
            raise DataError(f"Tensor: {type(data).__name__} is a node already; use detach() for a constant copy"
                            + (f", or Tensor.stack_values() to keep the graph ({BRIDGES})" if data.is_scalar else ""), [data])
        if _contains_node(data):
            raise DataError("Tensor: nodes inside a list would lose their graph; join Tensors with stack() or "
                            "concatenate(), Values with Tensor.stack_values()")
        try:
            array = np.array(data)
        except ValueError as error:
            raise DataError(f"Tensor: the nested lists are ragged: {error}") from error
        return array.astype(_dtype_for(array, data) if dtype is None else _checked(array, dtype), copy=False)

    @classmethod
    def record(cls, row: Row, operands: tuple[Any, ...], params: Mapping[str, Any] = NO_PARAMS) -> Tensor:
        """Apply `row` to Tensors, arrays and numbers and remember it."""
        mode = current_mode()
        arrays = []
        flows = False
        constants = False
        for x in operands:
            kind = x.__class__
            if kind is Tensor:
                arrays.append(x._data)
                if x._requires_grad:
                    flows = True
            elif kind is float or kind is int:
                arrays.append(x)
            else:
                arrays.append(_constant(x, row))
                constants = True
        try:
            data = row.array(*arrays, **params)
        except (ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError):
            data = row.on_arrays(arrays, params)  # the same complaint, naming operation and shapes
        if data.__class__ is not _ndarray:
            data = np.asarray(data)
        if data.dtype not in FLOATS:
            data = data.astype(default_dtype())
        if flows and mode.recording:
            out = cast(Tensor, _new(cls))
            if constants:
                operands = tuple([_kept(x, array, row) for x, array in zip(operands, arrays, strict=True)])
            out._data, out._inputs = data, operands
            out._params = {key: _frozen(value) for key, value in params.items()} if params else params
            out.op, out._requires_grad, out.scope, out.index = cast(Any, row), True, mode.scope, next(_tick)
            out._grad = out._notes = None
        else:
            # a view of a leaf's array would change with the leaf
            out = cls.result(data.copy() if data.base is not None or any(data is a for a in arrays) else data)
        if mode.anomaly:
            _inspect(out, row, operands)
        return out

    def fit(self, cotangent: Payload) -> Payload:
        data = self._data
        if cotangent.__class__ is not _ndarray and not isinstance(cotangent, Tensor):
            cotangent = np.asarray(cotangent)
        if cotangent.shape != data.shape:
            if cotangent.ndim < data.ndim or cotangent.size < data.size:
                cotangent = ops.broadcast_to(cotangent, np.broadcast_shapes(cotangent.shape, data.shape))
            cotangent = unbroadcast(cotangent, data.shape)
        return cotangent if cotangent.dtype == data.dtype else ops.astype(cotangent, dtype=data.dtype)

    def spread(self, tangent: Payload) -> Payload:
        if not isinstance(tangent, Tensor):
            tangent = np.asarray(tangent)
        if tangent.shape != self._data.shape:
            tangent = ops.broadcast_to(tangent, self._data.shape)
        return tangent if tangent.dtype == self._data.dtype else ops.astype(tangent, dtype=self._data.dtype)

    def seed(self, gradient: Payload | None) -> Payload:
        if gradient is None:
            if self._data.size != 1:
                raise ShapeError(f"backward: a Tensor of shape {self.shape} is not a single number; use y.sum().backward(), "
                                 "or y.backward(gradient) with a gradient of this shape", [self])
            return np.ones_like(self._data)
        node = isinstance(gradient, Tensor)
        array = gradient if node and current_mode().recording else self.payload(
            gradient._data if node else gradient, self._data.dtype)
        if array.shape != self._data.shape:
            raise ShapeError(f"gradient: shape {array.shape} does not match the Tensor's shape {self.shape}", [self])
        return array

    def finite(self, payload: Payload) -> tuple[bool, bool]:
        array = payload._data if isinstance(payload, Node) else np.asarray(payload)
        return not bool(np.isnan(array).any()), not bool(np.isinf(array).any())

    def owned(self, payload: Payload) -> Payload:
        return np.array(payload) if not isinstance(payload, Node) else payload

    def same(self, snapshot: NDArray[Any]) -> bool:
        """Whether the data still equals a copy made earlier."""
        return np.array_equal(self._data, snapshot, equal_nan=True)

    def replica(self, replaced: Mapping[Node, Node]) -> Self:
        twin = type(self).__new__(type(self))
        twin._begin(self._data.copy(), self._requires_grad, copied(self._notes))
        twin.op, twin.scope, twin._params, twin._grad = self.op, self.scope, self._params, self._grad
        twin._inputs = tuple(replaced.get(x, x) if isinstance(x, Node) else x for x in self._inputs)
        return twin

    def detach(self) -> Self:
        """A constant with a copy of the data: no derivative flows through it."""
        return self.result(self._data.copy())

    # -- bridges

    @staticmethod
    def stack_values(values: Any, label: str = "") -> Tensor:
        """One Tensor from nested lists of Values (and numbers), the graphs joined.

        >>> a = Value(3.0)
        >>> Tensor.stack_values([[a, 1.0]]).shape
        (1, 2)
        """
        shape, flat = _flatten(values)
        out = _stack_values(*flat, shape=shape)
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
        flat = [_pick(self, i) for i in range(self._data.size)]
        for size in reversed(self._data.shape[1:] if self._data.ndim else ()):
            flat = [flat[i:i + size] for i in range(0, len(flat), size)] if size else []
        return flat if self._data.ndim else flat[0]

    # -- NumPy's attributes

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32."""
        return self._data.dtype

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return cast(Tensor, ops.transpose(self))

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return cast(Tensor, ops.swapaxes(self, -1, -2))

    # -- arithmetic

    __add__, __radd__ = _operator(ops.add), _reflected(ops.add)
    __sub__, __rsub__ = _operator(ops.subtract), _reflected(ops.subtract)
    __mul__, __rmul__ = _operator(ops.multiply), _reflected(ops.multiply)
    __truediv__, __rtruediv__ = _operator(ops.divide), _reflected(ops.divide)
    __pow__, __rpow__ = _operator(ops.power), _reflected(ops.power)
    __matmul__, __rmatmul__ = _operator(ops.matmul), _reflected(ops.matmul)

    def __neg__(self) -> Tensor:
        return Tensor.record(ops.negative, (self,))

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return Tensor.record(ops.absolute, (self,))

    def __lt__(self, other: Any) -> Any:
        return self._data < _plain(other)

    def __le__(self, other: Any) -> Any:
        return self._data <= _plain(other)

    def __gt__(self, other: Any) -> Any:
        return self._data > _plain(other)

    def __ge__(self, other: Any) -> Any:
        return self._data >= _plain(other)

    def __getitem__(self, index: Any) -> Tensor:
        return cast(Tensor, ops.getitem(self, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise DataError("t[index] = value: a node is not written in place; build a new one with where(), scatter() or "
                        "concatenate(), or set the whole data of a leaf", [self])

    def __len__(self) -> int:
        if not self._data.ndim:
            raise TypeError("len() of a 0-d Tensor")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

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
        return f"Tensor({numbers}{kind}{label})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy or (dtype is not None and np.dtype(dtype) != self._data.dtype):
            return np.array(self._data, dtype=dtype)
        return _read_only(self._data)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return ops.from_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        return ops.from_function(function, arguments, options)

    # -- NumPy's methods, and the activations

    abs, sign, square, sqrt, reciprocal = ops.absolute, ops.sign, ops.square, ops.sqrt, ops.reciprocal
    exp, expm1, log, log1p, log2, log10 = ops.exp, ops.expm1, ops.log, ops.log1p, ops.log2, ops.log10
    sin, cos, tan, arcsin, arccos, arctan = ops.sin, ops.cos, ops.tan, ops.arcsin, ops.arccos, ops.arctan
    sinh, cosh, tanh, arcsinh, arccosh, arctanh = ops.sinh, ops.cosh, ops.tanh, ops.arcsinh, ops.arccosh, ops.arctanh
    sigmoid, relu, leaky_relu, elu = ops.sigmoid, ops.relu, ops.leaky_relu, ops.elu
    gelu, silu, softplus, clip = ops.gelu, ops.silu, ops.softplus, ops.clip
    sum, mean, max, min, prod, var, std = ops.sum, ops.mean, ops.max, ops.min, ops.prod, ops.var, ops.std
    logsumexp, softmax, log_softmax, norm = ops.logsumexp, ops.softmax, ops.log_softmax, ops.norm
    cumsum, repeat, trace, diagonal, dot = ops.cumsum, ops.repeat, ops.trace, ops.diagonal, ops.dot
    argmax, argmin, argsort = ops.argmax, ops.argmin, ops.argsort
    ravel, squeeze, swapaxes, astype = ops.ravel, ops.squeeze, ops.swapaxes, ops.astype
    flatten = ops.ravel

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape, as ``reshape(2, 3)`` or ``reshape((2, 3))``."""
        return cast(Tensor, ops.reshape(self, shape[0] if len(shape) == 1 else shape))

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, as ``transpose(1, 0)`` or ``transpose((1, 0))``; reversed without arguments."""
        return cast(Tensor, ops.transpose(self, axes[0] if len(axes) == 1 else axes or None))


# ---- constants, copies and views -----------------------------------------------------------------------------------


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _plain(x: Any) -> Any:
    if isinstance(x, Value):
        raise MixedNodesError(f"comparison: a Value and a Tensor; {BRIDGES}", [x])
    return x._data if isinstance(x, Tensor) else x


def _contains_node(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return any(_contains_node(x) for x in data)
    return isinstance(data, Node)


def _dtype_for(array: NDArray[Any], data: Any) -> np.dtype[Any]:
    """The dtype of a Tensor made from `array`: float arrays keep theirs, numbers and integers get the default."""
    _checked(array, None)
    given = getattr(data, "dtype", None)
    return array.dtype if given is not None and array.dtype in FLOATS else default_dtype()


def _checked(array: NDArray[Any], dtype: Any) -> np.dtype[Any]:
    if array.dtype.kind not in "fiub" or array.dtype.itemsize == 2 and array.dtype.kind == "f":
        what = "objects" if array.dtype.kind == "O" else str(array.dtype)
        raise DataError(f"Tensor: {what} cannot be differentiated; give float64, float32 or integer numbers")
    return array.dtype if dtype is None else float_dtype(dtype)


def _constant(x: Any, row: Row) -> Any:
    """x, which is no Tensor, as an operand: a number or an array."""
    if isinstance(x, Node):
        raise MixedNodesError(f"{row.name}: a Value and a Tensor cannot be operands of one operation; {BRIDGES}", [x])
    array = x if x.__class__ is _ndarray or isinstance(x, np.generic) else np.asarray(x) if not isinstance(
        x, _NUMBERS) else x
    if getattr(array, "dtype", FLOATS[0]).kind not in "fiub" or array is None:
        raise DataError(f"{row.name}: {type(x).__name__} of {getattr(array, 'dtype', '')} cannot meet a Tensor; give real "
                        "numbers")
    return array


def _kept(x: Any, array: Any, row: Row) -> Any:
    """An operand as the node remembers it: constants that the rule will read are copied, unless read-only."""
    if x.__class__ is Tensor or array.__class__ is not _ndarray:
        return x if x.__class__ is Tensor else array
    if not array.flags.writeable or not row.reads_constants:
        return array
    return array.copy()


def _frozen(value: Any) -> Any:
    """An argument as the node remembers it: index arrays and masks are copied, unless read-only."""
    if isinstance(value, _ndarray):
        return value.copy() if value.flags.writeable else value
    if isinstance(value, (tuple, list)):
        return tuple(map(_frozen, value)) if isinstance(value, tuple) else list(map(_frozen, value))
    if isinstance(value, Node):
        raise DataError(f"{type(value).__name__} given as index, axis, shape or target: these are plain numbers; use .data",
                        [value])
    return value


def _inspect(out: Tensor, row: Row, operands: tuple[Any, ...]) -> None:
    """What anomaly mode adds to recording."""
    engine.inspect_result(out, row.name, operands)
    notes = out.notes()
    notes.site = engine.calling_line()
    notes.snapshots = [(x, x._data.copy()) for x in operands if isinstance(x, Tensor) and x.op is None]


# ---- bridges -------------------------------------------------------------------------------------------------------


def _flatten(values: Any) -> tuple[tuple[int, ...], list[Any]]:
    """The shape of nested lists of Values and numbers, and their items in order."""
    if isinstance(values, Value):
        return (), [values]
    if isinstance(values, Node):
        raise MixedNodesError("stack_values: takes Values and numbers; join Tensors with stack()", [values])
    if not isinstance(values, (list, tuple, _ndarray)):
        return (), [Value.payload(values)]
    parts = [_flatten(v) for v in values]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        raise DataError(f"stack_values: the nested lists are ragged: parts of shapes {sorted(shapes)}")
    inner = shapes.pop() if shapes else ()
    return (len(parts), *inner), [v for _, items in parts for v in items]


class _Pick(Row):
    """One element of a Tensor, as a Value: linear, its transpose puts a number in its place among zeros."""

    def __call__(self, x: Any, place: int) -> Any:
        number = float((x._data if isinstance(x, Tensor) else np.asarray(x)).flat[place])
        if not isinstance(x, Tensor):
            return number
        out = Value.result(number)
        if x._requires_grad and current_mode().recording:
            out = Value(number)
            out.op, out._left, out._right = cast(Any, self), x, place
        return out

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Any, params: Any) -> Payload:
        x, place = arguments
        index = tuple(int(i) for i in np.unravel_index(place, x.shape))
        return ops.scatter(_stack_values(cotangent, shape=()), index, x.shape)

    def jvp(self, out: Payload, arguments: Any, tangents: Any, params: Any) -> Payload:
        return self(tangents[0], arguments[1])


class _StackValues(Row):
    """Values joined into a Tensor: linear, its transpose hands each its element."""

    def __call__(self, *values: Any, shape: tuple[int, ...] = ()) -> Any:
        array = np.array([float(v) for v in values], default_dtype()).reshape(shape)
        out = Tensor.result(array)
        if current_mode().recording and any(isinstance(v, Value) and v._requires_grad for v in values):
            out = Tensor(array)
            out.op, out._inputs, out._params = cast(Any, self), values, {"shape": shape}
        return out

    def vjp(self, position: int, cotangent: Payload, out: Payload, arguments: Any, params: Any) -> Payload:
        return _pick(cotangent, position)

    def jvp(self, out: Payload, arguments: Any, tangents: Any, params: Any) -> Payload:
        return self(*(0.0 if t is None else t for t in tangents), **params)


_pick = _Pick("pick", np.take, listed=False, doc=_Pick.__doc__ or "")
_stack_values = _StackValues("stack_values", np.stack, listed=False, doc=_StackValues.__doc__ or "")
