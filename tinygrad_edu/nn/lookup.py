"""Embedding: a row of a table for each index, such as a vector for each word."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import DataError, ShapeError
from ..node import Node
from ..ops.defaults import Rng
from ..tensor import Tensor
from .module import Module


def embedding(indices: Any, weight: Any) -> Any:
    """weight[indices]: integers (...) and a table (num, dim) -> (..., dim).

    Args:
        indices: which rows, as plain integers of any shape.
        weight: the table, a Tensor or array.

    Raises:
        DataError: the indices are not integers.
        ShapeError: an index is no row of the table.

    >>> embedding([0, 0, 1], np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 2.],
           [1., 2.],
           [3., 4.]])
    """
    return ops.getitem(weight, _checked(indices, len(weight), "embedding"))


def _checked(indices: Any, count: int, who: str) -> Any:
    """The indices as an array, each from 0 to count - 1."""
    if isinstance(indices, Node):
        raise DataError(f"{who}: indices are constants, not nodes; give plain integers", [indices])
    array = np.asarray(indices)
    array = array.astype(int) if not array.size else array
    if array.dtype.kind not in "iu":
        raise DataError(f"{who}: indices must be integers, not {array.dtype}; use .astype(int)")
    if array.size and not 0 <= array.min() <= array.max() < count:
        raise ShapeError(f"{who}: indices from {array.min()} to {array.max()}, but the table has the rows 0 to "
                         f"{count - 1}")
    return array


class Embedding(Module):
    """weight[indices]: integers (...) -> (..., embedding_dim). The weight starts standard normal.

    The gradient of a row adds up over its occurrences. A table of word vectors: Bengio, Ducharme, Vincent and
    Jauvin (2003).

    Args:
        num_embeddings: how many rows the table has; indices are from 0 to num_embeddings - 1.
        embedding_dim: the size of each.
        rng: where the weight comes from: a generator, a seed, or None for the default generator.

    >>> Embedding(10, 3)([[1, 2, 4, 5], [4, 3, 2, 9]]).shape
    (2, 4, 3)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, rng: Rng = None) -> None:
        if num_embeddings < 1 or embedding_dim < 1:
            raise ShapeError(f"Embedding: sizes must be at least 1, not {num_embeddings} and {embedding_dim}")
        table = ops.generator(rng).standard_normal((num_embeddings, embedding_dim))
        self.weight = Tensor(table, dtype=ops.default_dtype())

    def forward(self, indices: Any) -> Any:
        """The rows of these indices.

        Raises:
            DataError: the indices are not integers.
            ShapeError: an index is no row of the table.
        """
        return self.weight[_checked(indices, len(self.weight), repr(self))]

    def __repr__(self) -> str:
        return f"Embedding({', '.join(map(str, self.weight.shape))})"
