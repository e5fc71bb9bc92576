"""Parameters as one vector: a formula is written once, and costs a few NumPy calls whatever the number of parameters.

What an optimiser remembers is kept in vectors too, and given out parameter by parameter when it is saved.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..node import Node
from ..ops.defaults import FLOATS

Vector = NDArray[Any]


class Bundle:
    """Parameters of one group, kind and dtype that have been updated equally often, seen as one flat vector.

    Attributes:
        group: the settings of the group they are in, shared with ``param_groups`` of the optimiser.
        params: the Values, or the Tensors.
        steps: how often they have been updated.
        gradient, scratch: room for their gradients, end to end, and for intermediate results.
        state: what the optimiser remembers, by name: vectors of the same length.
    """

    def __init__(self, group: dict[str, Any], params: list[Any], steps: int = 0) -> None:
        self.group, self.params, self.steps = group, params, steps
        self.numbers = params[0].is_scalar
        ends = list(itertools.accumulate(np.size(p._data) for p in params))
        self.places = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
        dtype = FLOATS[0] if self.numbers else params[0]._data.dtype
        self.gradient, self.scratch = np.empty(ends[-1], dtype), np.empty(ends[-1], dtype)
        self.state: dict[str, Vector] = {}

    @property
    def lr(self) -> float:
        """The learning rate of the group."""
        rate: float = self.group["lr"]
        return rate

    def memory(self, name: str, start: float = 0.0) -> Vector:
        """The vector of this name, at first `start` everywhere."""
        if name not in self.state:
            self.state[name] = np.full_like(self.gradient, start)
        return self.state[name]

    def fill(self, vector: Vector, payloads: list[Any]) -> Vector:
        """`vector` with the payloads written into it, end to end; of a node (from create_graph), its data."""
        if self.numbers:
            vector[:] = [float(x) for x in payloads]
        else:
            np.concatenate([(x._data if isinstance(x, Node) else x).ravel() for x in payloads], out=vector)
        return vector

    def data_times(self, factor: float, vector: Vector) -> Vector:
        """`vector` with the parameters' data times `factor` written into it."""
        return np.multiply(self.fill(vector, [p._data for p in self.params]), factor, out=vector)

    def decayed_gradient(self) -> Vector:
        """The gradient of the loss plus the penalty weight_decay p^2 / 2: gradient + weight_decay p."""
        if self.group["weight_decay"]:
            self.gradient += self.data_times(self.group["weight_decay"], self.scratch)
        return self.gradient

    def subtract(self, change: Vector) -> None:
        """Rebind each parameter to its data less its part of `change`."""
        if self.numbers:
            for p, c in zip(self.params, change.tolist(), strict=True):
                p._assign(p._data - c)
        else:
            for p, place in zip(self.params, self.places, strict=True):
                data = p._data
                p._assign(np.asarray(data - change[place].reshape(data.shape)))  # the difference of 0-d arrays is none

    def split(self) -> tuple[Bundle, Bundle]:
        """Those with a gradient and those without, each with its share of what is remembered."""
        halves = []
        for wanted in (True, False):
            chosen = [i for i, p in enumerate(self.params) if (p._grad is not None) is wanted]
            half = Bundle(self.group, [self.params[i] for i in chosen], self.steps)
            half.state = {name: np.concatenate([vector[self.places[i]] for i in chosen])
                          for name, vector in self.state.items()}
            halves.append(half)
        return halves[0], halves[1]

    # -- what is saved

    def entries(self) -> list[dict[str, Any]]:
        """For each parameter, "steps" and its part of each memory: a float for a Value, else an array of its shape."""
        return [{"steps": self.steps, **{name: self._part(vector[place], p) for name, vector in self.state.items()}}
                for p, place in zip(self.params, self.places, strict=True)]

    def _part(self, vector: Vector, param: Any) -> Any:
        return float(vector[0]) if self.numbers else vector.reshape(param._data.shape).copy()


def bundles_of(group: dict[str, Any], entries: Sequence[dict[str, Any]]) -> list[Bundle]:
    """The parameters of a group in as few bundles as they fit in; `entries` holds what is remembered of each."""
    alike: dict[Any, list[int]] = {}
    for i, (p, entry) in enumerate(zip(group["params"], entries, strict=True)):
        kind = "Value" if p.is_scalar else p._data.dtype
        alike.setdefault((kind, entry.get("steps", 0), frozenset(entry)), []).append(i)
    bundles = []
    for (_, steps, names), chosen in alike.items():
        bundle = Bundle(group, [group["params"][i] for i in chosen], steps)
        for name in names - {"steps"}:
            parts = [np.ravel(entries[i][name]) for i in chosen]
            bundle.state[name] = np.concatenate(parts).astype(bundle.gradient.dtype)
        bundles.append(bundle)
    return bundles
