"""Why the derivative of one operation is 0, found by trying its rule in the neighbourhood.

No operation has to be known here: one that is flat around its input is dead or saturated, one whose derivative comes
back with another operand multiplies by it, one that follows another operand has selected that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..node import Node
from ..ops.array_row import Linear, LinearInEach
from ..ops.row import Elementwise, ScalarRow
from ..viz.text import number
from .flow import Cut
from .letters import payload_text

DEAD, SATURATED, MULTIPLIED, CLIPPED, NOT_SELECTED, CONSTANT_PIECES, STATIONARY, UNDERFLOW, CANCELS = (
    "dead", "saturated", "multiplied by 0", "clipped", "not selected", "piecewise constant", "stationary", "underflow",
    "cancels")
"""Kinds of causes."""

NEAR = 1e-3
"""How far, relative to the larger of 1 and the input, the rule is tried around it."""

Call = Callable[[Node], str]
"""What a node is called."""

Mask = NDArray[np.bool_]


def reason(cut: Cut, call: Call) -> tuple[str, str, Node]:
    """The kind of cause, what is to be said, and of which node."""
    assert cut.edge is not None
    node, row = cut.node, cut.node.op
    assert row is not None
    if isinstance(row, Linear) and not isinstance(row, LinearInEach):
        if cut.via is not None and cut.via.node is not node:
            return reason(cut.via, call)
        return NOT_SELECTED, f"{row.name} takes nothing from {call(cut.edge.source)}", node
    derivative = cut.edge.derivative
    if derivative:
        return UNDERFLOW, f"{number(cut.cotangent)} * {number(derivative)} is smaller than any float but 0", node
    if cut.edge.source.index > node.index:
        return "zero derivative", f"the derivative of {row.name} was 0 when recorded; the input was changed since", node
    with np.errstate(all="ignore"):
        if isinstance(row, LinearInEach):
            return (*_of_a_product(cut, call), node)
        if isinstance(row, Elementwise) and not callable(row.derivatives[cut.edge.position]):
            return CONSTANT_PIECES, f"the derivative of {row.name} is 0 everywhere", node
        return (*_Tried(cut, call).reason(), node)


def _of_a_product(cut: Cut, call: Call) -> tuple[str, str]:
    node, edge = cut.node, cut.edge
    assert edge is not None
    assert node.op is not None
    sizes = [np.abs(x) for x in node.arguments]
    if np.any(node.op.vjp(edge.position, np.abs(cut.cotangent), np.abs(node._data), sizes, node.params)):
        return CANCELS, f"the terms of {node.op.name} add up to 0"
    zeros = [k for k, x in enumerate(node.arguments) if k != edge.position and not np.any(x)]
    if zeros:
        return MULTIPLIED, f"the other factor of {node.op.name}, {_operand(node, zeros[0], call)}, is 0"
    return MULTIPLIED, f"{node.op.name} multiplies all that arrives by numbers that are 0"


def _operand(node: Node, position: int, call: Call) -> str:
    x = node.inputs[position]
    return call(x) if isinstance(x, Node) else payload_text(x)


class _Tried:
    """The rule of an edge, tried around where it stands; element by element where it works on arrays."""

    def __init__(self, cut: Cut, call: Call) -> None:
        assert cut.edge is not None
        self.cut, self.call, self.node, self.position = cut, call, cut.node, cut.edge.position
        self.row: Any = self.node.op
        self.arguments: list[Any] = [float(x) if self.node.is_scalar else np.asarray(x) for x in self.node.arguments]
        self.by_element = isinstance(self.row, Elementwise)
        here = self._response({})
        arriving = np.asarray(cut.cotangent) != 0.0
        self.asked: Mask = np.broadcast_to(arriving, here.shape) if self.by_element else np.ones(here.shape, bool)

    def _response(self, moved: dict[int, float]) -> NDArray[Any]:
        """What flows along the edge with some operands moved; nan where the rule does not work."""
        row, node = self.row, self.node
        arguments = [x + moved[k] * NEAR * np.maximum(1.0, np.abs(x)) if k in moved else x
                     for k, x in enumerate(self.arguments)]
        try:
            if node.is_scalar:
                floats = [float(x) for x in arguments]
                return np.asarray(row.ieee_partial(self.position, row.on_floats(floats), floats), float)
            out = row.on_arrays(arguments, node.params)
            return np.asarray(row.vjp(self.position, self.cut.cotangent, out, arguments, node.params), float)
        except Exception:  # an operation may refuse the neighbourhood
            return np.asarray(np.nan)

    def _returns(self, positions: Sequence[int]) -> Mask:
        """Where the derivative is not 0 on either side, when these operands move."""
        up, down = (self._response({k: sign * (1.0 + 0.1 * k / len(self.arguments)) for k in positions})
                    for sign in (1.0, -1.0))
        both = (up != 0.0) & (down != 0.0)
        return both if self.by_element else np.asarray(np.any(both))

    def reason(self) -> tuple[str, str]:
        others = [k for k in range(len(self.arguments)) if k != self.position]
        stationary = self._returns([self.position])
        multiplied = self._returns(others) if others and self.row.name != "select" else np.asarray(False)
        kinds = {STATIONARY: stationary, MULTIPLIED: multiplied & ~stationary}
        kinds["flat"] = ~(kinds[STATIONARY] | kinds[MULTIPLIED])
        found = {kind: int(np.count_nonzero(np.broadcast_to(mask, self.asked.shape) & self.asked))
                 for kind, mask in kinds.items()}
        kind = max(found, key=lambda kind: found[kind])
        which = np.broadcast_to(kinds[kind], self.asked.shape) & self.asked
        if kind == STATIONARY:
            return STATIONARY, f"the derivative of {self.row.name} at {self._input(which)} is 0"
        if kind == MULTIPLIED:
            return MULTIPLIED, self._multiplied(others)
        return self._flat(which, others)

    def _multiplied(self, others: list[int]) -> str:
        """Which operand it is that makes the derivative 0."""
        for k in sorted(others, key=lambda k: bool(np.any(self.arguments[k]))):  # first those that are 0
            if np.any(self._returns([k])):
                name, x = _operand(self.node, k, self.call), payload_text(self.arguments[k])
                said = f"{name} is {x}" if name != x else f"an operand is {x}"
                return f"the derivative of {self.row.name} is 0 where {said}"
        return f"the derivative of {self.row.name} is 0 with these operands"

    def _input(self, which: Mask) -> str:
        x = self.arguments[self.position]
        if np.size(x) == 1:
            return payload_text(x)
        return f"{np.count_nonzero(which):,} of {np.count_nonzero(self.asked):,} inputs"

    def _flat(self, which: Mask, others: list[int]) -> tuple[str, str]:
        name, x = self.row.name, self.arguments[self.position]
        if name == "clip":
            low, high = (payload_text(a) for a in self.arguments[1:])
            return CLIPPED, f"input {self._input(which)} outside of [{low}, {high}]"
        if others and isinstance(self.row, ScalarRow):
            taken = [k for k in others if np.array_equal(self.arguments[k], self.node._data)]
            whom = f" took {_operand(self.node, taken[0], self.call)}" if taken else " took the other operand"
            return NOT_SELECTED, f"{name}{whom}, not the input {self._input(which)}"
        kinked = isinstance(self.row, Elementwise) and len(self.row.domain[self.position]) > 1
        if not kinked:
            return SATURATED, f"saturated {name}: derivative 0 at {self._input(which)}"
        if np.size(x) == 1:
            return DEAD, f"dead {name}: input {payload_text(x)}"
        sign = " <= 0" if np.all(x[which] <= 0.0) else " >= 0" if np.all(x[which] >= 0.0) else ""
        return DEAD, f"dead {name}: {self._input(which)}{sign}"
