"""Characters: text as numbers, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError


class Characters:
    """A number for each character: 1, 2, ... in the order of the alphabet, and 0 as a mark of start and end.

    Of a model of texts, ``codes[:-1]`` are the inputs and ``codes[1:]`` the targets. Padding with 0 puts end marks
    behind the end.

    Args:
        texts: the texts whose characters are to be known, or one text with all of them.

    Attributes:
        symbols: the characters in order; ``symbols[i - 1]`` has the number i.

    >>> characters = Characters(["anna", "ben"])
    >>> characters, len(characters)
    (Characters('aben'), 5)
    >>> characters.encode("anna")
    array([0, 1, 4, 4, 1, 0])
    >>> characters.decode([2, 3, 4, 0])
    'ben'
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.symbols = "".join(sorted(set().union(*texts)))
        self._numbers = {symbol: i for i, symbol in enumerate(self.symbols, start=1)}

    def encode(self, text: str) -> NDArray[np.int_]:
        """The numbers of the characters between two marks: text of n characters -> (n + 2,).

        Raises:
            ShapeError: a character has no number.
        """
        try:
            return np.array([0, *[self._numbers[symbol] for symbol in text], 0])
        except KeyError as error:
            raise ShapeError(f"encode: {error.args[0]!r} in {text!r} is none of the characters {self.symbols!r}") \
                from None

    def decode(self, indices: Any) -> str:
        """The text of these numbers, up to the end mark, if there is one; a start mark is passed over.

        Raises:
            DataError: the numbers are not integers.
            ShapeError: they are no sequence, or one of them has no character.
        """
        indices = np.asarray(indices)
        if indices.ndim != 1:
            raise ShapeError(f"decode: takes one sequence of numbers, not an array of shape {indices.shape}")
        if indices.size and indices.dtype.kind not in "iu":
            raise DataError(f"decode: takes integers, not {indices.dtype}")
        numbers = indices.tolist()
        if numbers and not 0 <= min(numbers) <= max(numbers) < len(self):
            raise ShapeError(f"decode: numbers from {min(numbers)} to {max(numbers)}, but characters have 0 to "
                             f"{len(self) - 1}")
        if numbers[:1] == [0]:
            del numbers[0]
        end = numbers.index(0) if 0 in numbers else len(numbers)
        return "".join([self.symbols[i - 1] for i in numbers[:end]])

    def __len__(self) -> int:
        return len(self.symbols) + 1

    def __repr__(self) -> str:
        return f"Characters({self.symbols!r})"
