"""The twins themselves: what a module on Values is on Tensors, and the other way round.

    Neuron, Layer      Linear, or Sequential(Linear, activation)
    MLP                Sequential of these, one after the other
    ScalarRNNCell      RNNCell
    ScalarConv2d       Conv2d, without dilation and groups

`Module.to_tensors` and `Module.to_values` look them up. Weights are copied: Tensors in the default dtype, Values in
float64. Where an array layer has no bias, the biases of its twin are plain zeros, which are no parameters.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..bridges import flatten
from ..errors import UnsupportedError
from ..tensor import Tensor
from ..value import Value
from .activations import NAMED
from .convolution import Conv2d
from .families import TO_TENSORS, TO_VALUES, twin_of
from .layers import Linear, Sequential
from .module import Module
from .recurrent import RNNCell
from .scalar import MLP, Layer, Neuron
from .scalar_cells import ScalarConv2d, ScalarRNNCell, values_of

# ---- parameters ----------------------------------------------------------------------------------------------------


def _tensor(values: Any, owner: Module) -> Tensor | None:
    """The parameter of these nested lists of Values; None of plain zeros."""
    shape, items = flatten(values)
    nodes = [x for x in items if isinstance(x, Value)]
    if not nodes and not any(items):
        return None
    frozen = {not node.requires_grad for node in nodes}
    if len(nodes) < len(items) or len(frozen) > 1:
        raise UnsupportedError(f"{type(owner).__name__} has no twin on Tensors: the numbers that would make up one "
                               "must all be Values, and all or none of them require gradients", nodes)
    data = np.array([node.data for node in nodes]).reshape(shape)
    return Tensor(data, requires_grad=frozen == {False}, dtype=ops.default_dtype())


def _values(parameter: Any, shape: Sequence[int]) -> Any:
    """The Values of this parameter, in nested lists; plain zeros where there is none."""
    if parameter is None:
        return np.zeros(shape).tolist()
    return values_of(parameter.data, parameter.requires_grad)


# ---- activations ---------------------------------------------------------------------------------------------------


def _as_module(function: Callable[[Any], Any], owner: Module) -> Any:
    """The module of a neuron's activation."""
    for name, kind in NAMED.items():
        if function is getattr(ops, name):
            return kind()
        if type(function) is kind:
            return copy.copy(function)
    raise UnsupportedError(f"{type(owner).__name__} has no twin on Tensors: its activation {function!r} has none. "
                           f"There are twins of {', '.join(NAMED)}")


def _as_function(layer: Any) -> Callable[[Any], Any] | None:
    """What an activation on arrays is in a neuron: its function in ops, with settings of its own a copy of the module.

    None of what is no activation.
    """
    for name, kind in NAMED.items():
        function: Callable[[Any], Any] = getattr(ops, name)
        if layer is function or (type(layer) is kind and _settings(layer) == _settings(kind())):
            return function
        if type(layer) is kind:
            copied: Callable[[Any], Any] = copy.copy(layer)
            return copied
    return None


def _settings(layer: Module) -> dict[str, Any]:
    return {name: setting for name, setting in vars(layer).items() if name != "training"}


# ---- neurons -------------------------------------------------------------------------------------------------------


def _parts(neurons: Sequence[Neuron], owner: Module) -> list[Any]:
    """A Linear, and the activation that follows if there is one."""
    kinds = {(len(neuron.w), neuron.activation if neuron.nonlin else None) for neuron in neurons}
    if len(kinds) > 1:
        raise UnsupportedError(f"{type(owner).__name__} has no twin on Tensors: the neurons of a layer differ in the "
                               "number of inputs or the activation")
    (nin, activation), = kinds
    linear: Any = Linear(nin, len(neurons), rng=0)
    linear.weight = _tensor([neuron.w for neuron in neurons], owner)
    linear.bias = _tensor([neuron.b for neuron in neurons], owner)
    return [linear] if activation is None else [linear, _as_module(activation, owner)]


@twin_of(Neuron, TO_TENSORS)
def _neuron_on_tensors(neuron: Neuron) -> Any:
    return _alone(_parts([neuron], neuron))


@twin_of(Layer, TO_TENSORS)
def _layer_on_tensors(layer: Layer) -> Any:
    return _alone(_parts(layer.neurons, layer))


def _alone(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else Sequential(*parts)


@twin_of(MLP, TO_TENSORS)
def _mlp_on_tensors(mlp: MLP) -> Module:
    return Sequential(*[part for layer in mlp.layers for part in _parts(layer.neurons, mlp)])


@twin_of(Linear, TO_VALUES)
def _linear_on_values(linear: Linear, activation: Callable[[Any], Any] | None = None) -> Layer:
    nout, nin = linear.weight.shape
    layer = Layer(nin, nout, rng=0, nonlin=activation is not None, activation=activation or "relu")
    rows, biases = _values(linear.weight, (nout, nin)), _values(linear.bias, (nout,))
    for neuron, row, bias in zip(layer.neurons, rows, biases, strict=True):
        neuron.w, neuron.b = row, bias
    return layer


@twin_of(Sequential, TO_VALUES)
def _sequential_on_values(model: Sequential) -> Module:
    """An MLP; of a single Linear with an activation, as a Layer has it, this Layer."""
    layers, waiting = [], list(model.layers)
    while waiting:
        linear = waiting.pop(0)
        if type(linear) is not Linear:
            raise UnsupportedError(f"Sequential has no twin on Values: its layer {len(model) - len(waiting) - 1} is "
                                   f"{linear!r}, where a Linear is wanted; after each there may be one activation: "
                                   f"{', '.join(NAMED)}")
        activation = _as_function(waiting[0]) if waiting else None
        layers.append(_linear_on_values(linear, activation))
        del waiting[:activation is not None]
    if len(layers) == 1 and len(model) == 2:
        return layers[0]
    mlp = MLP(1, [])
    mlp.layers = layers
    return mlp


# ---- recurrence and convolution ------------------------------------------------------------------------------------


@twin_of(ScalarRNNCell, TO_TENSORS)
def _scalar_cell_on_tensors(cell: ScalarRNNCell) -> RNNCell:
    twin = RNNCell(len(cell.weight_ih[0]), len(cell.bias_ih), nonlinearity=cell.nonlinearity, rng=0)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(twin, name, _tensor(getattr(cell, name), cell))
    if (twin.bias_ih is None) != (twin.bias_hh is None):
        raise UnsupportedError("ScalarRNNCell has no twin on Tensors: an RNNCell has both biases or none")
    return twin


@twin_of(RNNCell, TO_VALUES)
def _cell_on_values(cell: RNNCell) -> ScalarRNNCell:
    nhidden, nin = cell.weight_ih.shape
    twin = ScalarRNNCell(nin, nhidden, cell.nonlinearity, rng=0)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(twin, name, _values(getattr(cell, name), (nhidden,)))
    return twin


@twin_of(ScalarConv2d, TO_TENSORS)
def _scalar_convolution_on_tensors(layer: ScalarConv2d) -> Any:
    twin: Any = Conv2d(len(layer.weight[0]), len(layer.weight), layer.kernel_size, layer.stride, layer.padding, rng=0)
    twin.weight, twin.bias = _tensor(layer.weight, layer), _tensor(layer.bias, layer)
    return twin


@twin_of(Conv2d, TO_VALUES)
def _convolution_on_values(layer: Conv2d) -> ScalarConv2d:
    if layer.groups != 1 or set(np.ravel(layer.dilation)) != {1}:
        raise UnsupportedError(f"{layer!r} has no twin on Values, where kernels take neighbours (dilation=1) of all "
                               "channels (groups=1)")
    out_channels, in_channels, *size = layer.weight.shape
    twin = ScalarConv2d(in_channels, out_channels, size, layer.stride, layer.padding, rng=0)
    twin.weight, twin.bias = _values(layer.weight, ()), _values(layer.bias, (out_channels,))
    return twin
