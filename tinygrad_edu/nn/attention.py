"""Attention: each position looks at all others, and takes from them in proportion to how well they fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops.defaults import Rng
from ..ops.selections import array_or_node
from ..tensor import Tensor
from .layers import Linear
from .module import Module


def attention(query: Any, key: Any, value: Any, causal: bool = False) -> Any:
    """softmax(Q K^T / sqrt(d)) V: for each query, the mean of the values weighted by how well their keys fit it.

    Scaled dot-product attention (Vaswani et al., 2017).

    Args:
        query: Q (..., queries, d).
        key: K (..., keys, d).
        value: V (..., keys, size).
        causal: whether query i sees the keys 0 to i alone.

    Returns:
        An array or Tensor (..., queries, size).

    Raises:
        ShapeError: the sizes do not go together.

    >>> attention(np.zeros((1, 2)), np.zeros((2, 2)), np.array([[1.0], [3.0]]))
    array([[2.]])
    """
    query, key, value = map(array_or_node, (query, key, value))
    shapes = query.shape, key.shape, value.shape
    if min(map(len, shapes)) < 2 or shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise ShapeError(f"attention: queries (..., queries, d), keys (..., keys, d) and values (..., keys, size) are "
                         f"wanted, not {shapes[0]}, {shapes[1]} and {shapes[2]}")
    scores = ops.matmul(query * (1.0 / math.sqrt(query.shape[-1])), ops.swapaxes(key, -1, -2))
    if causal:
        scores = ops.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -math.inf)
    return ops.matmul(ops.softmax(scores), value)


class MultiHeadAttention(Module):
    """Several attentions side by side, each on a projection of its own (Vaswani et al., 2017).

    head_i = softmax(Q_i K_i^T / sqrt(d)) V_i, y = [head_1, head_2, ...] W_o^T + b_o, with d = embed_dim / num_heads
    and the queries, keys and values Q = x W_q^T + b_q, K = x W_k^T + b_k, V = x W_v^T + b_v, cut into heads.

    Shapes: x (..., steps, embed_dim) -> y (..., steps, embed_dim), as PyTorch's MultiheadAttention with
    ``batch_first=True``; in_proj_weight (3 embed_dim, embed_dim) and in_proj_bias (3 embed_dim,) hold the rows of
    queries, keys and values one after the other; out_proj is a `Linear`. As in PyTorch in_proj_weight starts uniform
    in +-sqrt(6 / (4 embed_dim)), the biases start at 0.

    Args:
        embed_dim: the size of the last axis of x and y.
        num_heads: how many heads there are; they share embed_dim equally.
        causal: whether a step sees itself and those before alone.
        bias: whether the projections have biases.
        rng: where the weights come from: a generator, a seed, or None for the default generator.

    >>> MultiHeadAttention(8, 2, causal=True)(np.ones((5, 10, 8))).shape
    (5, 10, 8)
    """

    def __init__(self, embed_dim: int, num_heads: int, causal: bool = False, bias: bool = True,
                 rng: Rng = None) -> None:
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ShapeError(f"MultiHeadAttention: embed_dim {embed_dim} does not divide into {num_heads} heads")
        rng, dtype = ops.generator(rng), ops.default_dtype()
        self.num_heads, self.causal = num_heads, causal
        bound = math.sqrt(6.0 / (4.0 * embed_dim))
        self.in_proj_weight = Tensor(rng.uniform(-bound, bound, (3 * embed_dim, embed_dim)), dtype=dtype)
        self.in_proj_bias = Tensor(np.zeros(3 * embed_dim), dtype=dtype) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, rng)
        if self.out_proj.bias is not None:
            self.out_proj.bias.data = np.zeros(embed_dim)

    def forward(self, x: Any, context: Any = None) -> Any:
        """What each step of x takes from the steps of `context` (..., steps, embed_dim); from its own, where None.

        Raises:
            ShapeError: x or the context is of another shape, or a causal layer is given a context.
        """
        x = self._checked(x)
        if context is None:
            query, key, value = self._projected(x, 0, 3)
        elif self.causal:
            raise ShapeError(f"{self!r} is causal: the steps of a context are neither before nor after those of x; "
                             "use another with causal=False")
        else:
            (query,), (key, value) = self._projected(x, 0, 1), self._projected(self._checked(context), 1, 3)
        heads = ops.swapaxes(attention(query, key, value, self.causal), -3, -2)
        return self.out_proj(heads.reshape((*heads.shape[:-2], self.in_proj_weight.shape[1])))

    def _projected(self, x: Any, first: int, last: int) -> list[Any]:
        """Of queries, keys and values those from the `first` on, cut into heads: (..., heads, steps, d)."""
        size = self.in_proj_weight.shape[1]
        rows = slice(first * size, last * size)
        y = ops.matmul(x, self.in_proj_weight[rows].T)
        if self.in_proj_bias is not None:
            y = y + self.in_proj_bias[rows]
        y = y.reshape((*x.shape[:-1], last - first, self.num_heads, size // self.num_heads))
        return [ops.swapaxes(y[..., k, :, :], -3, -2) for k in range(last - first)]

    def _checked(self, x: Any) -> Any:
        x = array_or_node(x)
        size = self.in_proj_weight.shape[1]
        if x.ndim < 2 or x.shape[-1] != size:
            raise ShapeError(f"{self!r} takes inputs of shape (..., steps, {size}), not {x.shape}")
        return x

    def __repr__(self) -> str:
        options = [f"{name}={value}" for name, value, usual in (
            ("causal", self.causal, False), ("bias", self.in_proj_bias is not None, True)) if value != usual]
        return f"MultiHeadAttention({', '.join([str(self.in_proj_weight.shape[1]), str(self.num_heads), *options])})"
