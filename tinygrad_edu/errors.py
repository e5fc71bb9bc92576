"""One family of exceptions; each carries the graph nodes it is about in `.nodes`.

Every class also derives from the built-in exception a NumPy user would expect, so
`except ValueError` around a shape mistake works as it does with arrays.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

from numpy.linalg import LinAlgError

from .display import Bundle, bundle


class TinygradError(Exception):
    """Base of all errors of this package. A notebook shows one, as in ``display(error)``, with a drawing of the nodes.

    Attributes:
        nodes: the nodes concerned, outputs before inputs.
        attempt: where an operation has no result: its name, and all its operands.
    """

    attempt: tuple[str, tuple[Any, ...]] | None = None

    def __init__(self, message: str, nodes: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.nodes = tuple(nodes)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> Bundle:
        return bundle("error", self, include, exclude)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows where nothing catches the error: what it always does, and how to see the nodes."""
        shell = sys.modules["IPython"].get_ipython()
        lines: list[str] = shell.InteractiveTB.structured_traceback(type(self), self, self.__traceback__)
        return [*lines, "tg.draw(sys.last_value) draws where this happened."] if self.nodes else lines


class ShapeError(TinygradError, ValueError, IndexError):
    """Shapes or axes that do not go together, or a label or index out of range."""


class SingularMatrixError(TinygradError, LinAlgError):
    """A matrix without an inverse."""


class DataError(TinygradError, TypeError):
    """Data of a kind that cannot be differentiated: complex, text, objects, ragged lists."""


class MixedNodesError(TinygradError, TypeError):
    """A `Value` met a `Tensor`; the message names the two bridges between them."""


class UnsupportedError(TinygradError, TypeError):
    """A NumPy function or argument that has no differentiable counterpart here."""


class GraphError(TinygradError, RuntimeError):
    """A request that this graph cannot answer, such as `backward()` on a constant."""


class GraphWarning(UserWarning):
    """A gradient that is right, but probably not what was meant."""


class StaleGraphError(GraphError):
    """A leaf's data changed after the graph that reads it was recorded."""


class AnomalyError(TinygradError, ArithmeticError):
    """Under `detect_anomaly()`: the first NaN, or the first infinity made from finite numbers.

    Attributes:
        cotangent: what flowed back to the last of `nodes`, where that is at fault; else None.
    """

    def __init__(self, message: str, nodes: Iterable[Any] = (), cotangent: Any = None) -> None:
        super().__init__(message, nodes)
        self.cotangent = cotangent


class FileFormatError(TinygradError, ValueError):
    """A file that is damaged, or of another kind than is wanted."""


class MissingExtraError(TinygradError, ImportError):
    """An optional dependency is absent; the message is the pip command that brings it."""


class GradientError(TinygradError, AssertionError):
    """A derivative is not the one that was measured.

    Attributes:
        input: the name of the argument or parameter; None where only a direction of all of them is wrong.
        element: its element, as an index tuple; None where no single one is to blame.
        analytic: the derivative by the engine.
        numeric: the derivative measured by differences.
        ratio: analytic / numeric, nan where that is no number.
        cause: the likely cause in a few words, such as "wrong sign".
        mode: "reverse", "forward", or how the two were nested.
        order: 1 for a first derivative, 2 for a second.
    """

    def __init__(self, message: str, nodes: Iterable[Any] = (), *, input: str | None = None,  # noqa: A002 - a noun
                 element: tuple[int, ...] | None = None, analytic: float | None = None, numeric: float | None = None,
                 cause: str | None = None, mode: str | None = None, order: int | None = None) -> None:
        super().__init__(message, nodes)
        self.input, self.element, self.analytic, self.numeric = input, element, analytic, numeric
        self.cause, self.mode, self.order = cause, mode, order

    @property
    def ratio(self) -> float:
        """analytic / numeric, nan where that is no number."""
        return self.analytic / self.numeric if self.analytic is not None and self.numeric else math.nan
