"""`gradcheck`: the derivatives of any function against differences of the function itself."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import GradientError, GraphWarning
from ..modes import enable_grad
from .diagnosis import Doubt, diagnose
from .evidence import Along, gather
from .measure import STEP, Slope, directions, inner, kinks_at_zero, moved, slope_at_zero, units
from .problem import Problem, curved, gradient, payload, plain, tangents

MODES = ("reverse", "forward")

MANY, BUDGET = 1000, 30
"""A function of more than so many numbers is called so often at the most, where nothing is wrong and no kink is."""

FEW = 24
"""Of so many numbers each is looked at singly, of more numbers three that are drawn."""

NEARER = (STEP / 2.0**9, STEP / 2.0**18)
"""The steps of a second and a third look, at what the first may have got wrong, as it crossed a kink or a pole."""

BESIDE = 4.0 * STEP
"""How far from a kink the check is made once more: no step from there crosses it."""

NOTHING = 1e-13
"""A derivative that is 0 on paper is measured as less, from what rounding leaves inside the function."""

Direction = Sequence[Any]
"""A number or array for each variable."""


def gradcheck(function: Callable[..., Any], *inputs: Any, order: int = 1, modes: str | Sequence[str] = MODES,
              rtol: float = 1e-6, atol: float = 1e-8, seed: int = 0) -> bool:
    """Check the derivatives of `function` at `inputs` against differences of its results.

    Along random directions v and under a random projection u, the number u . (J v) is measured by central
    differences and compared with (u J) . v of reverse mode and u . (J v) of forward mode; then the same for
    single elements: all, or three that are drawn where there are many. The cost so does not grow with the size:
    a function of more than 1000 numbers is called at most 30 times, but at a kink. What differs is hunted down to
    its element.

    Differentiated by are: floats, float arrays, Values and Tensors among the inputs, nested in lists and dicts;
    the parameters of modules among them; and all leaves that the function itself reads, such as the parameters
    of a model. Integers are passed on as they are, and lists as lists: an array is np.array([1.0, 2.0]). Every
    `.grad` and every parameter stays as it was.

    Args:
        function: returns one number or many: Values, Tensors, nested lists and dicts of them.
        inputs: where to check.
        order: 2 checks second derivatives too: every nesting of the modes, against differences of the gradient.
        modes: "reverse" or "forward", or both in a tuple.
        rtol: how far a derivative may be off, relative; widened by no more than the error that the measurement
            ascribes to itself.
        atol: the same, absolute.
        seed: of the generator that directions are drawn from.

    Returns:
        True, so that it can stand behind an assert.

    Raises:
        GradientError: a derivative is wrong; the message says of what, by how much, and the likely cause.
        DataError: there is nothing to differentiate by, or what is returned are no numbers.

    Warns:
        GraphWarning: float32 is checked in float64; or the inputs are at a kink, and the derivative lies between
            the slopes of the two sides, which is all that can be said there, so that it is checked beside the kink
            too; or a derivative is too small for `atol`, or cannot be measured well, and others would pass as well.

    >>> import tinygrad_edu as tg
    >>> gradcheck(lambda x, w: tg.tanh(x @ w), np.ones((2, 3)), np.eye(3))
    True
    """
    modes = (modes,) if isinstance(modes, str) else modes
    unknown = set(modes) - set(MODES)
    if order not in (1, 2) or unknown or not modes:
        raise ValueError(f"gradcheck: order is 1 or 2, and modes are among {MODES}; not {order} and {tuple(modes)}")
    with enable_grad():  # whatever the surroundings say
        return _checked(Problem(function, inputs), order, modes, rtol, atol, seed)


def _checked(problem: Problem, order: int, modes: Sequence[str], rtol: float, atol: float, seed: int) -> bool:
    for variable in problem.variables:
        if variable.narrow:
            warnings.warn(f"gradcheck: {variable.name} is float32, whose seven digits are too few to measure a "
                          "derivative; it is checked in float64", GraphWarning, stacklevel=3)
    rng = np.random.default_rng(seed)
    for n in range(1, order + 1):
        _Check(problem, n, modes, rng, rtol, atol).run()
    return True


# ---- what each mode claims -------------------------------------------------------------------------------------------


@dataclass
class Claim:
    """A mode, and the derivatives along some directions that it gives, from one call of the function."""

    mode: str
    along: Callable[[Sequence[Direction]], list[float]]


def _claims(problem: Problem, us: Direction, order: int, modes: Sequence[str], ws: Direction) -> list[Claim]:
    if order == 1:
        made = {"reverse": (_by_gradient(problem, lambda nodes, outputs: gradient(nodes, outputs, us))),
                "forward": (_by_tangents(problem, us, lambda nodes, outputs: outputs))}
        return [Claim(mode, made[mode]) for mode in MODES if mode in modes]

    def slopes(nodes: Any, outputs: Any) -> Any:
        return gradient(nodes, curved(outputs), us, in_graph=True)

    def pushed(nodes: Any, outputs: Any) -> Any:
        return tangents(nodes, curved(outputs), ws, in_graph=True)

    claims = []
    if "reverse" in modes:
        claims.append(Claim("reverse over reverse", _by_gradient(problem, lambda nodes, outputs: gradient(
            nodes, slopes(nodes, outputs), ws))))
    if len(modes) == 2:
        claims.append(Claim("forward over reverse", _by_tangents(problem, ws, slopes)))
        claims.append(Claim("reverse over forward", _by_gradient(problem, lambda nodes, outputs: gradient(
            nodes, pushed(nodes, outputs), us))))
    if "forward" in modes:
        claims.append(Claim("forward over forward", _by_tangents(problem, us, pushed)))
    return claims


def _by_gradient(problem: Problem,
                 found: Callable[[Any, Any], list[Any]]) -> Callable[[Sequence[Direction]], list[float]]:
    known: list[Any] = []

    def along(vss: Sequence[Direction]) -> list[float]:
        if not known:
            with problem.at(problem.point) as (nodes, outputs):
                known.extend(plain(found(nodes, outputs), problem.point))
        return [inner(known, vs) for vs in vss]

    return along


def _by_tangents(problem: Problem, us: Direction,
                 functions: Callable[[Any, Any], list[Any]]) -> Callable[[Sequence[Direction]], list[float]]:
    def along(vss: Sequence[Direction]) -> list[float]:
        with problem.at(problem.point) as (nodes, outputs):
            roots = functions(nodes, outputs)
            return [inner(us, plain(tangents(nodes, roots, vs), us)) for vs in vss]

    return along


def _projection(outputs: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """u: random, but 1 for a single number, so that a derivative is shown as it is."""
    several = sum(int(np.size(y)) for y in outputs) > 1
    return directions(outputs, rng) if several else [np.ones(np.shape(y)) for y in outputs]


# ---- the check -------------------------------------------------------------------------------------------------------


def _warn(what: str, above: int = 0) -> None:
    """Tell the caller of `gradcheck`: `run` has called this, or a function `above` more."""
    warnings.warn(f"gradcheck: {what}", GraphWarning, stacklevel=5 + above)


class _Check:
    """The derivatives of one order, in some modes, against what is measured."""

    def __init__(self, problem: Problem, order: int, modes: Sequence[str], rng: np.random.Generator,
                 rtol: float, atol: float) -> None:
        self.problem, self.order, self.rtol, self.atol = problem, order, rtol, atol
        self.us = _projection(problem.outputs, rng)
        self.ws = directions(problem.point, rng)
        self.claims = _claims(problem, self.us, order, modes, self.ws)
        self.sizes = [int(np.size(x)) for x in problem.point]
        self.rng, self.kinks, self.step, self.beside = rng, False, STEP, False
        self.seen: list[Slope] = []

    def run(self) -> None:
        """Check here and, if this is a kink, where a convention is all that there is, beside it too."""
        self.look()
        if self.kinks:
            twin = self.at(moved(self.problem.point, directions(self.problem.point, self.rng), BESIDE))
            twin.beside = True
            try:
                with np.errstate(all="ignore"):
                    twin.look()
            except GradientError as error:
                error.args = (f"{error}\n    (this is beside the inputs, which are at a kink)",)
                raise
            _warn("the inputs are at a kink; the derivative lies between the slopes of the two sides, and more cannot "
                  "be said of it; beside the kink it is right")
        self.say_what_would_pass()

    def say_what_would_pass(self) -> None:
        """Warn where the measurement, or what is allowed, leaves room for any derivative."""
        worst = max(self.seen, key=lambda slope: slope.error if self.vague(slope) else 0.0, default=Slope(0.0, 0.0))
        if self.vague(worst):
            _warn(f"a derivative was measured as {worst.value:.3g}, to within {worst.error:.3g} only, and a mistake of "
                  "this size would pass; bring inputs and results to moderate size", above=1)
        small = max(self.seen, key=lambda slope: abs(slope.value), default=worst)
        if max(10.0 * small.error, NOTHING) < abs(small.value) <= self.atol:
            _warn(f"the derivatives are {abs(small.value):.3g} at the most, and a difference of atol={self.atol:g} is "
                  "allowed; give a smaller atol=", above=1)

    def at(self, point: Sequence[Any]) -> _Check:
        """The same check at another point."""
        twin = copy.copy(self)
        twin.problem = self.problem.moved(point)
        made = _claims(twin.problem, self.us, self.order, MODES, self.ws)
        twin.claims = [claim for claim in made if claim.mode in {c.mode for c in self.claims}]
        return twin

    def look(self) -> None:
        """Compare all claims with what is measured, along some directions."""
        point, total = self.problem.point, sum(self.sizes)
        vss = [directions(point, self.rng, positive=True), *(directions(point, self.rng) for _ in range(2))]
        chosen = range(total) if total <= FEW else self.rng.choice(total, 3, replace=False).tolist()
        vss += [vs for _, _, vs in units(point, chosen)]
        said = [claim.along(vss) for claim in self.claims]
        for number, vs in enumerate(vss):
            if number >= 3 and self.costs_too_much():
                break
            measured = self.measured(vs)
            if self.beside and not math.isfinite(measured.error):  # an end of the domain
                continue
            for claim, derivatives in zip(self.claims, said, strict=True):
                if not self.holds(claim, derivatives[number], measured, vs):
                    raise diagnose(self.doubt(claim, vs))
            if self.vague(measured) and not self.costs_too_much() and np.any(self.sides(vs)[2]):
                self.kinks = True
            else:
                self.seen.append(measured)

    def costs_too_much(self) -> bool:
        """Whether one more measurement, of six calls, would be too many."""
        return sum(self.sizes) > MANY and self.problem.calls + 6 > BUDGET

    # -- measuring

    def curve(self, vs: Direction, us: Direction) -> Callable[[float], float]:
        """The number whose slope is measured, `t` along `vs`: the score, or the slope of the curved score along w."""
        def first(t: float) -> float:
            return self.problem.score(moved(self.problem.point, vs, t), us)

        def second(t: float) -> float:
            with self.problem.at(moved(self.problem.point, vs, t)) as (nodes, outputs):
                return inner(self.ws, plain(gradient(nodes, curved(outputs), us), self.ws))

        return first if self.order == 1 else second

    def measured(self, vs: Direction, us: Direction | None = None) -> Slope:
        """The slope along `vs`; by shorter steps where long ones hardly measure it."""
        best = self.measured_by(vs, us or self.us, self.step)
        for step in NEARER:
            if self.vague(best) and not self.costs_too_much():
                best = min(best, self.measured_by(vs, us or self.us, step), key=lambda slope: slope.error)
        return best

    def measured_by(self, vs: Direction, us: Direction, step: float) -> Slope:
        grain = max((float(np.max(np.abs(x) * (np.asarray(v) != 0.0), initial=0.0))
                     for x, v in zip(self.problem.point, vs, strict=True)), default=0.0)
        with np.errstate(all="ignore"):
            return slope_at_zero(self.curve(vs, us), 0.01 * min(self.rtol, 1e-6) + 1e-10, step,
                                 levels=3 if step < STEP or sum(self.sizes) > MANY else 12, grain=grain)

    def vague(self, measured: Slope) -> bool:
        """Whether a measurement tells less than two digits."""
        return math.isfinite(measured.error) and measured.error > 100.0 * self.atol + 0.01 * abs(measured.value)

    def off(self, derivative: float, measured: Slope) -> float:
        """By how much a derivative exceeds what is allowed; 0 or less where it holds."""
        allowed = self.atol + self.rtol * abs(measured.value) + measured.error
        return abs(derivative - measured.value) - allowed if math.isfinite(measured.error) else math.inf

    def holds(self, claim: Claim, derivative: float, measured: Slope, vs: Direction) -> bool:
        if self.off(derivative, measured) <= 0.0 or self.holds_nearer(derivative, measured, vs):
            return True
        excused = self.excused(claim, derivative, vs)
        self.kinks = self.kinks or excused
        return excused

    def holds_nearer(self, derivative: float, measured: Slope, vs: Direction) -> bool:
        """Whether it holds at a shorter step: of many relus some change sides within a long one. A measurement that
        is worse than the tolerance and than the first one says nothing.
        """
        for step in NEARER:
            nearer = self.measured_by(vs, self.us, step)
            clear = nearer.error <= max(measured.error, self.atol + self.rtol * (1.0 + abs(nearer.value)))
            if clear and self.off(derivative, nearer) <= 0.0:
                if sum(self.sizes) > MANY:
                    self.step = step  # the next direction crosses as many
                return True
        return False

    # -- kinks

    def excused(self, claim: Claim, derivative: float, vs: Direction) -> bool:
        """Whether kinks account for a difference: the derivative of each number with a kink may be any between the
        slopes of its two sides, that of the others must be right.

        Where several kinks are summed into one number, that is so only if all are crossed the same way; and the
        second derivative has no sides at a kink of the first. There nothing is said but beside the kink.
        """
        left, right, kinked, jump = self.sides(vs)
        if not np.any(kinked) or (self.order == 1 and np.any(jump)):
            return False
        low, high = float(np.sum(np.minimum(left, right)[kinked])), float(np.sum(np.maximum(left, right)[kinked]))
        if self.order == 1 and not np.all(kinked):
            us = self.without(kinked)
            same, = _claims(self.problem, us, 1, [claim.mode], self.ws)
            smooth = same.along([vs])[0]
            if not self.off(smooth, self.measured(vs, us)) <= 0.0:
                return False
            derivative -= smooth
        if self.order == 2 or any(np.any(np.asarray(v) < 0.0) for v in vs):
            return True
        return low - 1e-5 <= derivative <= high + 1e-5

    def sides(self, vs: Direction) -> tuple[Any, Any, Any, Any]:
        """The slopes on either side, where they differ, and where the function jumps: for each output, times u."""
        def each(t: float) -> Any:
            if self.order == 2:
                return np.array([self.curve(vs, self.us)(t)])
            with self.problem.at(moved(self.problem.point, vs, t)) as (_, outputs):
                return np.concatenate([np.ravel(u * payload(y)) for u, y in zip(self.us, outputs, strict=True)])

        with np.errstate(all="ignore"):
            return kinks_at_zero(each, each(0.0))

    def without(self, kinked: Any) -> list[Any]:
        """u, with 0 for the outputs that have a kink."""
        parts = np.split(kinked, np.cumsum([np.size(u) for u in self.us])[:-1])
        return [np.where(part.reshape(np.shape(u)), 0.0, u) for part, u in zip(parts, self.us, strict=True)]

    # -- what to say of a failure

    def doubt(self, claim: Claim, vs: Direction) -> Doubt:
        """All that is seen of it."""
        def sides(direction: Direction) -> tuple[float, float] | None:
            left, right, kinked, jump = self.sides(direction)
            if np.any(jump):
                return math.inf, math.inf
            return (float(np.sum(left)), float(np.sum(right))) if np.any(kinked) else None

        def elsewhere(point: Sequence[Any]) -> Along:
            twin = self.at(point)
            return twin.compared(next(c for c in twin.claims if c.mode == claim.mode))

        with np.errstate(all="ignore"):
            return gather(self.problem, self.compared(claim), vs, claim.mode, self.order, sides, elsewhere)

    def compared(self, claim: Claim) -> Along:
        """The derivative along a direction claimed and measured, and by how much they differ too much."""
        def along(direction: Direction) -> tuple[float, float, float]:
            derivative, measured = claim.along([direction])[0], self.measured(direction)
            holds = self.holds(claim, derivative, measured, direction)
            return derivative, measured.value, 0.0 if holds else self.off(derivative, measured)

        return along
