"""`History`: what a training run went through, as plain numbers."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import DataError
from ..extras import extra

SHOWN = 12
"""How many epochs a table has at most; of more, the first and the last are shown."""


@dataclass
class History:
    """One row of named numbers for each epoch, in plain lists and dicts.

    >>> history = History([{"loss": 1.5, "lr": 0.1}, {"loss": 0.5, "lr": 0.1}])
    >>> history["loss"]
    [1.5, 0.5]
    >>> print(history)
    epoch  loss   lr
        1   1.5  0.1
        2   0.5  0.1

    Attributes:
        rows: for each whole epoch a dict: "loss", the metrics, the same of the validation data, and "lr".
        interrupted: whether Ctrl-C ended the run.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    interrupted: bool = False

    @property
    def names(self) -> list[str]:
        """What is known of each epoch, in the order of the first one."""
        return list(self.rows[0]) if self.rows else []

    def __getitem__(self, name: str) -> list[float]:
        """The numbers of this name, one for each epoch.

        Raises:
            DataError: there are none of this name.
        """
        if self.rows and name not in self.rows[0]:
            raise DataError(f"History: no {name!r}; there are {', '.join(self.names)}; each epoch is in history.rows")
        return [row[name] for row in self.rows]

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def plot(self, *names: str, ax: Any = None) -> Any:
        """Draw the numbers of these names over the epochs, by default the losses; returns the axes.

        Args:
            names: which numbers.
            ax: matplotlib's axes to draw on; by default new ones.

        Raises:
            DataError: there are none of a name.
            MissingExtraError: matplotlib is not installed.
        """
        if ax is None:
            ax = extra("matplotlib.pyplot", "notebook").subplots()[1]
            ax.locator_params(axis="x", integer=True)
        for name in names or [name for name in self.names if name.endswith("loss")]:
            ax.plot(range(1, len(self) + 1), self[name], label=name.replace("_", " "))
        ax.set_xlabel("epoch")
        if self.rows:
            ax.legend()
        return ax

    def __str__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join("  ".join(map(str.rjust, row, widths)) for row in table)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *body = [[html.escape(cell) for cell in row] for row in self._table()]
        lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in body]
        return (f"<table><thead><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr></thead>"
                f"<tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>")

    def _table(self) -> list[list[str]]:
        """Head and rows as text; what is left out of a long run stands as a row of dots."""
        rows = [[str(epoch), *(f"{row[name]:.4g}" for name in self.names)] for epoch, row in enumerate(self.rows, 1)]
        if len(rows) > SHOWN:
            rows[SHOWN // 2:-SHOWN // 2] = [["..."] * len(rows[0])]
        return [["epoch", *(name.replace("_", " ") for name in self.names)], *rows]
