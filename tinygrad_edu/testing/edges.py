"""How a row of the table has to behave: at IEEE's edges, at kinks, in float32, and with other people's memory.

Each demand is a function of a row and a random generator, as in `demands`.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GradientError
from ..ops.row import Elementwise, Row, ScalarRow
from ..tensor import Tensor
from ..transforms import jvp, vjp
from ..value import Value
from .demands import everywhere
from .examples import STEEP, Example, ScalarExample, examples
from .measure import Function, inner, moved
from .orders import agree, backward, equal, projection

Array = NDArray[Any]

# ---- the edges of IEEE arithmetic ------------------------------------------------------------------------------------

EDGES = (0.0, -0.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, -1.0, 0.5, 1000.0)
"""The numbers at which IEEE arithmetic has conventions of its own."""

ENOUGH = 1331
"""All triples of edge numbers; of more operands, as many are drawn."""


def edge_points(count: int, rng: np.random.Generator) -> list[tuple[float, ...]]:
    """Edge numbers for `count` operands, in all combinations if these are not too many."""
    if len(EDGES)**count <= ENOUGH:
        return list(itertools.product(EDGES, repeat=count))
    return [tuple(map(float, rng.choice(EDGES, count))) for _ in range(ENOUGH)]


def edge_results(row: Row, rng: np.random.Generator) -> None:
    """1/0 is inf, log(-1) nan: at the edge numbers a Value has NumPy's result, without exception or warning."""
    if not isinstance(row, Elementwise):
        return
    points = edge_points(len(row.domain), rng)
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(row.array(*np.array(points).T), len(points))
    for xs, number in zip(points, expected, strict=True):
        found = _in_silence(row, xs, lambda xs: row(*map(Value, xs)).data)
        _same_float(f"{row.name}{xs} of Values, beside NumPy", float(number), found, 1e-14)
        _same_float(f"{row.name}{xs} of floats, beside Values", found, row(*xs), 0.0)


def edge_gradients(row: Row, rng: np.random.Generator) -> None:
    """At the edge numbers a Value has the gradient that an array of them has, inf and nan included."""
    if not isinstance(row, Elementwise):
        return
    points = edge_points(len(row.domain), rng)
    with np.errstate(all="ignore"):
        _, expected = backward(row, list(np.array(points).T), np.ones(len(points)))
    for place, xs in enumerate(points):
        for i, gradient in enumerate(_in_silence(row, xs, lambda xs: backward(row, xs, 1.0)[1])):
            what = f"{row.name}{xs}: gradient {i} on Values, beside Tensors"
            _same_float(what, float(expected[i][place]), gradient, 1e-13)


def _in_silence(row: Row, xs: Sequence[float], function: Callable[[Sequence[float]], Any]) -> Any:
    """What the function gives; an exception or a warning is a complaint."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return function(xs)
    except Exception as error:
        raise GradientError(f"{row.name}{xs} of Values raises {type(error).__name__}: {error}; inf and nan are results "
                            "like others, and a rule in the library's own functions (tg.sin and not np.sin or "
                            "math.sin) has them in silence") from error


def _same_float(what: str, expected: float, found: Any, tolerance: float) -> None:
    if type(found) is not float:
        raise GradientError(f"{what}: {found!r} of type {type(found).__name__}, where floats are to give floats; is "
                            "np.sin written in a rule for tg.sin?")
    if not (math.isclose(found, expected, rel_tol=tolerance) or (found != found and expected != expected)):
        raise GradientError(f"{what}: {found!r}, expected is {expected!r}", analytic=found, numeric=expected)


# ---- kinks -----------------------------------------------------------------------------------------------------------


def kinks(row: Row, rng: np.random.Generator) -> None:
    """At zeros and ties each mode gives the same number, between the slopes of the two sides where there are such.

    Along all that are tied at once a maximum has one slope, so that their shares are held to their sum.
    """
    for example in everywhere(row):
        xs = example.draw(rng)
        for touched, number in crossings(xs, tied=isinstance(row, ScalarRow)):
            at = [_filled(x, number) if i in touched else x for i, x in enumerate(xs)]
            what = f"{example} with operand {' and '.join(map(str, touched))} at {number:.3g}"
            for vs in _ways(at, touched):
                between(example, at, vs, what, rng)


def crossings(xs: Sequence[Any], tied: bool) -> Iterator[tuple[tuple[int, ...], float]]:
    """Which operands to fill with which number: zeros, equal elements and, if they can be `tied`, equal operands."""
    full = [i for i, x in enumerate(xs) if np.size(x)]
    for i in full:
        yield (i,), 0.0
        if np.size(xs[i]) > 1:
            yield (i,), float(np.ravel(xs[i])[0])
    for i, j in itertools.combinations(full if tied else (), 2):
        yield (i, j), 0.0
        yield (i, j), float(np.ravel(xs[i])[0])


def _filled(x: Any, number: float) -> Any:
    return number if isinstance(x, float) else np.full(np.shape(x), number)


def _ways(xs: Sequence[Any], touched: Sequence[int]) -> Iterator[list[Any]]:
    """All that was touched together, each operand alone, and a single element."""
    for moving in dict.fromkeys([tuple(touched), *((i,) for i in touched)]):
        yield [_filled(x, 1.0 if i in moving else 0.0) for i, x in enumerate(xs)]
    one = [_filled(x, 0.0) for x in xs]
    if np.size(one[touched[0]]) > 1:
        one[touched[0]].flat[0] = 1.0
        yield one


def between(example: Example | ScalarExample, xs: Sequence[Any], vs: Sequence[Any], what: str,
            rng: np.random.Generator) -> None:
    """The derivative along `vs` is finite, within the slopes of the two sides, and the same in both modes."""
    with np.errstate(all="ignore"):
        sides = one_sided(example.plain, xs, vs)
        if sides is None:
            return
        tangent = jvp(example, xs, vs)[1]
        low, high = np.minimum(*sides), np.maximum(*sides)
        slack = 1e-3 * (1.0 + np.abs(low) + np.abs(high))
        if not np.all((tangent >= low - slack) & (tangent <= high + slack)):
            raise GradientError(f"{what}: forward mode gives {tangent}, the slopes on the two sides are {sides[0]} and "
                                f"{sides[1]}", mode="forward", order=1)
        u = projection(tangent, rng)
        agree(f"{what}: derivative at a kink, measured by forward mode", inner([u], [tangent]),
              {"reverse mode": inner(vjp(example, *xs)[1](u), vs)}, 1e-9)


def one_sided(plain: Function, xs: Sequence[Any], vs: Sequence[Any], step: float = 1e-4) -> tuple[Any, Any] | None:
    """The slopes on the left and on the right; None where there are none, as at a pole, a jump or an end."""
    try:
        middle, *around = [np.asarray(plain(*moved(xs, vs, t * step))) for t in (0.0, -1.0, -0.5, 0.5, 1.0)]
    except (ValueError, ArithmeticError):
        return None
    left, nearer_left, nearer_right, right = [(y - middle) / (t * step)
                                              for y, t in zip(around, (-1.0, -0.5, 0.5, 1.0), strict=True)]
    for far, near in ((left, nearer_left), (right, nearer_right)):
        if not np.all((np.abs(far - near) <= 0.02 * (1.0 + np.abs(near))) & (np.abs(near) < STEEP)):
            return None
    return nearer_left, nearer_right


# ---- dtypes ----------------------------------------------------------------------------------------------------------


def float32(row: Row, rng: np.random.Generator) -> None:
    """Of float32 operands result, gradients and tangents are float32, and close to those of float64."""
    for example in examples(row):
        if "dtype" not in example.params:  # what is asked for by name is no demand of this kind
            stays_float32(example, example.draw(rng))


def stays_float32(example: Example, xs: Sequence[Array]) -> None:
    """The demand at given operands."""
    small = [x.astype(np.float32) for x in xs]
    ones = np.ones_like(np.asarray(example(*xs)))
    out, gradients = backward(example, small, ones)
    expected, expected_gradients = backward(example, xs, ones)
    found = [("result", out.data, expected.data, 0.1),
             ("tangent", jvp(example, small, small)[1], jvp(example, xs, xs)[1], 1.0)]
    found += [(f"gradient {i}", *pair, 1.0) for i, pair in enumerate(zip(gradients, expected_gradients, strict=True))]
    for what, number, other, loose in found:
        if number.dtype != np.float32:
            raise GradientError(f"{example}: of float32 operands the {what} is {number.dtype}")
        equal(f"{example}: {what} in float32, beside float64", other, number, 1e-3 * loose, 1e-4 * loose)


# ---- memory ----------------------------------------------------------------------------------------------------------


def _backwards(x: Any) -> Any:
    """A view from the last element to the first along every axis."""
    return x[(Ellipsis, *(slice(None, None, -1),) * x.ndim)]


LAYOUTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "transposed": (lambda x: x.T.copy(), lambda buffer: buffer.T),
    "strided": (lambda x: np.repeat(x, 2, -1) if x.ndim else x.copy(), lambda b: b[..., ::2] if b.ndim else b),
    "reversed": (lambda x: _backwards(x).copy(), _backwards),
}
"""How the numbers lie in a buffer, and the view of it, on arrays and on Tensors, that has them in order again."""


def layouts(row: Row, rng: np.random.Generator) -> None:
    """Transposed, strided and reversed views, read-only, constants and nodes, give the same, and are left as were."""
    for example in examples(row):
        for layout in LAYOUTS:
            same_in(layout, example, example.draw(rng))


def same_in(layout: str, example: Example, xs: Sequence[Array]) -> None:
    """The demand for one layout."""
    store, look = LAYOUTS[layout]
    u = np.asarray(np.cos(example(*xs)))
    out, gradients = backward(example, xs, u)
    buffers = [store(x) for x in xs]
    views = [read_only(look(buffer)) for buffer in buffers]
    equal(f"{example}, {layout}", out.data, example(*views))
    leaves = [Tensor(buffer) for buffer in buffers]
    result = example(*map(look, leaves))
    result.backward(read_only(look(store(u))))
    equal(f"{example} of nodes, {layout}", out.data, result.data)
    for i, (leaf, gradient) in enumerate(zip(leaves, gradients, strict=True)):
        equal(f"{example}: gradient {i}, {layout}", gradient, look(leaf.grad), input=f"operand {i}")
        node = Tensor(views[i])
        example(*views[:i], node, *views[i + 1:]).backward(u)
        equal(f"{example}: gradient {i} beside constants, {layout}", gradient, node.grad, input=f"operand {i}")
    for i, (leaf, buffer, x) in enumerate(zip(leaves, buffers, xs, strict=True)):
        equal(f"{example}, {layout}: operand {i} afterwards", store(x), buffer, 0.0, 0.0, input=f"operand {i}")
        equal(f"{example}, {layout}: node {i} afterwards", store(x), leaf.data, 0.0, 0.0, input=f"operand {i}")


def read_only(array: Array) -> Array:
    """A view that cannot be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def frozen(row: Row, rng: np.random.Generator) -> None:
    """Neither the function nor a rule writes into operands, results, cotangents or tangents."""
    for example in examples(row):
        leaves = [Tensor(x) for x in example.draw(rng)]
        for leaf in leaves:
            leaf.data.flags.writeable = False
        try:
            out = example(*leaves)
            u = read_only(np.array(np.cos(out.data)))
            plain = read_only(out.data)
            for i in range(len(leaves)):
                row.vjp(i, u, plain, out.arguments, out.params)
            tangents = [read_only(np.array(np.cos(x))) for x in out.arguments]
            row.jvp(plain, out.arguments, tangents, out.params)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise GradientError(f"{example}: writes into an array that it was given; it must make a new one") from error


def ownership(row: Row, rng: np.random.Generator) -> None:
    """Each leaf's gradient is its own to write into: it shares memory with no other array."""
    for example in examples(row):
        leaves: list[Any] = [Tensor(x) for x in example.draw(rng)]
        out = example(*leaves)
        u = np.array(np.cos(out.data))
        out.backward(u)
        others = {"the seed": u, "the result": out.data, **{f"operand {i}": x.data for i, x in enumerate(leaves)}}
        for i, leaf in enumerate(leaves):
            if not leaf.grad.flags.writeable or leaf.grad.base is not None:
                raise GradientError(f"{example}: gradient {i} is a view of another array", input=f"operand {i}")
            for what, array in others.items():
                if np.shares_memory(leaf.grad, array):
                    raise GradientError(f"{example}: gradient {i} shares its memory with {what}", input=f"operand {i}")
            others[f"gradient {i}"] = leaf.grad
