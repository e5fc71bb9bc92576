"""What the learned programs share: a training loop, a choice by validation, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import tinygrad_edu as tg

Loss = Callable[..., Any]


def run(main: Callable[[], None]) -> None:
    """Run a program in one thread: to share out products as small as these costs more."""
    with threadpool_limits(1):
        main()


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
