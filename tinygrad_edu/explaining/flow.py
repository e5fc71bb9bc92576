"""The cotangents on the ways from a result to a node, and where they stop.

Behind a place that lets nothing through the search goes on as if it did: a path may be cut in several places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..anomaly import check_cotangent
from ..engine import check_fresh, history
from ..modes import current_mode
from ..node import Node
from .letters import norm
from .ways import CUT_OFF, Edge, Size, Ways, size_of

NO_GRADIENT, ZERO, CANCELS, NOT_FINITE = "no gradient", "zero", "cancels", "not finite"
"""How an edge cuts paths; of a node, that what comes to it adds up to 0."""


@dataclass(slots=True, eq=False)
class Cut:
    """An edge at which paths end, or a node, without an edge, at which they cancel.

    Attributes:
        how: NO_GRADIENT, ZERO, CANCELS or NOT_FINITE.
        node, edge: where.
        arriving: how many paths lead there from the result.
        cotangent: what arrives; ones where that is 0 already.
        via: the place before it on one of the ways, as another cut, for operations that only pass numbers on.
    """

    how: str
    node: Node
    edge: Edge | None
    arriving: int
    cotangent: Any = None
    via: Cut | None = None


@dataclass(slots=True, eq=False)
class Flow:
    """What was found: the gradient, None where none gets there, and all cuts."""

    value: Any = None
    cuts: list[Cut] = field(default_factory=list)


def check_all_fresh(root: Node) -> None:
    """Raise if a leaf is not what it was: the numbers of a derivation would not go together."""
    for node in history(root):
        check_fresh(node)


def pulled(cotangent: Any, node: Node, edge: Edge) -> Any:
    """The part of a cotangent that flows along an edge, by the row's own rule."""
    if edge.derivative is not None:
        return cotangent * edge.derivative
    assert node.op is not None
    return edge.source.fit(node.op.vjp(edge.position, cotangent, node._data, node.arguments, node.params))


def is_zero(x: Any) -> bool:
    """Whether there is nothing but 0; of an array without elements nothing is."""
    return x == 0.0 if x.__class__ is float else not np.any(x) and np.size(x) > 0


def is_finite(x: Any) -> bool:
    """Whether all is finite."""
    return math.isfinite(x) if x.__class__ is float else bool(np.all(np.isfinite(x)))


def flow(ways: Ways, seed: Any) -> Flow:
    """Send a cotangent from the result to the node; `seed` is None where no gradient gets there at all."""
    found = Flow()
    arriving = {ways.root: 1}
    cotangents: dict[Node, Any] = {ways.root: seed} if ways.connected else {}
    reached = {ways.root}  # by something that is not 0
    came: dict[Node, Cut] = {}
    for node in ways.order:
        count, g = arriving.pop(node), cotangents.pop(node, None)
        if g is not None and node in reached and is_zero(g):
            found.cuts.append(Cut(CANCELS, node, None, count, g))
        if node is ways.wrt:
            found.value = g
            break
        alive = {edge.position for edge in ways.alive.get(node, ())} if g is not None else ()
        for edge in ways.edges[node]:
            arriving[edge.source] = arriving.get(edge.source, 0) + count
            if not edge.flows:
                if edge.position == CUT_OFF or edge.source not in ways.edges:  # else that is where it was detached
                    found.cuts.append(Cut(NO_GRADIENT, node, edge, count, g))
            elif edge.position in alive:
                _pass_on(found, Cut(ZERO, node, edge, count, g, came.get(node)), cotangents, reached, came)
    return found


def _pass_on(found: Flow, here: Cut, cotangents: dict[Node, Any], reached: set[Node], came: dict[Node, Cut]) -> None:
    """Send what arrives at a node along one edge; `here` is what is to be said, should that be cut."""
    node, edge, g = here.node, here.edge, here.cotangent
    assert edge is not None
    source = edge.source
    part = pulled(g, node, edge)
    if current_mode().anomaly:  # here alone: of a single path more may overflow than of the sum that backward sees
        check_cotangent(node, source, g, part)
    cotangents[source] = cotangents[source] + part if source in cotangents else part
    nothing = is_zero(g)
    if nothing:
        here.cotangent = g = g + 1.0
        tried = pulled(g, node, edge)
    else:
        tried = part
    if is_zero(tried):
        found.cuts.append(here)
        return
    if is_finite(g) and not is_finite(tried):
        found.cuts.append(Cut(NOT_FINITE, node, edge, here.arriving, g))
    if nothing:
        return
    reached.add(source)
    if not node.is_scalar:  # the first place where some of the numbers became 0 may be to blame for all of them
        blamed = here.via
        if blamed is None and np.count_nonzero(part) < np.size(part):
            blamed = here
        if blamed is not None:
            came[source] = blamed


# ---- along one path --------------------------------------------------------------------------------------------------


def along_scalars(product: tuple[float, float], node: Node, edge: Edge) -> tuple[Size, Any, Any]:
    """One factor more: of a product that is kept as a mantissa and an exponent, so that it stays in range."""
    mantissa, exponent = product
    assert edge.derivative is not None
    mantissa *= edge.derivative
    if mantissa and math.isfinite(mantissa):
        mantissa, more = math.frexp(mantissa)
        exponent += more
    return size_of(mantissa, exponent), (mantissa, exponent), edge.derivative


def along_arrays(product: Any, node: Node, edge: Edge) -> tuple[Size, Any, Any]:
    """One step more of a cotangent, with the derivative if it is a number, else with how its length changed."""
    part = pulled(product, node, edge)
    before, after = norm(product), norm(part)
    return size_of(after), part, (edge.derivative, after / before if before else math.nan)


def as_float(product: tuple[float, float]) -> float:
    """mantissa * 2**exponent: inf or 0 where that is out of range."""
    mantissa, exponent = product
    try:
        return math.ldexp(mantissa, int(exponent))
    except OverflowError:
        return math.copysign(math.inf, mantissa)
