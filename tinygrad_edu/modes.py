"""The modes that recording looks at: whether to record, whether to look for anomalies, and the scope that nodes carry.

A mode belongs to a thread (and to an asyncio task) and is replaced as a whole, never written: who has read
it has a consistent record.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Mode:
    """What recording looks at: an immutable record, one per thread (and per asyncio task)."""

    __slots__ = ("anomaly", "plain", "recording", "scope")

    def __init__(self, recording: bool = True, anomaly: bool = False, scope: object = None) -> None:
        self.recording, self.anomaly, self.scope = recording, anomaly, scope
        self.plain = recording and not anomaly


_mode: ContextVar[Mode] = ContextVar("tinygrad_edu.mode", default=Mode())  # noqa: B039 - a Mode never changes
current_mode = _mode.get
"""The mode of this thread."""

set_mode, restore_mode = _mode.set, _mode.reset
"""Enter a mode outright, and go back by the token that entering gave, where a context manager is too slow."""


@contextmanager
def _switched(**changes: Any) -> Iterator[None]:
    before = _switch(**changes)
    try:
        yield
    finally:
        _switch(**before)  # these alone: blocks of generators may end in another order than they began


def _switch(**changes: Any) -> dict[str, Any]:
    """Change fields of the mode; returns what they were."""
    mode = current_mode()
    fields: dict[str, Any] = {"recording": mode.recording, "anomaly": mode.anomaly, "scope": mode.scope}
    _mode.set(Mode(**(fields | changes)))
    return {name: fields[name] for name in changes}


class Recording:
    """A block that records or does not, by a flag, for the passes, which enter it often."""

    __slots__ = ("before", "flag")

    def __init__(self, flag: bool) -> None:
        self.flag = flag

    def __enter__(self) -> None:
        mode = current_mode()
        self.before = mode.recording
        _mode.set(Mode(self.flag, mode.anomaly, mode.scope))

    def __exit__(self, *error: object) -> None:
        mode = current_mode()
        _mode.set(Mode(self.before, mode.anomaly, mode.scope))


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing inside: results are constants. Also a decorator, ``@no_grad()``."""
    with _switched(recording=False):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    """Record inside, whatever the surroundings say; undoes a surrounding `no_grad`."""
    with _switched(recording=True):
        yield


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Stop at the first NaN, and at the first inf made from finite inputs, going forward or backward.

    The `AnomalyError` names the operation, its inputs and the source line that recorded it. Inside, a
    leaf's array that was written element by element after it was recorded is found out as well. Costs
    time and memory: for hunting a fault, not for training.
    """
    with _switched(anomaly=True):
        yield


@contextmanager
def scope(entered: object) -> Iterator[None]:
    """Nodes recorded inside carry `entered` as their `.scope`."""
    with _switched(scope=entered):
        yield
