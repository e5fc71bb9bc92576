"""Losses: how far predictions are from their targets, as one number to go down.

Each takes ``reduction="mean"``, ``"sum"``, or ``"none"`` for the losses one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops.selections import array_or_node
from ..value import Value

_REDUCTIONS: dict[str, Callable[[Any], Any]] = {"mean": ops.mean, "sum": ops.sum, "none": lambda losses: losses}


def _reduced(losses: Any, reduction: str, name: str) -> Any:
    if reduction not in _REDUCTIONS:
        raise ValueError(f'{name}: reduction must be "mean", "sum" or "none", not {reduction!r}')
    if isinstance(losses, Value):
        return losses
    if not (len(losses) if isinstance(losses, list) else losses.size):
        raise ShapeError(f"{name}: there are no predictions")
    return _REDUCTIONS[reduction](losses)


def _holds_values(x: Any) -> bool:
    return isinstance(x, Value) or (isinstance(x, (list, tuple)) and any(isinstance(item, Value) for item in x))


def _elementwise(formula: Any, prediction: Any, target: Any, reduction: str, name: str) -> Any:
    """`formula` of each prediction and its target: of two Values or numbers, two sequences, or two arrays."""
    if isinstance(prediction, Value) or (isinstance(target, Value) and np.ndim(prediction) == 0):
        return _reduced(formula(prediction, target), reduction, name)
    if _holds_values(prediction) or _holds_values(target):
        targets = target.tolist() if isinstance(target, np.ndarray) else target
        if not isinstance(targets, (list, tuple)) or len(prediction) != len(targets):
            count = len(targets) if isinstance(targets, (list, tuple)) else "no list of"
            raise ShapeError(f"{name}: {len(prediction)} predictions, but {count} targets")
        return _reduced([formula(p, t) for p, t in zip(prediction, targets, strict=True)], reduction, name)
    prediction, target = array_or_node(prediction), array_or_node(target)
    if prediction.shape != target.shape:
        raise ShapeError(f"{name}: predictions of shape {prediction.shape}, but targets of shape {target.shape}; "
                         "reshape one of them, as broadcasting would pair every prediction with every target")
    return _reduced(formula(prediction, target), reduction, name)


def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """(prediction - target)^2, averaged: the mean squared error.

    Args:
        prediction: a Tensor or array; or a Value, or a sequence of Values.
        target: as many numbers, in the same shape.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: the shapes differ.

    >>> float(mse_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """
    return _elementwise(lambda p, t: ops.square(p - t), prediction, target, reduction, "mse_loss")


def hinge_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """max(0, 1 - target prediction), averaged: zero once a score is on the right side by a margin of 1.

    The loss of the support vector machine (Cortes and Vapnik, 1995).

    Args:
        prediction: scores, positive for the class 1: a Tensor or array; or a Value, or a sequence of Values.
        target: as many labels, each -1 or 1, in the same shape.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: the shapes differ, or a label is neither -1 nor 1.

    >>> float(hinge_loss(np.array([2.0, 0.5]), np.array([1, -1])))
    0.75
    """
    if not np.all(np.abs(np.asarray(target, dtype=float)) == 1.0):
        raise ShapeError("hinge_loss: every label must be -1 or 1; from labels 0 and 1 make 2 * y - 1")
    return _elementwise(lambda p, t: ops.relu(1.0 - t * p), prediction, target, reduction, "hinge_loss")


def cross_entropy(logits: Any, target: Any, reduction: str = "mean") -> Any:
    """-log softmax(logits)[target], averaged over all but the last axis.

    Args:
        logits: scores of any size, of shape (..., classes).
        target: the right classes as integers of shape (...), or probabilities of shape (..., classes).
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: the shapes do not go together, or a label is not a class.
        DataError: the labels are not integers.

    >>> round(float(cross_entropy(np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([1, 0]))), 4)
    0.3466
    """
    return _reduced(ops.cross_entropy(logits, target), reduction, "cross_entropy")
