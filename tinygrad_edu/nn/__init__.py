"""Neural networks: modules on Values, layers on arrays, losses."""

from .activations import ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from .layers import Linear, Residual, Sequential
from .lookup import Embedding, embedding
from .losses import cross_entropy, hinge_loss, mse_loss
from .module import Module
from .normalisation import BatchNorm1d, BatchNorm2d, LayerNorm, batch_norm, layer_norm
from .regularisation import Dropout, dropout
from .scalar import MLP, Layer, Neuron

__all__ = [
    "ELU",
    "GELU",
    "MLP",
    "BatchNorm1d",
    "BatchNorm2d",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Module",
    "Neuron",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "batch_norm",
    "cross_entropy",
    "dropout",
    "embedding",
    "hinge_loss",
    "layer_norm",
    "mse_loss",
]
