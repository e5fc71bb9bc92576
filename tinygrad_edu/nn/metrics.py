"""Metrics: how good predictions are, as plain numbers to read, not to differentiate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError


def accuracy(prediction: Any, target: Any) -> float:
    """The share of right answers.

    Args:
        prediction: classes as integers of shape (...), or scores of shape (..., classes), of which the largest
            is the answer; an array or Tensor.
        target: the right classes as integers of shape (...).

    Raises:
        ShapeError: the shapes do not go together, there are no predictions, or a label has no score.
        DataError: the classes are not integers.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    answers, labels = _classes(prediction, target, "accuracy")
    scores = np.shape(prediction)
    if len(scores) > labels.ndim and not 0 <= labels.min() <= labels.max() < scores[-1]:
        raise ShapeError(f"accuracy: labels from {labels.min()} to {labels.max()}, but scores of shape {scores} are of "
                         f"the classes 0 to {scores[-1] - 1}; of a single score, give (scores > 0).astype(int)")
    return float(np.mean(answers == labels))


def confusion_matrix(prediction: Any, target: Any, classes: int | None = None) -> NDArray[Any]:
    """How often each class (row) got each answer (column): right ones on the diagonal.

    Args:
        prediction: classes as integers of shape (...), or scores of shape (..., classes), of which the largest
            is the answer; an array or Tensor.
        target: the right classes as integers of shape (...).
        classes: how many there are; by default, as many as there are scores, or as the largest label needs.

    Returns:
        Integers of shape (classes, classes).

    Raises:
        ShapeError: the shapes do not go together, there are no predictions, or a label is not a class.
        DataError: the classes are not integers.

    >>> confusion_matrix([1, 1, 0], [1, 0, 0])
    array([[1, 1],
           [0, 1]])
    """
    answers, labels = _classes(prediction, target, "confusion_matrix")
    if classes is None:
        scores = np.asarray(prediction)
        classes = scores.shape[-1] if scores.ndim > answers.ndim else int(max(answers.max(), labels.max())) + 1
    lowest, highest = min(answers.min(), labels.min()), max(answers.max(), labels.max())
    if not 0 <= lowest <= highest < classes:
        raise ShapeError(f"confusion_matrix: labels from {lowest} to {highest}, but there are {classes} classes, with "
                         f"the labels 0 to {classes - 1}")
    counts = np.bincount(labels.ravel() * classes + answers.ravel(), minlength=classes * classes)
    return counts.reshape(classes, classes)


def r2(prediction: Any, target: Any) -> float:
    """1 - sum (target - prediction)^2 / sum (target - mean of target)^2: the share of variance that is explained.

    1 for exact predictions, 0 for those that are no better than the mean. Where all targets are equal, it is 1 or
    -inf.

    Args:
        prediction: numbers of any shape, an array or Tensor.
        target: as many, in the same shape.

    Raises:
        ShapeError: the shapes differ, or there are no predictions.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.7857142857142857
    """
    numbers, wanted = np.asarray(prediction, float), np.asarray(target, float)
    if numbers.shape != wanted.shape or not numbers.size:
        raise ShapeError(f"r2: predictions of shape {numbers.shape}, but targets of shape {wanted.shape}; both need "
                         "one shape, with at least one number")
    residual = float(np.sum((wanted - numbers) ** 2))
    total = float(np.sum((wanted - wanted.mean()) ** 2))
    if total == 0.0:
        return 1.0 if residual == 0.0 else -np.inf
    return 1.0 - residual / total


def _classes(prediction: Any, target: Any, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """The answers and the right classes, as integers of one shape."""
    answers, labels = np.asarray(prediction), np.asarray(target)
    if answers.ndim == labels.ndim + 1 and answers.shape[-1]:
        answers = answers.argmax(axis=-1)
    if answers.shape != labels.shape or not labels.size:
        raise ShapeError(f"{name}: predictions of shape {np.shape(prediction)} are neither classes nor scores for "
                         f"targets of shape {labels.shape}, of which there must be one at least")
    for array in (answers, labels):
        if array.dtype.kind not in "iub":
            raise DataError(f"{name}: classes must be integers, not {array.dtype}; give (scores > 0).astype(int) of "
                            "two classes, and an axis of scores of more")
    return answers.astype(int), labels.astype(int)
