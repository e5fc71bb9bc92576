"""Curves of a training run: losses and metrics over the epochs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from ..training.history import History
from .canvas import COLOURS, Axes, canvas, mpl, titled, whole

VALIDATION = "validation_"


def curves(history: History, *names: str, ax: Any = None, log: bool = False) -> Axes:
    """The numbers of a training run over its epochs: by default the losses, of training and validation.

    Those of the validation data are dashed.

    Args:
        history: what `tg.fit` returns.
        names: which numbers, such as "accuracy", "validation_accuracy", "lr"; see ``history.names``.
        ax: matplotlib's axes to draw on; by default those of a new figure.
        log: whether the scale is logarithmic.

    Raises:
        DataError: there is no epoch, nothing of this name, or a number that a logarithmic scale cannot show.
        MissingExtraError: matplotlib is not installed.
    """
    if not isinstance(history, History):
        raise DataError(f"curves: takes the History that tg.fit returns, not a {type(history).__name__}")
    if not len(history):
        raise DataError("curves: the history has no epoch; a run that is interrupted in its first one leaves none")
    names = names or tuple(name for name in history.names if name.endswith("loss"))
    lines = {name: np.array(history[name], float) for name in names}
    for name, line in lines.items():
        if log and (bad := np.flatnonzero(line <= 0.0)).size:
            raise DataError(f"curves: {name} is {line[bad[0]]:g} in epoch {bad[0] + 1}, which a logarithmic scale "
                            "cannot show; leave log=False")
    plot = canvas(ax, "curves")
    everything = np.concatenate(list(lines.values()))
    finite = everything[np.isfinite(everything)]
    epochs = np.arange(1, len(history) + 1)
    for place, (name, line) in enumerate(lines.items()):
        plot.plot(epochs, line, color=COLOURS[place % len(COLOURS)], label=name.replace("_", " "),
                  linestyle="--" if name.startswith(VALIDATION) else "-", marker="o" if len(history) == 1 else None)
    kinds = {name.removeprefix(VALIDATION).replace("_", " ") for name in lines}
    plot.set_xlabel("epoch")
    plot.set_ylabel(kinds.pop() if len(kinds) == 1 else "value")
    if log:
        plot.set_yscale("log")
        if finite.size and finite.max() < 100.0 * finite.min():  # else the powers of ten are enough
            plot.yaxis.set_major_locator(mpl("ticker").LogLocator(subs=(1, 2, 3, 5, 7)))
            plot.yaxis.set_minor_formatter("")
        plot.yaxis.set_major_formatter("{x:g}")
    whole(plot.xaxis)
    if len(lines) > 1:
        falling = any(name.endswith("loss") for name in lines)
        plot.legend(loc="upper right" if falling else "lower right")  # to search the "best" place can take long
    titled(plot, "", everything.size - finite.size, everything.size)
    return plot
