"""Neural networks: modules on Values, layers on arrays, losses, metrics, initial weights."""

from . import init, twins
from .activations import ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from .attention import MultiHeadAttention, attention
from .convolution import Conv1d, Conv2d, conv1d, conv2d
from .layers import Flatten, Linear, Residual, Sequential
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
from .pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d, avg_pool2d, max_pool2d
from .recurrent import GRUCell, LSTMCell, RNNCell
from .regularisation import Dropout, dropout
from .scalar import MLP, Layer, Neuron
from .scalar_cells import ScalarConv2d, ScalarRNNCell
from .sequences import GRU, LSTM, RNN
from .transformer import TransformerBlock

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "LSTMCell",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "Neuron",
    "RNNCell",
    "ReLU",
    "Residual",
    "ScalarConv2d",
    "ScalarRNNCell",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "TransformerBlock",
    "accuracy",
    "attention",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "confusion_matrix",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "dropout",
    "embedding",
    "hinge_loss",
    "huber_loss",
    "init",
    "l1_loss",
    "layer_norm",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "r2",
    "twins",
]
