"""The two families of modules, on Values and on Tensors, and how a module finds its twin in the other.

The twins themselves are made in `twins`, on a higher floor, which enters its functions in the tables here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..errors import UnsupportedError
from .tree import Holder, nodes_of

Maker = TypeVar("Maker", bound=Callable[[Any], Any])
Makers = dict[type, Callable[[Any], Any]]

TO_TENSORS: Makers = {}
"""For each class of modules on Values the function that makes the twin on Tensors."""

TO_VALUES: Makers = {}
"""The same the other way."""


def twin_of(kind: type, makers: Makers) -> Callable[[Maker], Maker]:
    """Decorator: the function makes the twins of modules of this class, and of no subclass, which may do otherwise."""
    def enter(make: Maker) -> Maker:
        makers[kind] = make
        return make
    return enter


class Twinned(Holder):
    """Base of modules: those of one family can be turned into their twins of the other."""

    def to_tensors(self) -> Any:
        """The same model on Tensors, with weights of its own in the default dtype: from a Layer to a Linear.

        The twin has the same outputs and derivatives, of any order; later changes of one do not reach the other.

        Raises:
            UnsupportedError: a part has no twin.

        >>> from tinygrad_edu import nn
        >>> nn.MLP(2, [3, 1]).to_tensors()
        Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
        """
        return _twin(self, TO_TENSORS, TO_VALUES, "Tensors")

    def to_values(self) -> Any:
        """The same model on Values, one node for each number, to be looked at: from a Linear to a Layer.

        The twin takes single rows or images, as lists, without a batch. It has the same outputs and derivatives, of
        any order; later changes of one do not reach the other. Values are float64, which holds float32 exactly.

        Raises:
            UnsupportedError: a part has no twin.

        >>> from tinygrad_edu import nn
        >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).to_values()
        MLP of [Layer of [TanhNeuron(2), TanhNeuron(2), TanhNeuron(2)], Layer of [LinearNeuron(3)]]
        """
        return _twin(self, TO_VALUES, TO_TENSORS, "Values")


def _twin(module: Any, makers: Makers, others: Makers, family: str) -> Any:
    name, make = type(module).__name__, makers.get(type(module))
    if make is None:
        already = f", as it is on {family} already" if type(module) in others else ""
        raise UnsupportedError(f"{name} has no twin on {family}{already}. There are twins of "
                               f"{', '.join(kind.__name__ for kind in makers)}")
    twin = make(module)
    before, after = _count(module), _count(twin)
    if before != after:
        raise UnsupportedError(f"{name} has no twin on {family}: {before} numbers would become {after}, as some of the "
                               "weights are used twice, or are results of operations")
    return twin.train(module.training)


def _count(module: Holder) -> int:
    """How many numbers the parameters hold."""
    return sum(np.size(node._data) for node in nodes_of(module) if not node.is_result)
