"""After a failure: which element is wrong, and what is to be seen around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..engine import history
from ..errors import TinygradError
from ..node import Node
from .diagnosis import Doubt, Numbers, indexed
from .measure import directions, moved, slope, units
from .problem import Problem, gradient, payload, plain, tangents

LOOKED_AT = 64
"""Of so many numbers each is looked at; of more, the guilty half is halved until 16 are left."""

Along = Callable[[Any], tuple[float, float, float]]
"""For a direction: the derivative claimed, the one measured, and by how much they differ more than is allowed."""


def gather(problem: Problem, along: Along, vs: Sequence[Any], mode: str, order: int,
           sides: Callable[[Any], tuple[float, float] | None], elsewhere: Callable[[Sequence[Any]], Along]) -> Doubt:
    """All that is seen of the failure along `vs`."""
    looked = [(which, element, unit, *along(unit))
              for which, element, unit in units(problem.point, _suspects(problem, along, vs))]
    which, element, direction, analytic, numeric, excess = max(looked, key=lambda found: _worst_first(found[-1]))
    alone = not excess <= 0.0
    if not alone:  # each element is right by itself, or at a kink, where only their sum tells
        direction, (analytic, numeric, _) = list(vs), along(vs)
    variable = problem.variables[which]
    own = np.array([found[3:5] for found in looked if found[0] == which])
    claimed, measured = _jacobians(problem, which, mode) if order == 1 else (None, None)
    output = ""
    if alone and claimed is not None and measured is not None:
        worst = int(np.argmax(np.nan_to_num(np.abs(claimed - measured)[:, element], nan=np.inf)))
        analytic, numeric = float(claimed[worst, element]), float(measured[worst, element])
        output = _output_name(problem, worst)
    return Doubt(
        name=variable.name if alone else "", output=output, mode=mode, order=order, analytic=analytic, numeric=numeric,
        element=tuple(map(int, np.unravel_index(element, np.shape(variable.data)))) if alone else None,
        shape=np.shape(variable.data), claimed=own[:, 0], measured=own[:, 1],
        more=np.array(list(_around(problem, which, elsewhere))).reshape(-1, 3),
        claimed_jacobian=claimed, measured_jacobian=measured, variables=tuple(_by_variable(problem, along, vs)),
        sides=sides(direction), cut=_cut(problem, direction), reached=_reached(problem, which),
        defined=bool(np.isfinite(numeric)))


def _around(problem: Problem, which: int,
            elsewhere: Callable[[Sequence[Any]], Along]) -> Iterator[tuple[float, float, float]]:
    """(x, claimed, measured) of single elements of a variable at this point and at some around it: where all numbers
    are equal, as in an example that was simplified, every mistake looks like a constant factor.
    """
    rng, point = np.random.default_rng(0), problem.point
    start = sum(int(np.size(x)) for x in point[:which])
    count = min(int(np.size(point[which])), 4)
    for reach in (0.0, 0.05, 0.1, 0.2):
        moved_point = moved(point, [v * np.maximum(1.0, np.abs(x)) if np.shape(x) else float(v * max(1.0, abs(x)))
                                    for v, x in zip(directions(point, rng), point, strict=True)], reach)
        along = elsewhere(moved_point)
        for _, element, unit in units(moved_point, range(start, start + count)):
            try:
                claimed, measured, _ = along(unit)
            except TinygradError:  # the function has no number there
                continue
            if np.isfinite(claimed) and np.isfinite(measured):
                yield float(np.ravel(moved_point[which])[element]), claimed, measured


def _worst_first(excess: float) -> float:
    return excess if excess == excess else np.inf


def _output_name(problem: Problem, place: int) -> str:
    """The output at `place`, counted through all of them; nothing, where there is only one number."""
    sizes = [int(np.size(y)) for y in problem.outputs]
    if sum(sizes) == 1:
        return ""
    which, element, _ = next(units(problem.outputs, [place]))
    name = "the result" if len(sizes) == 1 else f"result {which}"
    return name + indexed(tuple(map(int, np.unravel_index(element, np.shape(problem.outputs[which])))))


# ---- which element ---------------------------------------------------------------------------------------------------


def _suspects(problem: Problem, along: Along, vs: Sequence[Any]) -> list[int]:
    """The numbers to look at one by one, counted through all variables."""
    places = np.arange(sum(np.size(x) for x in problem.point))
    while len(places) > LOOKED_AT:
        halves = np.array_split(places, 2)
        places = max(halves, key=lambda half: along(_only(vs, half))[2])
    return [int(place) for place in places]


def _only(vs: Sequence[Any], places: Numbers | Any) -> list[Any]:
    """`vs` at these places, and 0 elsewhere."""
    sizes = [int(np.size(v)) for v in vs]
    mask = np.zeros(sum(sizes), bool)
    mask[places] = True
    parts = np.split(mask, np.cumsum(sizes)[:-1])
    return [float(v * part[0]) if isinstance(v, float) else v * part.reshape(np.shape(v))
            for v, part in zip(vs, parts, strict=True)]


def _by_variable(problem: Problem, along: Along, vs: Sequence[Any]) -> Iterator[tuple[float, float]]:
    """The derivative claimed and measured along the part of `vs` that moves one variable, for each."""
    start = 0
    for v in vs:
        end = start + int(np.size(v))
        claimed, measured, _ = along(_only(vs, slice(start, end)))
        yield claimed, measured
        start = end


# ---- what is around it -----------------------------------------------------------------------------------------------


def _jacobians(problem: Problem, which: int, mode: str) -> tuple[Numbers | None, Numbers | None]:
    """All outputs by all elements of one variable, by the engine and by differences; none, where that is too many."""
    size, outputs = int(np.size(problem.point[which])), sum(int(np.size(y)) for y in problem.outputs)
    if max(size, outputs) > LOOKED_AT:
        return None, None
    start = sum(int(np.size(x)) for x in problem.point[:which])
    columns = [vs for _, _, vs in units(problem.point, range(start, start + size))]

    def flat(*point: Any) -> Numbers:
        with problem.at(point) as (_, found):
            return _flat(map(payload, found))

    with np.errstate(all="ignore"):
        measured = np.stack([slope(flat, problem.point, vs) for vs in columns], axis=1)
    if not np.all(np.isfinite(measured)):  # its long step leaves the domain
        return None, None
    with problem.at(problem.point) as (nodes, found):
        if mode == "forward":
            claimed = [_flat(plain(tangents(nodes, found, vs), problem.outputs)) for vs in columns]
            return np.stack(claimed, axis=1), measured
        rows = [plain(gradient(nodes, found, us), problem.point)[which] for _, _, us in
                units(problem.outputs, range(outputs))]
        return np.stack([np.ravel(row) for row in rows]), measured


def _flat(parts: Any) -> Numbers:
    return np.concatenate([np.ravel(part) for part in parts])


def _reached(problem: Problem, which: int) -> bool:
    """Whether the outputs are made from the variable."""
    with problem.at(problem.point) as (nodes, outputs):
        return nodes[which] in history(*[y for y in outputs if isinstance(y, Node)])


def _cut(problem: Problem, vs: Sequence[Any]) -> str:
    """Where a plain number is read that moves with the variables, so that a derivative should flow through it."""
    recorded = []
    for step in (0.0, 1e-3):
        with problem.at(moved(problem.point, vs, step)) as (nodes, outputs):
            recorded.append(list(_constants(nodes, outputs)))
    if [what for what, _ in recorded[0]] == [what for what, _ in recorded[1]]:
        for (what, before), (_, after) in zip(*recorded, strict=True):
            if not np.array_equal(before, after, equal_nan=True):
                return f"{what} a plain number that moves with the inputs, so that their derivative through it is lost"
    return ""


def _constants(nodes: Sequence[Any], outputs: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Every plain number and constant node that the graph reads, and who reads it."""
    for y in outputs:
        if not isinstance(y, Node) or (y.op is None and y not in nodes):
            yield "the result is", payload(y)
    for node in history(*[y for y in outputs if isinstance(y, Node)]):
        assert node.op is not None or not node.inputs
        for x in node.inputs:
            if not isinstance(x, Node) or (x.op is None and x not in nodes):
                yield f"{node.op.name if node.op else ''} reads", payload(x)
