"""Progress bars by tqdm, in a terminal or a notebook; or nothing."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from typing import Any

from ..errors import MissingExtraError
from ..extras import extra

QUICK = 1.0
"""Seconds: an epoch that takes no longer gets no bar of its own."""


class Bars:
    """A bar for the epochs, and one for the batches of each epoch that takes its time.

    Args:
        wanted: False shows nothing.
        epochs: how many there are to be.
        done: how many there were before.

    Raises:
        MissingExtraError: tqdm is not installed, but wanted.
    """

    def __init__(self, wanted: bool, epochs: int, done: int) -> None:
        self._tqdm = _tqdm() if wanted else None
        self._bar = self._tqdm(total=epochs, initial=done, desc="training", unit="epoch") if self._tqdm else None

    def batches(self, batches: Iterable[Any], total: int | None, done: int) -> Iterable[Any]:
        """The same batches, counted on a bar."""
        if self._tqdm is None:
            return batches
        counted: Iterable[Any] = self._tqdm(batches, total=total, initial=done, desc="epoch", unit="batch",
                                            leave=False, delay=QUICK)
        return counted

    def epoch(self, row: dict[str, float]) -> None:
        """One more epoch is over, and this is what is known of it."""
        if self._bar is not None:
            self._bar.set_postfix({name.replace("_", " "): f"{number:.4g}" for name, number in row.items()})
            self._bar.update()

    def note(self, text: str) -> None:
        """Say something on stderr, where the bars are, without breaking them."""
        if self._tqdm is not None:
            self._tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()


def _tqdm() -> Any:
    """tqdm's bar for where it runs; in a notebook without widgets that is text, which needs no warning."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return extra("tqdm.auto", "tour").tqdm
    except MissingExtraError as error:
        raise MissingExtraError(f"{error}; or train with progress=False") from error
