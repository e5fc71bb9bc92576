"""Plain data as JSON and arrays: what JSON cannot say is told by objects with one key, such as {"tuple": [...]}.

Exact both ways: bits of floats, sizes of integers, kinds of keys, tuples, dtypes and byte orders of arrays.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import DataError


class State(dict[str, Any]):
    """What an object remembers, as its ``state_dict()`` gives it, and the name of its class in `kind`."""

    def __init__(self, kind: str, entries: Mapping[Any, Any]) -> None:
        super().__init__(entries)
        self.kind = kind


def kind_of(x: Any) -> str:
    """The name of the class that decides whether a state fits: of a generator, its source of bits."""
    return type(x.bit_generator if isinstance(x, np.random.Generator) else x).__name__


def state_of(x: Any) -> State | None:
    """The state of a random generator or of an object with ``state_dict``; None for all else."""
    if isinstance(x, np.random.Generator):
        return State(kind_of(x), x.bit_generator.state)
    return State(kind_of(x), x.state_dict()) if hasattr(x, "state_dict") else None


def same(a: Any, b: Any) -> bool:
    """Whether two pieces of plain data are equal bit for bit."""
    if isinstance(a, (np.ndarray, np.generic, float)):
        x, y = np.asarray(a), np.asarray(b)
        return type(a) is type(b) and x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(x, b[key]) for key, x in a.items())
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


# ---- there -----------------------------------------------------------------------------------------------------------


def encoded(x: Any, name: str, arrays: dict[str, Any]) -> Any:
    """`x`, known as `name`, as what JSON has; arrays in it go to `arrays`, under names that begin with `name`.

    Raises:
        DataError: there is something in it that is neither plain data nor has a ``state_dict``.
    """
    try:
        return _encoded(x, name, arrays)
    except RecursionError:
        raise DataError(f"save: {name} holds itself, or is nested too deeply") from None


def _encoded(x: Any, name: str, arrays: dict[str, Any]) -> Any:
    kind = type(x)
    if x is None or kind in (bool, str):
        return x
    if kind is int:
        return x if abs(x) < 2**53 else {"int": hex(x)}  # beyond it, other readers of JSON round
    if kind is float:
        return x if math.isfinite(x) else {"float": struct.pack(">d", x).hex()}
    if kind is list:
        return [_encoded(item, f"{name}/{i}", arrays) for i, item in enumerate(x)]
    if kind is tuple:
        return {"tuple": _encoded(list(x), name, arrays)}
    if kind is dict:
        return {"dict": [[_encoded(key, name, arrays), _encoded(item, f"{name}/{key}", arrays)]
                         for key, item in x.items()]}
    state = x if kind is State else state_of(x)
    if state is not None:
        return {"state": [state.kind, _encoded(dict(state), name, arrays)]}
    if isinstance(x, (np.ndarray, np.generic)):
        while name in arrays:  # keys 1 and "1" of one dict
            name += "'"
        arrays[name] = array_of(x, name)
        return {"array" if isinstance(x, np.ndarray) else "scalar": name}
    raise DataError(f"save: {name} is a {kind.__name__}; what can be saved is objects with state_dict(), random "
                    "generators, numbers, text, None, arrays, and lists, tuples and dicts of these")


def array_of(x: Any, name: str) -> Any:
    """`x` as an array of numbers, or a DataError."""
    array = np.asarray(x)
    if type(x) not in (np.ndarray, np.memmap, array.dtype.type) or array.dtype.kind not in "biuf" or (
            array.dtype.itemsize > 8):
        raise DataError(f"save: {name} is a {type(x).__name__} of dtype {array.dtype}; arrays of floats up to 64 bits, "
                        "of integers and of booleans can be saved")
    return array


# ---- and back --------------------------------------------------------------------------------------------------------


def decoded(x: Any, arrays: Mapping[str, Any]) -> Any:
    """What `encoded` made `x` from."""
    if isinstance(x, list):
        return [decoded(item, arrays) for item in x]
    if not isinstance(x, dict):
        return x
    (tag, content), = x.items()
    return _DECODERS[tag](content, arrays)


_DECODERS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "int": lambda text, arrays: int(text, 16),
    "float": lambda text, arrays: struct.unpack(">d", bytes.fromhex(text))[0],
    "tuple": lambda items, arrays: tuple(decoded(items, arrays)),
    "dict": lambda pairs, arrays: {decoded(key, arrays): decoded(item, arrays) for key, item in pairs},
    "state": lambda pair, arrays: State(pair[0], decoded(pair[1], arrays)),
    "array": lambda name, arrays: arrays[name],
    "scalar": lambda name, arrays: arrays[name][()],
}
