"""A block of a transformer: attention, then a small network at each step, both around a residual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ops.defaults import Rng
from ..ops.selections import array_or_node
from .activations import function_of
from .attention import MultiHeadAttention
from .layers import Linear
from .module import Module, shown
from .normalisation import LayerNorm
from .regularisation import Dropout


class TransformerBlock(Module):
    """Attention over all steps, then the same network at each: x (..., steps, embed_dim) -> y of the same shape.

    With norm_first (Xiong et al., 2020), where signals pass the block unchanged and training needs no warm-up:

        h = x + drop(attention(norm1(x)))
        y = h + drop(linear2(drop(phi(linear1(norm2(h))))))

    Without, as in the paper that brought transformers (Vaswani et al., 2017):

        h = norm1(x + drop(attention(x)))
        y = norm2(h + drop(linear2(drop(phi(linear1(h))))))

    attention is a `MultiHeadAttention` of x on itself, norm1 and norm2 are `LayerNorm`. It is PyTorch's
    TransformerEncoderLayer with ``batch_first=True``, whose names and layouts of parameters it has (self_attn,
    linear1, linear2, norm1, norm2); only the weights of attention are not dropped. With causal, a block of a language
    model: no step sees those after it.

    Args:
        embed_dim: the size of the last axis of x and y.
        num_heads: how many heads attention has; they share embed_dim equally.
        hidden_dim: the size between linear1 and linear2; None for 4 embed_dim.
        dropout: the probability with which `drop` leaves a number out in training.
        causal: whether a step sees itself and those before alone.
        norm_first: whether the norms stand before attention and network, or behind the sums.
        activation: phi, by its name in ops, such as "relu" or "gelu"; or a function.
        rng: where weights and dropout come from: a generator, a seed, or None for the default generator.

    Raises:
        ShapeError: embed_dim does not divide into the heads, or hidden_dim is below 1.

    >>> import numpy as np
    >>> block = TransformerBlock(8, 2, causal=True, rng=0)
    >>> block, block(np.ones((5, 10, 8))).shape
    (TransformerBlock(8, 2, causal=True), (5, 10, 8))
    """

    def __init__(self, embed_dim: int, num_heads: int, hidden_dim: int | None = None, dropout: float = 0.0,
                 causal: bool = False, norm_first: bool = True, activation: str | Callable[[Any], Any] = "relu",
                 rng: Rng = None) -> None:
        who, hidden_dim = type(self).__name__, 4 * embed_dim if hidden_dim is None else hidden_dim
        self.activation, self.norm_first = function_of(activation, who), norm_first
        rng = None if rng is None else ops.generator(rng)  # one for all: a seed would give some equal weights
        try:
            self.self_attn = MultiHeadAttention(embed_dim, num_heads, causal, rng=rng)
            self.linear1 = Linear(embed_dim, hidden_dim, rng=rng)
            self.dropout = Dropout(dropout, rng)
            self.linear2 = Linear(hidden_dim, embed_dim, rng=rng)
        except ShapeError as error:
            raise ShapeError(f"{who}: {error}") from None
        self.norm1, self.norm2 = LayerNorm(embed_dim), LayerNorm(embed_dim)

    def forward(self, x: Any) -> Any:
        """x, with what attention and the network add to it.

        Raises:
            ShapeError: x is not of shape (..., steps, embed_dim).
        """
        x, (size,) = array_or_node(x), self.norm1.normalized_shape
        if x.ndim < 2 or x.shape[-1] != size:
            raise ShapeError(f"{self!r} takes inputs of shape (..., steps, {size}), not {x.shape}")
        if self.norm_first:
            x = x + self.dropout(self.self_attn(self.norm1(x)))
            return x + self._network(self.norm2(x))
        x = self.norm1(x + self.dropout(self.self_attn(x)))
        return self.norm2(x + self._network(x))

    def _network(self, x: Any) -> Any:
        return self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))

    def __repr__(self) -> str:
        hidden_dim, embed_dim = self.linear1.weight.shape
        function = getattr(self.activation, "__name__", self.activation)
        return shown("TransformerBlock", embed_dim, self.self_attn.num_heads, hidden_dim=(hidden_dim, 4 * embed_dim),
                     dropout=(self.dropout.p, 0.0), causal=(self.self_attn.causal, False),
                     norm_first=(self.norm_first, True), activation=(function, "relu"))
