"""What `fit` is given, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..nn import Module
from ..optim import Optimizer
from ..saving.formats import format_of
from .callbacks import Callback

Metric = Callable[..., Any]


def check_location(path: Path) -> None:
    """Raise where no checkpoint can be written: not to be told after the first epoch."""
    format_of(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"fit: there is no folder {path.parent} for the checkpoint {path.name}")


def named(metrics: Sequence[Metric] | Mapping[str, Metric] | Metric) -> Mapping[str, Metric]:
    """The metrics by name: those of a list by that of the function, or of the class of the object."""
    if not isinstance(metrics, (Sequence, Mapping)):
        raise ValueError(f"fit: metrics is a list of functions, also of one alone, or a dict, not {_shown(metrics)}")
    pairs = list(metrics.items()) if isinstance(metrics, Mapping) else [
        (getattr(metric, "__name__", type(metric).__name__), metric) for metric in metrics]
    names = [name for name, _ in pairs]
    for _, metric in pairs:
        require(callable(metric), f"metrics are functions, such as tg.nn.accuracy, not {_shown(metric)}")
    require(len({*names, "loss", "lr"}) == len(names) + 2, "each number of a row needs a name of its own, but there "
            f"are loss, lr and the metrics {', '.join(names)}; give a dict of metrics, to name them")
    return dict(pairs)


def require_parts(model: Any, loss: Any, optimizer: Any, scheduler: Any, callbacks: Any) -> None:
    """Raise a ValueError for what is no model, loss and so on: the order of arguments is easily mistaken."""
    require(isinstance(model, Module), f"model must be a Module, not {_shown(model)}")
    require(callable(loss), f"loss must be a function of outputs and targets, not {_shown(loss)}")
    require(isinstance(optimizer, Optimizer), f"optimizer must be one of tg.optim, made with model.parameters(), not "
            f"{_shown(optimizer)}")
    require(scheduler is None or hasattr(scheduler, "step"), f"scheduler must be one of tg.optim, not "
            f"{_shown(scheduler)}")
    require(isinstance(callbacks, Sequence), f"callbacks is a list, also of one alone, not {_shown(callbacks)}")
    for callback in callbacks:
        require(not isinstance(callback, type), "callbacks are objects and functions, not classes; make one, as in "
                "EarlyStopping()")
        require(isinstance(callback, Callback) or callable(callback), "callbacks are objects and functions, not "
                f"{_shown(callback)}")


def _shown(x: Any) -> str:
    return f"{x!r:.60}"


def require_whole(name: str, number: Any, least: int) -> None:
    """Raise a ValueError unless it is a whole number, of at least `least`."""
    require(isinstance(number, (int, np.integer)) and bool(number >= least),
            f"{name} must be a whole number of at least {least}, not {number!r}")


def require(holds: bool, message: str) -> None:
    """Raise a ValueError with this message unless the condition holds."""
    if not holds:
        raise ValueError(f"fit: {message}")
