"""NumPy's own functions applied to nodes: ``np.tanh(t)``, ``np.sum(t, axis=0)``, ``array @ t`` all record.

Each is looked up under NumPy's name. What has no counterpart here raises; a node never ends up inside
an object array.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import DataError, UnsupportedError
from ..node import raw
from . import composed, elementwise, fused, linear, products, selections, statistics
from .operands import node_class, nodes_in
from .row import TABLE

Function = Callable[..., Any]

_UFUNCS: dict[Any, Function] = {getattr(np, name): row for name, row in TABLE.items()
                                if isinstance(getattr(np, name, None), np.ufunc)}
_UFUNCS |= {np.fabs: elementwise.absolute, np.float_power: elementwise.power,
            np.matmul: products.matmul, np.positive: lambda x: x}

_COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.isnan, np.isinf, np.isfinite, np.signbit,
                np.logical_not, np.logical_and, np.logical_or}
"""Functions with a truth value: computed on the data, without a gradient."""

_REDUCTIONS: dict[Any, Function] = {np.add: linear.sum, np.multiply: statistics.prod, np.maximum: fused.max,
                                    np.minimum: fused.min, np.logaddexp: fused.logsumexp}

_FUNCTIONS: dict[Any, Function] = {
    getattr(np, name): getattr(module, name)
    for module, names in (
        (linear, ("sum", "mean", "reshape", "transpose", "broadcast_to")),
        (selections, ("concatenate", "stack", "where", "pad", "roll", "cumsum")),
        (products, ("dot", "einsum", "tensordot", "outer")),
        (fused, ("max", "min")),
        (composed, ("ravel", "swapaxes", "moveaxis", "expand_dims", "squeeze", "flip", "split", "repeat", "tile",
                    "take_along_axis", "diagonal", "trace", "tril", "triu")),
        (statistics, ("prod", "var", "std", "argmax", "argmin", "argsort")))
    for name in names}
_FUNCTIONS |= {np.clip: elementwise.clip, np.linalg.inv: fused.inv, np.linalg.det: fused.det,
               np.linalg.solve: fused.solve, np.linalg.norm: statistics.norm,
               np.linalg.matmul: products.matmul, np.matrix_transpose: lambda x: x.mT}

_FUNCTIONS |= {np.amax: fused.max, np.amin: fused.min}

_RENAMED = {"a_min": "min", "a_max": "max"}
"""Arguments that NumPy has under two names."""

_ON_DATA = {np.shape, np.ndim, np.size, np.allclose, np.isclose, np.array_equal, np.zeros_like, np.ones_like,
            np.empty_like, np.result_type, np.may_share_memory, np.shares_memory, np.array_repr, np.array_str,
            np.array2string}
"""Functions that ask about the data: computed on it, without a gradient."""


def from_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """`__array_ufunc__` for nodes."""
    name = ufunc.__name__
    if ufunc in (np.equal, np.not_equal):
        raise UnsupportedError(f"{name}: == between nodes means identity; compare their .data instead",
                               nodes_in(inputs))
    given = sorted(options.keys() - ({"axis", "keepdims"} if method != "__call__" else set()))
    if given:
        hint = "; an array cannot take the place of a graph: write a = a + t, not a += t" if "out" in given else ""
        raise UnsupportedError(f"{name}: the argument {', '.join(given)} has no counterpart for nodes{hint}",
                               nodes_in(inputs))
    if method == "__call__" and ufunc in _COMPARISONS:
        kind, arguments = node_class(name, inputs), raw(inputs)
        if kind is not None and kind.is_scalar and any(np.ndim(x) for x in arguments):
            raise DataError(f"{name}: a Value is compared with numbers, not with arrays", nodes_in(inputs))
        return ufunc(*arguments)
    if method == "__call__" and ufunc in _UFUNCS:
        return _UFUNCS[ufunc](*inputs)
    if method == "reduce" and ufunc in _REDUCTIONS:
        unknown = sorted(options.keys() - {"axis", "keepdims"})
        if unknown:
            raise UnsupportedError(f"{name}.reduce: the argument {', '.join(unknown)} has no counterpart for nodes",
                                   nodes_in(inputs))
        return _REDUCTIONS[ufunc](*inputs, **{"axis": 0, **options})
    if method == "outer" and ufunc is np.multiply:
        x, y = inputs
        scalar = node_class(name, inputs).is_scalar  # type: ignore[union-attr] # one of the inputs is a node
        return elementwise.multiply(x if scalar else linear.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y)
    full = name if method == "__call__" else f"{name}.{method}"
    return _refuse(full, inputs)


def from_function(function: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """`__array_function__` for nodes."""
    name = getattr(function, "__name__", str(function))
    if function in _ON_DATA:
        return function(*_deep_raw(arguments), **{k: _deep_raw(v) for k, v in options.items()})
    if function not in _FUNCTIONS:
        _refuse(name, arguments)
    operands, named = _bound(function, arguments, options)
    try:
        return _FUNCTIONS[function](*operands, **named)
    except TypeError as error:
        if "argument" in str(error):
            raise UnsupportedError(f"{name}: {error}; this argument has no counterpart for nodes",
                                   nodes_in(arguments)) from error
        raise


def _bound(function: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments without default as they are, the others by NumPy's names, where they differ from the default."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function written in C
        return list(arguments), dict(options)
    bound = signature.bind(*arguments, **options).arguments
    operands, named = [], {}
    for name, value in bound.items():
        parameter = signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            operands += value
        elif parameter.kind is parameter.VAR_KEYWORD:
            named.update(value)
        elif parameter.default is parameter.empty:
            operands.append(value)
        elif value is not parameter.default and value is not np._NoValue:
            named[_RENAMED.get(name, name)] = value
    return operands, named


def _deep_raw(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)(_deep_raw(item) for item in x)
    return raw([x])[0]


def plain_array(data: Any, dtype: Any, copy: bool | None) -> Any:
    """`__array__` for nodes: their data, read-only unless it is a copy."""
    array = np.asarray(data)
    if copy or (dtype is not None and np.dtype(dtype) != array.dtype):
        if copy is False:
            raise ValueError(f"an array of {dtype} is a copy, and copy=False forbids one")
        return np.array(array, dtype=dtype)
    view = array.view()
    view.flags.writeable = False
    return view


def _refuse(name: str, inputs: Sequence[Any]) -> NoReturn:
    raise UnsupportedError(f"{name}: this NumPy function has no derivative here; apply it to .data for the plain "
                           "result, or build it from the functions of this package", nodes_in(inputs))
