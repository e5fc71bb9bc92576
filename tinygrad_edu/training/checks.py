"""What `fit` is given, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..saving.formats import format_of

Metric = Callable[..., Any]


def check_location(path: Path) -> None:
    """Raise where no checkpoint can be written: not to be told after the first epoch."""
    format_of(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"fit: there is no folder {path.parent} for the checkpoint {path.name}")


def named(metrics: Sequence[Metric] | Mapping[str, Metric]) -> Mapping[str, Metric]:
    """The metrics by name: those of a list by that of the function, or of the class of the object."""
    pairs = list(metrics.items()) if isinstance(metrics, Mapping) else [
        (getattr(metric, "__name__", type(metric).__name__), metric) for metric in metrics]
    names = [name for name, _ in pairs]
    require(len({*names, "loss", "lr"}) == len(names) + 2, "each number of a row needs a name of its own, but there "
            f"are loss, lr and the metrics {', '.join(names)}; give a dict of metrics, to name them")
    return dict(pairs)


def require_whole(name: str, number: Any, least: int) -> None:
    """Raise a ValueError unless it is a whole number, of at least `least`."""
    require(isinstance(number, (int, np.integer)) and bool(number >= least),
            f"{name} must be a whole number of at least {least}, not {number!r}")


def require(holds: bool, message: str) -> None:
    """Raise a ValueError with this message unless the condition holds."""
    if not holds:
        raise ValueError(f"fit: {message}")
