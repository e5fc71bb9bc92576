"""The optimisers: the same classes drive Values and Tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .bundle import Bundle, Vector
from .groups import require
from .optimizer import Optimizer


def _require_not_negative(group: Mapping[str, Any], *names: str) -> None:
    for name in names:
        require(group[name] >= 0.0, f"{name} must not be negative, not {group[name]}")


class SGD(Optimizer):
    """Stochastic gradient descent, p <- p - lr v, with momentum if wanted.

        g <- grad + weight_decay p
        v <- momentum v + g,  at first v = g
        with nesterov, g + momentum v is taken in place of v

    Momentum: Polyak (1964); Nesterov's form as in Sutskever, Martens, Dahl and Hinton (2013).

    Args:
        params: Values and Tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        momentum: how much of the last change is kept, from 0 on.
        nesterov: look ahead along the momentum.
        weight_decay: pull towards 0, as a squared penalty of half this weight would.
        watch: what is said of odd gradients; see `Optimizer`.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> (x * x).backward()
    >>> SGD([x], lr=0.1).step()
    >>> round(x.data, 6)
    2.4
    """

    def __init__(self, params: Iterable[Any], lr: float, momentum: float = 0.0, nesterov: bool = False,
                 weight_decay: float = 0.0, *, watch: str = "nan") -> None:
        super().__init__(params, lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, watch=watch)

    def _check(self, group: Mapping[str, Any]) -> None:
        super()._check(group)
        _require_not_negative(group, "momentum", "weight_decay")
        require(group["momentum"] > 0.0 or not group["nesterov"], "nesterov needs a momentum")

    def _change(self, bundle: Bundle) -> Vector:
        group, g = bundle.group, bundle.decayed_gradient()
        if group["momentum"]:
            v = bundle.memory("v")
            v *= group["momentum"]
            v += g
            if not group["nesterov"]:
                return np.multiply(v, bundle.lr, out=g)
            g += np.multiply(v, group["momentum"], out=bundle.scratch)
        return np.multiply(g, bundle.lr, out=g)


class Adagrad(Optimizer):
    """Each parameter's step is divided by the size of all its gradients (Duchi, Hazan and Singer, 2011).

        g <- grad + weight_decay p
        s <- s + g^2
        p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)

    Args:
        params: Values and Tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        lr_decay: how fast it falls with the number t of steps.
        weight_decay: pull towards 0, as a squared penalty of half this weight would.
        initial_accumulator_value: what s starts from.
        eps: keeps the denominator from 0.
        watch: what is said of odd gradients; see `Optimizer`.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> (x * x).backward()
    >>> Adagrad([x], lr=0.1).step()
    >>> round(x.data, 6)
    2.9
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.01, lr_decay: float = 0.0, weight_decay: float = 0.0,
                 initial_accumulator_value: float = 0.0, eps: float = 1e-10, *, watch: str = "nan") -> None:
        super().__init__(params, lr, lr_decay=lr_decay, weight_decay=weight_decay,
                         initial_accumulator_value=initial_accumulator_value, eps=eps, watch=watch)

    def _check(self, group: Mapping[str, Any]) -> None:
        super()._check(group)
        _require_not_negative(group, "lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def _change(self, bundle: Bundle) -> Vector:
        group, g, d = bundle.group, bundle.decayed_gradient(), bundle.scratch
        s = bundle.memory("s", group["initial_accumulator_value"])
        s += np.multiply(g, g, out=d)
        np.sqrt(s, out=d)
        d += group["eps"]
        g *= bundle.lr / (1.0 + (bundle.steps - 1) * group["lr_decay"])
        return np.divide(g, d, out=g)


class RMSprop(Optimizer):
    """Each parameter's step is divided by the size of its recent gradients (Tieleman and Hinton, 2012).

        g <- grad + weight_decay p
        v <- alpha v + (1 - alpha) g^2
        d <- g / (sqrt(v) + eps);  centered, sqrt(v - m^2) with m <- alpha m + (1 - alpha) g (Graves, 2013)
        b <- momentum b + d
        p <- p - lr b

    Args:
        params: Values and Tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        alpha: how much of the mean of squares is kept at a step, in [0, 1).
        eps: keeps the denominator from 0.
        weight_decay: pull towards 0, as a squared penalty of half this weight would.
        momentum: how much of the last change is kept, from 0 on.
        centered: divide by the deviation from the recent mean m, in place of the size.
        watch: what is said of odd gradients; see `Optimizer`.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> (x * x).backward()
    >>> RMSprop([x], lr=0.1).step()
    >>> round(x.data, 6)
    2.0
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0.0, momentum: float = 0.0, centered: bool = False, *,
                 watch: str = "nan") -> None:
        super().__init__(params, lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
                         centered=centered, watch=watch)

    def _check(self, group: Mapping[str, Any]) -> None:
        super()._check(group)
        require(0.0 <= group["alpha"] < 1.0, f"alpha must be in [0, 1), not {group['alpha']}")
        _require_not_negative(group, "eps", "weight_decay", "momentum")

    def _change(self, bundle: Bundle) -> Vector:
        group, g, v, d = bundle.group, bundle.decayed_gradient(), bundle.memory("v"), bundle.scratch
        alpha = group["alpha"]
        v *= alpha
        v += np.multiply(np.multiply(g, g, out=d), 1.0 - alpha, out=d)
        if group["centered"]:
            m = bundle.memory("m")
            m *= alpha
            m += np.multiply(g, 1.0 - alpha, out=d)
            np.subtract(v, np.multiply(m, m, out=d), out=d)
            np.maximum(d, 0.0, out=d)  # of equal gradients it is 0, or a rounding error below
            np.sqrt(d, out=d)
        else:
            np.sqrt(v, out=d)
        d += group["eps"]
        g /= d
        if group["momentum"]:
            b = bundle.memory("b")
            b *= group["momentum"]
            b += g
            return np.multiply(b, bundle.lr, out=g)
        return np.multiply(g, bundle.lr, out=g)


class Adam(Optimizer):
    """Adam: each parameter's step is scaled by the size of its recent gradients (Kingma and Ba, 2015).

        g <- grad + weight_decay p
        m <- b1 m + (1 - b1) g
        v <- b2 v + (1 - b2) g^2
        p <- p - lr m' / (sqrt(v') + eps),  with m' = m / (1 - b1^t) and v' = v / (1 - b2^t)

    Args:
        params: Values and Tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        betas: (b1, b2), how much of each mean is kept at a step, in [0, 1); the same in every step.
        eps: keeps the denominator from 0.
        weight_decay: pull towards 0, as a squared penalty of half this weight would; see AdamW.
        watch: what is said of odd gradients; see `Optimizer`.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> (x * x).backward()
    >>> Adam([x], lr=0.1).step()
    >>> round(x.data, 6)
    2.9
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.0, *, watch: str = "nan") -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay, watch=watch)

    def _check(self, group: Mapping[str, Any]) -> None:
        super()._check(group)
        require(all(0.0 <= b < 1.0 for b in group["betas"]), f"betas must be in [0, 1), not {group['betas']}")
        _require_not_negative(group, "eps", "weight_decay")

    def _change(self, bundle: Bundle) -> Vector:
        return self._adaptive(bundle, bundle.decayed_gradient())

    def _adaptive(self, bundle: Bundle, g: Vector) -> Vector:
        """lr m' / (sqrt(v') + eps), in the bundle's scratch."""
        # m and v are kept without their factors 1 - b1 and 1 - b2, and all factors are taken together into
        # `size` and `scale`: three operations on vectors less
        m, v, d = bundle.memory("m"), bundle.memory("v"), bundle.scratch
        b1, b2 = map(float, bundle.group["betas"])
        m *= b1
        m += g
        v *= b2
        v += np.multiply(g, g, out=g)
        size = math.sqrt((1.0 - b2) / (1.0 - b2 ** bundle.steps))
        scale = bundle.lr * (1.0 - b1) / (1.0 - b1 ** bundle.steps) / size
        np.sqrt(v, out=d)
        d += bundle.group["eps"] / size
        np.divide(m, d, out=d)
        return np.multiply(d, scale, out=d)


class AdamW(Adam):
    """Adam, with a weight decay that is not scaled by the gradients (Loshchilov and Hutter, 2019).

        m <- b1 m + (1 - b1) grad
        v <- b2 v + (1 - b2) grad^2
        p <- p - lr weight_decay p - lr m' / (sqrt(v') + eps),  with m' = m / (1 - b1^t) and v' = v / (1 - b2^t)

    Args:
        params: Values and Tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        betas: (b1, b2), how much of each mean is kept at a step, in [0, 1); the same in every step.
        eps: keeps the denominator from 0.
        weight_decay: the share of each parameter that a step takes away, times lr.
        watch: what is said of odd gradients; see `Optimizer`.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> (x * x).backward()
    >>> AdamW([x], lr=0.1).step()
    >>> round(x.data, 6)
    2.897
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.01, *, watch: str = "nan") -> None:
        super().__init__(params, lr, betas, eps, weight_decay, watch=watch)

    def _change(self, bundle: Bundle) -> Vector:
        change = self._adaptive(bundle, bundle.gradient)
        change += bundle.data_times(bundle.lr * bundle.group["weight_decay"], bundle.gradient)
        return change
