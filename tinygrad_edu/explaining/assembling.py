"""From the ways between two nodes to an explanation: numbers, names and causes put together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..node import Node
from ..viz.snapshot import parameter_names
from .causes import Cause, causes_of, causes_of_little
from .explanation import Explanation
from .flow import (
    Flow,
    along_arrays,
    along_scalars,
    as_float,
    check_all_fresh,
    flow,
    is_finite,
    is_zero,
)
from .parts import Path
from .symbols import Names
from .ways import Edge, Walk, Ways, counts, largest, unrolled

FEW = 32
"""So many paths of arrays are all looked at; of more, the largest that are found by looking a step ahead."""


def assembled(ways: Ways, seed: Any, most: int, variables: Mapping[int, str]) -> Explanation:
    """The explanation of what leads from one end of these ways to the other."""
    if seed is not None:
        check_all_fresh(ways.root)
    names = Names(variables, parameter_names(ways.found), ways.found)
    of, by = names(ways.root), names(ways.wrt)
    flowing = flow(ways, seed) if ways.order else Flow()
    walks, products, count, exact = _paths(ways, seed, most)
    _number(names, ways, walks)
    numbered = len(names.given)
    value, note = flowing.value, _no_shares(flowing.value)
    paths = tuple([_path(names, walk, product, None if note else _share(product, value))
                   for walk, product in zip(walks, products, strict=True)])
    causes, more = causes_of(ways, flowing, names, most)
    if walks and value is not None:
        causes += causes_of_little(value, seed, walks[0], products, names, most)
    causes += _hooks(ways, names)
    steps = [(walk.nodes[k], walk.edges[k]) for walk, path in zip(walks, paths, strict=True) for k in path.written[0]]
    symbols = {names(node): names.defined(node) for node in _mentioned(ways, steps, names, causes, numbered)}
    left = count - len(walks)
    return Explanation(of, by, _owned(value), paths, count, exact, _rest(value, products, left), left, note,
                       tuple(causes), more, symbols, names.locals(steps))


def _paths(ways: Ways, seed: Any, most: int) -> tuple[list[Walk], list[Any], int, bool]:
    """The largest paths, their products, how many there are in all, and whether none that is larger was missed."""
    if not ways.connected:
        return [], [], 0, True
    count = 1 if ways.root is ways.wrt else counts(ways, ways.alive, [ways.root])[ways.root]
    numbers = seed.__class__ is float and all(edge.derivative is not None
                                              for edges in ways.alive.values() for edge in edges)
    if numbers:
        pieces, _ = largest(ways, (seed, 0.0), along_scalars, most)
        return [unrolled(piece) for piece in pieces], [as_float(piece.product) for piece in pieces], count, True
    pieces, whole = largest(ways, seed, along_arrays, max(most, FEW) if count <= FEW else 2 * most)
    pieces = pieces[:most]
    return [unrolled(piece) for piece in pieces], [_owned(piece.product) for piece in pieces], count, whole


def _number(names: Names, ways: Ways, walks: Sequence[Walk]) -> None:
    """Name the nodes on these ways, from the variable on."""
    shown = {node for walk in walks for node in walk.nodes}
    for node in reversed(ways.order):
        if node in shown:
            names(node)


def _path(names: Names, walk: Walk, product: Any, share: float | None) -> Path:
    factors = walk.factors
    numbers = tuple([f if f.__class__ is float else f[0] for f in factors])
    gains = tuple([abs(f) if f.__class__ is float else f[1] for f in factors])
    return Path(tuple(map(names, walk.nodes)), numbers, product, share, gains,
                tuple([edge.position for edge in walk.edges]))


def _no_shares(value: Any) -> str:
    """Why paths have no shares of the whole, "" where they have."""
    if value is None:
        return "the gradient is None"
    if not is_finite(value):
        return "the gradient is not finite"
    if not np.size(value):
        return "the gradient has no elements"
    return "the gradient is 0" if is_zero(value) else ""


def _share(product: Any, value: Any) -> float | None:
    """<product, value> / <value, value>; of all paths these add up to 1."""
    if not is_finite(product):
        return None
    if value.__class__ is float:
        return float(product / value)
    whole = np.asarray(value, np.float64)
    largest_element = float(np.max(np.abs(whole)))  # no square may overflow, or vanish
    whole = whole / largest_element
    part = np.asarray(product, np.float64) / largest_element
    return float(np.sum(part * whole) / np.sum(whole * whole))


def _rest(value: Any, products: Sequence[Any], left: int) -> Any:
    """What the paths that are not shown contribute together."""
    if value.__class__ is float:
        terms = [value, *[-p for p in products]]
        return 0.0 if not left else _sum(terms) if all(map(math.isfinite, terms)) else sum(terms)
    if value is None:
        return None
    return _owned(value - sum(products)) if left else np.zeros_like(value)


def _sum(terms: Sequence[float]) -> float:
    """The sum, rounded once; it may stay in range although it does not on the way."""
    try:
        return math.fsum(terms)
    except OverflowError:
        return as_float((math.fsum([math.ldexp(x, -64) for x in terms]), 64.0))


def _owned(value: Any) -> Any:
    """A number, or an array that nobody else holds."""
    return value if value is None or value.__class__ is float else np.array(value)


def _hooks(ways: Ways, names: Names) -> list[Cause]:
    return [Cause("hook", names(node), node.index, "a hook may change the gradient that backward() finds; it is not "
                  "called here") for node in ways.order
            if (node in ways.alive or node is ways.wrt) and node._notes is not None and node._notes.hooks]


def _mentioned(ways: Ways, steps: Sequence[tuple[Node, Edge]], names: Names, causes: Sequence[Cause],
               numbered: int) -> list[Node]:
    """The nodes that are written out, the result first; at the end those that causes are about, or that got their names
    behind the `numbered` first, as only the causes speak of them.
    """
    written = {node for step in steps for node in (step[0], step[1].source)}
    blamed = {cause.name for cause in causes}
    return [*[node for node in ways.order if node in written],
            *[node for k, (node, name) in enumerate(names.given.items())
              if (k >= numbered or name in blamed) and node not in written]]
