"""The two file formats, as functions between bytes and (arrays by name, metadata: text by key).

Both are read from memory, and neither can run code: safetensors is numbers behind a JSON header, an .npz is a zip
file of arrays, in which objects, which NumPy would unpickle, are refused.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import FileFormatError
from ..extras import extra

Arrays = Mapping[str, Any]
Contents = tuple[dict[str, Any], dict[str, str]]
"""Arrays by name, and metadata."""

RESERVED = METADATA, NPZ_METADATA = "__metadata__", "__tinygrad_edu__"
"""Where the metadata stand in the two kinds of file: no array can have such a name."""

# ---- safetensors -----------------------------------------------------------------------------------------------------


def _safetensors_bytes(arrays: Arrays, metadata: dict[str, str]) -> bytes:
    packed: bytes = extra("safetensors.numpy", "interop").save(dict(arrays), metadata or None)
    return packed


def _safetensors_contents(data: bytes) -> Contents:
    try:
        arrays = extra("safetensors.numpy", "interop").load(data)
    except KeyError as error:
        raise FileFormatError(f"NumPy has no numbers of the kind {error.args[0]}; save them as F32") from error
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    return arrays, header.get(METADATA, {})


# ---- npz -------------------------------------------------------------------------------------------------------------


def _npz_bytes(arrays: Arrays, metadata: dict[str, str]) -> bytes:
    """As ``numpy.savez`` has it, which itself refuses some names; the metadata are JSON in an array of bytes.

    They come first: a damaged size in the list of members can hide those that follow, which the metadata miss then.
    """
    text = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in {NPZ_METADATA: text, **arrays}.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return buffer.getvalue()


def _npz_contents(data: bytes) -> Contents:
    arrays: dict[str, Any] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name == entry.filename or name in arrays:
                raise FileFormatError(f"{entry.filename!r} in it is no array, or one of two of this name")
            arrays[name] = _member(archive, entry, name)
    metadata = arrays.pop(NPZ_METADATA, None)
    return arrays, {} if metadata is None else json.loads(metadata.tobytes())


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Any:
    with archive.open(entry) as member:
        try:
            array = np.lib.format.read_array(member, allow_pickle=False)
        except ValueError as error:
            if "allow_pickle" in str(error):
                raise FileFormatError(f"{name!r} in it holds pickled objects, not numbers; nothing is unpickled here, "
                                      "as that runs any code the file names") from None
            raise
        if member.read(1):  # reading to the end also has the zip file's checksum compared
            raise FileFormatError(f"{name!r} in it goes on behind its last number")
        return array


# ---- by suffix -------------------------------------------------------------------------------------------------------


class Format(NamedTuple):
    """How a kind of file is written and read: arrays and metadata to bytes, and back."""

    packed: Callable[[Arrays, dict[str, str]], bytes]
    unpacked: Callable[[bytes], Contents]


FORMATS = {".safetensors": Format(_safetensors_bytes, _safetensors_contents), ".npz": Format(_npz_bytes, _npz_contents)}


def format_of(path: Path) -> Format:
    """The format that the suffix of `path` names."""
    if path.suffix not in FORMATS:
        raise FileFormatError(f"{path}: the suffix {path.suffix!r} names no format of ours; use one of "
                              f"{', '.join(FORMATS)}")
    return FORMATS[path.suffix]
