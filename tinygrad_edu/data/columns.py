"""Columns: what holds a row for each example. An array is one, and so are sequences of different lengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError
from ..node import Node

Array = NDArray[Any]


def listed(x: Any) -> Any:
    """`x` itself, if it has elements by number; what can only be read through, such as a generator, as a list."""
    by_number = hasattr(x, "__getitem__") or hasattr(x, "__array__") or not isinstance(x, Iterable)
    return x if by_number else list(x)


def refuse_nodes(who: str, *columns: Any) -> None:
    """Raise a DataError, if a column or an element of a list is a node."""
    for x in columns:
        if isinstance(x, Node) or (isinstance(x, (list, tuple)) and any(isinstance(part, Node) for part in x)):
            raise DataError(f"{who}: takes plain arrays, as data are constants; use .data of a node")


def common_length(who: str, shapes: Sequence[tuple[Any, ...]]) -> int:
    """The first number of all shapes: how many rows there are; a ShapeError, if they differ or there are none."""
    lengths = {shape[0] if shape else 0 for shape in shapes}
    if len(lengths) != 1 or lengths == {0}:
        hint = "" if all(shapes) else "; options are given by name, as in batch_size=32"
        raise ShapeError(f"{who}: needs arrays of one length, at least 1; got shapes "
                         f"{', '.join(map(str, shapes)) or 'none'}{hint}")
    return int(lengths.pop())


# ---- sequences of different lengths --------------------------------------------------------------------------------


class Ragged:
    """Sequences of different lengths, kept end to end; ``ragged[rows]`` is an array of some, padded at their ends.

    Attributes:
        flat: the elements of all sequences, one after the other.
        lengths: how many each sequence has.
        starts: where each begins in `flat`.
        value: what stands behind the end of a sequence.
    """

    def __init__(self, sequences: Any, value: float, who: str) -> None:
        refuse_nodes(who, sequences)
        arrays = [np.asarray(sequence) for sequence in sequences]
        filled = [x for x in arrays if x.ndim == 0 or len(x)]  # [] is float64, whatever the others are
        if not arrays or any(x.ndim == 0 for x in filled) or len({x.shape[1:] for x in filled}) > 1:
            raise ShapeError(f"{who}: takes one or more sequences, with elements of one shape; got shapes "
                             f"{', '.join(sorted({str(x.shape) for x in arrays})[:4]) or 'none'}")
        self.flat: Array = np.concatenate(filled or arrays)
        self.lengths = np.array([len(x) for x in arrays])
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.value = _fitting(value, self.flat.dtype, who)

    @property
    def shape(self) -> tuple[Any, ...]:
        """The number of sequences, the length of the longest, and the shape of an element."""
        return len(self.lengths), int(self.lengths.max()), *self.flat.shape[1:]

    def __getitem__(self, rows: Any) -> Array:
        starts, lengths = self.starts[rows, None], self.lengths[rows, None]
        steps = np.arange(lengths.max(initial=0))
        inside = steps < lengths
        padded = np.full((*inside.shape, *self.flat.shape[1:]), self.value)
        padded[inside] = self.flat[(starts + steps)[inside]]
        return padded


def _fitting(value: float, dtype: np.dtype[Any], who: str) -> Array:
    """The number as an element of the dtype, or a DataError where that would be another number."""
    if dtype.kind not in "biuf":
        raise DataError(f"{who}: takes sequences of numbers, not of {dtype}")
    with np.errstate(invalid="ignore"):  # nan as an integer
        fitting: Array = np.array(value).astype(dtype)
    if dtype.kind != "f" and fitting != value:
        raise DataError(f"{who}: the sequences are {dtype}, which cannot hold {value}; pad with another number")
    return fitting


def pad_sequences(sequences: Any, value: float = 0.0) -> tuple[Array, NDArray[np.int_]]:
    """Sequences of different lengths as one array, and their lengths.

    The lengths are what the recurrent layers take; ``np.arange(steps) < lengths[:, None]`` is a `mask` for the
    losses.

    Args:
        sequences: arrays or lists of shapes (steps, ...), of which only steps differs.
        value: what stands behind the end of a sequence.

    Returns:
        An array of shape (sequences, steps of the longest, ...) in the dtype of the sequences, and the lengths,
        integers of shape (sequences,).

    Raises:
        ShapeError: there is no sequence, or their elements have different shapes.
        DataError: a node among the sequences, or a `value` that their dtype cannot hold.

    >>> pad_sequences([[1, 2, 3], [4]])
    (array([[1, 2, 3],
           [4, 0, 0]]), array([3, 1]))
    """
    ragged = Ragged(listed(sequences), value, "pad_sequences")
    return ragged[:], ragged.lengths
