"""The parameters of a model as they are looked at: a Tensor by itself, Values by the layer that they are in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from ..nn import Module, Neuron
from ..nn.tree import joined, walk
from .canvas import Array


class Group:
    """Parameters that are looked at together.

    Attributes:
        name: of the parameter; of Values, ``layers.0.w``.
        nodes: the parameters: one Tensor, or any number of Values.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Any] = []

    @property
    def data(self) -> Array:
        """The numbers: of a Tensor in its shape."""
        return np.asarray(self.nodes[0].data if len(self.nodes) == 1 else [node.data for node in self.nodes])

    @property
    def gradient(self) -> Array | None:
        """The numbers of the gradient in one row, of those that have one; None where none has."""
        parts = [np.ravel(node.grad) for node in self.nodes if node.grad is not None]
        return np.concatenate(parts) if parts else None


def groups_of(model: Module, who: str, by_neuron: bool = False) -> list[Group]:
    """The parameters in order; `by_neuron`, those of each output by themselves.

    Raises:
        DataError: there are none.
    """
    modules = {joined(path, key): part for path, key, part in walk(model) if isinstance(part, Module)}
    groups: dict[str, Group] = {}
    for name, node in model.named_parameters():
        name = _short(name, modules, by_neuron) if node.is_scalar else name
        groups.setdefault(name, Group(name)).nodes.append(node)
    if not groups:
        raise DataError(f"{who}: {type(model).__name__} has no parameters")
    return list(groups.values())


def _short(name: str, modules: dict[str, Module], by_neuron: bool) -> str:
    """The name without places in lists, and without the neuron in its layer: ``layers.0.w``; `by_neuron`, without the
    places among the weights of one output: ``layers.0.neurons.3.w``.
    """
    parts = name.split(".")

    def holder(end: int) -> int:
        return next(k for k in range(end - 1, -1, -1) if ".".join(parts[:k]) in modules)

    place = holder(len(parts))
    attribute = parts[place:place + 1]
    if by_neuron:
        return ".".join([*parts[:place], *attribute, *parts[place + 1:-1][:1]])
    if place and isinstance(modules[".".join(parts[:place])], Neuron):
        place = holder(place)
    return ".".join([*parts[:place], *attribute])
