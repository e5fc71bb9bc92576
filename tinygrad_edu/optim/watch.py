"""A look at the gradients before a step: NaN, none, or the same as in the last step."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import GraphError, GraphWarning
from ..node import Node, clock
from .bundle import Bundle
from .groups import described

LEVELS = ("off", "nan", "warn", "strict")


class Watch:
    """What `Optimizer` says, by its argument `watch`, of gradients that are probably not what was meant.

    Attributes:
        level: "off", "nan", "warn" or "strict".
    """

    def __init__(self, level: str) -> None:
        if level not in LEVELS:
            raise ValueError(f"watch is one of {', '.join(LEVELS)}, not {level!r}")
        self.level = level
        self._used: dict[Node, Any] = {}
        self._time = -1

    def look(self, params: Sequence[Any], bundles: Iterable[Bundle]) -> None:
        """Warn, or raise a GraphError, of what is amiss before a step."""
        if self.level == "off":
            return
        faults = [("has NaN in its gradient; tg.detect_anomaly() finds where it comes from", _with_nan(bundles))]
        if self.level != "nan":
            faults += [("has no gradient: the loss does not depend on it, or backward() was not called",
                        [p for p in params if p._grad is None and p.requires_grad]),
                       ("has the gradient of the last step still; call zero_grad() and backward() between two steps",
                        self._repeated(params))]
        for what, concerned in faults:
            if concerned:
                more = f" (and {len(concerned) - 1} more)" if len(concerned) > 1 else ""
                message = f"parameter {described(params.index(concerned[0]), concerned[0])}, {what}{more}"
                if self.level == "strict":
                    raise GraphError(message, concerned)
                warnings.warn(message, GraphWarning, stacklevel=3)

    def remember(self, params: Iterable[Any]) -> None:
        """Keep hold of the gradients that a step has used, if they are to be compared with the next."""
        if self.level in ("warn", "strict"):
            self._used = {p: p._grad for p in params if p._grad is not None}
            self._time = next(clock)

    def forget(self) -> None:
        """Let go of them."""
        self._used.clear()

    def _repeated(self, params: Iterable[Any]) -> list[Any]:
        # every backward pass makes new arrays; of floats, two passes may give one object, such as 1.0
        quiet = next(clock) == self._time + 1
        return [p for p in params if p._grad is not None and self._used.get(p) is p._grad
                and (quiet or not p.is_scalar)]


def _with_nan(bundles: Iterable[Bundle]) -> list[Any]:
    """The parameters with NaN in their gradients."""
    return [p for bundle in bundles if np.isnan(np.min(bundle.gradient, initial=0.0))  # NaN if any number is
            for p, place in zip(bundle.params, bundle.places, strict=True) if np.isnan(bundle.gradient[place]).any()]
