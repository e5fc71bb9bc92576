"""`fit`: train a model on batches, epoch by epoch; and `evaluate`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from ..errors import GraphError
from ..modes import no_grad
from ..nn import Module
from ..ops.defaults import Rng
from ..optim import Optimizer, clip_grad_norm
from ..optim.schedulers import ReduceLROnPlateau
from .callbacks import AfterEpoch, Callback
from .checks import check_location, named, require, require_parts, require_whole
from .examples import batched, loss_of, reread
from .history import History
from .progress import Bars
from .run import Run, Tally, length_of

Function = Callable[..., Any]


def fit(model: Module, loss: Function, optimizer: Optimizer, data: Any, epochs: int, *, validation: Any = None,
        metrics: Sequence[Function] | Mapping[str, Function] = (), callbacks: Sequence[Callback | Function] = (),
        scheduler: Any = None, schedule: str = "epoch", progress: bool = True, batch_size: int = 32, rng: Rng = None,
        accumulate: int = 1, clip_norm: float | None = None, checkpoint: str | Path | None = None,
        checkpoint_every: int | None = None, resume: bool = False,
        generators: Mapping[str, np.random.Generator] | None = None) -> History:
    """Train: for each batch of each epoch, w := w - lr dL/dw with L = loss(model(*inputs), target).

    A model of Values is called for each row, and `loss` with the list of outputs. Ctrl-C ends training after the
    present step (pressed again, at once): the model keeps what it has learned, and what is known is returned.

    Args:
        model: what is trained. If it was in evaluation mode as a whole, it is set to training.
        loss: a function of outputs and targets that gives one number, the mean over the examples.
        optimizer: of the parameters to train.
        data: a tuple of arrays, inputs and then the target, of which batches are made; or what can be read again in
            each epoch and gives such tuples, as ``tg.data.batches(X, y, rng=0)`` or a list does.
        epochs: how many in all, those before a resumed checkpoint included.
        validation: the same, to look at without training after each epoch.
        metrics: functions of all outputs and all targets of an epoch, as arrays; or a dict, to name them. Those of
            training are of the outputs as they were in training: with dropout, and with each step's weights.
        callbacks: `Callback` objects, such as `EarlyStopping`, and functions of the `Run`, called after each epoch.
        scheduler: of the learning rate; `ReduceLROnPlateau` is shown the validation loss, if there is one.
        schedule: whether the scheduler's steps are each "epoch" or each "step" of the optimiser.
        progress: whether bars show how it goes.
        batch_size: of the batches that are made of arrays.
        rng: where their order comes from.
        accumulate: over how many batches gradients add up to their mean before a step.
        clip_norm: the greatest norm of all gradients of a step; larger ones are scaled down.
        checkpoint: a file that has all that decides how training goes on, written after each epoch, and at the end.
        checkpoint_every: write it after so many steps, too.
        resume: go on from the checkpoint, if the file is there: bit for bit as without the interruption.
        generators: further random generators that `data`, `loss` or callbacks draw from, for the checkpoint.

    Returns:
        A row for each whole epoch: "loss", metrics, "validation_loss" and so on, and "lr".

    Raises:
        DataError: `data` has no batches, or not in every epoch; a batch is no tuple.
        GraphError: the loss is not one node, or depends on none of the optimizer's parameters.
        ValueError: an argument is none of these or out of range, or two numbers of a row would have one name.
        FileFormatError: the suffix of the checkpoint is that of no format.
        FileNotFoundError: there is no folder for it.
        MissingExtraError: tqdm is not installed; give ``progress=False``.

    >>> import numpy as np, tinygrad_edu as tg
    >>> x = np.linspace(-1.0, 1.0, 20).reshape(20, 1)
    >>> model = tg.nn.Linear(1, 1, rng=0)
    >>> history = fit(model, tg.nn.mse_loss, tg.optim.SGD(model.parameters(), lr=0.5), (x, 3.0 * x + 1.0), epochs=20,
    ...               progress=False)
    >>> round(model.weight.item(), 3), round(model.bias.item(), 3), history["loss"][-1] < 1e-6
    (3.0, 1.0, True)
    """
    require_parts(model, loss, optimizer, scheduler, callbacks)
    metrics = named(metrics)
    data, validation = reread(batched(data, batch_size, rng)), reread(batched(validation, batch_size, None, False))
    names = ["loss", *metrics]
    names += [f"validation_{name}" for name in names] if validation is not None else []
    run = Run(model, optimizer, scheduler, data, [c if isinstance(c, Callback) else AfterEpoch(c) for c in callbacks],
              [*names, "lr"], generators or {})
    training = _Training(run, loss, metrics, accumulate, clip_norm, schedule, checkpoint, checkpoint_every)
    require_whole("epochs", epochs, 0)
    require(checkpoint is not None or not resume, "resume=True needs to be told the checkpoint=")
    if resume and checkpoint is not None and Path(checkpoint).exists():
        run.resume(checkpoint)
    if not model.training:
        model.train()
    training.go(epochs, validation, Bars(progress, epochs, run.epoch))
    return run.history


class _Training:
    """What one call of `fit` does with its run."""

    def __init__(self, run: Run, loss: Function, metrics: Mapping[str, Function], accumulate: int,
                 clip_norm: float | None, schedule: str, checkpoint: str | Path | None, every: int | None) -> None:
        require(schedule in ("epoch", "step"), f'schedule must be "epoch" or "step", not {schedule!r}')
        require_whole("accumulate", accumulate, 1)
        require(every is None or checkpoint is not None, "checkpoint_every needs to be told the checkpoint=")
        require_whole("checkpoint_every", 1 if every is None else every, 1)
        if checkpoint is not None:
            check_location(Path(checkpoint))
        self.run, self.loss, self.metrics, self.accumulate = run, loss, metrics, accumulate
        self.clip_norm, self.schedule, self.checkpoint, self.every = clip_norm, schedule, checkpoint, every

    def go(self, epochs: int, validation: Any, bars: Bars) -> None:
        """All epochs, or those until somebody stops the run."""
        run = self.run
        with closing(bars), _interruptible(run, bars):
            for callback in run.callbacks:
                callback.begin(run)
            while run.epoch < epochs and not run.stopping and self._batches(bars):
                row = run.tally.row(self.metrics)
                if validation is not None:
                    row |= evaluate(run.model, self.loss, validation, self.metrics, prefix="validation_")
                self._finish({**row, "lr": run.optimizer.lr})
                bars.epoch(run.history.rows[-1])
            if run.batch:
                self._save()
        for callback in run.callbacks:
            callback.end(run)

    def _batches(self, bars: Bars) -> bool:
        """Train on the batches of an epoch; False if the run was stopped before its end."""
        run = self.run
        examples: list[int] = []
        for batch in bars.batches(run.batches(), length_of(run.data), run.batch):
            if not examples:
                run.optimizer.zero_grad()
            examples.append(self._learn(batch))
            run.batch += 1
            if len(examples) == self.accumulate:
                self._step(examples)
                examples = []
                if run.stopping:
                    return False
        if examples:
            self._step(examples)
        return True

    def _learn(self, batch: Any) -> int:
        """Add up the gradients of a batch; returns how many examples it has."""
        value, output, target = loss_of(self.run.model, self.loss, batch)
        examples = len(target)
        # of several batches, the gradient of the sum over their examples; the step divides it
        gradient = None if self.accumulate == 1 else np.full(np.shape(value._data), float(examples))
        value.backward(gradient, interior=False)
        self.run.tally.add(value.item(), output, target, bool(self.metrics))
        return examples

    def _step(self, examples: list[int]) -> None:
        run = self.run
        if all(p.grad is None for p in run.optimizer.params):
            raise GraphError("fit: the loss depends on none of the optimizer's parameters: are they those of another "
                             "model? give it model.parameters()", run.optimizer.params[:1])
        if self.accumulate > 1:
            for p in run.optimizer.params:
                if p.grad is not None:
                    p.grad = p.grad / sum(examples)
        if self.clip_norm is not None:
            clip_grad_norm(run.optimizer.params, self.clip_norm)
        run.optimizer.step()
        run.steps += 1
        if run.scheduler is not None and self.schedule == "step":
            run.scheduler.step()
        for callback in run.callbacks:
            callback.after_step(run)
        if self.every is not None and run.steps % self.every == 0:
            self._save()

    def _finish(self, row: dict[str, float]) -> None:
        """An epoch is over."""
        run = self.run
        run.history.rows.append(row)
        run.epoch, run.batch, run.tally = run.epoch + 1, 0, Tally()
        if run.scheduler is not None and self.schedule == "epoch":
            if isinstance(run.scheduler, ReduceLROnPlateau):
                run.scheduler.step(row.get("validation_loss", row["loss"]))
            else:
                run.scheduler.step()
        for callback in run.callbacks:
            callback.after_epoch(run)
        self._save()

    def _save(self) -> None:
        if self.checkpoint is not None:
            self.run.save(self.checkpoint)


def evaluate(model: Module, loss: Function, data: Any, metrics: Sequence[Function] | Mapping[str, Function] = (), *,
             batch_size: int = 32, prefix: str = "") -> dict[str, float]:
    """The mean loss and the metrics over `data`, in evaluation mode and without a graph.

    Args:
        model: what is looked at; it stays in the mode that it is in.
        loss: a function of outputs and targets that gives one number, the mean over the examples.
        data: a tuple of arrays, inputs and then the target; or batches, tuples of such arrays.
        metrics: functions of all outputs and all targets, as arrays; or a dict, to name them.
        batch_size: of the batches that are made of arrays.
        prefix: what the names begin with.

    Raises:
        DataError: `data` has no batches, or one is no tuple.
        GraphError: the loss is not one number.

    >>> import numpy as np, tinygrad_edu as tg
    >>> x = np.ones((4, 1))
    >>> line = tg.nn.Linear(1, 1, rng=0)
    >>> line.load_state_dict({"weight": np.array([[2.0]]), "bias": np.array([1.0])})
    >>> evaluate(line, tg.nn.mse_loss, (x, 4.0 * x))
    {'loss': 1.0}
    """
    metrics = named(metrics)
    modes = [(module, module.training) for module in model.modules()]
    tally = Tally()
    model.eval()
    try:
        with no_grad():
            for batch in batched(data, batch_size, None, shuffle=False):
                value, output, target = loss_of(model, loss, batch)
                tally.add(float(value), output, target, bool(metrics))
    finally:
        for module, training in modes:
            module.training = training
    return tally.row(metrics, prefix)


# ---- around the run --------------------------------------------------------------------------------------------------


@contextmanager
def _interruptible(run: Run, bars: Bars) -> Iterator[None]:
    """Ctrl-C stops the run after the present step, so that none is left half done; a second one at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if run.history.interrupted:
            raise KeyboardInterrupt
        run.history.interrupted = True  # and no word of it yet: the signal may have come while another was written
        run.stop()

    heeded = (threading.current_thread() is threading.main_thread()
              and signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None))
    before = signal.signal(signal.SIGINT, ask) if heeded else None
    try:
        yield
    except KeyboardInterrupt:
        run.history.interrupted = True
    finally:
        if heeded:
            signal.signal(signal.SIGINT, before)
    if run.history.interrupted:
        bars.note(f"Stopped by Ctrl-C after {run.epoch} epochs and {run.batch} batches; the model keeps what it "
                  "learned.")
