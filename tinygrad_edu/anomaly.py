"""What `detect_anomaly` looks at: each result that is recorded and each cotangent that a pass computes.

A fault is the first NaN, or the first inf made from finite numbers: what comes after it follows from it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from .errors import AnomalyError
from .node import Node, Payload, raw

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 - pathlib is slow to load


def is_ours(frame: FrameType) -> bool:
    """Whether a frame runs code of this package."""
    return frame.f_code.co_filename.startswith(_PACKAGE)


def calling_line() -> str:
    """File and line of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_ours(frame):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def inspect_result(node: Node, operation: str, operands: Sequence[Any]) -> None:
    """In anomaly mode: raise if `node` is the first NaN, or the first inf made from finite operands."""
    nodes = [x for x in operands if isinstance(x, Node)]
    no_nan, no_inf = node.finite(node._data)
    finite_before = all(all(node.finite(x)) for x in raw(operands))
    if no_nan and (no_inf or not finite_before):
        return
    where = f" (inputs: {', '.join(map(str, raw(operands)))})"
    error = AnomalyError(f"{operation} gave {'inf' if no_nan else 'nan'}{where}, recorded at {calling_line()}",
                         [node, *nodes])
    if node.op is None:  # of constants alone, or under no_grad
        error.attempt = operation, tuple(operands)
    raise error


def check_cotangent(node: Node, source: Node, cotangent: Payload, part: Payload) -> None:
    """The same for what a pass computes: raise for `part`, the cotangent so far of `source`, an input of `node`."""
    assert node.op is not None
    no_nan, no_inf = source.finite(part)
    finite_before = all(node.finite(cotangent)) and all(all(node.finite(x)) for x in raw(node.inputs))
    if no_nan and (no_inf or not finite_before):
        return
    line = f", recorded at {node._notes.site}" if node._notes is not None and node._notes.site else ""
    raise AnomalyError(f"{node.op.name}: the cotangent of its input {source} is {'inf' if no_nan else 'nan'}{line}",
                       [node, source], raw([part])[0])
