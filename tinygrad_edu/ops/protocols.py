"""NumPy's own functions applied to nodes: ``np.tanh(t)``, ``np.sum(t, axis=0)``, ``array @ t`` all record.

Each is looked up under NumPy's name. What has no counterpart here raises; a node never ends up inside
an object array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from ..engine import Node, raw
from ..errors import UnsupportedError
from . import composed, elementwise, fused, linear, products, selections
from .row import TABLE

Function = Callable[..., Any]

_UFUNCS: dict[Any, Function] = {getattr(np, name): row for name, row in TABLE.items()
                                if isinstance(getattr(np, name, None), np.ufunc)}
_UFUNCS |= {np.fabs: elementwise.absolute, np.float_power: elementwise.power,
            np.matmul: products.matmul, np.positive: lambda x: x}

_COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.isnan, np.isinf, np.isfinite, np.signbit,
                np.logical_not, np.logical_and, np.logical_or}
"""Functions with a truth value: computed on the data, without a gradient."""

_REDUCTIONS: dict[Any, Function] = {np.add: linear.sum, np.multiply: composed.prod, np.maximum: fused.max,
                                    np.minimum: fused.min, np.logaddexp: fused.logsumexp}

_FUNCTIONS: dict[Any, Function] = {
    getattr(np, name): getattr(module, name)
    for module, names in (
        (linear, ("sum", "mean", "reshape", "transpose", "broadcast_to")),
        (selections, ("concatenate", "stack", "where", "pad", "roll", "cumsum")),
        (products, ("dot", "einsum", "tensordot", "outer")),
        (fused, ("max", "min")),
        (composed, ("ravel", "swapaxes", "moveaxis", "expand_dims", "squeeze", "flip", "split", "repeat", "tile",
                    "take_along_axis", "diagonal", "trace", "tril", "triu", "prod", "var", "std", "argmax", "argmin",
                    "argsort")))
    for name in names}
_FUNCTIONS |= {np.clip: elementwise.clip, np.linalg.inv: fused.inv, np.linalg.det: fused.det,
               np.linalg.solve: fused.solve, np.linalg.norm: composed.norm,
               np.linalg.matmul: products.matmul, np.matrix_transpose: lambda x: x.mT}

_ON_DATA = {np.shape, np.ndim, np.size, np.allclose, np.isclose, np.array_equal, np.zeros_like, np.ones_like,
            np.full_like, np.empty_like, np.result_type, np.may_share_memory, np.shares_memory, np.array_repr,
            np.array_str, np.array2string}
"""Functions that ask about the data: computed on it, without a gradient."""


def from_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """`__array_ufunc__` for nodes."""
    name = ufunc.__name__
    if ufunc in (np.equal, np.not_equal):
        raise UnsupportedError(f"{name}: == between nodes means identity; compare their .data instead", _nodes(inputs))
    given = sorted(key for key in options if key in ("out", "where", "dtype", "casting", "order", "subok"))
    if given:
        hint = "; an array cannot take the place of a graph: write a = a + t, not a += t" if "out" in given else ""
        raise UnsupportedError(f"{name}: the argument {', '.join(given)} has no counterpart for nodes{hint}",
                               _nodes(inputs))
    if method == "__call__" and ufunc in _COMPARISONS:
        return ufunc(*raw(inputs))
    if method == "__call__" and ufunc in _UFUNCS:
        return _UFUNCS[ufunc](*inputs)
    if method == "reduce" and ufunc in _REDUCTIONS:
        arguments = {k: v for k, v in options.items() if k in ("axis", "keepdims")}
        if len(arguments) == len(options):
            return _REDUCTIONS[ufunc](*inputs, **{"axis": 0, **arguments})
    if method == "outer" and ufunc is np.multiply:
        first, second = inputs
        return elementwise.multiply(first.reshape((*first.shape, *(1,) * np.ndim(second))), second)
    full = name if method == "__call__" else f"{name}.{method}"
    return _refuse(full, inputs)


def from_function(function: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """`__array_function__` for nodes."""
    name = getattr(function, "__name__", str(function))
    if function in _ON_DATA:
        return function(*_deep_raw(arguments), **{k: _deep_raw(v) for k, v in options.items()})
    if function not in _FUNCTIONS:
        _refuse(name, arguments)
    try:
        return _FUNCTIONS[function](*arguments, **options)
    except TypeError as error:
        if "argument" in str(error):
            raise UnsupportedError(f"{name}: {error}; this argument has no counterpart for nodes",
                                   _nodes(arguments)) from error
        raise


def _deep_raw(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)(_deep_raw(item) for item in x)
    return raw([x])[0]


def _nodes(inputs: Sequence[Any]) -> list[Node]:
    found: list[Node] = []
    for x in inputs:
        found += [x] if isinstance(x, Node) else _nodes(x) if isinstance(x, (list, tuple)) else []
    return found


def plain_array(data: Any, dtype: Any = None) -> Any:
    """`__array__` for a number."""
    return np.array(data, dtype=dtype)


def _refuse(name: str, inputs: Sequence[Any]) -> NoReturn:
    raise UnsupportedError(f"{name}: this NumPy function has no derivative here; apply it to .data for the plain "
                           "result, or build it from the functions of this package", _nodes(inputs))
