"""What the tour writes: lines, tables, and images drawn with characters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

INK = " .:+#@"
"""From paper to ink."""


def show(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def confusion_table(counts: Array) -> list[str]:
    """How often each digit (row) got each answer (column), zeros as dots."""
    head = "       " + "".join(f"{digit:4d}" for digit in range(len(counts)))
    return [head] + [f"  {digit:4d} " + "".join(f"{n:4d}" if n else "   ." for n in row)
                     for digit, row in enumerate(counts.tolist())]


def pictures(images: Iterable[Array], captions: Iterable[str], gap: str = "   ") -> list[str]:
    """Images of numbers from 0 to 1 beside each other, two characters to a pixel, each above its caption.

    >>> import numpy as np
    >>> for line in pictures([np.eye(3), 0.4 * np.eye(3)], ["dark", "light"]):
    ...     print(line)
    @@         ::
      @@         ::
        @@         ::
    dark     light
    """
    drawn = [["".join(2 * INK[round(float(ink) * (len(INK) - 1))] for ink in row) for row in image] for image in images]
    columns = [[*lines, f"{caption:<{len(lines[0])}}"] for lines, caption in zip(drawn, captions, strict=True)]
    return [gap.join(parts).rstrip() for parts in zip(*columns, strict=True)]
