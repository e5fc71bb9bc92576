"""What the learned programs share: one thread, a training loop, and a choice by validation.

Import it before NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read by NumPy when it loads; products as small as these are faster so

import numpy as np  # noqa: E402 - after the line above

import tinygrad_edu as tg  # noqa: E402 - after the line above

Loss = Callable[..., Any]


def train(model: tg.nn.Module, loss: Loss, batches: tg.data.Batches, *, epochs: int, lr: float,
          weight_decay: float = 0.0) -> tg.nn.Module:
    """Minimise loss(model, *batch) by AdamW, with a learning rate that falls to 0 along a straight line."""
    optimizer = tg.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    for epoch in range(epochs):
        optimizer.lr = lr * (1.0 - epoch / epochs)
        for batch in batches:
            optimizer.zero_grad()
            loss(model, *batch).backward()
            optimizer.step()
    return model


def chosen(settings: Sequence[Any], score: Callable[..., float], rows: Any, k: int, **options: Any) -> Any:
    """The setting with the best mean of score(setting, train, validation) over k folds of these rows alone."""
    parts = [(rows[train], rows[validation]) for train, validation in tg.data.folds(rows, k, **options)]
    means = [np.mean([score(setting, *part) for part in parts]) for setting in settings]
    return settings[int(np.argmax(means))]
