"""Parts of a data set: for training and for tests, in folds, and on one scale."""

from __future__ import annotations

import math
import operator
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError
from ..ops.defaults import Rng, default_dtype, generator
from .columns import Array, common_length, listed, refuse_nodes

Rows = NDArray[np.intp]


def train_test_split(*arrays: Any, test_size: float | int = 0.25, rng: Rng = None, shuffle: bool = True,
                     stratify: Any = None) -> list[Any]:
    """Each array in two parts, for training and for a test: the same rows of each, every row in one part.

    Args:
        arrays: any number of arrays or lists of one length; what comes as a list, such as of words, stays one.
        test_size: the test's share of the rows, a float between 0 and 1, rounded up; or their number, an integer.
        rng: where the order comes from.
        shuffle: choose the rows at random; if False, the last ones are the test's.
        stratify: the class of each row: both parts have the classes in the same shares, up to rounding.

    Returns:
        The parts in scikit-learn's order: ``X_train, X_test, y_train, y_test``.

    Raises:
        ShapeError: the lengths differ or are 0, a part would have no row, or `stratify` has a class with fewer than
            two rows or more classes than one of the parts has rows.
        ValueError: `stratify` without `shuffle`.
        DataError: a node among the arrays; data are constants.

    >>> X, y = np.arange(8.0).reshape(4, 2), np.arange(4)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, shuffle=False)
    >>> X_test, y_test
    (array([[4., 5.],
           [6., 7.]]), array([2, 3]))
    """
    who = "train_test_split"
    refuse_nodes(who, *arrays)
    columns = [listed(x) for x in arrays]
    columns = [x if isinstance(x, list) else np.asarray(x) for x in columns]
    size = common_length(who, [(len(x),) if isinstance(x, list) else x.shape for x in columns])
    count = _test_count(size, test_size)
    if stratify is not None:
        if not shuffle:
            raise ValueError("train_test_split: to choose by class is to choose at random; give shuffle=True")
        train, test = _by_class(_classes(stratify, size, who), count, generator(rng))
    else:
        order = generator(rng).permutation(size) if shuffle else np.roll(np.arange(size), count)
        train, test = order[count:], order[:count]
    return [_rows(x, part) for x in columns for part in (train, test)]


def _test_count(size: int, test_size: float | int) -> int:
    """How many rows the test has."""
    if isinstance(test_size, float):
        if not 0.0 < test_size < 1.0:
            raise ShapeError(f"train_test_split: test_size is a share between 0.0 and 1.0, or an integer number of "
                             f"rows, not {test_size}")
        count = math.ceil(test_size * size)
    else:
        count = operator.index(test_size)
    if not 0 < count < size:
        raise ShapeError(f"train_test_split: of {size} rows, {count} for the test and {size - count} for training; "
                         "both need at least 1")
    return count


def _rows(x: Any, rows: Rows) -> Any:
    return [x[i] for i in rows] if isinstance(x, list) else x[rows]


def _classes(labels: Any, size: int, who: str) -> Rows:
    """The class of each row, as numbers 0, 1, 2, ..."""
    labels = np.asarray(labels)
    if labels.shape != (size,):
        raise ShapeError(f"{who}: stratify has shape {labels.shape} in place of {(size,)}, a class for each row")
    numbers: Rows = np.unique(labels, return_inverse=True)[1]
    return numbers


def _by_class(classes: Rows, count: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows for training and for the test, of each class in proportion, by the largest remainders."""
    sizes = np.bincount(classes)
    if sizes.min() < 2 or len(sizes) > min(count, len(classes) - count):
        raise ShapeError(f"train_test_split: stratify has {len(sizes)} classes, the smallest with {sizes.min()} rows, "
                         f"for parts of {len(classes) - count} and {count}; a class needs 2 rows, and a part as many "
                         "as there are classes")
    counts, remainders = np.divmod(sizes * count, len(classes))
    order = rng.permutation(len(sizes))  # which class of equal remainders gets a row is left to chance
    order = order[np.argsort(-remainders[order], kind="stable")]
    counts[order[:count - counts.sum()]] += 1
    mixed = rng.permutation(len(classes))
    parts = [(rows[n:], rows[:n]) for c, n in enumerate(counts) for rows in [mixed[classes[mixed] == c]]]
    train, test = (rng.permutation(np.concatenate(rows)) for rows in zip(*parts, strict=True))
    return train, test


def folds(data: Any, k: int = 5, rng: Rng = None, stratify: Any = None) -> list[tuple[Rows, Rows]]:
    """The rows in k parts for cross-validation: each part is the test once, with all others for training.

    Args:
        data: the number of rows, or an array or list with them.
        k: how many parts; their sizes differ by 1 at most.
        rng: where the order comes from, in which the rows are dealt out.
        stratify: the class of each row: the parts' numbers of rows of a class differ by 1 at most.

    Returns:
        k pairs of index arrays, for training and for the test, each in ascending order.

    Raises:
        ShapeError: k is below 2 or above the number of rows, or `stratify` is of another length.

    >>> for train, test in folds(5, k=2, rng=0):
    ...     print(train, test)
    [0 4] [1 2 3]
    [1 2 3] [0 4]
    """
    size = len(data) if hasattr(data, "__len__") else operator.index(data)
    if not 2 <= k <= size:
        raise ShapeError(f"folds: k must be from 2 to the number of rows, {size}, not {k}")
    order = generator(rng).permutation(size)
    if stratify is not None:
        order = order[np.argsort(_classes(stratify, size, "folds")[order], kind="stable")]
    part = np.empty(size, int)
    part[order] = np.arange(size) % k  # dealt out like cards
    return [(np.flatnonzero(part != i), np.flatnonzero(part == i)) for i in range(k)]


@overload
def standardise(train: Any) -> Array: ...
@overload
def standardise(train: Any, *others: Any) -> tuple[Array, ...]: ...


def standardise(train: Any, *others: Any) -> Any:
    """(x - mean) / std along the first axis, with the mean and the standard deviation of `train` for all arrays.

    So nothing of a test is known in training. A column that is constant in `train` is only centred.

    Args:
        train: an array with a row for each example.
        others: arrays of such rows, such as those of the test.

    Returns:
        The arrays in the same order; `train` alone as an array. Floats keep their dtype.

    Raises:
        ShapeError: `train` has no row, or the rows of an array have another shape.
        DataError: `train` has a nan or an infinity, or there is a node; data are constants.

    >>> standardise([[1.0, 5.0], [3.0, 5.0]], [[5.0, 6.0]])
    (array([[-1.,  0.],
           [ 1.,  0.]]), array([[3., 1.]]))
    """
    refuse_nodes("standardise", train, *others)
    arrays = [np.asarray(x) for x in (train, *others)]
    arrays = [x if x.dtype.kind == "f" else x.astype(default_dtype()) for x in arrays]
    first = arrays[0]
    if not first.ndim or not len(first) or any(x.shape[1:] != first.shape[1:] or not x.ndim for x in arrays):
        raise ShapeError(f"standardise: needs arrays with rows of one shape, at least 1 in the first; got shapes "
                         f"{', '.join(str(x.shape) for x in arrays)}")
    if not np.isfinite(first).all():
        columns = np.unique(np.argwhere(~np.isfinite(first))[:, 1:2]).tolist() or [0]
        raise DataError(f"standardise: nan or inf in column {', '.join(map(str, columns[:5]))} of the training part; "
                        "fill or leave out its rows first")
    constant = first.min(axis=0) == first.max(axis=0)
    mean = np.where(constant, first[0], first.mean(axis=0, dtype=np.float64))  # exactly, where the mean may be rounded
    std = np.where(constant, 1.0, first.std(axis=0, dtype=np.float64))  # sums of many float32 are far off
    scaled = tuple([((x - mean) / std).astype(x.dtype, copy=False) for x in arrays])
    return scaled if others else scaled[0]
