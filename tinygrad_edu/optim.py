"""Optimisers: how parameters follow their gradients. The same classes drive Values and Tensors.

Parameters of one kind are updated together, as one flat vector: a formula is written once, and costs a few
NumPy calls whatever the number of parameters. A step gives each parameter new data; it never writes into
the old, which recorded graphs may still hold, nor into a gradient.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, GraphError
from .node import Node
from .ops.defaults import FLOATS

Vector = NDArray[Any]

# ---- parameters as a vector ----------------------------------------------------------------------------------------


class _Bundle:
    """Parameters of one kind and dtype that have been updated equally often, seen as one flat vector.

    Attributes:
        params: the Values, or the Tensors.
        steps: how often they have been updated.
        gradient, scratch: room for their gradients, end to end, and for intermediate results.
        state: what the optimiser remembers, by name: vectors of the same length.
    """

    def __init__(self, params: list[Any]) -> None:
        self.params, self.steps = params, 0
        self.numbers = params[0].is_scalar
        ends = list(itertools.accumulate(np.size(p._data) for p in params))
        self.places = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
        dtype = FLOATS[0] if self.numbers else params[0]._data.dtype
        self.gradient, self.scratch = np.empty(ends[-1], dtype), np.empty(ends[-1], dtype)
        self.state: dict[str, Vector] = {}

    def memory(self, name: str) -> Vector:
        """The vector of this name, at first zero."""
        if name not in self.state:
            self.state[name] = np.zeros_like(self.gradient)
        return self.state[name]

    def fill(self, vector: Vector, payloads: list[Any]) -> Vector:
        """`vector` with the payloads written into it, end to end; of a node (from create_graph), its data."""
        if self.numbers:
            vector[:] = [float(x) for x in payloads]
        else:
            np.concatenate([(x._data if isinstance(x, Node) else x).ravel() for x in payloads], out=vector)
        return vector

    def subtract(self, change: Vector) -> None:
        """Rebind each parameter to its data less its part of `change`."""
        if self.numbers:
            for p, c in zip(self.params, change.tolist(), strict=True):
                p._assign(p._data - c)
        else:
            for p, place in zip(self.params, self.places, strict=True):
                data = p._data
                p._assign(np.asarray(data - change[place].reshape(data.shape)))  # the difference of 0-d arrays is none

    def split(self) -> tuple[_Bundle, _Bundle]:
        """Those with a gradient and those without, each with its share of what is remembered."""
        halves = []
        for wanted in (True, False):
            chosen = [i for i, p in enumerate(self.params) if (p._grad is not None) is wanted]
            half = _Bundle([self.params[i] for i in chosen])
            half.steps = self.steps
            half.state = {name: np.concatenate([vector[self.places[i]] for i in chosen])
                          for name, vector in self.state.items()}
            halves.append(half)
        return halves[0], halves[1]


# ---- optimisers ----------------------------------------------------------------------------------------------------


class Optimizer:
    """Base of the optimisers: a subclass turns gradients into the change to subtract, in `_change`.

    Args:
        params: Values and Tensors that no operation made, such as ``model.parameters()``. One given twice
            counts once.
        lr: the learning rate; assign to `.lr` to change it between steps.

    Raises:
        GraphError: there are no parameters, or one is the result of an operation.
        DataError: something among them is not a node.
        ValueError: a setting is out of range.
    """

    def __init__(self, params: Iterable[Any], lr: float) -> None:
        _require(lr >= 0.0, f"lr must not be negative, not {lr}")
        self.params = _checked(params)
        self.lr = lr
        kinds: dict[Any, list[Any]] = {}
        for p in self.params:
            kinds.setdefault("Value" if p.is_scalar else p._data.dtype, []).append(p)
        self._bundles = [_Bundle(alike) for alike in kinds.values()]

    def step(self) -> None:
        """Move every parameter against its gradient. One whose `.grad` is None stays as it is."""
        for bundle in self._ready():
            bundle.steps += 1
            bundle.fill(bundle.gradient, [p._grad for p in bundle.params])
            bundle.subtract(self._change(bundle))

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter."""
        for p in self.params:
            p.zero_grad()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, lr={self.lr:g})"

    def _change(self, bundle: _Bundle) -> Vector:
        """What to subtract from the parameters, as a vector in the bundle's own room."""
        raise NotImplementedError(f"{type(self).__name__} does not define _change")

    def _ready(self) -> Iterator[_Bundle]:
        """The bundles in which every parameter has a gradient, after splitting those in which only some have."""
        for bundle in list(self._bundles):
            missing = sum(p._grad is None for p in bundle.params)
            if 0 < missing < len(bundle.params):
                place = self._bundles.index(bundle)
                self._bundles[place:place + 1] = bundle, _ = bundle.split()
                missing = 0
            if not missing:
                yield bundle


class SGD(Optimizer):
    """Stochastic gradient descent, p <- p - lr v, with momentum if wanted.

        g <- grad + weight_decay p
        v <- momentum v + g,  at first v = g
        with nesterov, g + momentum v is taken in place of v

    Momentum: Polyak (1964); Nesterov's form as in Sutskever et al. (2013).

    Args:
        params: Values and Tensors.
        lr: the learning rate.
        momentum: how much of the last change is kept, from 0 on.
        nesterov: look ahead along the momentum.
        weight_decay: pull towards 0, as a squared penalty of half this weight would.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> (x * x).backward()
    >>> SGD([x], lr=0.1).step()
    >>> round(x.data, 6)
    2.4
    """

    def __init__(self, params: Iterable[Any], lr: float, momentum: float = 0.0, nesterov: bool = False,
                 weight_decay: float = 0.0) -> None:
        super().__init__(params, lr)
        _require(momentum >= 0.0, f"momentum must not be negative, not {momentum}")
        _require(weight_decay >= 0.0, f"weight_decay must not be negative, not {weight_decay}")
        _require(momentum > 0.0 or not nesterov, "nesterov needs a momentum")
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    def _change(self, bundle: _Bundle) -> Vector:
        g = bundle.gradient
        if self.weight_decay:
            scratch = bundle.fill(bundle.scratch, [p._data for p in bundle.params])
            scratch *= self.weight_decay
            g += scratch
        if self.momentum:
            v = bundle.memory("v")
            v *= self.momentum
            v += g
            if not self.nesterov:
                return np.multiply(v, self.lr, out=g)
            g += np.multiply(v, self.momentum, out=bundle.scratch)
        return np.multiply(g, self.lr, out=g)


class Adam(Optimizer):
    """Adam: each parameter's step is scaled by the size of its recent gradients (Kingma and Ba, 2015).

        m <- b1 m + (1 - b1) grad
        v <- b2 v + (1 - b2) grad^2
        p <- p - lr m' / (sqrt(v') + eps),  with m' = m / (1 - b1^t) and v' = v / (1 - b2^t)

    Args:
        params: Values and Tensors.
        lr: the learning rate.
        betas: (b1, b2), how much of each mean is kept at a step, in [0, 1); the same in every step.
        eps: keeps the denominator from 0.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> (x * x).backward()
    >>> Adam([x], lr=0.1).step()
    >>> round(x.data, 6)
    2.9
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8) -> None:
        super().__init__(params, lr)
        _require(all(0.0 <= b < 1.0 for b in betas), f"betas must be in [0, 1), not {betas}")
        _require(eps >= 0.0, f"eps must not be negative, not {eps}")
        self.betas, self.eps = betas, eps

    def _change(self, bundle: _Bundle) -> Vector:
        # m and v are kept without their factors 1 - b1 and 1 - b2, and all factors are taken together into
        # `size` and `scale`: three operations on vectors less
        (b1, b2), g, m, v, d = self.betas, bundle.gradient, bundle.memory("m"), bundle.memory("v"), bundle.scratch
        m *= b1
        m += g
        v *= b2
        v += np.multiply(g, g, out=g)
        size = math.sqrt((1.0 - b2) / (1.0 - b2 ** bundle.steps))
        scale = self.lr * (1.0 - b1) / (1.0 - b1 ** bundle.steps) / size
        np.sqrt(v, out=d)
        d += self.eps / size
        np.divide(m, d, out=d)
        return np.multiply(d, scale, out=d)


# ---- checks --------------------------------------------------------------------------------------------------------


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _checked(params: Iterable[Any]) -> list[Any]:
    """The parameters, each once."""
    if isinstance(params, Node):
        raise DataError(f"an optimiser takes a list of parameters: [{params}]", [params])
    if not isinstance(params, Iterable):
        raise DataError(f"an optimiser takes a list of parameters, as model.parameters() gives it, not a "
                        f"{type(params).__name__}")
    given = list(params)
    for p in given:
        if not isinstance(p, Node):
            raise DataError(f"an optimiser takes Values and Tensors, not a {type(p).__name__}")
        if p.op is not None:
            raise GraphError(f"an optimiser cannot change {p}: it is the result of {p.op.name}; give the leaves", [p])
    found = list(dict.fromkeys(given))
    if not found:
        raise GraphError("an optimiser needs at least one parameter; an iterator that was used before is empty now")
    return found
