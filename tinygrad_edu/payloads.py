"""Arrays as payloads of Tensors: what may become one, and what is copied so that nobody can change it.

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
from .ops.operands import check_array
from .ops.row import Row
from .value import Value

_ndarray = np.ndarray

# ---- what may become a Tensor ----------------------------------------------------------------------------------------


def contains_node(data: Any) -> bool:
    """Whether `data` is a node, or nested lists with one among them."""
    if isinstance(data, (list, tuple)):
        return any(contains_node(x) for x in data)
    return isinstance(data, Node)


def dtype_for(array: NDArray[Any], data: Any) -> np.dtype[Any]:
    """The dtype of a Tensor made from `array`: float arrays keep theirs, numbers and integers get the default."""
    checked_dtype(array, None)
    own = array.dtype.newbyteorder("=")
    return own if hasattr(data, "dtype") and own in FLOATS else default_dtype()


def checked_dtype(array: NDArray[Any], dtype: Any) -> np.dtype[Any]:
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
        return Value.payload(x)
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


def frozen(value: Any) -> Any:
    """An argument as the node remembers it: index arrays and masks are copied, unless read-only."""
    if value is None or value.__class__ in (bool, int, str):
        return value
    if isinstance(value, _ndarray):
        return unchanging(value)
    if isinstance(value, (tuple, list)):
        return tuple(map(frozen, value)) if isinstance(value, tuple) else list(map(frozen, value))
    if isinstance(value, Node):
        raise DataError(f"{type(value).__name__} given as index, axis, shape or target: these are plain numbers; use "
                        ".data", [value])
    return value
