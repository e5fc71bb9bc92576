"""Batches: the examples in small parts, in a new order at each pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops.defaults import Rng, generator
from .columns import Array, Ragged, common_length, listed, refuse_nodes


class Batches:
    """What `batches` returns. Each ``for`` loop over it is one pass, in an order of its own; `len` counts batches.

    Attributes:
        batch_size: how many rows a batch has; the last may have fewer.
        shuffle: whether each pass takes the rows in random order.
        drop_last: whether a last batch with fewer rows is left out.
    """

    def __init__(self, columns: Sequence[Array | Ragged], batch_size: int, rng: Rng, shuffle: bool,
                 drop_last: bool) -> None:
        self._columns, self._size = columns, int(columns[0].shape[0])
        self._rng = None if rng is None else generator(rng)  # a seed begins one sequence, not one at each pass
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last

    @property
    def rng(self) -> np.random.Generator:
        """Where the orders come from. With its ``bit_generator.state`` restored, the same passes follow again."""
        return generator(self._rng)

    def __len__(self) -> int:
        return self._size // self.batch_size if self.drop_last else math.ceil(self._size / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        return self._parts(self.rng.permutation(self._size) if self.shuffle else None)

    def _parts(self, order: Array | None) -> Iterator[tuple[Array, ...]]:
        """One pass; apart from `__iter__`, so that the order is drawn when the pass is asked for."""
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            rows = slice(start, start + self.batch_size)
            yield tuple([x[rows] if order is None else x[order[rows]] for x in self._columns])

    def __repr__(self) -> str:
        shapes = ", ".join(str(x.shape) for x in self._columns)
        return (f"Batches({shapes}, batch_size={self.batch_size}{'' if self.shuffle else ', shuffle=False'}"
                f"{', drop_last=True' if self.drop_last else ''})")


def batches(*arrays: Any, batch_size: int = 32, rng: Rng = None, shuffle: bool = True, drop_last: bool = False,
            pad: float | None = None, lengths: bool = False) -> Batches:
    """The arrays in parts of `batch_size` along their first axis, the same rows of each.

    Args:
        arrays: any number of arrays of one length, or of lists or iterables, which are read at once; or a single
            iterable of examples, each a tuple with its part of every array.
        batch_size: how many rows a part has; the last may have fewer.
        rng: where the order comes from, a new one for each pass.
        shuffle: take the rows in random order, each once; if False, in their own, as views of the arrays.
        drop_last: leave out a last part with fewer rows.
        pad: for lists of sequences, arrays of shapes (steps, ...) of which only steps differs: the number behind
            the ends of those that are shorter than the longest of the batch; their batch is one array
            (rows, steps, ...). What is given as one array is taken as it is.
        lengths: with `pad`: give the lengths of the sequences as well, right behind the sequences, as the recurrent
            layers take them; of each list of sequences, if there are several.

    Returns:
        Tuples of arrays, as many times as one loops over it; see `Batches`.

    Raises:
        ShapeError: the numbers of rows differ or are 0, `batch_size` is below 1, sequences differ in length
            without `pad`, or examples in their number of parts.
        DataError: a node among the data, which are constants; or a `pad` that the sequences' dtype cannot hold.

    >>> for X, y in batches([[1.0], [2.0], [3.0]], [1, 2, 3], batch_size=2, shuffle=False):
    ...     print(X.ravel(), y)
    [1. 2.] [1 2]
    [3.] [3]
    >>> words = [([7, 8, 9], 0), ([5], 1)]
    >>> for X, steps, y in batches(words, batch_size=2, shuffle=False, pad=0, lengths=True):
    ...     print(X.tolist(), steps, y)
    [[7, 8, 9], [5, 0, 0]] [3 1] [0 1]
    """
    refuse_nodes("batches", *arrays)
    given = [listed(x) for x in arrays]
    if len(given) == 1 and isinstance(given[0], (list, tuple)) and any(isinstance(part, tuple) for part in given[0]):
        given = _transposed(given[0])
    columns = [_column(x, pad) for x in given]
    common_length("batches", [x.shape for x in columns])
    if batch_size < 1:
        raise ShapeError(f"batches: batch_size must be at least 1, not {batch_size}")
    if lengths:
        if not any(isinstance(x, Ragged) for x in columns):
            raise ShapeError("batches: lengths=True is for lists of sequences, with a number to pad them; as in pad=0")
        columns = [part for x in columns for part in ((x, x.lengths) if isinstance(x, Ragged) else (x,))]
    return Batches(columns, batch_size, rng, shuffle, drop_last)


def _transposed(examples: Sequence[Any]) -> list[Any]:
    """Of examples, each a tuple of parts, the list of the first parts, of the second parts, ..."""
    parts = {len(example) if isinstance(example, tuple) else None for example in examples}
    if len(parts) > 1:
        raise ShapeError("batches: every example must be a tuple with as many parts as the others")
    return [list(column) for column in zip(*examples, strict=True)]


def _is_sequence(row: Any) -> bool:
    return isinstance(row, (list, tuple)) or getattr(row, "ndim", 0) > 0


def _column(x: Any, pad: float | None) -> Array | Ragged:
    """What gives the rows of a batch: an array, or sequences that are padded then."""
    if pad is not None and isinstance(x, (list, tuple)) and any(map(_is_sequence, x)):
        return Ragged(x, pad, "batches")
    refuse_nodes("batches", x)
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ShapeError("batches: the rows of a list differ in shape; sequences of different lengths need a number "
                         "to pad them with, as in pad=0") from error
