"""Losses: how far predictions are from their targets, as one number to go down.

Each takes ``reduction="mean"``, ``"sum"``, or ``"none"`` for the losses one by one, and a `mask`: True for the
positions that count, of the shape of the predictions or of their first axes, such as (batch, time). What is
predicted elsewhere, and what the target holds there, is not looked at; "mean" is over those that count, and
"none" gives 0 elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import DataError, ShapeError
from ..node import Node
from ..ops.fused import check_classes
from ..ops.selections import array_or_node
from .reduction import Formula, checked_mask, elementwise, reduced

# ---- of numbers ----------------------------------------------------------------------------------------------------


def mse_loss(prediction: Any, target: Any, reduction: str = "mean", mask: Any = None) -> Any:
    """(prediction - target)^2, averaged: the mean squared error.

    Args:
        prediction: a Tensor or array; or a Value, or a sequence of Values.
        target: as many numbers, in the same shape.
        reduction: "mean", "sum" or "none".
        mask: True for the positions that count; None for all.

    Raises:
        ShapeError: the shapes differ.

    >>> float(mse_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """
    return elementwise(lambda p, t: ops.square(p - t), prediction, target, reduction, "mse_loss", mask)


def l1_loss(prediction: Any, target: Any, reduction: str = "mean", mask: Any = None) -> Any:
    """|prediction - target|, averaged: the mean absolute error, whose derivative is 0 where the two are equal.

    Args:
        prediction: a Tensor or array; or a Value, or a sequence of Values.
        target: as many numbers, in the same shape.
        reduction: "mean", "sum" or "none".
        mask: True for the positions that count; None for all.

    Raises:
        ShapeError: the shapes differ.

    >>> float(l1_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    1.0
    """
    return elementwise(lambda p, t: ops.absolute(p - t), prediction, target, reduction, "l1_loss", mask)


def huber_loss(prediction: Any, target: Any, reduction: str = "mean", delta: float = 1.0, mask: Any = None) -> Any:
    """r^2 / 2 where |r| <= delta, delta (|r| - delta / 2) beyond, averaged; r = prediction - target.

    Square near the target and straight far from it, so that outliers count less (Huber, 1964).

    Args:
        prediction: a Tensor or array; or a Value, or a sequence of Values.
        target: as many numbers, in the same shape.
        reduction: "mean", "sum" or "none".
        delta: where the square becomes a straight line.
        mask: True for the positions that count; None for all.

    Raises:
        ShapeError: the shapes differ.
        ValueError: delta is not positive.

    >>> huber_loss(np.array([0.5, -3.0]), np.zeros(2), "none")
    array([0.125, 2.5  ])
    """
    if not delta > 0.0:
        raise ValueError(f"huber_loss: delta must be positive, not {delta}")

    def formula(p: Any, t: Any) -> Any:
        near = ops.clip(p - t, -delta, delta)  # both cases are one: with near = r, and with near = delta sign(r)
        return near * ((p - t) - 0.5 * near)

    return elementwise(formula, prediction, target, reduction, "huber_loss", mask)


# ---- of two classes ------------------------------------------------------------------------------------------------


def hinge_loss(prediction: Any, target: Any, reduction: str = "mean", mask: Any = None) -> Any:
    """max(0, 1 - target prediction), averaged: zero once a score is on the right side by a margin of 1.

    The loss of the support vector machine (Cortes and Vapnik, 1995).

    Args:
        prediction: scores, positive for the class 1: a Tensor or array; or a Value, or a sequence of Values.
        target: as many labels, each -1 or 1, in the same shape.
        reduction: "mean", "sum" or "none".
        mask: True for the positions that count; None for all.

    Raises:
        ShapeError: the shapes differ, or a label is neither -1 nor 1.

    >>> float(hinge_loss(np.array([2.0, 0.5]), np.array([1, -1])))
    0.75
    """
    def check(_: Any, labels: Any) -> None:
        if not np.all(np.abs(np.asarray(labels, dtype=float)) == 1.0):
            raise ShapeError("hinge_loss: every label must be -1 or 1; from labels 0 and 1 make 2 * y - 1")

    return elementwise(lambda p, t: ops.relu(1.0 - t * p), prediction, target, reduction, "hinge_loss", mask, check)


def _check_probabilities(name: str, what: str, numbers: Any, hint: str) -> None:
    numbers = np.asarray(numbers, dtype=float)
    if np.any((numbers < 0.0) | (numbers > 1.0)):
        raise ShapeError(f"{name}: every {what} must be a probability, from 0 to 1; {hint}")


_LEAST = float(np.exp(-100.0))
"""A probability counts as no smaller, so that no loss is more than 100, as in PyTorch."""


def binary_cross_entropy(prediction: Any, target: Any, reduction: str = "mean", mask: Any = None) -> Any:
    """-target log p - (1 - target) log(1 - p), averaged, with p = prediction; no logarithm is below -100.

    From scores take ``binary_cross_entropy_with_logits``, which loses no digits where p is near 0 or 1.

    Args:
        prediction: the probabilities of class 1: a Tensor or array; or a Value, or a sequence of Values.
        target: as many labels 0 and 1, or probabilities, in the same shape.
        reduction: "mean", "sum" or "none".
        mask: True for the positions that count; None for all.

    Raises:
        ShapeError: the shapes differ, or a prediction or target is not from 0 to 1.

    >>> round(float(binary_cross_entropy(np.array([0.5, 1.0]), np.array([1, 1]))), 4)
    0.3466
    """
    name = "binary_cross_entropy"

    def check(p: Any, t: Any) -> None:
        _check_probabilities(name, "prediction", p, "scores go to binary_cross_entropy_with_logits")
        _check_probabilities(name, "target", t, "from labels -1 and 1 make (y + 1) / 2")

    def formula(p: Any, t: Any) -> Any:
        return -(t * ops.log(ops.clip(p, _LEAST)) + (1.0 - t) * ops.log(ops.clip(1.0 - p, _LEAST)))

    return elementwise(formula, prediction, target, reduction, name, mask, check)


def binary_cross_entropy_with_logits(prediction: Any, target: Any, reduction: str = "mean", mask: Any = None) -> Any:
    """-target log s - (1 - target) log(1 - s), averaged, with s = sigmoid(prediction), for scores of any size.

    Computed as target softplus(-prediction) + (1 - target) softplus(prediction), which neither overflows nor
    cancels.

    Args:
        prediction: scores, positive for the class 1: a Tensor or array; or a Value, or a sequence of Values.
        target: as many labels 0 and 1, or probabilities, in the same shape.
        reduction: "mean", "sum" or "none".
        mask: True for the positions that count; None for all.

    Raises:
        ShapeError: the shapes differ, or a target is not from 0 to 1.

    >>> round(float(binary_cross_entropy_with_logits(np.array([0.0, 1000.0]), np.array([1, 1]))), 4)
    0.3466
    """
    name = "binary_cross_entropy_with_logits"

    def check(_: Any, t: Any) -> None:
        _check_probabilities(name, "target", t, "from labels -1 and 1 make (y + 1) / 2")

    def formula(z: Any, t: Any) -> Any:
        return t * ops.softplus(-z) + (1.0 - t) * ops.softplus(z)

    return elementwise(formula, prediction, target, reduction, name, mask, check)


# ---- of several classes --------------------------------------------------------------------------------------------


def cross_entropy(logits: Any, target: Any, reduction: str = "mean", mask: Any = None) -> Any:
    """-log softmax(logits)[target], averaged over all but the last axis.

    Args:
        logits: scores of any size, of shape (..., classes).
        target: the right classes as integers of shape (...), or probabilities of shape (..., classes).
        reduction: "mean", "sum" or "none".
        mask: True for the positions that count, of shape (...); None for all.

    Raises:
        ShapeError: the shapes do not go together, or a label is not a class.
        DataError: the labels are not integers.

    >>> round(float(cross_entropy(np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([1, 0]))), 4)
    0.3466
    """
    return _classified(ops.cross_entropy, logits, target, reduction, "cross_entropy", mask)


def nll_loss(log_probabilities: Any, target: Any, reduction: str = "mean", mask: Any = None) -> Any:
    """-log_probabilities[target], averaged over all but the last axis: the negative log-likelihood.

    After ``log_softmax`` it is the cross entropy of the scores.

    Args:
        log_probabilities: of shape (..., classes), as from ``LogSoftmax``.
        target: the right classes as integers of shape (...), or probabilities of shape (..., classes).
        reduction: "mean", "sum" or "none".
        mask: True for the positions that count, of shape (...); None for all.

    Raises:
        ShapeError: the shapes do not go together, or a label is not a class.
        DataError: the labels are not integers.

    >>> round(float(nll_loss(np.log([[0.25, 0.75]]), np.array([1]))), 4)
    0.2877
    """
    def formula(scores: Any, classes: Any) -> Any:
        scores, classes = array_or_node(scores), np.asarray(classes)
        check_classes("nll_loss", scores.shape, classes)
        if classes.shape == scores.shape:  # what has no weight may be -inf
            return -ops.sum(classes.astype(scores.dtype) * ops.where(classes > 0.0, scores, 0.0), axis=-1)
        return -ops.squeeze(ops.take_along_axis(scores, classes[..., None]), axis=-1)

    return _classified(formula, log_probabilities, target, reduction, "nll_loss", mask)


def _classified(formula: Formula, scores: Any, target: Any, reduction: str, name: str, mask: Any) -> Any:
    if isinstance(target, Node):
        raise DataError(f"{name}: the target is a constant, not a node; use .data", [target])
    if mask is not None:
        scores, target = array_or_node(scores), np.asarray(target)
        mask = checked_mask(mask, scores.shape[:-1], name)
        if target.shape[:mask.ndim] != mask.shape:
            raise ShapeError(f"{name}: a mask of shape {mask.shape}, but a target of shape {target.shape}")
        scores, target = scores[mask], target[mask]
    return reduced(formula(scores, target), reduction, name, mask)
