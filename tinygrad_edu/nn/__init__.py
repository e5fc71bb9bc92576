"""Neural networks: modules on Values, layers on arrays, losses."""

from .layers import Linear, ReLU, Sequential, Sigmoid, Tanh
from .losses import cross_entropy, hinge_loss, mse_loss
from .module import Module
from .scalar import MLP, Layer, Neuron

__all__ = [
    "MLP",
    "Layer",
    "Linear",
    "Module",
    "Neuron",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "cross_entropy",
    "hinge_loss",
    "mse_loss",
]
