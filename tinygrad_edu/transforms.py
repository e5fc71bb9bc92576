"""Functions of functions: derivatives as values, without touching any `.grad`.

The arguments may be numbers, arrays, Values, Tensors, and lists, tuples and dicts of them, nested; a
result has the structure of the arguments it is the derivative by. All nest to any order, in any
combination of reverse and forward mode.

Plain numbers and arrays give plain results. The result stays in the graph, so that it can be
differentiated again, where an argument is a node, or where the function reads other nodes that require
gradients (a model's parameters): a penalty on a gradient then reaches the parameters.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import ops
from .engine import forward, history, reverse
from .errors import GraphError, GraphWarning, ShapeError
from .modes import current_mode, enable_grad
from .node import Node, Payload
from .ops.operands import nodes_in
from .tensor import Tensor
from .trees import aligned, leaves_of, rebuilt
from .value import Value

Function = Callable[..., Any]

# ---- tracing ---------------------------------------------------------------------------------------------------------


def _variable(x: Any) -> Node:
    """A fresh variable with the data of x, connected to x where x is a node of a graph."""
    if isinstance(x, Value):
        return x * 1.0 if _flows(x) else Value(x._data)
    if isinstance(x, Tensor):
        return x * 1.0 if _flows(x) else Tensor(x._data)
    if isinstance(x, (np.ndarray, np.generic)):
        return Tensor(x) if np.ndim(x) or isinstance(x, np.ndarray) else Value(x)
    return Value(x)


def _flows(x: Node) -> bool:
    return x.requires_grad and current_mode().recording


def _indices(argnums: Any) -> tuple[int, ...]:
    """The positions that `argnums` names, as they are counted in it."""
    try:
        return tuple(operator.index(i) for i in (argnums if _several(argnums) else (argnums,)))
    except TypeError:
        raise GraphError(f"argnums {argnums!r:.40}: a position, or several, is wanted; where to differentiate is told "
                         "to the function that is returned, as in grad(f)(x)") from None


def _positions(argnums: Any, count: int) -> tuple[int, ...]:
    """The positions that `argnums` names, among `count` arguments."""
    chosen = _indices(argnums)
    if not chosen or any(not -count <= i < count for i in chosen):
        raise GraphError(f"argnums {argnums}: the function is called with {count} positional arguments")
    positions = tuple(i % count for i in chosen)
    if len(set(positions)) != len(positions):
        raise GraphError(f"argnums {argnums} names an argument twice")
    return positions


def _several(argnums: Any) -> bool:
    return isinstance(argnums, (tuple, list, range))


class _Trace:
    """One call of a function on fresh variables, and whether its derivatives must stay in the graph."""

    def __init__(self, function: Function, args: Sequence[Any], argnums: Any,
                 options: dict[str, Any] | None = None) -> None:
        positions = _positions(argnums, len(args))
        inputs = [args[i] for i in positions]
        self.structure = tuple(inputs) if _several(argnums) else inputs[0]
        self.given = leaves_of(inputs)
        with enable_grad():
            self.variables = [_variable(x) for x in self.given]
            full = list(args)
            for i, variable in zip(positions, rebuilt(inputs, self.variables), strict=True):
                full[i] = variable
            self.result = function(*full, **(options or {}))
        self.outputs = leaves_of(self.result)
        self.of_nodes = any(isinstance(x, Node) for x in self.given)

    def nodes(self) -> list[Node]:
        """The outputs that are nodes."""
        return [y for y in self.outputs if isinstance(y, Node)]

    def in_graph(self, *also: Any) -> bool:
        """Whether something beyond the variables wants to differentiate the derivative."""
        if not current_mode().recording:
            return False
        if any(isinstance(x, Node) and x.requires_grad for x in (*self.given, *also)):
            return True
        own = set(self.variables)
        return any(node.requires_grad and node.op is None and node not in own for node in history(*self.nodes()))

    def delivered(self, found: Payload | None, like: Node, in_graph: bool) -> Any:
        """A derivative as the caller gets it: a node, if it is in the graph or an argument was a node; else plain."""
        if found is None:
            found = 0.0 if isinstance(like, Value) else np.zeros_like(like._data)
        if isinstance(found, Node):
            return found
        found = like.owned(found)
        return type(like).result(found) if in_graph or self.of_nodes else found

    def returned(self, in_graph: bool) -> Any:
        """What the function returned: nodes or plain, by the same rule."""
        return self.result if in_graph else rebuilt(
            self.result, (self.delivered(y._data, y, False) if isinstance(y, Node) else y for y in self.outputs))

    def shaped(self, results: Iterable[Any]) -> Any:
        """Derivatives by the variables, in the structure of the arguments."""
        return rebuilt(self.structure, results)


def _seed(node: Node, given: Any, in_graph: bool, what: str) -> Payload:
    """A cotangent or tangent for `node`, checked; a node stays one where the result stays in the graph."""
    if isinstance(given, Node) and (type(given) is not type(node) or np.shape(given._data) != np.shape(node._data)):
        raise ShapeError(f"{what} for a {type(node).__name__} of shape {np.shape(node._data)} cannot be a "
                         f"{type(given).__name__} of shape {np.shape(given._data)}", [node, given])
    return node.seed(given, in_graph)


def _seeds(nodes: Sequence[Any], tree: Any, given: Any, in_graph: bool, what: str) -> dict[Node, Payload]:
    """Cotangents or tangents by node; constants take none, and what is given for one node twice adds up."""
    seeds: dict[Node, Payload] = {}
    for x, g in zip(nodes, aligned(tree, given, what), strict=True):
        if isinstance(x, Node) and x.requires_grad:
            seed = _seed(x, g, in_graph, what)
            seeds[x] = seeds[x] + seed if x in seeds else seed
    return seeds


# ---- reverse mode ----------------------------------------------------------------------------------------------------


def value_and_grad(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns (f(x), df/dx) for a scalar f, in one reverse pass.

    >>> value_and_grad(lambda x: x ** 3)(2.0)
    (8.0, 12.0)
    """
    _indices(argnums)  # so that grad(f, x) is an error here, not a function

    def both(*args: Any, **options: Any) -> tuple[Any, Any]:
        trace = _Trace(function, args, argnums, options)
        y = _one_number(trace.result)
        in_graph = trace.in_graph()
        found: dict[Node, Payload] = {}
        if isinstance(y, Node) and y.requires_grad:
            found = reverse({y: y.seed(None, in_graph)}, trace.variables, create_graph=in_graph)
        return trace.returned(in_graph), trace.shaped(trace.delivered(found.get(v), v, in_graph)
                                                      for v in trace.variables)

    return both


def _one_number(y: Any) -> Any:
    """y, or the error that it is not what a gradient is of; a warning, if it is no part of a graph."""
    if not isinstance(y, (Node, int, float, np.ndarray, np.number)):
        raise ShapeError(f"grad: the function must return one number, not {type(y).__name__}; is a return missing? "
                         "For several numbers, use jacobian or vjp")
    data = y._data if isinstance(y, Node) else y
    if np.size(data) != 1:
        raise ShapeError(f"grad: the function must return one number, not an array of shape {np.shape(data)}; for "
                         "several, use jacobian or vjp", nodes_in([y]))
    if not isinstance(y, Node):
        warnings.warn(f"grad: the function returned {y!r:.40}, which is no part of a graph, so its gradient is 0; if "
                      "it was made with math.sin(x), float(x) or x.data, use the functions of this package",
                      GraphWarning, stacklevel=4)
    return y


def grad(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns the gradient df/dx of a scalar f.

    Args:
        function: f, returning one number as a Value or Tensor.
        argnums: by which positional argument, or arguments, to differentiate; all others, and arguments by
            name, are passed on as they are.

    Raises:
        ShapeError: the result is not one number.

    Warns:
        GraphWarning: the result is a plain number, outside the graph; the gradient is 0.

    >>> grad(lambda x: x * x)(3.0)
    6.0
    >>> grad(grad(lambda x: x ** 3))(2.0)
    12.0
    """
    both = value_and_grad(function, argnums)
    return lambda *args, **options: both(*args, **options)[1]


def vjp(function: Function, *args: Any) -> tuple[Any, Function]:
    """(f(x), pull), where pull(v) is the vector-Jacobian product v J as a tuple, one part for each argument.

    >>> y, pull = vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> y, pull(1.0)
    (12.0, (4.0, 3.0))
    """
    trace = _Trace(function, args, range(len(args)))

    def pull(cotangents: Any) -> Any:
        in_graph = trace.in_graph(*leaves_of(cotangents))
        seeds = _seeds(trace.outputs, trace.result, cotangents, in_graph, "vjp: the cotangent")
        found = reverse(seeds, trace.variables, create_graph=in_graph) if seeds else {}
        return trace.shaped(trace.delivered(found.get(v), v, in_graph) for v in trace.variables)

    return trace.returned(trace.in_graph()), pull


# ---- forward mode ----------------------------------------------------------------------------------------------------


def jvp(function: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """(f(x), J v): the value and the derivative along the direction v, in one forward pass.

    `primals` and `tangents` are sequences, with one item for each argument of the function.

    >>> jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.0))
    (12.0, 4.0)
    """
    primals, tangents = _items(primals, "primals"), _items(tangents, "tangents")
    trace = _Trace(function, primals, range(len(primals)))
    in_graph = trace.in_graph(*leaves_of(tangents))
    seeds = _seeds(trace.variables, primals, tangents, in_graph, "jvp: the tangent")
    nodes = trace.nodes()
    moved = dict(zip(nodes, forward(seeds, nodes, create_graph=in_graph), strict=True))
    return trace.returned(in_graph), rebuilt(trace.result, (
        trace.delivered(moved[y], y, in_graph) if isinstance(y, Node) else np.zeros_like(y) if np.ndim(y) else 0.0
        for y in trace.outputs))


def _items(given: Sequence[Any], what: str) -> tuple[Any, ...]:
    """The items of `given`, one for each argument, or a ShapeError where it is a bare number."""
    try:
        return tuple(given)
    except TypeError:
        raise ShapeError("jvp: primals and tangents are sequences with one item per argument, as in "
                         f"jvp(f, (2.0,), (1.0,)); {what}={given!r:.80} is none",
                         nodes_in([given])) from None


# ---- matrices of derivatives -----------------------------------------------------------------------------------------


def jacobian(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns all derivatives dy_i/dx_j, of shape y.shape + x.shape.

    For nested outputs or arguments, the outputs' structure holds the arguments'. Runs forward or reverse
    mode, whichever needs fewer passes.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    _indices(argnums)  # as in value_and_grad

    def matrix(*args: Any, **options: Any) -> Any:
        trace = _Trace(function, args, argnums, options)
        in_graph = trace.in_graph()
        outputs = [y if isinstance(y, Node) else _variable(y).detach() for y in trace.outputs]
        blocks_by = _by_columns if _size(trace.variables) < _size(outputs) else _by_rows
        blocks = blocks_by(trace, outputs, in_graph)
        return rebuilt(trace.result, (trace.shaped(row) for row in blocks))

    return matrix


def hessian(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns the second derivatives of a scalar f, of shape x.shape + x.shape.

    >>> hessian(lambda x: (x ** 3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(function, argnums), argnums)


def hvp(function: Function, x: Any, v: Any) -> Any:
    """The product H v of the Hessian of a scalar f at x with the direction v, without forming H.

    Forward mode over reverse mode (Pearlmutter, 1994): the cost is a few gradients, whatever the size.

    >>> hvp(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return jvp(grad(function), (x,), (v,))[1]


def _size(nodes: Iterable[Node]) -> int:
    return sum(int(np.size(x._data)) for x in nodes)


def _units(node: Node) -> Iterable[Payload]:
    """Every payload of this node's shape with a single one among zeros."""
    if isinstance(node, Value):
        yield 1.0
        return
    for place in range(node._data.size):
        unit = np.zeros_like(node._data)
        unit.flat[place] = 1.0
        yield unit


def _by_rows(trace: _Trace, outputs: Sequence[Node], in_graph: bool) -> list[list[Any]]:
    """The blocks dy/dx of each output by each variable, from one reverse pass for each element of the outputs."""
    blocks = []
    for y in outputs:
        found = [reverse({y: y.seed(unit, in_graph)}, trace.variables, in_graph) if y.requires_grad else {}
                 for unit in _units(y)]
        blocks.append([_joined([trace.delivered(f.get(x), x, in_graph) for f in found], 0, y, x)
                       for x in trace.variables])
    return blocks


def _by_columns(trace: _Trace, outputs: Sequence[Node], in_graph: bool) -> list[list[Any]]:
    """The same blocks, from one forward pass for each element of the variables."""
    columns = [[forward({x: x.seed(unit, in_graph)}, outputs, in_graph) for unit in _units(x)] for x in trace.variables]
    return [[_joined([trace.delivered(moved[i], y, in_graph) for moved in column], -1, y, x)
             for x, column in zip(trace.variables, columns, strict=True)] for i, y in enumerate(outputs)]


def _joined(parts: list[Any], axis: int, y: Node, x: Node) -> Any:
    """The parts of a block as one array of shape y.shape + x.shape; a number by a number stays a number."""
    shape = np.shape(y._data) + np.shape(x._data)
    if isinstance(y, Value) and isinstance(x, Value):
        return parts[0]
    if not parts:
        return np.zeros(shape)
    if isinstance(parts[0], Value):
        return Tensor.stack_values(parts).reshape(shape)
    return ops.reshape(ops.stack(parts, axis), shape)
