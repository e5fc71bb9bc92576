"""A file written whole or not at all: whoever opens it, whenever the writer dies, finds the old bytes or the new."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIX = ".partial"
"""How the name of an unfinished file ends; one that a killed process left behind may be deleted."""


def write(path: Path, data: bytes) -> None:
    """Make `data` the content of the file at `path`.

    It is written beside it, under a name that begins with a dot and ends in ``.partial``, and takes the place of the
    old file once it has reached the disk. Where anything fails, the old file stays, and nothing else.
    """
    path = Path(os.path.realpath(path))  # a link goes on pointing to the file
    partial = path.with_name(f".{path.name[:40]}.{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:  # Ctrl-C too
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk as well, where the system has folders that can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
