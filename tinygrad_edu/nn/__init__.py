"""Neural networks: modules on Values, layers on arrays, losses."""

from .attention import MultiHeadAttention, attention
from .layers import Linear, ReLU, Sequential, Sigmoid, Tanh
from .losses import cross_entropy, hinge_loss, mse_loss
from .module import Module
from .recurrent import GRUCell, LSTMCell, RNNCell
from .scalar import MLP, Layer, Neuron
from .sequences import GRU, LSTM, RNN

__all__ = [
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "GRUCell",
    "LSTMCell",
    "Layer",
    "Linear",
    "Module",
    "MultiHeadAttention",
    "Neuron",
    "RNNCell",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "attention",
    "cross_entropy",
    "hinge_loss",
    "mse_loss",
]
