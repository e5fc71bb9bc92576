"""Schedulers: the learning rate as a function of the number t of steps.

A scheduler sets the rate for t = 0 when it is made, and the next one at each ``step()``; call that after the
optimiser's, once an epoch or once a batch, whichever t is to count. Every group follows from the rate that it had
at first.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from .groups import require
from .optimizer import Optimizer


class Scheduler:
    """Base of the schedulers: a subclass says the rate after t steps in `_rate`.

    Args:
        optimizer: whose learning rates are set.

    Attributes:
        base_lrs: the rate of each group at first.
        steps: t, how often `step` was called.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.base_lrs = [float(group["lr"]) for group in optimizer.param_groups]
        self.steps = 0
        self._set()

    def step(self) -> None:
        """Count a step, and set the rate of every group."""
        self.steps += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The rate of each group as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All that the next rate depends on, as plain numbers and lists: settings, `base_lrs` and `steps`."""
        return {name: copy.copy(value) for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on as the scheduler would have from which `state` comes. The rates are the optimiser's to restore.

        Raises:
            ValueError: the entries are those of another kind of scheduler. Nothing has been changed then.
        """
        require(state.keys() == self.state_dict().keys(), f"{type(self).__name__}: the state has the entries "
                f"{', '.join(state)} in place of {', '.join(self.state_dict())}")
        vars(self).update({name: copy.copy(value) for name, value in state.items()})

    def __repr__(self) -> str:
        return f"{type(self).__name__}(step {self.steps}, lr={self.get_last_lr()[0]:g})"

    def _set(self) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self._rate(base, self.steps)

    def _rate(self, base: float, t: int) -> float:
        """The learning rate after t steps of a group that began with `base`."""
        raise NotImplementedError(f"{type(self).__name__} does not define _rate")


class StepLR(Scheduler):
    """lr = base gamma^floor(t / step_size): times gamma after every `step_size` steps.

    >>> import tinygrad_edu as tg
    >>> scheduler = StepLR(tg.optim.SGD([tg.Value(0.0)], lr=1.0), step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     scheduler.step()
    1.0 1.0 0.5 0.5
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        require(step_size >= 1, f"StepLR: step_size must be at least 1, not {step_size}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def _rate(self, base: float, t: int) -> float:
        return base * self.gamma ** (t // self.step_size)


class ExponentialLR(Scheduler):
    """lr = base gamma^t.

    >>> import tinygrad_edu as tg
    >>> scheduler = ExponentialLR(tg.optim.SGD([tg.Value(0.0)], lr=1.0), gamma=0.5)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def _rate(self, base: float, t: int) -> float:
        return base * self.gamma**t


class CosineAnnealingLR(Scheduler):
    """lr = eta_min + (base - eta_min) (1 + cos(pi t / T_max)) / 2: from base to eta_min in T_max steps, and back.

    Loshchilov and Hutter (2017), without their restarts.

    >>> import tinygrad_edu as tg
    >>> scheduler = CosineAnnealingLR(tg.optim.SGD([tg.Value(0.0)], lr=1.0), T_max=2)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803 - as in the paper
        require(T_max >= 1, f"CosineAnnealingLR: T_max must be at least 1, not {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def _rate(self, base: float, t: int) -> float:
        return _between(base, self.eta_min, t / self.T_max)


class LinearWarmup(Scheduler):
    """lr = base (start_factor + (1 - start_factor) t / total_iters), and base from t = total_iters on.

    PyTorch's ``LinearLR``. Small steps at first, while an adaptive optimiser has seen few gradients (Goyal et al.,
    2017).

    >>> import tinygrad_edu as tg
    >>> scheduler = LinearWarmup(tg.optim.SGD([tg.Value(0.0)], lr=1.0), total_iters=2, start_factor=0.5)
    >>> for _ in range(4):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     scheduler.step()
    0.5 0.75 1.0 1.0
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, start_factor: float = 1.0 / 3.0) -> None:
        require(total_iters >= 1, f"LinearWarmup: total_iters must be at least 1, not {total_iters}")
        require(0.0 < start_factor <= 1.0, f"LinearWarmup: start_factor must be above 0, up to 1, not {start_factor}")
        self.total_iters, self.start_factor = total_iters, start_factor
        super().__init__(optimizer)

    def _rate(self, base: float, t: int) -> float:
        return base * (self.start_factor + (1.0 - self.start_factor) * min(t / self.total_iters, 1.0))


class OneCycleLR(Scheduler):
    """Up from max_lr / div_factor to max_lr, then down to least, each by half a cosine.

        u = pct_start total_steps - 1,  d = total_steps - 1,  least = max_lr / (div_factor final_div_factor)
        lr = between(max_lr / div_factor, max_lr, t / u)  up to u,  then  between(max_lr, least, (t - u) / (d - u))
        between(a, b, x) = b + (a - b) (1 + cos(pi x)) / 2;  with anneal_strategy="linear", a + (b - a) x

    Smith and Topin (2018), as PyTorch with ``cycle_momentum=False``: the momentum is left alone. The rates that the
    groups had do not matter.

    Raises:
        ValueError: a setting is out of range; or `step` is called more often than total_steps.

    >>> import tinygrad_edu as tg
    >>> scheduler = OneCycleLR(tg.optim.SGD([tg.Value(0.0)], lr=0.0), max_lr=1.0, total_steps=11, pct_start=0.6)
    >>> round(scheduler.get_last_lr()[0], 6)
    0.04
    """

    def __init__(self, optimizer: Optimizer, max_lr: float, total_steps: int, pct_start: float = 0.3,
                 anneal_strategy: str = "cos", div_factor: float = 25.0, final_div_factor: float = 1e4) -> None:
        require(total_steps >= 1, f"OneCycleLR: total_steps must be at least 1, not {total_steps}")
        require(0.0 <= pct_start <= 1.0, f"OneCycleLR: pct_start must be from 0 to 1, not {pct_start}")
        require(anneal_strategy in ("cos", "linear"),
                f'OneCycleLR: anneal_strategy must be "cos" or "linear", not {anneal_strategy!r}')
        require(div_factor > 0.0 and final_div_factor > 0.0,
                f"OneCycleLR: div_factor and final_div_factor must be positive, not {div_factor}, {final_div_factor}")
        self.max_lr, self.total_steps, self.pct_start = max_lr, total_steps, pct_start
        self.anneal_strategy, self.div_factor, self.final_div_factor = anneal_strategy, div_factor, final_div_factor
        super().__init__(optimizer)

    def step(self) -> None:
        require(self.steps < self.total_steps, f"OneCycleLR: all of its {self.total_steps} steps are taken; make it "
                "with more total_steps")
        super().step()

    def _rate(self, base: float, t: int) -> float:
        first, peak, last = self.max_lr / self.div_factor, self.pct_start * self.total_steps - 1.0, self.total_steps - 1
        between = _between if self.anneal_strategy == "cos" else _straight_between
        if t <= peak:
            return between(first, self.max_lr, t / peak if peak else 1.0)
        return between(self.max_lr, first / self.final_div_factor, (t - peak) / (last - peak) if t < last else 1.0)


def _between(a: float, b: float, x: float) -> float:
    """From a at x = 0 to b at x = 1 by half a cosine."""
    return b + (a - b) * (1.0 + math.cos(math.pi * x)) / 2.0


def _straight_between(a: float, b: float, x: float) -> float:
    return a + (b - a) * x


class ReduceLROnPlateau(Scheduler):
    """lr <- max(factor lr, min_lr) whenever a metric, such as the loss, has not improved for `patience` steps.

    Better means below best (1 - threshold), of a metric to be made small; above best (1 + threshold) with
    mode="max"; with threshold_mode="abs", below best - threshold, or above best + threshold.

    Args:
        optimizer: whose learning rates are set.
        mode: "min" or "max": which metric is good.
        factor: by how much a rate falls, below 1.
        patience: how many steps without improvement are let pass.
        threshold: how much better counts as better.
        threshold_mode: "rel" or "abs".
        cooldown: for how many steps after a fall none is counted.
        min_lr: the least rate.
        eps: a fall by no more than this is left out.

    >>> import tinygrad_edu as tg
    >>> scheduler = ReduceLROnPlateau(tg.optim.SGD([tg.Value(0.0)], lr=1.0), factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
                 threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: float = 0.0,
                 eps: float = 1e-8) -> None:
        require(mode in ("min", "max"), f'ReduceLROnPlateau: mode must be "min" or "max", not {mode!r}')
        require(threshold_mode in ("rel", "abs"),
                f'ReduceLROnPlateau: threshold_mode must be "rel" or "abs", not {threshold_mode!r}')
        require(0.0 <= factor < 1.0, f"ReduceLROnPlateau: factor must be in [0, 1), not {factor}")
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.min_lr, self.eps = min_lr, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_steps = self.resting = 0
        super().__init__(optimizer)

    def step(self, metric: Any) -> None:  # type: ignore[override] # the one scheduler that looks at how it goes
        """Look at the metric after a step, a number or a node, and let the rates fall if it is time."""
        self.steps += 1
        metric = float(metric)
        if self._better(metric):
            self.best, self.bad_steps = metric, 0
        else:
            self.bad_steps += 1
        if self.resting > 0:
            self.resting, self.bad_steps = self.resting - 1, 0
        if self.bad_steps > self.patience:
            self.resting, self.bad_steps = self.cooldown, 0
            for group in self.optimizer.param_groups:
                lower = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower

    def _better(self, metric: float) -> bool:
        sign = 1.0 if self.mode == "min" else -1.0
        if self.threshold_mode == "abs":
            return sign * metric < sign * self.best - self.threshold
        return sign * metric < sign * self.best * (1.0 - sign * self.threshold)

    def _rate(self, base: float, t: int) -> float:
        return base
