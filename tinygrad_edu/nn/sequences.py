"""RNN, GRU and LSTM over whole sequences: a Python loop over a cell, for each layer and direction."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..errors import DataError, ShapeError
from ..node import Node
from ..ops.defaults import Rng
from ..ops.selections import array_or_node
from .module import Module
from .recurrent import (
    Cell,
    GRUCell,
    LSTMCell,
    RNNCell,
    check_nonlinearity,
    check_sizes,
    checked_state,
    parameter_shapes,
    uniform,
)


class Recurrent(Module):
    """Base of the recurrent networks: layers of cells, each on the outputs of the one before.

    A network holds its parameters under PyTorch's names: ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``,
    ``bias_hh_l0``, then those of the layers 1, 2, ...; with ``_reverse`` behind for the direction from the
    end. From the second layer on weight_ih takes the outputs of all directions.
    """

    cell: ClassVar[type[Cell]]

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, bidirectional: bool = False, rng: Rng = None) -> None:
        check_sizes(type(self).__name__, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        rng = ops.generator(rng)
        for layer in range(num_layers):
            size = hidden_size * len(self._directions) if layer else input_size
            for direction in self._directions:
                for name, shape in parameter_shapes(size, hidden_size, self.cell.gates, bias).items():
                    parameter = None if shape is None else uniform(shape, hidden_size, rng)
                    setattr(self, f"{name}_l{layer}{direction}", parameter)

    @property
    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """The outputs of the last layer at every step, and the last states of all layers.

        Args:
            x: the inputs (steps, batch, input_size); (batch, steps, input_size) where `batch_first`;
                (steps, input_size) without a batch.
            state: the states to start from (num_layers * directions, batch, hidden_size), layer by layer, in
                each the direction from the start first; zeros, where None. Of an LSTM a pair (h, c) of them.
            lengths: how many steps each sequence of the batch has; all, where None. Beyond, x does not matter
                and the outputs are 0; the last state is that after the last step; the reverse direction
                starts at it.

        Returns:
            The outputs, in the layout of x, with hidden_size * directions in the last axis; and the last
            states, in the shape of `state`.

        Raises:
            ShapeError: x, the state or the lengths are of another shape, or there is no step.
        """
        x = self._checked(x)
        if self.batch_first and x.ndim == 3:
            x = ops.swapaxes(x, 0, 1)
        masks = self._masks(lengths, x)
        if masks is not None:
            x = ops.where(masks, x, 0.0)
        batch = x.shape[1:-1]
        first = self._first_states(state, batch)
        last: list[Any] = []
        for layer in range(self.num_layers):
            ways = []
            for direction in self._directions:
                cell = self._cell(layer, direction)
                begin = cell.start(batch) if first is None else first[len(last)]
                outputs, end = unrolled(cell, x, begin, masks, backwards=bool(direction))
                ways.append(outputs)
                last.append(end)
            x = ways[0] if len(ways) == 1 else ops.concatenate(ways, axis=-1)
        return ops.swapaxes(x, 0, 1) if self.batch_first and batch else x, self._last_states(last)

    def _cell(self, layer: int, direction: str) -> Cell:
        """A cell that shares the parameters of one layer and direction."""
        cell = self.cell.__new__(self.cell)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            setattr(cell, name, getattr(self, f"{name}_l{layer}{direction}"))
        return cell

    def _first_states(self, state: Any, batch: tuple[int, ...]) -> list[Any] | None:
        """The states to start from, one for each layer and direction."""
        if state is None:
            return None
        count = self.num_layers * len(self._directions)
        given = checked_state(self, state, self.cell.parts, (count, *batch, self.hidden_size))
        if self.cell.parts == 1:
            return [given[k] for k in range(count)]
        return [tuple(part[k] for part in given) for k in range(count)]

    def _last_states(self, last: list[Any]) -> Any:
        if self.cell.parts == 1:
            return ops.stack(last)
        return tuple(ops.stack(parts) for parts in zip(*last, strict=True))

    def _checked(self, x: Any) -> Any:
        x = array_or_node(x)
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            axes = "batch, steps" if self.batch_first else "steps, batch"
            raise ShapeError(f"{self!r} takes inputs of shape ({axes}, {self.input_size}), or (steps, "
                             f"{self.input_size}) without a batch, not {x.shape}")
        if not x.shape[1 if self.batch_first and x.ndim == 3 else 0]:
            raise ShapeError(f"{self!r}: inputs of shape {x.shape} have no step")
        return x

    def _masks(self, lengths: Any, x: Any) -> NDArray[np.bool_] | None:
        """For each step and sequence whether the one belongs to the other, (steps, batch, 1)."""
        if lengths is None:
            return None
        if isinstance(lengths, Node) or (lengths := np.asarray(lengths)).dtype.kind not in "iu":
            raise DataError(f"{self!r}: the lengths must be plain integers, one for each sequence")
        if x.ndim == 2 or lengths.shape != x.shape[1:2]:
            raise ShapeError(f"{self!r}: lengths of shape {lengths.shape} for a batch of shape {x.shape[1:-1]}; there "
                             "must be one for each sequence of a batch")
        if lengths.size and not (lengths.min() >= 0 and lengths.max() <= x.shape[0]):
            raise ShapeError(f"{self!r}: lengths from {lengths.min()} to {lengths.max()}, but there are {x.shape[0]} "
                             "steps")
        masks: NDArray[np.bool_] = (np.arange(x.shape[0])[:, None] < lengths)[..., None]
        return masks

    def __repr__(self) -> str:
        options = [f"{name}={value}" for name, value, usual in (
            ("num_layers", self.num_layers, 1), ("bias", self.bias, True), ("batch_first", self.batch_first, False),
            ("bidirectional", self.bidirectional, False)) if value != usual]
        return f"{type(self).__name__}({', '.join([str(self.input_size), str(self.hidden_size), *options])})"


def unrolled(cell: Cell, x: Any, state: Any, masks: NDArray[np.bool_] | None, backwards: bool) -> tuple[Any, Any]:
    """The hidden states after each step of a cell, in the order of the inputs x (steps, ..., size), and the last state.

    The inputs of all steps are multiplied at once: a product of one large matrix costs less than many of small ones.
    """
    steps, weights = x.shape[0], cell.weights()
    seen = cell.seen(ops.reshape(x, (-1, x.shape[-1])), weights)
    seen = ops.reshape(seen, (*x.shape[:-1], seen.shape[-1]))
    outputs: list[Any] = [None] * steps
    for t in reversed(range(steps)) if backwards else range(steps):
        new = cell.step(seen[t], state, weights)
        here = None if masks is None or masks[t].all() else masks[t]
        state = new if here is None else _kept(here, new, state)
        h = state if cell.parts == 1 else state[0]
        outputs[t] = h if here is None else ops.where(here, h, 0.0)
    return ops.stack(outputs), state


def _kept(mask: NDArray[np.bool_], new: Any, old: Any) -> Any:
    """The new state of the sequences that have this step, the old one of the others."""
    if isinstance(new, tuple):
        return tuple(ops.where(mask, *pair) for pair in zip(new, old, strict=True))
    return ops.where(mask, new, old)


# ---- the networks --------------------------------------------------------------------------------------------------


class RNN(Recurrent):
    """Layers of `RNNCell`: h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh) (Elman, 1990).

    Called as ``outputs, h = rnn(x)``, ``rnn(x, h)`` or ``rnn(x, lengths=[...])``.
    Shapes: x (steps, batch, input_size) -> outputs (steps, batch, directions * hidden_size) and
    h (num_layers * directions, batch, hidden_size); see `forward`.

    Args:
        input_size: the size of the last axis of x.
        hidden_size: the size of the state of a layer and direction.
        num_layers: how many layers there are, one on top of the other.
        nonlinearity: "tanh" or "relu".
        bias: whether there are biases.
        batch_first: whether x and the outputs are (batch, steps, size).
        bidirectional: whether each layer also runs from the last step to the first.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> import numpy as np
    >>> outputs, h = RNN(3, 4, num_layers=2)(np.ones((10, 5, 3)))
    >>> outputs.shape, h.shape
    ((10, 5, 4), (2, 5, 4))
    """

    cell = RNNCell

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
                 bias: bool = True, batch_first: bool = False, bidirectional: bool = False, rng: Rng = None) -> None:
        check_nonlinearity(type(self).__name__, nonlinearity)
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, bidirectional, rng)

    def _cell(self, layer: int, direction: str) -> Cell:
        cell = super()._cell(layer, direction)
        cell.nonlinearity = self.nonlinearity  # type: ignore[attr-defined] # it is an RNNCell
        return cell


class GRU(Recurrent):
    """Layers of `GRUCell`, gated recurrent units (Cho et al., 2014).

    Called as ``outputs, h = gru(x)``, ``gru(x, h)`` or ``gru(x, lengths=[...])``.
    Shapes: x (steps, batch, input_size) -> outputs (steps, batch, directions * hidden_size) and
    h (num_layers * directions, batch, hidden_size); see `forward`.

    Args:
        input_size: the size of the last axis of x.
        hidden_size: the size of the state of a layer and direction.
        num_layers: how many layers there are, one on top of the other.
        bias: whether there are biases.
        batch_first: whether x and the outputs are (batch, steps, size).
        bidirectional: whether each layer also runs from the last step to the first.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> import numpy as np
    >>> outputs, h = GRU(3, 4, bidirectional=True)(np.ones((10, 5, 3)))
    >>> outputs.shape, h.shape
    ((10, 5, 8), (2, 5, 4))
    """

    cell = GRUCell


class LSTM(Recurrent):
    """Layers of `LSTMCell`, long short-term memories (Hochreiter and Schmidhuber, 1997).

    Called as ``outputs, (h, c) = lstm(x)``, ``lstm(x, (h, c))`` or ``lstm(x, lengths=[...])``.
    Shapes: x (steps, batch, input_size) -> outputs (steps, batch, directions * hidden_size), and h and c
    (num_layers * directions, batch, hidden_size) each; see `forward`.

    Args:
        input_size: the size of the last axis of x.
        hidden_size: the size of h and c of a layer and direction.
        num_layers: how many layers there are, one on top of the other.
        bias: whether there are biases.
        batch_first: whether x and the outputs are (batch, steps, size).
        bidirectional: whether each layer also runs from the last step to the first.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> import numpy as np
    >>> outputs, (h, c) = LSTM(3, 4, batch_first=True)(np.ones((5, 10, 3)), lengths=[10, 7, 7, 2, 1])
    >>> outputs.shape, h.shape, c.shape
    ((5, 10, 4), (1, 5, 4), (1, 5, 4))
    """

    cell = LSTMCell
