"""`Optimizer`: the base of all optimisers: groups of parameters, steps, saving and restoring.

A step gives each parameter new data; it never writes into the old, which recorded graphs may still hold, nor into
a gradient.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import GraphError, ShapeError
from .bundle import Bundle, Vector, bundles_of
from .groups import as_groups, complete, described, require
from .watch import Watch


class Optimizer:
    """Base of the optimisers: a subclass turns gradients into the change to subtract, in `_change`.

    Args:
        params: Values and Tensors that no operation made, such as ``model.parameters()``, one given twice counting
            once; or a list of groups, dicts with "params" and settings of their own.
        lr: the learning rate of the groups that have none of their own.
        watch: what is said of a gradient that is probably not what was meant: "nan" warns of NaN in one; "warn"
            warns of that, of a parameter without a gradient, and of a second step with the gradients of the first;
            "strict" raises for each, before anything has changed; "off" looks at nothing.
        settings: the other settings of the groups, by name.

    Attributes:
        params: all parameters, each once.
        param_groups: the groups, dicts with "params", "lr" and the other settings; these may be changed between steps.

    Raises:
        GraphError: there are no parameters, one is the result of an operation, or in two groups.
        DataError: something among them is not a node.
        ValueError: a setting is unknown or out of range.

    Warns:
        GraphWarning: see `watch`.

    >>> import tinygrad_edu as tg
    >>> w, b = tg.Value(1.0), tg.Value(1.0)
    >>> optimizer = tg.optim.SGD([{"params": [w]}, {"params": [b], "lr": 0.5}], lr=0.1)
    >>> (w + b).backward()
    >>> optimizer.step()
    >>> w.data, b.data
    (0.9, 0.5)
    """

    def __init__(self, params: Iterable[Any], lr: float, *, watch: str = "nan", **settings: Any) -> None:
        self.defaults: dict[str, Any] = {"lr": lr, **settings}
        self.params: list[Any] = []
        self.param_groups: list[dict[str, Any]] = []
        self._bundles: list[Bundle] = []
        self._watch = Watch(watch)
        for group in as_groups(params):
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Take on more parameters: a dict with "params" and, where they differ from the defaults, settings."""
        whole = complete(group, self.defaults)
        self._check(whole)
        known = set(self.params)
        twice = [p for p in whole["params"] if p in known]
        if twice:
            raise GraphError(f"{twice[0]} is in two groups of parameters; give it to one", twice)
        self.param_groups.append(whole)
        self.params += whole["params"]
        self._bundles += bundles_of(whole, [{}] * len(whole["params"]))

    @property
    def lr(self) -> float:
        """The learning rate, of the first group where they differ; setting it sets it in every group."""
        rate: float = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, rate: float) -> None:
        for group in self.param_groups:
            group["lr"] = rate

    def step(self) -> None:
        """Move every parameter against its gradient. One whose `.grad` is None stays as it is."""
        ready = list(self._ready())
        for bundle in ready:
            bundle.fill(bundle.gradient, [p._grad for p in bundle.params])
        self._watch.look(self.params, ready)
        for bundle in ready:
            bundle.steps += 1
            bundle.subtract(self._change(bundle))
        self._watch.remember(self.params)

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter."""
        for p in self.params:
            p.zero_grad()
        self._watch.forget()

    def __repr__(self) -> str:
        groups = f" in {len(self.param_groups)} groups" if len(self.param_groups) > 1 else ""
        return f"{type(self).__name__}({len(self.params)} parameters{groups}, lr={self.lr:g})"

    # -- what a subclass says

    def _check(self, group: Mapping[str, Any]) -> None:
        """Raise a ValueError where a setting of a group is out of range."""
        require(group["lr"] >= 0.0, f"lr must not be negative, not {group['lr']}")

    def _change(self, bundle: Bundle) -> Vector:
        """What to subtract from the parameters, as a vector in the bundle's own room."""
        raise NotImplementedError(f"{type(self).__name__} does not define _change")

    def _ready(self) -> Iterator[Bundle]:
        """The bundles in which every parameter has a gradient, after splitting those in which only some have."""
        for bundle in list(self._bundles):
            missing = sum(p._grad is None for p in bundle.params)
            if 0 < missing < len(bundle.params):
                place = self._bundles.index(bundle)
                self._bundles[place:place + 1] = bundle, _ = bundle.split()
                missing = 0
            if not missing:
                yield bundle

    # -- saving and restoring

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on but parameters and gradients, as plain dicts, numbers and copied arrays.

        "state" holds, by the position of each parameter that was updated, how often it was, and what is remembered of
        it; "param_groups" the settings, with positions for parameters.
        """
        position = {p: i for i, p in enumerate(self.params)}
        state = {position[p]: entry for bundle in self._bundles if bundle.steps
                 for p, entry in zip(bundle.params, bundle.entries(), strict=True)}
        groups = [{**group, "params": [position[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on as the optimiser would have from which `state` comes: bit for bit, given the same parameters.

        Raises:
            ShapeError: the groups, their settings or the shapes are not those of this optimiser. Nothing has been
                changed then.
        """
        entries, groups = state["state"], state["param_groups"]
        self._check_state(entries, groups)
        self._bundles = []
        for group, saved in zip(self.param_groups, groups, strict=True):
            group.update({name: copy.copy(setting) for name, setting in saved.items() if name != "params"})
            self._bundles += bundles_of(group, [entries.get(i, {}) for i in saved["params"]])

    def _check_state(self, entries: Mapping[int, Mapping[str, Any]], groups: list[Mapping[str, Any]]) -> None:
        sizes, given = ([len(group["params"]) for group in some] for some in (self.param_groups, groups))
        problems = [] if sizes == given else [f"groups of {given} parameters in place of {sizes}"]
        for group, saved in zip(self.param_groups, groups, strict=False):
            if group.keys() != saved.keys():
                problems.append(f"settings {', '.join(saved)} in place of {', '.join(group)}")
        for i, entry in entries.items():
            if i not in range(len(self.params)):
                problems.append(f"an entry for {i}, but there are {len(self.params)} parameters")
                continue
            who, shape = f"parameter {described(i, self.params[i])}", np.shape(self.params[i]._data)
            problems += [] if "steps" in entry else [f"{who}: no count of steps"]
            problems += [f"{name} of shape {np.shape(x)} for {who}" for name, x in entry.items()
                         if name != "steps" and np.shape(x) != shape]
        if problems:
            raise ShapeError(f"load_state_dict of {type(self).__name__}: {'; '.join(problems)}")
