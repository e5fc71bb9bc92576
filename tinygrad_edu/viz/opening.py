"""Small arrays and neurons opened into the single numbers that they compute with.

The graph is recorded once more on Values: an elementwise operation for each element, a matrix product as products and
sums, what moves elements as the elements themselves.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..engine import history
from ..errors import DataError
from ..modes import Recording, scope
from ..node import Node, raw
from ..ops.array_row import Linear
from ..ops.linear import Reduction
from ..ops.row import Elementwise, ScalarRow
from ..value import Value
from .naming import Names
from .snapshot import parameter_names

MOST = 64
"""More elements than this in one array are not opened."""

Objects = NDArray[Any]
"""An array whose elements are Values and floats."""


def opened(roots: Sequence[Node], names: Names) -> tuple[list[Value], Names, Names]:
    """The same roots as Values that were recorded number by number, what these are called, and the parameters' names.

    Leaves have the gradients that they have; those between are computed again from the gradients of the roots.

    Raises:
        DataError: an array is too large, or an operation has no form on single numbers.
    """
    made: dict[Node, Objects] = {}
    called: Names = {}
    called_parameters: Names = {}
    order = history(*roots)
    parameters = parameter_names(order)
    with Recording(True):
        for node in order:
            made[node] = _leaves(node) if node.op is None else _applied(node, made)
            name = node.label or names.get(id(node), "")
            if name:
                called = _names(made[node], name) | called  # what is only moved on keeps the name it was made under
            if id(node) in parameters:
                called_parameters.update(_names(made[node], parameters[id(node)]))
        _differentiate(roots, made)
    for node in order:
        if node.op is None:  # it may have added up other passes, or none since zero_grad()
            for value, gradient in zip(made[node].flat, _gradients(node, made), strict=True):
                value._grad = gradient
    return [value for root in roots for value in made[root].flat if isinstance(value, Value)], called, called_parameters


def _differentiate(roots: Sequence[Node], made: dict[Node, Objects]) -> None:
    """One pass from all roots that have gradients, without those that others of them were made from."""
    reached = [root for root in dict.fromkeys(roots) if root._grad is not None]
    inner = {x for node in history(*reached) for x in node.inputs if isinstance(x, Node)}
    terms = [value * gradient for root in reached if root not in inner
             for value, gradient in zip(made[root].flat, _gradients(root, made), strict=True)
             if isinstance(value, Value) and value.requires_grad]
    if terms:
        functools.reduce(ops.add, terms).backward()


def _gradients(node: Any, made: dict[Node, Objects]) -> list[float | None]:
    """The gradient of a node by each of its elements."""
    shape = made[node].shape
    if node._grad is None:
        return [None] * math.prod(shape)
    return [float(x) for x in np.broadcast_to(np.asarray(raw([node._grad])[0]), shape).flat]


def _names(objects: Objects, name: str) -> Names:
    """name, or name[0, 1] for each element."""
    return {id(x): name if not objects.ndim else f"{name}[{', '.join(map(str, place))}]"
            for place, x in np.ndenumerate(objects) if isinstance(x, Value)}


def _leaves(node: Any) -> Objects:
    """A Value for each element of a leaf."""
    data = np.asarray(node._data)
    _check_size(data.shape, node)
    objects = np.empty(data.shape, object)
    for place, x in np.ndenumerate(data):
        objects[place] = Value(float(x), requires_grad=node._requires_grad)
    return objects


def _check_size(shape: tuple[int, ...], node: Node) -> None:
    if math.prod(shape) > MOST:
        raise DataError(f'draw: granularity="scalar" opens arrays of at most {MOST} elements, not of shape {shape}; '
                        "draw a smaller model, or leave the arrays whole", [node])


def _applied(node: Any, made: dict[Node, Objects]) -> Objects:
    """The operation of a node, on single numbers, in the module call that it was recorded in."""
    row = node.op
    operands = [made[x] if isinstance(x, Node) else np.array(x).astype(object) for x in node.inputs]
    with scope(node.scope):
        result = _result(row, operands, node)
    objects = result if isinstance(result, np.ndarray) else _single(result)
    _check_size(objects.shape, node)
    if node._requires_grad and objects.size and not any(isinstance(x, Value) for x in objects.flat):
        raise _no_form(node)
    return objects


def _no_form(node: Any) -> DataError:
    return DataError(f"draw: {node.op.name} has no form on single numbers here; leave the arrays whole, without "
                     'granularity="scalar"', [node])


def _single(x: Any) -> Objects:
    """A 0-d array of x itself; assigned to one, a Value would become a number."""
    holder = np.empty(1, object)
    holder[0] = x
    return holder.reshape(())


def _result(row: Any, operands: list[Objects], node: Any) -> Any:
    if row.name in _OPENED:
        return _OPENED[row.name](*operands, **node.params)
    if isinstance(row, Elementwise):
        return np.frompyfunc(row, len(operands), 1)(*operands)
    if isinstance(row, Reduction):
        return _reduced(row, operands, **node.params)
    if isinstance(row, ScalarRow):
        return row(*[x[()] for x in operands])
    if isinstance(row, Linear) and not row.reads_constants:
        return row.array(*operands, **node.params)  # moves elements, or adds them up
    raise _no_form(node)


def _reduced(row: Reduction, operands: list[Objects], axis: Any = None, keepdims: bool = False) -> Objects:
    """The function of all elements along some axes, as one node for each result."""
    if len(operands) > 1:  # recorded on a sequence of Values
        return _single(row([x[()] for x in operands]))
    x = operands[0]
    axes = tuple(range(x.ndim)) if axis is None else tuple(np.atleast_1d(axis) % x.ndim)
    kept = [k for k in range(x.ndim) if k not in axes]
    rows = x.transpose(*kept, *axes).reshape(*[x.shape[k] for k in kept], -1)
    result = np.empty(rows.shape[:-1], object)
    for place in np.ndindex(result.shape):
        result[place] = row(list(rows[place]))
    return result.reshape([1 if k in axes else n for k, n in enumerate(x.shape)]) if keepdims else result


def _weighted_sum(*operands: Objects) -> Any:
    """A neuron's w . x + b, as products and sums."""
    n = len(operands) // 2
    products = [w[()] * x[()] for w, x in zip(operands[:n], operands[n:2 * n], strict=True)]
    return ops.add(functools.reduce(ops.add, products), operands[-1][()]) if products else operands[-1][()]


def _stack_values(*values: Objects, shape: tuple[int, ...]) -> Objects:
    objects = np.empty(len(values), object)
    for place, x in enumerate(values):
        objects[place] = x[()]
    return objects.reshape(shape)


def _lstm_gates(z: Objects) -> Objects:
    gates = np.frompyfunc(ops.sigmoid, 1, 1)(z)
    cell = (Ellipsis, slice(z.shape[-1] // 2, 3 * z.shape[-1] // 4))
    gates[cell] = np.frompyfunc(ops.tanh, 1, 1)(z[cell])
    return np.asarray(gates, object)


def _log_softmax(x: Objects, axis: int = -1) -> Any:
    x = np.moveaxis(x, axis, -1)
    totals = np.empty((*x.shape[:-1], 1), object)
    for place in np.ndindex(x.shape[:-1]):
        totals[(*place, 0)] = ops.logsumexp(list(x[place]))
    return np.moveaxis(np.frompyfunc(ops.subtract, 2, 1)(x, totals), -1, axis)


def _cross_entropy(logits: Objects, target: Any) -> Any:
    target = np.asarray(target)
    chosen = target if target.shape == logits.shape else np.eye(logits.shape[-1])[target]
    return -np.sum(chosen.astype(object) * _log_softmax(logits), axis=-1)


_OPENED: dict[str, Callable[..., Any]] = {
    "weighted_sum": _weighted_sum, "matmul": operator.matmul, "astype": lambda x, dtype: x, "lstm_gates": _lstm_gates,
    "lstm_memory": ops.TABLE["lstm_memory"].array, "lstm_hidden": ops.TABLE["lstm_hidden"].array,
    "log_softmax": _log_softmax, "cross_entropy": _cross_entropy, "stack_values": _stack_values,
    "pick": lambda x, place: x.flat[int(place)]}
"""Operations whose form on single numbers is another than a call for each element."""
