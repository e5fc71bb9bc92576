"""Recurrent cells: pure steps from an input and a state to the next state, in PyTorch's parameter layouts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops.defaults import Rng
from ..ops.selections import array_or_node
from ..tensor import Tensor
from .module import Module

NONLINEARITIES: dict[str, Callable[[Any], Any]] = {"tanh": ops.tanh, "relu": ops.relu}
"""What an `RNNCell` may put its sum through."""


class Weights(NamedTuple):
    """The parameters of a cell as its steps use them, made once for all steps of a sequence.

    Attributes:
        ih: the weights of the input, transposed: (input_size, gates * hidden_size).
        hh: the weights of the state, transposed: (hidden_size, gates * hidden_size).
        bias_ih: added to the product of the input, or None.
        bias_hh: added to the product of the state, or None.
    """

    ih: Any
    hh: Any
    bias_ih: Any
    bias_hh: Any


class Cell(Module):
    """Base of the cells: a step from (x, state) to the next state.

    Attributes:
        gates: how many vectors of `hidden_size` a step computes from x.
        parts: how many vectors of `hidden_size` the state has.
    """

    gates: int = 1
    parts: int = 1

    weight_ih: Any
    weight_hh: Any
    bias_ih: Any
    bias_hh: Any

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, rng: Rng = None) -> None:
        check_sizes(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        rng = ops.generator(rng)
        for name, shape in parameter_shapes(input_size, hidden_size, self.gates, bias).items():
            setattr(self, name, None if shape is None else uniform(shape, hidden_size, rng))

    def forward(self, x: Any, state: Any = None) -> Any:
        """The state after `state` (zeros, where None) has seen x.

        Args:
            x: the input (batch, input_size), or (input_size,).
            state: what an earlier step gave.

        Raises:
            ShapeError: x or the state is of another shape.
        """
        x = array_or_node(x)
        hidden_size, input_size = self.weight_hh.shape[1], self.weight_ih.shape[1]
        if x.ndim not in (1, 2) or x.shape[-1] != input_size:
            raise ShapeError(f"{self!r} takes inputs of shape ({input_size},) or (batch, {input_size}), not {x.shape}")
        given = None if state is None else checked_state(self, state, self.parts, (*x.shape[:-1], hidden_size))
        weights = self.weights()
        return self.step(self.seen(x, weights), self.start(x.shape[:-1]) if given is None else given, weights)

    def seen(self, x: Any, weights: Weights) -> Any:
        """The share of the input in what a step adds up; of all steps of a sequence at once, as no state is in it."""
        return _affine(x, weights.ih, weights.bias_ih)

    def step(self, seen: Any, state: Any, weights: Weights) -> Any:
        """The next state, of what `seen` gave for a step and the state, which have been checked."""
        raise NotImplementedError  # pragma: no cover - each cell has its own

    def weights(self) -> Weights:
        """The parameters for `step`: the biases of input and state, which meet in a sum, are added once."""
        bias = self.bias_ih if self.bias_hh is None else self.bias_ih + self.bias_hh
        return Weights(self.weight_ih.T, self.weight_hh.T, bias, None)

    def start(self, batch: tuple[int, ...]) -> Any:
        """The state before the first step: zeros."""
        zeros = np.zeros((*batch, self.weight_hh.shape[1]), self.weight_hh.dtype)
        return zeros if self.parts == 1 else (zeros,) * self.parts

    def __repr__(self) -> str:
        bias = "" if self.bias_ih is not None else ", bias=False"
        return f"{type(self).__name__}({self.weight_ih.shape[1]}, {self.weight_hh.shape[1]}{bias})"


def check_sizes(name: str, **sizes: int) -> None:
    """Raise where a size is below 1."""
    if any(size < 1 for size in sizes.values()):
        raise ShapeError(f"{name}: sizes must be at least 1, not " + ", ".join(f"{k}={n}" for k, n in sizes.items()))


def parameter_shapes(input_size: int, hidden_size: int, gates: int, bias: bool) -> dict[str, Any]:
    """The parameters of a cell by name, in PyTorch's order: their shapes, None for a bias that is not wanted."""
    rows = gates * hidden_size
    return {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,) if bias else None, "bias_hh": (rows,) if bias else None}


def uniform(shape: tuple[int, ...], hidden_size: int, rng: np.random.Generator) -> Tensor:
    """A parameter that starts uniform in (-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
    bound = 1.0 / math.sqrt(hidden_size)
    return Tensor(rng.uniform(-bound, bound, shape), dtype=ops.default_dtype())


def checked_state(owner: Any, state: Any, parts: int, shape: tuple[int, ...]) -> Any:
    """The state as arrays or nodes, or a ShapeError: one of `shape`, or a pair of them."""
    if parts == 1:
        if isinstance(state, tuple) or (h := array_or_node(state)).shape != shape:
            given = "a tuple" if isinstance(state, tuple) else f"{h.shape}"
            raise ShapeError(f"{owner!r}: the state h must be of shape {shape}, not {given}")
        return h
    if not isinstance(state, (tuple, list)) or len(state) != parts:
        raise ShapeError(f"{owner!r}: the state is a pair (h, c), each of shape {shape}")
    pair = tuple(map(array_or_node, state))
    for name, part in zip("hc", pair, strict=True):
        if part.shape != shape:
            raise ShapeError(f"{owner!r}: the {name} of the state (h, c) must be of shape {shape}, not {part.shape}")
    return pair


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    y = ops.matmul(x, weight)
    return y if bias is None else y + bias


# ---- the cells -----------------------------------------------------------------------------------------------------


class RNNCell(Cell):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh): the simple recurrent network (Elman, 1990).

    Shapes: x (batch, input_size) or (input_size,), h and h' (batch, hidden_size) or (hidden_size,);
    weight_ih (hidden_size, input_size), weight_hh (hidden_size, hidden_size), bias_ih and bias_hh
    (hidden_size,). All start uniform in (-1/sqrt(hidden_size), 1/sqrt(hidden_size)), as in PyTorch.

    Args:
        input_size: the size of the last axis of x.
        hidden_size: the size of the last axis of the state.
        bias: whether there are biases.
        nonlinearity: "tanh" or "relu".
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> import numpy as np
    >>> cell, h = RNNCell(3, 4), None
    >>> for x in np.ones((10, 5, 3)):
    ...     h = cell(x, h)
    >>> h.shape
    (5, 4)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
                 rng: Rng = None) -> None:
        check_nonlinearity(type(self).__name__, nonlinearity)
        super().__init__(input_size, hidden_size, bias, rng)
        self.nonlinearity = nonlinearity

    def step(self, seen: Any, state: Any, weights: Weights) -> Any:
        return NONLINEARITIES[self.nonlinearity](seen + ops.matmul(state, weights.hh))


def check_nonlinearity(name: str, nonlinearity: str) -> None:
    """Raise where it is none of `NONLINEARITIES`."""
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f'{name}: nonlinearity must be "tanh" or "relu", not {nonlinearity!r}')


class GRUCell(Cell):
    """The gated recurrent unit (Cho et al., 2014), with the reset gate behind the product, as in PyTorch.

    r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
    z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
    n = tanh(W_in x + b_in + r (W_hn h + b_hn))
    h' = (1 - z) n + z h

    Shapes: x (batch, input_size) or (input_size,), h and h' (batch, hidden_size) or (hidden_size,);
    weight_ih (3 hidden_size, input_size), weight_hh (3 hidden_size, hidden_size), bias_ih and bias_hh
    (3 hidden_size,), each with the rows of r, z and n one after the other. All start uniform in
    (-1/sqrt(hidden_size), 1/sqrt(hidden_size)).

    Args:
        input_size: the size of the last axis of x.
        hidden_size: the size of the last axis of the state.
        bias: whether there are biases.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> import numpy as np
    >>> GRUCell(3, 4)(np.ones((5, 3))).shape
    (5, 4)
    """

    gates = 3

    def step(self, seen: Any, state: Any, weights: Weights) -> Any:
        from_h = _affine(state, weights.hh, weights.bias_hh)
        n = state.shape[-1]
        gates = ops.sigmoid(seen[..., :2 * n] + from_h[..., :2 * n])
        r, z = gates[..., :n], gates[..., n:]
        new = ops.tanh(seen[..., 2 * n:] + r * from_h[..., 2 * n:])
        return new + z * (state - new)

    def weights(self) -> Weights:
        """The parameters for `step`: the reset gate multiplies the bias of the state too, which stays by itself."""
        return Weights(self.weight_ih.T, self.weight_hh.T, self.bias_ih, self.bias_hh)


class LSTMCell(Cell):
    """The long short-term memory (Hochreiter and Schmidhuber, 1997), with forget gates.

    i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)
    f = sigmoid(W_if x + b_if + W_hf h + b_hf)
    g = tanh(W_ig x + b_ig + W_hg h + b_hg)
    o = sigmoid(W_io x + b_io + W_ho h + b_ho)
    c' = f c + i g
    h' = o tanh(c')

    The state is the pair (h, c). Shapes: x (batch, input_size) or (input_size,), h and c (batch,
    hidden_size) or (hidden_size,); weight_ih (4 hidden_size, input_size), weight_hh (4 hidden_size,
    hidden_size), bias_ih and bias_hh (4 hidden_size,), each with the rows of i, f, g and o one after the
    other. All start uniform in (-1/sqrt(hidden_size), 1/sqrt(hidden_size)).

    Args:
        input_size: the size of the last axis of x.
        hidden_size: the size of the last axis of h and c.
        bias: whether there are biases.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> import numpy as np
    >>> h, c = LSTMCell(3, 4)(np.ones((5, 3)))
    >>> h.shape, c.shape
    ((5, 4), (5, 4))
    """

    gates = 4
    parts = 2

    def step(self, seen: Any, state: Any, weights: Weights) -> Any:
        h, c = state
        gates = ops.lstm_gates(seen + ops.matmul(h, weights.hh))
        c = ops.lstm_memory(gates, c)
        return ops.lstm_hidden(gates, ops.tanh(c)), c
