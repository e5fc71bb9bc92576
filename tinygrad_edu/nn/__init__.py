"""Neural networks: modules on Values, layers on arrays, losses."""

from .convolution import Conv1d, Conv2d, conv1d, conv2d
from .layers import Flatten, Linear, ReLU, Sequential, Sigmoid, Tanh
from .losses import cross_entropy, hinge_loss, mse_loss
from .module import Module
from .pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d, avg_pool2d, max_pool2d
from .scalar import MLP, Layer, Neuron

__all__ = [
    "MLP",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "Conv1d",
    "Conv2d",
    "Flatten",
    "Layer",
    "Linear",
    "MaxPool2d",
    "Module",
    "Neuron",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "avg_pool2d",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "hinge_loss",
    "max_pool2d",
    "mse_loss",
]
