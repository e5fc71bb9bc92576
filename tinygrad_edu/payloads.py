"""Payloads: what may become the float of a Value or the array of a Tensor, and what is copied.

A graph stays right only if the arrays in it stay as they were recorded. What others hold and can write
is copied on the way in; what a Tensor holds is shown by views that cannot be written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ops
from .errors import DataError
from .node import Node
from .ops.defaults import FLOATS, default_dtype, float_dtype
from .ops.operands import BRIDGES, check_array
from .ops.row import Row

_ndarray = np.ndarray


def _keep_freed_memory() -> None:
    """Take a large block, never written, and give it back at once.

    The GNU C library returns freed memory to the system when more is free than twice the largest block that was
    freed so far (mallopt(3), M_MMAP_THRESHOLD). Without this, a training loop gives its graph back after every
    step and pays for the pages again in the next: a third of the time of an operation on 1000 numbers. Other C
    libraries do not care.
    """
    np.empty(1 << 24, np.uint8)


_keep_freed_memory()


# ---- what may become the float of a Value ----------------------------------------------------------------------------


def new_float(data: Any) -> float:
    """`data` as a float, or a DataError."""
    if data.__class__ is float:
        return data
    if isinstance(data, Node):
        raise DataError(f"Value: {data} is a node already; use detach() for a constant copy", [data])
    kind = str(getattr(getattr(data, "dtype", None), "kind", "f"))
    dimensions = getattr(data, "ndim", 0)
    if isinstance(data, (str, bytes, bytearray, complex)) or dimensions or kind not in "fiub":
        raise DataError(f"Value: {shortened(data)} is not a single real number")
    try:
        return float(data)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"Value: {shortened(data)} is not a single real number") from error


def shortened(x: Any) -> str:
    """The repr, cut where it is long."""
    text = repr(x) if not isinstance(x, int) or abs(x) < 1 << 64 else f"an integer of {x.bit_length()} bits"
    return text if len(text) <= 60 else text[:57] + "..."


# ---- what may become the array of a Tensor ---------------------------------------------------------------------------


def new_array(data: Any, dtype: Any = None) -> NDArray[Any]:
    """A new array with the numbers of `data`, or a DataError."""
    if isinstance(data, Node):
        bridge = f"; {BRIDGES}" if data.is_scalar else ""
        raise DataError(f"Tensor: a {type(data).__name__} is a node already; use detach() for a constant copy"
                        f"{bridge}", [data])
    if _contains_node(data):
        raise DataError("Tensor: nodes inside a list would lose their graph; join Tensors with stack() or "
                        "concatenate(), Values with Tensor.stack_values()")
    try:
        array = np.array(data)
    except ValueError as error:
        raise DataError(f"Tensor: the nested lists are ragged: {error}") from error
    return array.astype(_dtype_for(array, data) if dtype is None else _checked_dtype(array, dtype), copy=False)


def _contains_node(data: Any) -> bool:
    """Whether `data` is a node, or nested lists with one among them."""
    if isinstance(data, (list, tuple)):
        return any(_contains_node(x) for x in data)
    return isinstance(data, Node)


def _dtype_for(array: NDArray[Any], data: Any) -> np.dtype[Any]:
    """The dtype of a Tensor made from `array`: float arrays keep theirs, numbers and integers get the default."""
    _checked_dtype(array, None)
    own = array.dtype.newbyteorder("=")
    return own if hasattr(data, "dtype") and own in FLOATS else default_dtype()


def _checked_dtype(array: NDArray[Any], dtype: Any) -> np.dtype[Any]:
    """`dtype`, else that of `array`, or a DataError where the numbers are of a kind that cannot be differentiated."""
    if array.dtype.kind not in "fiub" or (array.dtype.kind == "f" and array.dtype.newbyteorder("=") not in FLOATS):
        what = "objects" if array.dtype.kind == "O" else str(array.dtype)
        raise DataError(f"Tensor: {what} cannot be differentiated; give float64, float32 or integer numbers")
    return array.dtype if dtype is None else float_dtype(dtype)


# ---- views -----------------------------------------------------------------------------------------------------------


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of `array` that cannot be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def stretched(x: Any, shape: tuple[int, ...]) -> Any:
    """x broadcast against `shape`."""
    stretch = np.broadcast_to if x.__class__ is _ndarray else ops.broadcast_to
    try:
        return stretch(x, shape)
    except ValueError:  # along other axes it is x that is larger
        return stretch(x, np.broadcast_shapes(x.shape, shape))


# ---- operands and arguments, as a node remembers them ---------------------------------------------------------------


def constant(x: Any, row: Row) -> Any:
    """x, which is no Tensor, as an operand: a number or an array."""
    if x.__class__ is _ndarray and x.dtype.kind in "fiub":
        return x
    if isinstance(x, int):
        return new_float(x)
    check_array(row.name, x)
    try:
        array = x if x.__class__ is _ndarray or isinstance(x, np.generic) else np.asarray(x)
    except ValueError as error:
        raise DataError(f"{row.name}: the nested lists are ragged: {error}") from error
    if array.dtype.kind not in "fiub":
        raise DataError(f"{row.name}: {type(x).__name__} of {array.dtype} cannot meet a Tensor; give real numbers")
    return array


def kept(argument: Any, x: Any, row: Row) -> Any:
    """An argument as the node remembers it: constants that the rule will read are copied, unless read-only."""
    if isinstance(x, Node) or argument.__class__ is not _ndarray or not row.reads_constants:
        return argument
    return unchanging(argument)


def unchanging(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself, if nobody can write its memory, else a copy: whose memory it is must be known."""
    owner: Any = array
    while isinstance(owner, _ndarray):
        if owner.flags.writeable:
            return array.copy()
        owner = owner.base
    return array if owner is None or isinstance(owner, bytes) else array.copy()


_UNCHANGING = {type(None), bool, int, str, slice, type(Ellipsis)}


def frozen(value: Any) -> Any:
    """An argument as the node remembers it: index arrays and masks are copied, unless read-only."""
    if value.__class__ in _UNCHANGING:
        return value
    if isinstance(value, _ndarray):
        return unchanging(value)
    if isinstance(value, tuple):
        return value if _UNCHANGING.issuperset(map(type, value)) else tuple(map(frozen, value))
    if isinstance(value, list):
        return list(map(frozen, value))
    if isinstance(value, Node):
        raise DataError(f"{type(value).__name__} given as index, axis, shape or target: these are plain numbers; use "
                        ".data", [value])
    return value
