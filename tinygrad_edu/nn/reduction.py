"""What all losses share: which predictions count, and their losses in one number.

Predictions and targets come as two Values or numbers, as two sequences with Values among them, or as two arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..errors import DataError, ShapeError
from ..ops.defaults import as_floats
from ..ops.selections import array_or_node
from ..value import Value

Formula = Callable[[Any, Any], Any]
"""Of predictions and targets."""


def reduced(losses: Any, reduction: str, name: str, mask: NDArray[Any] | None = None) -> Any:
    """The losses of the positions that count, in one number; or each in its place."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'{name}: reduction must be "mean", "sum" or "none", not {reduction!r}')
    if isinstance(losses, Value):
        return losses
    if not (len(losses) if isinstance(losses, list) else losses.size):
        raise ShapeError(f"{name}: there are no predictions" + (" that count" if mask is not None else ""))
    if reduction != "none":
        return ops.mean(losses) if reduction == "mean" else ops.sum(losses)
    if mask is None:
        return losses
    if isinstance(losses, list):
        rest = iter(losses)
        return [next(rest) if counts else 0.0 for counts in mask]
    return ops.scatter(losses, mask, mask.shape + losses.shape[1:])


def checked_mask(mask: Any, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """The mask as an array of bools over the first axes of `shape`."""
    array = np.asarray(mask)
    if array.dtype != bool:
        raise DataError(f"{name}: the mask must be True or False at each position, not {array.dtype}; use mask > 0")
    if not array.ndim or array.shape != shape[:array.ndim]:
        raise ShapeError(f"{name}: a mask of shape {array.shape} does not go with positions of shape {shape}; it has "
                         "their first axes, or all")
    return array


def _holds_values(x: Any) -> bool:
    return isinstance(x, Value) or (isinstance(x, (list, tuple)) and any(isinstance(item, Value) for item in x))


def elementwise(formula: Formula, prediction: Any, target: Any, reduction: str, name: str, mask: Any = None,
                check: Formula | None = None) -> Any:
    """`formula` of each prediction and its target: of two Values or numbers, two sequences, or two arrays.

    `check` is called with all predictions and targets that count, and complains.
    """
    if isinstance(prediction, Value) or (isinstance(target, Value) and np.ndim(prediction) == 0):
        if mask is not None:
            raise ShapeError(f"{name}: a single prediction takes no mask")
        if check is not None:
            check(prediction, target)
        return reduced(formula(prediction, target), reduction, name)
    if _holds_values(prediction) or _holds_values(target):
        prediction, target, mask = _lists(prediction, target, name, mask)
    else:
        prediction, target, mask = _arrays(prediction, target, name, mask)
    if check is not None:
        check(prediction, target)
    losses = ([formula(p, t) for p, t in zip(prediction, target, strict=True)] if isinstance(prediction, (list, tuple))
              else formula(prediction, target))
    return reduced(losses, reduction, name, mask)


def _lists(prediction: Any, target: Any, name: str, mask: Any) -> tuple[Any, Any, Any]:
    """Two sequences of one length, with Values among them: those that count, and the mask."""
    targets = target.tolist() if isinstance(target, np.ndarray) else target
    if not isinstance(targets, (list, tuple)) or len(prediction) != len(targets):
        count = len(targets) if isinstance(targets, (list, tuple)) else "no list of"
        raise ShapeError(f"{name}: {len(prediction)} predictions, but {count} targets")
    predictions = prediction.tolist() if isinstance(prediction, np.ndarray) else prediction
    if mask is None:
        return predictions, targets, None
    mask = checked_mask(mask, (len(predictions),), name)
    chosen = np.flatnonzero(mask)
    return [predictions[i] for i in chosen], [targets[i] for i in chosen], mask


def _arrays(prediction: Any, target: Any, name: str, mask: Any) -> tuple[Any, Any, Any]:
    """Two arrays or Tensors of one shape: what counts of them, and the mask."""
    prediction, target = as_floats(array_or_node(prediction)), array_or_node(target)
    if prediction.shape != target.shape:
        raise ShapeError(f"{name}: predictions of shape {prediction.shape}, but targets of shape {target.shape}; "
                         "reshape one of them, as broadcasting would pair every prediction with every target")
    if mask is None:
        return prediction, target, None
    mask = checked_mask(mask, prediction.shape, name)
    return prediction[mask], target[mask], mask
