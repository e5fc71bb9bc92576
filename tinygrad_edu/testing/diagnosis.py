"""What a wrong derivative looks like: from numbers claimed and numbers measured to the likely cause.

Nothing here calls a function or knows a graph: a `Doubt` is all that was gathered, and each cause is a question
to it. The first that says yes is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GradientError
from ..node import NO_PARAMS
from ..ops.registration import OWN
from ..ops.row import TABLE, Elementwise

Numbers = NDArray[np.float64]

CLOSE = 1e-4
"""How far, relative, numbers may differ that count as equal here: a cause is a hint, not a proof."""


@dataclass(frozen=True)
class Doubt:
    """A derivative that is wrong, and what was seen around it.

    Attributes:
        name, element: by what: the variable, and its element as an index tuple; "" and None, where no single one is
            wrong, but a direction in which all variables move.
        output: of what, where the function has several numbers.
        mode, order: which derivative.
        analytic, numeric: the derivative claimed, and measured.
        shape: of the variable.
        claimed, measured: the same for other elements of the variable, where there is time; flat.
        more: rows of (x, claimed, measured) for some elements of the variable, here and at points around.
        claimed_jacobian, measured_jacobian: of all outputs by all elements of the variable, if they are few.
        variables: the derivative along one direction claimed and measured, for each variable.
        sides: the slopes on the left and the right, if there is a kink; inf, if there is a jump.
        cut: where a number leaves the graph, in words.
        reached: whether a path of the graph leads to the variable at all.
        defined: whether the function has a number on both sides.
    """

    name: str
    output: str
    element: tuple[int, ...] | None
    mode: str
    order: int
    analytic: float
    numeric: float
    shape: tuple[int, ...]
    claimed: Numbers
    measured: Numbers
    more: Numbers
    claimed_jacobian: Numbers | None = None
    measured_jacobian: Numbers | None = None
    variables: tuple[tuple[float, float], ...] = ()
    sides: tuple[float, float] | None = None
    cut: str = ""
    reached: bool = True
    defined: bool = True

    @property
    def ratio(self) -> float | None:
        """The one ratio claimed / measured of all elements, here and around, where there is one."""
        _, claimed, measured = self.more.T
        return _one_ratio(np.append(self.claimed, claimed), np.append(self.measured, measured))


def _equal(x: Any, y: Any) -> bool:
    x, y = np.asarray(x, float), np.asarray(y, float)
    scale = np.max(np.abs(y), initial=0.0)
    return x.shape == y.shape and bool(np.all(np.abs(x - y) <= CLOSE * scale))


def _one_ratio(claimed: Numbers, measured: Numbers) -> float | None:
    size = float(np.sum(measured * measured))
    if not size or not np.all(np.isfinite(claimed)):
        return None
    ratio = float(np.sum(claimed * measured)) / size
    return ratio if _equal(claimed, ratio * measured) and abs(ratio) > CLOSE else None


# ---- questions -------------------------------------------------------------------------------------------------------


def _is_undefined(doubt: Doubt) -> bool:
    return not doubt.defined


def _jumps(doubt: Doubt) -> bool:
    return doubt.sides is not None and not np.all(np.isfinite(doubt.sides))


def _is_kinked(doubt: Doubt) -> bool:
    return doubt.sides is not None


def _is_cut(doubt: Doubt) -> bool:
    return bool(doubt.cut)


def _is_zero(doubt: Doubt) -> bool:
    return not np.any(np.abs(doubt.claimed) > 1e-12 * np.max(np.abs(doubt.measured), initial=1e-300))


def _is_doubled_everywhere(doubt: Doubt) -> bool:
    pairs = [(a, n) for a, n in doubt.variables if abs(a) + abs(n) > 1e-9]
    return len(pairs) > 1 and all(abs(a - 2.0 * n) <= CLOSE * abs(n) for a, n in pairs)


def _ratio_is(number: float) -> Callable[[Doubt], bool]:
    return lambda doubt: doubt.ratio is not None and abs(doubt.ratio - number) <= CLOSE * abs(number)


def _is_scaled(doubt: Doubt) -> bool:
    return doubt.ratio is not None


def _misses_a_sum(doubt: Doubt) -> bool:
    """Outputs that share an element: only some of them hand back their part, or the mean of the parts."""
    claimed, measured = doubt.claimed_jacobian, doubt.measured_jacobian
    if claimed is None or measured is None:
        return False
    there = np.abs(measured) > CLOSE * np.max(np.abs(measured), initial=0.0)
    shares = there.sum(axis=0)
    kept = np.abs(claimed) > CLOSE * np.max(np.abs(measured), initial=0.0)
    some = _equal(claimed[kept], measured[kept]) and not np.any(kept & ~there)
    fewer = np.all(kept.sum(axis=0) <= 1) and np.any(shares > 1)
    averaged = np.all(shares == shares.flat[0]) and shares.flat[0] > 1 and _equal(claimed * shares, measured)
    return bool((some and fewer and not _keeps_the_diagonal(claimed, measured)) or averaged)


def _keeps_the_diagonal(claimed: Numbers, measured: Numbers) -> bool:
    square = measured.shape[0] == measured.shape[1]
    return square and _equal(claimed, np.diag(np.diag(measured))) and not _equal(claimed, measured)


def _has_no_cross_terms(doubt: Doubt) -> bool:
    claimed, measured = doubt.claimed_jacobian, doubt.measured_jacobian
    return claimed is not None and measured is not None and _keeps_the_diagonal(claimed, measured)


def _is_transposed(doubt: Doubt) -> bool:
    claimed, measured = doubt.claimed_jacobian, doubt.measured_jacobian
    if claimed is None or measured is None:
        return _elements_swapped(doubt.claimed.reshape(1, -1), doubt.measured.reshape(1, -1), doubt.shape)
    return (claimed.shape[0] == claimed.shape[1] > 1 and _equal(claimed.T, measured)
            ) or _elements_swapped(claimed, measured, doubt.shape)


def _elements_swapped(claimed: Numbers, measured: Numbers, shape: tuple[int, ...]) -> bool:
    if len(shape) < 2 or claimed.shape[-1] != math.prod(shape):
        return False
    turned = claimed.reshape(-1, *shape[:-2], shape[-1], shape[-2]).swapaxes(-1, -2)
    return _equal(turned.reshape(measured.shape), measured)


def _inner_function(doubt: Doubt) -> str:
    """The built-in function of one number whose derivative at x is the factor that misses, with its multiple: a
    user's own may be broken too, and none of the one that is checked.
    """
    x, claimed, measured = doubt.more.T
    if len(x) < 4 or not np.all(claimed):
        return ""
    with np.errstate(all="ignore"):
        factor = measured / claimed
        for name, row in TABLE.items():
            if name not in OWN and isinstance(row, Elementwise) and row.arity == 1 and callable(row.derivatives[0]):
                derivative = row.vjp(0, np.ones_like(x), row.array(x), (x,), NO_PARAMS)
                if np.all(np.isfinite(derivative)) and np.ptp(derivative) > CLOSE:
                    multiple = _one_ratio(factor, derivative)
                    if multiple is not None:
                        return row.name + ("" if _equal(multiple, 1.0) else f", {multiple:.4g} times")
    return ""


def _is_permuted(doubt: Doubt) -> bool:
    return len(doubt.measured) > 1 and _equal(np.sort(doubt.claimed), np.sort(doubt.measured))


# ---- causes ----------------------------------------------------------------------------------------------------------

CAUSES: tuple[tuple[str, Callable[[Doubt], Any], str], ...] = (
    ("undefined nearby", _is_undefined, """the function is nan or inf here or close by; move the inputs into its
        domain"""),
    ("discontinuous", _jumps, "the function jumps at this point and has no derivative; move the inputs away from it"),
    ("detached", _is_cut, """{cut}; use the functions of this package there, such as tg.sin,
        and neither math.sin, float() nor .data"""),
    ("wrong rule at a kink", _is_kinked, """the slopes on the two sides are {left:.6g} and {right:.6g}, and the
        derivative lies outside; ties share it, so that the shares add up to 1"""),
    ("zero", _is_zero, "no gradient arrives: {path}"),
    ("accumulated twice", _is_doubled_everywhere, """every gradient is twice what it should be, as if the pass had been
        made twice, or gradients from before were still there: zero_grad()?"""),
    ("missing sum", _misses_a_sum, """an element that was broadcast serves several outputs, and gets the gradient of
        one of them, or the mean: their sum is wanted"""),
    ("missing cross terms", _has_no_cross_terms, """each output's derivative by its own element is right, those by the
        other elements are missing: the Jacobian is not diagonal"""),
    ("wrong sign", _ratio_is(-1.0), "minus what it should be"),
    ("factor of 2", _ratio_is(2.0), "twice what it should be: counted twice, or a factor of 1/2 forgotten"),
    ("missing contribution", _ratio_is(0.5), """half of what it should be: of a node that is used twice, one part
        overwrites the other (gradients add up: +=), or the factor 2 of a square is forgotten"""),
    ("transposed", _is_transposed, """right once rows and columns are exchanged: a matrix is not transposed that should
        be, or is that should not"""),
    ("scaled", _is_scaled, """every element is {ratio:.6g} times what it should be: a
        constant factor of the chain rule"""),
    ("missing inner derivative", _inner_function, """the factor that is missing is the derivative of {inner}: the inner
        derivative of the chain rule"""),
    ("permuted", _is_permuted, "the right numbers at the wrong elements: an index, a flip or a reshape"),
    ("unknown", lambda doubt: True, "none of the usual ones; compare the rule with the formula on paper"),
)
"""What a cause is called, when it is named, and what is said of it; the first that fits."""


def diagnose(doubt: Doubt) -> GradientError:
    """The error that says what is wrong, where, by how much, and what may be the cause."""
    key, _, sentence = next(cause for cause in CAUSES if cause[1](doubt))
    left, right = doubt.sides or (math.nan, math.nan)
    said = " ".join(sentence.split()).format(
        cut=doubt.cut, left=left, right=right, ratio=doubt.ratio or math.nan,
        inner=_inner_function(doubt) if key == "missing inner derivative" else "",
        path="its rule gives 0" if doubt.reached else "no path of the graph leads there")
    what = "derivative" if doubt.order == 1 else "second derivative"
    what += f" of {doubt.output}" if doubt.output else ""
    what += f" by {doubt.name}{indexed(doubt.element)}" if doubt.name else " along a direction that moves all inputs"
    error = GradientError(
        f"gradcheck: the {what} is wrong ({doubt.mode}):\n"
        f"    {doubt.analytic:.10g} by the rules, {doubt.numeric:.10g} measured",
        input=doubt.name or None, element=doubt.element, analytic=doubt.analytic, numeric=doubt.numeric, cause=key,
        mode=doubt.mode, order=doubt.order)
    ratio = "" if not error.ratio or not math.isfinite(error.ratio) else f", ratio {error.ratio:.6g}"
    error.args = (f"{error}{ratio}\n    likely cause: {key}: {said}",)
    return error


def indexed(element: tuple[int, ...] | None) -> str:
    """An element as it is written behind a name: nothing for a single number."""
    return f"[{', '.join(map(str, element))}]" if element else ""
