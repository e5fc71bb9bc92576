"""`save` and `load`: objects to a file and back.

The arrays of the model stand in the file under their own names, as every reader of the format expects. All else is
in the metadata, as JSON: how the other objects are made up of further arrays, what Python numbers were, and for each
array its dtype, shape and checksum, so that a damaged file is told.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, FileFormatError
from . import atomic
from .formats import RESERVED, format_of
from .restoring import restore
from .structure import array_of, decoded, encoded

Location = str | os.PathLike[str]

_KEY, _CHECK = "tinygrad_edu", "tinygrad_edu.crc32"
"""In the metadata, our JSON and its checksum."""

# ---- the two functions -----------------------------------------------------------------------------------------------


def save(path: Location, model: Any = None, **more: Any) -> None:
    """Write a model and what belongs to it to one file, from which `load` restores it bit for bit.

    The file is replaced as a whole: if anything fails, even the power, the one that was there before stays.

    Args:
        path: where to; the suffix says how. ``.safetensors`` is read by most libraries of the field (and needs the
            package safetensors), ``.npz`` by NumPy alone. The arrays of the model stand in either under the names
            of its ``state_dict()``.
        model: a module, or a mapping of names to arrays and numbers; None for none.
        more: under any names: optimisers, schedulers and whatever else has ``state_dict()`` and
            ``load_state_dict()``; random generators; numbers, text, None and arrays; lists, tuples and dicts of all
            these. For training to go on as if never interrupted: ``optimizer=optimizer, scheduler=scheduler,
            generators=tg.generators(model)``.

    Raises:
        FileFormatError: the suffix is neither of these.
        DataError: there is something in it that cannot be saved. Nothing is ever pickled.
        MissingExtraError: ``.safetensors`` without the package.

    >>> import tempfile, tinygrad_edu as tg
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = folder.name + "/line.npz"
    >>> model = tg.nn.Linear(1, 1)
    >>> tg.save(path, model, epoch=3)
    >>> tg.load(path, tg.nn.Linear(1, 1))
    {'epoch': 3}
    >>> sorted(tg.load(path)["model"])
    ['bias', 'weight']
    >>> folder.cleanup()
    """
    path = Path(path)
    packed = format_of(path).packed
    arrays: dict[str, Any] = {}
    numbers = [] if model is None else _put_model(model, arrays)
    record = {"version": 1, "model": None if model is None else list(arrays), "numbers": numbers,
              "states": {name: encoded(x, name, arrays) for name, x in more.items()}}
    for name in arrays:
        _check_name(name)
    # both formats are plain memory: in one order of bytes, and of rows and columns
    plain = {name: np.asarray(x, x.dtype.newbyteorder("<"), order="C") for name, x in arrays.items()}
    record["arrays"] = {name: [x.dtype.str, x.shape, _checksum(plain[name])] for name, x in arrays.items()}
    text = json.dumps(record)
    atomic.write(path, packed(plain, {_KEY: text, _CHECK: str(zlib.crc32(text.encode()))}))


def load(path: Location, model: Any = None, **more: Any) -> dict[str, Any]:
    """Restore objects from a file, all of them or, on any error, none.

    Args:
        path: the file: one that `save` wrote, or any ``.safetensors`` or ``.npz`` of numbers.
        model: the module to restore; None to leave it.
        more: the other objects to restore, under the names they were saved by, in lists and dicts as they were then.

    Returns:
        What the file holds besides, by name: "model", a dict of arrays and numbers, unless it was restored; plain
        data; and the plain states of objects that were not asked for. All that is in the file is
        ``tg.load(path)``.

    Raises:
        FileNotFoundError: there is no such file.
        FileFormatError: it is damaged or of another kind; objects in it that would have to be unpickled are refused.
        ShapeError: names or shapes are not those of the object.
        DataError: a name is not in the file, an object is of another class, or numbers would have to be rounded.
    """
    path = Path(path)
    states = _states(path)
    targets = {**({} if model is None else {"model": model}), **more}
    missing = [name for name in targets if name not in states]
    if missing:
        raise DataError(f"load: {path} holds no {', '.join(missing)}, but {', '.join(states) or 'nothing'}")
    restore(targets, {name: states[name] for name in targets})
    return {name: state for name, state in states.items() if name not in targets}


# ---- there -----------------------------------------------------------------------------------------------------------


def _put_model(model: Any, arrays: dict[str, Any]) -> list[str]:
    """Put the entries of a model among the arrays; returns the names of those that are Python numbers."""
    entries = model.state_dict() if hasattr(model, "state_dict") else model
    if not isinstance(entries, Mapping):
        raise DataError(f"save: the model is a {type(model).__name__}; a module, or a mapping of names to arrays and "
                        "numbers, is wanted; give other things by name, as in save(path, model, history=history)")
    numbers = []
    for name, x in entries.items():
        if type(x) in (bool, int, float):
            numbers.append(name)
            x = np.array(x)[()]
        arrays[name] = array_of(x, f"the model's {name!r}")
    return numbers


def _check_name(name: Any) -> None:
    """Names that one of the formats cannot carry are refused by both."""
    try:
        size = len(name.encode()) if isinstance(name, str) and "\0" not in name and name not in RESERVED else 0
    except UnicodeEncodeError:  # half of a surrogate pair
        size = 0
    if not 0 < size < 60_000:
        raise DataError(f"save: {name!r:.60} cannot be the name of an array in a file; text is wanted, not empty nor "
                        f"without end, without zero bytes, and other than {' and '.join(RESERVED)}")


def _checksum(array: Any) -> int:
    return zlib.crc32(array.tobytes())


# ---- and back --------------------------------------------------------------------------------------------------------


def _states(path: Path) -> dict[str, Any]:
    """All that the file holds by name: "model" and the others."""
    unpacked = format_of(path).unpacked
    data = path.read_bytes()
    try:
        return _interpreted(*unpacked(data))
    except ImportError:
        raise
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error
    except Exception as error:  # a damaged file has each of the parsers fail in a way of its own
        reason = str(error) or type(error).__name__
        raise FileFormatError(f"{path} is damaged, or no {path.suffix} file: {reason}") from error


def _interpreted(arrays: dict[str, Any], metadata: Mapping[str, str]) -> dict[str, Any]:
    if _KEY not in metadata and _CHECK not in metadata:  # from elsewhere
        return {"model": arrays}
    text = metadata.get(_KEY, "")
    if metadata.get(_CHECK) != str(zlib.crc32(text.encode())):
        raise FileFormatError("damaged: the metadata do not have the checksum they were saved with")
    record = json.loads(text)
    if record["version"] != 1:
        raise FileFormatError(f"a file of version {record['version']}; this package reads version 1")
    notes = record["arrays"]
    damaged = [name for name in {**notes, **arrays}
               if name not in arrays or name not in notes or not _is_as_noted(arrays[name], *notes[name])]
    if damaged:
        raise FileFormatError(f"damaged: {', '.join(damaged)} not as saved")
    arrays = {name: array.astype(notes[name][0], copy=False) for name, array in arrays.items()}
    states = {name: decoded(x, arrays) for name, x in record["states"].items()}
    if record["model"] is None:
        return states
    numbers = set(record["numbers"])
    return {"model": {name: arrays[name].item() if name in numbers else arrays[name] for name in record["model"]},
            **states}


def _is_as_noted(array: Any, dtype: str, shape: list[int], checksum: int) -> bool:
    return (array.dtype == np.dtype(dtype).newbyteorder("<") and list(array.shape) == shape
            and _checksum(array) == checksum)
