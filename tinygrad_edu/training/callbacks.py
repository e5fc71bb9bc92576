"""Callbacks: what is to happen in the course of a training run besides training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import DataError
from .run import Run


class Callback:
    """Base of the callbacks: each method does nothing unless a subclass defines it."""

    def begin(self, run: Run) -> None:
        """Before the first epoch, also of a run that is resumed."""

    def after_step(self, run: Run) -> None:
        """After each step of the optimiser."""

    def after_epoch(self, run: Run) -> None:
        """After each epoch, when its row is in the history."""

    def end(self, run: Run) -> None:
        """When the run is over, by Ctrl-C too; not after an error."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to hold: plain numbers, lists, dicts and arrays."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""


class AfterEpoch(Callback):
    """A plain function of the run, called after each epoch."""

    def __init__(self, function: Callable[[Run], Any]) -> None:
        self.function = function

    def after_epoch(self, run: Run) -> None:
        self.function(run)


class EarlyStopping(Callback):
    """Stop when a number has not become better for `patience` epochs, and give the model its best weights back.

    Prechelt, "Early stopping - but when?" (1998).

    Args:
        monitor: the name of the number in the history.
        patience: how many epochs in a row without a better one are let pass.
        mode: "min" if small is good, "max" if large is.
        min_delta: by how much a number must be better to count.
        restore_best: whether the model ends with the weights of the best epoch, or those of the last.

    Attributes:
        best: the best number so far.
        best_epoch: the epoch that it is of, counted from 1; 0 before the first.

    Raises:
        ValueError: a setting is out of range.
        DataError: when the run begins: it has no number of this name.
    """

    def __init__(self, monitor: str = "validation_loss", patience: int = 5, mode: str = "min", min_delta: float = 0.0,
                 restore_best: bool = True) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f'EarlyStopping: mode must be "min" or "max", not {mode!r}')
        if not isinstance(patience, (int, np.integer)) or patience < 0:
            raise ValueError(f"EarlyStopping: patience must be a whole number of at least 0, not {patience!r}")
        if min_delta < 0.0:
            raise ValueError(f"EarlyStopping: min_delta must not be negative, not {min_delta}")
        self.monitor, self.patience, self.mode = monitor, patience, mode
        self.min_delta, self.restore_best = min_delta, restore_best
        self._forget()

    def _forget(self) -> None:
        self.best, self.best_epoch, self.bad_epochs = self._sign() * math.inf, 0, 0
        self.weights: dict[str, Any] | None = None

    def _sign(self) -> float:
        return 1.0 if self.mode == "min" else -1.0

    def begin(self, run: Run) -> None:
        if self.monitor not in run.names:
            raise DataError(f"EarlyStopping: monitor={self.monitor!r} is not among what this run has of each epoch: "
                            f"{', '.join(run.names)}")
        if run.epoch == 0:  # what it knows of an earlier run, even of another model, is nothing to this one
            self._forget()
        self._stop_in_time(run)

    def after_epoch(self, run: Run) -> None:
        number = run.history.rows[-1][self.monitor]
        if self._sign() * number < self._sign() * self.best - self.min_delta:
            self.best, self.best_epoch, self.bad_epochs = number, run.epoch, 0
            self.weights = run.model.state_dict() if self.restore_best else None
        else:
            self.bad_epochs += 1
        self._stop_in_time(run)

    def end(self, run: Run) -> None:
        if self.weights is not None:
            run.model.load_state_dict(self.weights)

    def _stop_in_time(self, run: Run) -> None:
        if self.bad_epochs > self.patience:
            run.stop()

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch, "bad_epochs": self.bad_epochs,
                "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.best_epoch, self.bad_epochs = state["best"], state["best_epoch"], state["bad_epochs"]
        self.weights = state["weights"]
