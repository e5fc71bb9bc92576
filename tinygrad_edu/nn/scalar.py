"""Neurons, layers and multilayer perceptrons on Values, with micrograd's signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from .. import ops
from ..errors import MixedNodesError, ShapeError
from ..node import Node
from ..ops.defaults import Rng
from ..ops.operands import BRIDGES
from ..value import Value
from .activations import NAMED, function_of
from .module import Module

Activation = str | Callable[[Any], Any]
"""The name of an activation, or a function."""


def row_of_numbers(x: Any, who: str) -> Sequence[Any]:
    """One row of inputs as a list or tuple of Values and numbers; a single one counts as a row of one."""
    if isinstance(x, (list, tuple)):
        return x
    if isinstance(x, (Value, Real)):
        return (x,)
    if isinstance(x, Node):
        raise MixedNodesError(f"{who} works on Values, not on a Tensor; {BRIDGES}", [x])
    if not isinstance(x, np.ndarray) or x.ndim != 1:
        given = f"an array of shape {x.shape}; call it for each row" if isinstance(x, np.ndarray) else type(x).__name__
        raise ShapeError(f"{who} takes one row, as a list, tuple or 1-d array of numbers, not {given}")
    row: list[Any] = x.tolist()
    return row


def _size(number: int, who: str) -> int:
    if number < 1:
        raise ShapeError(f"{who} must be at least 1, not {number}")
    return number


class Neuron(Module):
    """a = phi(w . x + b), with phi the activation. The weighted sum is one node, whatever the number of inputs.

    Args:
        nin: the number of inputs.
        nonlin: whether the activation follows; else a = w . x + b.
        rng: where the weights come from: w uniform in (-1, 1), b = 0.
        activation: "relu", "tanh", "sigmoid", or another by its name in ops; or a function of a Value.

    >>> neuron = Neuron(2)
    >>> neuron
    ReLUNeuron(2)
    >>> neuron.w[0].data, neuron.w[1].data, neuron.b.data = 1.0, -1.0, 0.5
    >>> neuron([3.0, 2.0]).data
    1.5
    >>> Neuron(2, activation="tanh")
    TanhNeuron(2)
    """

    def __init__(self, nin: int, nonlin: bool = True, rng: Rng = None, activation: Activation = "relu") -> None:
        weights = ops.generator(rng).uniform(-1.0, 1.0, _size(nin, "Neuron: nin"))
        self.w = [Value(w) for w in weights]
        self.b = Value(0.0)
        self.nonlin = nonlin
        self.activation = function_of(activation, "Neuron")

    def __call__(self, x: Any) -> Any:
        """The output for one row of `nin` Values or numbers.

        Raises:
            ShapeError: another number of inputs.
        """
        if x.__class__ is not list:
            x = row_of_numbers(x, "Neuron")
        if len(x) != len(self.w):
            raise ShapeError(f"{self!r} takes {len(self.w)} inputs, not {len(x)}")
        z = ops.weighted_sum(self.w, x, self.b)
        return self.activation(z) if self.nonlin else z

    def __repr__(self) -> str:
        name = getattr(self.activation, "__name__", type(self.activation).__name__)
        name = NAMED[name].__name__ if name in NAMED else name
        return f"{name if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons side by side on the same inputs.

    Args:
        nin: the number of inputs of each.
        nout: how many.
        options: passed on to each `Neuron`.
        rng: where the weights come from.
    """

    def __init__(self, nin: int, nout: int, *, rng: Rng = None, **options: Any) -> None:
        rng = ops.generator(rng)  # one generator for all: a seed would give them equal weights
        self.neurons = [Neuron(nin, rng=rng, **options) for _ in range(_size(nout, "Layer: nout"))]

    def __call__(self, x: Any) -> Any:
        """The list of outputs; the output itself, if there is only one."""
        x = row_of_numbers(x, "Layer")
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Layers one after the other, with the activation after all but the last: a multilayer perceptron.

    Args:
        nin: the number of inputs.
        nouts: the number of neurons in each layer.
        rng: where the weights come from.
        activation: as of a `Neuron`.

    >>> MLP(2, [2, 1])
    MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]
    >>> len(MLP(2, [16, 16, 1]).parameters())
    337
    """

    def __init__(self, nin: int, nouts: Sequence[int], rng: Rng = None, activation: Activation = "relu") -> None:
        if isinstance(nouts, int):
            raise TypeError(f"MLP: nouts is a list with the size of each layer, as in MLP({nin}, [4, {nouts}]), "
                            f"not {nouts}")
        rng = ops.generator(rng)
        sizes = [nin, *nouts]
        self.layers = [Layer(a, b, nonlin=i < len(nouts), rng=rng, activation=activation)
                       for i, (a, b) in enumerate(zip(sizes, nouts, strict=False), start=1)]

    def __call__(self, x: Any) -> Any:
        """The output of the last layer for one row of inputs."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"
