"""Models at work: their answers without a graph, and what their layers give, read from the graph of one call.

Nothing is patched: a call of a module marks the nodes recorded in it, and what it gives are those of its nodes that are
read outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine import history
from ..errors import DataError, ShapeError, UnsupportedError
from ..modes import enable_grad, no_grad
from ..nn import Module, Neuron
from ..nn.activations import NAMED
from ..nn.module import Call
from ..nn.sequences import Recurrent
from ..nn.tree import joined, walk
from ..node import Node
from ..tensor import Tensor
from ..value import Value
from .canvas import Array, numbers

BATCH = 8192
"""So many rows go through a model at once."""


def require_module(model: Any, who: str) -> Module:
    """The model, or a DataError for what is none."""
    if not isinstance(model, Module):
        raise DataError(f"{who}: model must be a Module, not {model!r:.60}")
    return model


def on_values(model: Module) -> bool:
    """Whether it has parameters, all of them Values."""
    nodes = model.parameters()
    return bool(nodes) and all(node.is_scalar for node in nodes)


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Inside, the model is in evaluation mode; then each of its modules is in the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()] if isinstance(model, Module) else []
    try:
        for module, _ in modes:
            module.training = False
        yield
    finally:
        for module, training in modes:
            module.training = training


# ---- answers ---------------------------------------------------------------------------------------------------------


def twin_on_tensors(model: Any) -> Any:
    """Of a model on Values, its twin on Tensors, where there is one: as fast as arrays are. Else the model itself."""
    if isinstance(model, Module) and on_values(model):
        try:
            return model.to_tensors()
        except UnsupportedError:
            return model
    return model


def by_rows(model: Any) -> bool:
    """Whether a model has to be called for each row."""
    return isinstance(model, Module) and on_values(model)


def scores_of(model: Callable[[Any], Any], rows: Array, who: str) -> Array:
    """What the model answers to each row: (rows,) of single scores, or (rows, classes).

    Raises:
        ShapeError: it gives another shape.
    """
    with evaluating(model), no_grad(), np.errstate(all="ignore"):  # far from the data, numbers may overflow
        if by_rows(model):
            scores = numbers([model(row) for row in rows.tolist()], who)
        else:
            parts = [rows[k:k + BATCH] for k in range(0, len(rows), BATCH)]
            scores = np.concatenate([numbers(model(part), who) for part in parts])
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    if scores.ndim not in (1, 2) or len(scores) != len(rows):
        raise ShapeError(f"{who}: the model must give each of {len(rows)} points a score, or one for each class, not "
                         f"shape {scores.shape}")
    return scores


# ---- what the layers give --------------------------------------------------------------------------------------------


class Layer:
    """What a layer gave in one run of a model, in all its calls.

    Attributes:
        name: where the model holds it, with its class: ``0: Linear``; of a function, its name alone.
        module: the layer; of a function, the module that called it.
        nodes: its results, in the order of time.
    """

    def __init__(self, name: str, module: Module) -> None:
        self.name, self.module = name, module
        self.nodes: list[Node] = []

    @property
    def values(self) -> Array:
        """All numbers of its results, in one row."""
        return np.concatenate([np.ravel(node._data) for node in self.nodes])


def layers_of(model: Module, inputs: Any, who: str) -> list[Layer]:
    """What each layer gave, in the order in which they ended.

    Layers are the modules that hold no others; neurons belong to the layer around them. Activations that a module calls
    as functions count too.

    Raises:
        DataError: nothing was recorded.
    """
    roots = _nodes(_run(model, inputs, who))
    places = {id(part): joined(path, key) for path, key, part in walk(model) if isinstance(part, Module)}
    layers: dict[Any, Layer] = {}
    for key, module, kind, node in _results(model, roots):
        if id(module) in places:
            place = places[id(module)]
            name = kind or (f"{place}: {type(module).__name__}" if place else type(module).__name__)
            layers.setdefault(key, Layer(name, module)).nodes.append(node)
    if not layers:
        raise DataError(f"{who}: no layer of {type(model).__name__} has recorded anything; its inputs are no floats, "
                        "or it does not compute with the operations of this package")
    return list(layers.values())


def _run(model: Module, inputs: Any, who: str) -> Any:
    """What the model gives, recorded: a model on Values for each row."""
    with evaluating(model), enable_grad():
        if not on_values(model):
            array = inputs._data if isinstance(inputs, Node) else np.asarray(inputs)
            return model(Tensor(array) if array.dtype.kind == "f" else array)
        rows = numbers(inputs, who)
        if rows.ndim > 2:
            raise ShapeError(f"{who}: {type(model).__name__} is on Values and takes rows of numbers, not shape "
                             f"{rows.shape}; plot its twin, model.to_tensors()")
        return [model([Value(x) for x in row]) for row in np.atleast_2d(rows).tolist()]


def _results(model: Module, roots: list[Node]) -> Iterator[tuple[Any, Module, str, Node]]:
    """Each result of a layer: what tells the layer from others, its module, the name of a function, and the node."""
    order = history(*roots)
    left: dict[Node, list[tuple[Call, ...]]] = {root: [()] for root in roots}  # the calls in which a node is read
    for node in order:
        for source in node.inputs:
            if isinstance(source, Node):
                left.setdefault(source, []).append(_calls(node))
    given: dict[Call, list[Node]] = {}
    counts: dict[Any, int] = {}
    functions: dict[Node, tuple[Any, Module, str]] = {}
    for node in order:
        if node.op is None or not (calls := _calls(node)):
            continue
        for call in calls:
            if any(call not in readers for readers in left[node]):
                given.setdefault(call, []).append(node)
        caller, name = calls[0], node.op.name
        if name in NAMED and _shows_functions(caller.module, model):
            counts[caller, name] = 0 if node.is_scalar else counts.get((caller, name), -1) + 1
            functions[node] = (id(caller.module), name, counts[caller, name]), caller.module, name
    ends = [(node.index, id(call.module), call.module, "", node) for call, nodes in given.items()
            if _is_layer(call.module) for node in _results_of(call, nodes)]
    ends += [(node.index, *function, node) for node, function in functions.items()]
    for _, key, module, name, node in sorted(ends, key=lambda end: end[0]):
        yield key, module, name, node


def _results_of(call: Call, nodes: list[Node]) -> list[Node]:
    """Of the nodes that are read outside of a call, its results: not the states that go with them."""
    if nodes[0].is_scalar:
        return nodes
    return nodes[:1] if isinstance(call.module, Recurrent) else nodes[-1:]  # a cell gives (h, c), of which h is last


def _is_layer(module: Module) -> bool:
    """Whether it holds no modules but neurons, and is no neuron in a layer."""
    return not _is_neuron(module) and all(map(_is_neuron, module.modules()[1:]))


def _shows_functions(module: Module, model: Module) -> bool:
    """Whether activations that it calls count: in a module that holds layers, or is all that the user wrote."""
    return not (_is_layer(module) or _is_neuron(module)) or (
        module is model and not type(module).__module__.startswith(Recurrent.__module__.rpartition(".")[0] + "."))


def _is_neuron(module: Module) -> bool:
    return isinstance(module, Neuron)


def _calls(node: Node) -> tuple[Call, ...]:
    """The calls in which a node was recorded, the innermost first."""
    calls, scope = [], node.scope
    while isinstance(scope, Call):
        calls.append(scope)
        scope = scope.parent
    return tuple(calls)


def _nodes(x: Any) -> list[Node]:
    """The nodes in what a model gives."""
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, (list, tuple)):
        return [node for part in x for node in _nodes(part)]
    return [x] if isinstance(x, Node) else []
