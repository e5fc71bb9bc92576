"""The examples of a run: batches of them, and the loss of one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..data import batches
from ..errors import DataError, GraphError
from ..nn import Module
from ..node import Node
from ..ops.defaults import Rng


def batched(data: Any, batch_size: int, rng: Rng, shuffle: bool = True) -> Any:
    """Batches of arrays; what gives batches is taken as it is."""
    if isinstance(data, tuple):
        return batches(*data, batch_size=batch_size, rng=rng, shuffle=shuffle)
    if data is not None and not isinstance(data, Iterable):
        raise DataError(f"fit: data is a tuple of arrays, (X, y), or gives batches of them; not {data!r:.60}")
    return data


def reread(data: Any) -> Any:
    """`data`, unless it can be read only once."""
    if isinstance(data, Iterator):
        raise DataError("fit: an iterator can be read only once, but each epoch reads the data anew; give a tuple of "
                        "arrays, a list of batches or tg.data.batches(...)")
    return data


def loss_of(model: Module, loss: Callable[..., Any], batch: Any) -> tuple[Any, Any, Any]:
    """The loss of a batch, and the outputs and targets that it compares."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise DataError(f"fit: a batch is a tuple of inputs and then the target, not a {type(batch).__name__}"
                        f"{f' of {len(batch)}' if isinstance(batch, (tuple, list)) else ''}; arrays that batches are "
                        "to be made of stand in a tuple, (X, y)")
    *inputs, target = batch
    output = _output(model, inputs)
    value = loss(output, target)
    if not isinstance(value, Node) or np.size(value._data) != 1:
        raise GraphError(f"fit: the loss must be one number that the graph knows, a Value or Tensor, not {value!r:.60}"
                         "; reduce it by its mean, and leave .data and float() to metrics")
    return value, output, target


def _output(model: Module, inputs: list[Any]) -> Any:
    """What the model makes of a batch: of all rows at once, or of one after the other if it works on Values."""
    parameters = model.parameters()
    if parameters and parameters[0].is_scalar:
        return [model(*row) for row in zip(*inputs, strict=True)]
    return model(*inputs)
