"""Restoring objects from their states: every check first, and whatever fails afterwards, all are as they were."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import DataError
from ..nn.module import Module
from ..nn.tree import joined, walk
from ..ops.defaults import generator
from .structure import State, kind_of, same, state_of


def generators(model: Module | None = None) -> dict[str, np.random.Generator]:
    """The random generators that training draws from, to be saved and restored with it.

    Those are the default one, which `tg.seed` restarts, as "default", and those that layers of `model` hold, such as
    "model.1.rng", one that several share once. One that you hand to ``tg.data.batches`` is yours to add:
    ``generators={**tg.generators(model), "batches": rng}``.

    >>> import tinygrad_edu as tg
    >>> list(generators(tg.nn.Sequential(tg.nn.Linear(2, 2), tg.nn.Dropout(rng=0))))
    ['default', 'model.1.rng']
    """
    found = {"default": generator()}
    if model is not None:
        held = walk(model, also=(np.random.Generator,))
        found.update({f"model.{joined(path, key)}": part for path, key, part in held
                      if isinstance(part, np.random.Generator) and part is not found["default"]})
    return found


def restore(targets: Mapping[str, Any], states: Mapping[str, Any]) -> None:
    """Give the objects in `targets` the states saved under their names; on any error, all stay as they were."""
    pairs = [pair for name, target in targets.items() for pair in _pairs(name, target, states[name])]
    # modules last: they have been checked in full, and so are not even touched where another object refuses
    pairs.sort(key=lambda pair: isinstance(pair[1], Module))
    before: list[tuple[Any, Any]] = []
    try:
        for name, target, saved in pairs:
            before.append((target, copy.deepcopy(state_of(target))))
            _set(target, saved)
            if not isinstance(target, Module) and not same(state_of(target), saved):
                raise DataError(f"load: {name} does not take the state exactly that was saved: it has another one "
                                "afterwards, as where parameters are of another dtype than then")
    except BaseException:  # Ctrl-C too
        for target, state in reversed(before):
            _set(target, state)
        raise


def _set(target: Any, state: Any) -> None:
    if isinstance(target, np.random.Generator):
        target.bit_generator.state = dict(state)
    else:
        target.load_state_dict(state)


# ---- the checks ------------------------------------------------------------------------------------------------------


def _pairs(name: str, target: Any, saved: Any) -> Iterator[tuple[str, Any, Any]]:
    """The objects in `target`, each with its name and the state saved for it, after checking that they fit."""
    if isinstance(target, np.random.Generator) or hasattr(target, "load_state_dict"):
        _check(name, target, saved)
        yield name, target, saved
    elif (keys := _keys(target)) is not None and keys == _keys(saved):
        for key in keys:
            yield from _pairs(f"{name}/{key}", target[key], saved[key])
    elif target is not None or saved is not None:
        raise DataError(f"load: {name} was saved as {_described(saved)}, and cannot be restored into "
                        f"{_described(target)}; leave it out, and load returns what was saved")


def _keys(x: Any) -> set[Any] | None:
    """What the items of a container are found by; None of anything else."""
    return set(x) if type(x) is dict else set(range(len(x))) if isinstance(x, (list, tuple)) else None


def _check(name: str, target: Any, saved: Any) -> None:
    """Raise where `saved` is no state for `target`, as far as can be seen without trying."""
    if isinstance(target, Module):
        if not isinstance(saved, Mapping):
            raise DataError(f"load: {name} was saved as {_described(saved)}, which is no state of a module")
        _check_rounding(name, target, saved)
        target._checked_state(saved)
    elif not isinstance(saved, State) or saved.kind != kind_of(target):
        raise DataError(f"load: {name} was saved as {_described(saved)}, and cannot be restored into {kind_of(target)}")


def _check_rounding(name: str, module: Module, saved: Mapping[str, Any]) -> None:
    """Numbers of a wider dtype than the module's would be rounded: that is for the user to say."""
    for entry, own in module.state_dict().items():
        dtype, given = np.asarray(own).dtype, np.asarray(saved.get(entry, own)).dtype
        if not np.can_cast(given, dtype):
            raise DataError(f"load: {name}: {entry!r} is {given} in the file, and {dtype} in this "
                            f"{type(module).__name__}; model.load_state_dict(tg.load(path)[{name!r}]) would round it")


def _described(x: Any) -> str:
    """What something is, in a few words."""
    if isinstance(x, State):
        return f"the state of {x.kind}"
    if x is None:
        return "None"
    if type(x) is dict:
        return f"a dict of {', '.join(map(repr, list(x)[:5])) or 'nothing'}{', ...' if len(x) > 5 else ''}"
    return f"a {type(x).__name__}"
