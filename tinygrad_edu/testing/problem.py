"""A function as gradcheck sees it: something to be called on numbers, with all that it may be differentiated by.

The function is called as it is, on nodes with moved data: whatever it does to its numbers outside the graph
(detach(), .data, math.sin) is part of what is measured.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine import forward, history, reverse
from ..errors import DataError, GradientError
from ..nn.module import Module
from ..node import Node, Payload
from ..ops.defaults import FLOATS
from ..tensor import Tensor
from ..trees import leaves_of, rebuilt
from ..value import Value
from .measure import inner

Function = Callable[..., Any]
Kind = type[Value] | type[Tensor]

# ---- what is varied --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Variable:
    """Something to differentiate by: an argument of the function, or a parameter that it reads.

    Attributes:
        name: as the function's signature, the module or the node's label has it.
        kind: the class of node that the function is given.
        data: where the derivative is checked; float64.
        parameter: the node itself, where the function holds it; None for an argument.
        narrow: whether it is float32 by itself.
    """

    name: str
    kind: Kind
    data: Payload
    parameter: Any = None
    narrow: bool = False


def _variable(name: str, x: Any, parameter: Any = None) -> Variable:
    data = x._data if isinstance(x, Node) else x
    kind: Kind = Tensor if isinstance(x, (Tensor, np.ndarray)) else Value
    if kind is Value:
        return Variable(name, kind, float(data), parameter)
    return Variable(name, kind, np.array(data, np.float64), parameter, narrow=data.dtype == FLOATS[1])


def _varies(x: Any) -> bool:
    """Whether an argument is differentiated by: integers are labels and sizes."""
    if isinstance(x, Node):
        return x.requires_grad
    return isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def _argument_names(function: Function, count: int) -> list[str]:
    """The names of the first `count` positional parameters, as far as the function tells."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment] # a function in C has none
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [names[i] if i < len(names) else "x" if count == 1 else f"x{i}" for i in range(count)]


def _named(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of nested lists and dicts with their names, in the order of the transforms."""
    if isinstance(tree, (dict, list, tuple)):
        for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _named(f"{name}[{key!r}]", part)
    else:
        yield name, tree


# ---- the problem -----------------------------------------------------------------------------------------------------


class Problem:
    """A function and its arguments.

    Attributes:
        variables: the arguments that hold floats, the parameters of modules among them, and the leaves that the
            function reads from elsewhere.
        outputs: what it returns: numbers and arrays.
        calls: how often it has been called.

    Raises:
        DataError: there is no function, or nothing to differentiate by.
        GradientError: two calls with the same arguments differ.
    """

    def __init__(self, function: Function, inputs: Sequence[Any]) -> None:
        if not callable(function):
            raise DataError(f"gradcheck: the first argument is the function itself, not its result "
                            f"({type(function).__name__}): gradcheck(f, x), not gradcheck(f(x))")
        self.function, self.inputs, self.calls = function, tuple(inputs), 0
        self.variables: list[Variable] = []
        names = _argument_names(function, len(inputs))
        self._slots = [self._slot(name, leaf) for key, tree in zip(names, inputs, strict=True)
                       for name, leaf in _named(key, tree)]
        if isinstance(function, Module):
            self._add_parameters("", function)
        self.outputs = self._try()
        if not self.variables:
            raise DataError("gradcheck: there is nothing to differentiate by: no float, float array, Value, Tensor or "
                            "module among the inputs (integers are taken for labels and sizes: write 2.0 for 2)")

    def _slot(self, name: str, leaf: Any) -> Variable | None:
        if isinstance(leaf, Module):
            self._add_parameters(name, leaf)
        if not _varies(leaf):
            return None
        self.variables.append(_variable(name, leaf))
        return self.variables[-1]

    def _add_parameters(self, path: str, module: Module) -> None:
        for name, node in module.named_parameters():
            self._add(f"{path}.{name}" if path else name, node)

    def _add(self, name: str, node: Node) -> None:
        if node.requires_grad and all(v.parameter is not node for v in self.variables):
            self.variables.append(_variable(name, node, node))

    def _try(self) -> list[Payload]:
        """The outputs. Two calls tell whether they are always the same, and which leaves the function holds: those
        that are the same nodes both times.
        """
        calls = []
        for _ in range(2):
            with self.at(self.point) as (nodes, outputs):
                roots = [y for y in outputs if isinstance(y, Node)]
                leaves = [x for x in history(*roots) if x.op is None and x not in nodes]
                calls.append((leaves, [payload(y) for y in outputs]))
        (held, before), (again, after) = calls
        if len(before) != len(after) or not all(map(_same, before, after)):
            raise GradientError("gradcheck: two calls with the same inputs gave different results; give random layers "
                                "a fixed rng, or call module.eval()", cause="not deterministic")
        for number, node in enumerate(x for x in held if x in again):
            self._add(node.label or f"leaf {number} of the graph", node)
        return before

    @property
    def point(self) -> list[Payload]:
        """The data of all variables."""
        return [v.data for v in self.variables]

    def moved(self, point: Sequence[Payload]) -> Problem:
        """The same problem at another point."""
        twin = copy.copy(self)
        twin.variables = [replace(v, data=data) for v, data in zip(self.variables, point, strict=True)]
        return twin

    @contextmanager
    def at(self, point: Sequence[Payload]) -> Iterator[tuple[list[Any], list[Any]]]:
        """Call the function with the variables at `point`: the nodes of the variables, and the outputs.

        Parameters have their own data back afterwards, whatever happens.
        """
        own = [(v.parameter, v.parameter._data) for v in self.variables if v.parameter is not None]
        try:
            nodes = []
            for v, data in zip(self.variables, point, strict=True):
                if v.parameter is not None:
                    v.parameter._data = data
                nodes.append(v.kind(data, label=v.name) if v.parameter is None else v.parameter)
            arguments = iter([node for v, node in zip(self.variables, nodes, strict=True) if v.parameter is None])
            leaves = [leaf if slot is None else next(arguments)
                      for leaf, slot in zip(leaves_of(self.inputs), self._slots, strict=True)]
            self.calls += 1
            yield nodes, _outputs(self.function(*rebuilt(self.inputs, leaves)))
        finally:
            for parameter, data in own:
                parameter._data = data

    def score(self, point: Sequence[Payload], us: Sequence[Any]) -> float:
        """u . f at `point`, a single number."""
        with self.at(point) as (_, outputs):
            return inner(us, [payload(y) for y in outputs])


# ---- what the engine says --------------------------------------------------------------------------------------------
# Each takes nodes and outputs of one call, and gives one number or array for each node, None for no path.


def gradient(nodes: Sequence[Node], outputs: Sequence[Any], us: Sequence[Any], in_graph: bool = False) -> list[Any]:
    """The gradient of u . f in reverse mode."""
    found = reverse(seeds(outputs, us, in_graph), nodes, create_graph=in_graph)
    return [found.get(x) for x in nodes]


def tangents(nodes: Sequence[Node], outputs: Sequence[Any], vs: Sequence[Any], in_graph: bool = False) -> list[Any]:
    """J v, in forward mode: one for each output."""
    roots = [y for y in outputs if isinstance(y, Node)]
    along = {x: x.seed(v, in_graph) for x, v in zip(nodes, vs, strict=True)}
    found = iter(forward(along, roots, create_graph=in_graph))
    return [next(found) if isinstance(y, Node) else None for y in outputs]


def curved(outputs: Sequence[Any]) -> list[Any]:
    """f + f^2 / 2: curved also where f is linear, so that the rules' own derivatives are seen."""
    return [y + 0.5 * (y * y) if isinstance(y, (Value, Tensor)) else y for y in outputs]


def plain(found: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    """Numbers and arrays; zeros in the place of None."""
    return [np.zeros(np.shape(x)) if g is None else payload(g) for g, x in zip(found, like, strict=True)]


def seeds(outputs: Sequence[Any], us: Sequence[Any], in_graph: bool = False) -> dict[Node, Payload]:
    """The cotangents u by node, added up where a node is given out twice."""
    found: dict[Node, Payload] = {}
    for y, u in zip(outputs, us, strict=True):
        if isinstance(y, Node) and y.requires_grad:
            seed = y.seed(u, in_graph)
            found[y] = found[y] + seed if y in found else seed
    return found


def payload(x: Any) -> Any:
    """The number or array of a node; a plain one as it is."""
    return x._data if isinstance(x, Node) else x


def _same(x: Any, y: Any) -> bool:
    return np.shape(x) == np.shape(y) and bool(np.array_equal(x, y, equal_nan=True))


def _outputs(result: Any) -> list[Any]:
    """The numbers, arrays and nodes that a function returned."""
    outputs = leaves_of(result)
    if not outputs:
        raise DataError(f"gradcheck: the function returned {result!r}, in which there is no number to differentiate")
    for y in outputs:
        if not isinstance(y, (Node, int, float, np.ndarray, np.number)):
            raise DataError(f"gradcheck: the function returned {type(y).__name__}, not numbers"
                            + ("; is a return missing?" if y is None else ""))
        if isinstance(y, (np.ndarray, np.number)) and y.dtype.kind not in "fiub":
            raise DataError(f"gradcheck: the function returned an array of {y.dtype}, not of real numbers; join nodes "
                            "with stack() or Tensor.stack_values()")
    return [float(y) if isinstance(y, int) else y for y in outputs]
