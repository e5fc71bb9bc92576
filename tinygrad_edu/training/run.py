"""`Run`: a training run as it stands between two steps, and how it is saved and taken up again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..nn import Module
from ..node import raw
from ..optim import Optimizer
from ..saving import generators, load, save
from .history import History

States = dict[str, Any]


class Tally:
    """What the batches of an epoch add up to.

    Attributes:
        loss: the sum of the losses of all examples.
        examples: how many there were.
        outputs, targets: those of each batch, as plain arrays; kept only for metrics.
    """

    def __init__(self, loss: float = 0.0, examples: int = 0, outputs: Sequence[Any] = (),
                 targets: Sequence[Any] = ()) -> None:
        self.loss, self.examples = loss, examples
        self.outputs, self.targets = list(outputs), list(targets)

    def add(self, loss: float, output: Any, target: Any, keep: bool) -> None:
        """Count a batch by its mean loss, and keep outputs and targets if they are wanted."""
        self.loss += loss * len(target)
        self.examples += len(target)
        if keep:
            self.outputs.append(_plain(output))
            self.targets.append(np.array(target))

    def row(self, metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
        """The mean loss, and each metric of all outputs and targets at once."""
        if not self.examples:
            raise DataError("fit: the data gave no batch; an iterator can be read only once, so give arrays, a list of "
                            "batches or tg.data.batches(...)")
        row = {f"{prefix}loss": self.loss / self.examples}
        if metrics:
            outputs, targets = _joined(self.outputs), _joined(self.targets)
            row |= {f"{prefix}{name}": float(metric(outputs, targets)) for name, metric in metrics.items()}
        return row


def _plain(output: Any) -> Any:
    """Outputs as an array of their own, of Values too: the batch may stand in memory that the next one fills."""
    return np.array(raw([output])[0] if not isinstance(output, list) else [_plain(part) for part in output])


def _joined(parts: list[Any]) -> Any:
    try:
        return np.concatenate(parts)
    except ValueError as error:
        raise DataError("fit: metrics look at all outputs of an epoch at once, but those of its batches have the "
                        f"shapes {', '.join(sorted({str(np.shape(part)) for part in parts}))}") from error


def length_of(data: Any) -> int | None:
    """How many batches there are in an epoch, where that is known."""
    return len(data) if isinstance(data, Sized) else None


class Run:
    """A training run: what callbacks are given.

    Attributes:
        model, optimizer, scheduler: what `fit` was given.
        history: a row for each whole epoch.
        names: what each row has.
        epoch: how many epochs are over.
        batch: how many batches of the present epoch are.
        steps: how many steps the optimiser made.
    """

    def __init__(self, model: Module, optimizer: Optimizer, scheduler: Any, data: Iterable[Any],
                 callbacks: Sequence[Any], names: list[str], own: Mapping[str, np.random.Generator]) -> None:
        self.model, self.optimizer, self.scheduler, self.data = model, optimizer, scheduler, data
        self.callbacks, self.names, self._own = callbacks, names, own
        self.history = History()
        self.epoch = self.batch = self.steps = 0
        self.tally = Tally()
        self.stopping = False
        self._begun: States = {}  # of the generators when the present epoch began: its order is drawn from them
        self._resumed: States = {}  # and when the run was saved in its middle

    def stop(self) -> None:
        """End the run after the present step."""
        self.stopping = True

    # -- the random generators, whose states decide what comes next

    def generators(self) -> dict[str, np.random.Generator]:
        """Those the run draws from: the default one, the model's, the data's, and those that `fit` was given."""
        found = {**generators(self.model), "data": getattr(self.data, "rng", None), **self._own}
        return {name: part for name, part in found.items() if isinstance(part, np.random.Generator)}

    def _states(self) -> States:
        return {name: part.bit_generator.state for name, part in self.generators().items()}

    def _set(self, states: States) -> None:
        for name, part in self.generators().items():
            part.bit_generator.state = states[name]

    def batches(self) -> Iterable[Any]:
        """The batches of the epoch that are still to come. What draws their order draws as it did at first."""
        if self._resumed:
            self._set(self._begun)
        else:
            self._begun = self._states()
        batches = iter(self.data)
        for _ in range(self.batch):
            next(batches, None)
        if self._resumed:
            self._set(self._resumed)
            self._resumed = {}
        return batches

    # -- checkpoints

    def save(self, path: str | Path) -> None:
        """Write all that decides how the run goes on."""
        progress = {"epoch": self.epoch, "batch": self.batch, "steps": self.steps, "begun": self._begun,
                    "batches": length_of(self.data), "tally": vars(self.tally), "rows": self.history.rows}
        save(path, self.model, **self._parts(), progress=progress)

    def resume(self, path: str | Path) -> None:
        """Take up the run that was saved.

        Raises:
            TinygradError: it is the file of another run, or no whole file; nothing has been changed then.
        """
        progress = load(path).get("progress")
        if progress is None:
            raise DataError(f"fit: {path} holds no progress of a run, and cannot be gone on from; restore what it has "
                            "with load(), and train without resume=True")
        count, now = progress.get("batches"), length_of(self.data)
        if progress["batch"] and None not in (count, now) and count != now:
            raise DataError(f"fit: {path} was written after batch {progress['batch']} of {count} of an epoch, which "
                            f"has {now} batches now: give the same data and batch_size")
        load(path, self.model, **self._parts())
        self.epoch, self.batch, self.steps = progress["epoch"], progress["batch"], progress["steps"]
        self.tally, self.history = Tally(**progress["tally"]), History(progress["rows"])
        self._begun = progress["begun"]
        self._resumed = self._states() if self.batch else {}

    def _parts(self) -> dict[str, Any]:
        parts = {"optimizer": self.optimizer, "generators": self.generators(), "callbacks": self.callbacks}
        return parts if self.scheduler is None else {**parts, "scheduler": self.scheduler}
