"""Neural networks: modules on Values, layers on arrays, losses, metrics, initial weights."""

from . import init
from .activations import ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from .layers import Linear, Residual, Sequential
from .lookup import Embedding, embedding
from .losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
)
from .metrics import accuracy, confusion_matrix, r2
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
    "accuracy",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "confusion_matrix",
    "cross_entropy",
    "dropout",
    "embedding",
    "hinge_loss",
    "huber_loss",
    "init",
    "l1_loss",
    "layer_norm",
    "mse_loss",
    "nll_loss",
    "r2",
]
