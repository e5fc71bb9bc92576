"""Every row of the table forward: NumPy's numbers under NumPy's name, far from zero, and for empty arrays."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_edu as tg
from tinygrad_edu.ops.geometry import Geometry
from tinygrad_edu.testing.demands import matches, of_any_shape
from tinygrad_edu.testing.examples import Example

SEEDS = st.integers(0, 2**32 - 1)

# ---- what the numbers should be --------------------------------------------------------------------------------------


def formula(function):
    """A function of Python floats, over arrays."""
    return np.vectorize(function, otypes=[float])


def overlap(x, shape, stride, dilation):
    """Windows added back one by one, for two window axes behind one batch axis."""
    out = np.zeros(shape)
    for b, p, q, i, j in np.ndindex(x.shape):
        out[b, p * stride[0] + i * dilation[0], q * stride[1] + j * dilation[1]] += x[b, p, q, i, j]
    return out


def windows(x, size, stride, dilation):
    """Windows picked one by one."""
    axes = range(x.ndim - len(size), x.ndim)
    counts = [(x.shape[a] - (n - 1) * d - 1) // s + 1 for a, n, s, d in zip(axes, size, stride, dilation, strict=True)]
    out = np.empty((*x.shape[:-len(size)], *counts, *size))
    for place in np.ndindex(out.shape):
        rest, position, offset = np.split(np.array(place), [x.ndim - len(size), x.ndim])
        out[place] = x[(*rest, *(position * stride + offset * dilation))]
    return out


def places(g, x, w, geometry):
    """Each product in a convolution (g with its result, x padded, w with the kernel), by the indices of its factors."""
    ratio = w.shape[0] * w.shape[1] // x.shape[1]  # out channels of a group
    for n, o, c, *rest in np.ndindex(*g.shape[:2], w.shape[1], *g.shape[2:], *w.shape[2:]):
        p, k = np.split(np.array(rest), 2)
        at = p * geometry.stride + k * geometry.dilation
        yield (n, o, *p), (n, o // ratio * w.shape[1] + c, *at), (o, c, *k)


def bordered(x, geometry, fill=0.0):
    """x with a border around its last axes."""
    width = ((0, 0),) * (x.ndim - len(geometry.size)) + geometry.padding
    return np.pad(x, width, constant_values=fill)


def unbordered(x, sizes, geometry):
    """x without its border."""
    return x[(..., *(slice(before, before + n) for n, (before, _) in zip(sizes, geometry.padding, strict=True)))]


def convolution(x, w, geometry, groups=1):
    """The products added one by one."""
    x = bordered(x, geometry)
    spans = np.multiply(np.array(geometry.size) - 1, geometry.dilation)
    y = np.zeros((len(x), len(w), *((np.array(x.shape[2:]) - spans - 1) // geometry.stride + 1)))
    for g, a, b in places(y, x, w, geometry):
        y[g] += x[a] * w[b]
    return y


def convolution_to_input(g, w, sizes, geometry, groups=1):
    """The products added one by one."""
    x = bordered(np.zeros((len(g), groups * w.shape[1], *sizes)), geometry)
    for c, a, b in places(g, x, w, geometry):
        x[a] += g[c] * w[b]
    return unbordered(x, sizes, geometry)


def convolution_to_weight(x, g, geometry, groups=1):
    """The products added one by one."""
    x, w = bordered(x, geometry), np.zeros((g.shape[1], x.shape[1] // groups, *geometry.size))
    for c, a, b in places(g, x, w, geometry):
        w[b] += g[c] * x[a]
    return w


def max_pool(x, geometry):
    """The largest of windows picked one by one."""
    x = bordered(x, geometry, -np.inf)
    return windows(x, geometry.size, geometry.stride, geometry.dilation).max(tuple(range(-len(geometry.size), 0)))


def sum_pool(x, geometry):
    """The sum of windows picked one by one."""
    x = bordered(x, geometry)
    return windows(x, geometry.size, geometry.stride, geometry.dilation).sum(tuple(range(-len(geometry.size), 0)))


def sum_pool_to_input(g, sizes, geometry):
    """For each element, the sum of g over the windows that it is in."""
    whole = np.zeros((*g.shape[:-len(sizes)], *sizes))
    for place in np.ndindex(whole.shape):
        unit = np.zeros(whole.shape)
        unit[place] = 1.0
        whole[place] = np.sum(g * sum_pool(unit, geometry))
    return whole


def shares(x, best, geometry):
    """A matrix: what part of each window's derivative each element of the padded x has."""
    x = bordered(x, geometry, -np.inf)
    numbers = windows(np.arange(x.size).reshape(x.shape), geometry.size, geometry.stride, geometry.dilation)
    matrix = np.zeros((best.size, x.size))
    for line, largest, chosen in zip(matrix, best.ravel(), numbers.reshape(best.size, -1).astype(int), strict=True):
        ties = chosen[x.ravel()[chosen] == largest]
        line[ties] = 1.0 / len(ties)
    return matrix


def max_pool_to_input(g, x, best, geometry):
    """The shares, row by row."""
    spread = g.ravel() @ shares(x, best, geometry)
    k = len(geometry.size)
    return unbordered(spread.reshape(bordered(x, geometry).shape), x.shape[-k:], geometry)


def max_pool_to_output(t, x, best, geometry):
    """The shares, column by column."""
    return (shares(x, best, geometry) @ bordered(t, geometry).ravel()).reshape(best.shape)


def scatter(values, index, shape):
    """Values added one by one."""
    out = np.zeros(shape)
    np.add.at(out, index, values)
    return out


def log_softmax(x, axis=-1):
    """The plain formula, safe for small numbers only."""
    return np.log(np.exp(x) / np.exp(x).sum(axis, keepdims=True))


def cross_entropy(x, target):
    """The plain formula for labels and for probabilities."""
    p = np.eye(x.shape[-1])[target] if target.ndim < x.ndim else target
    return -(p * log_softmax(x)).sum(-1)


def lstm_gates(z):
    """Three sigmoids and a tanh, each computed by itself and joined."""
    i, f, t, o = np.split(z, 4, axis=-1)
    i, f, o = (1.0 / (1.0 + np.exp(-gate)) for gate in (i, f, o))
    return np.concatenate([i, f, np.tanh(t), o], axis=-1)


def lstm_memory(gates, c):
    """Forget gate times the old memory, plus input gate times what is to be remembered."""
    i, f, t, _ = np.split(gates, 4, axis=-1)
    return f * c + i * t


WRITTEN_OUT = {
    "sigmoid": formula(lambda x: 1.0 / (1.0 + math.exp(-x))),
    "relu": formula(lambda x: x if x > 0.0 else 0.0),
    "leaky_relu": formula(lambda x, slope: x if x > 0.0 else slope * x),
    "elu": formula(lambda x, alpha: x if x > 0.0 else alpha * (math.exp(x) - 1.0)),
    "gelu": formula(lambda x: 0.5 * x * (1.0 + math.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))),
    "silu": formula(lambda x: x / (1.0 + math.exp(-x))),
    "softplus": formula(lambda x: math.log(1.0 + math.exp(x))),
    "logaddexp": formula(lambda x, y: math.log(math.exp(x) + math.exp(y))),
    "logsumexp": lambda x, **axes: np.log(np.sum(np.exp(x), **axes)),
    "norm": lambda x, **axes: np.sqrt(np.sum(x * x, **axes)),
    "log_softmax": log_softmax,
    "cross_entropy": cross_entropy,
    "weighted_sum": lambda *xs: np.dot(xs[:3], xs[3:6]) + xs[6],
    "getitem": lambda x, index: x[index],
    "scatter": scatter,
    "concatenate": lambda *xs, cuts, axis=0: np.concatenate(xs, axis),
    "stack": lambda *xs, **axis: np.stack(xs, **axis),
    "where": lambda x, y, condition: np.where(condition, x, y),
    "pad": lambda x, fill, width: np.pad(x, width, constant_values=fill),
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
    "windows": windows,
    "overlap": overlap,
    "convolution": convolution,
    "convolution_to_input": convolution_to_input,
    "convolution_to_weight": convolution_to_weight,
    "max_pool": max_pool,
    "max_pool_to_input": max_pool_to_input,
    "max_pool_to_output": max_pool_to_output,
    "sum_pool": sum_pool,
    "sum_pool_to_input": sum_pool_to_input,
    "inv": lambda x: np.linalg.inv(x),
    "det": lambda x: np.linalg.det(x),
    "solve": lambda a, b: np.linalg.inv(a) @ b,
    "astype": lambda x, dtype: x.astype(dtype),
    "lstm_gates": lstm_gates,
    "lstm_memory": lstm_memory,
    "lstm_hidden": lambda gates, c: np.split(gates, 4, axis=-1)[3] * c,
}
"""The rows that NumPy has no function for, or one that takes its arguments otherwise."""


@pytest.mark.parametrize("row", tg.TABLE.values(), ids=lambda row: row.name)
@given(seed=SEEDS)
def test_every_row_gives_what_numpy_gives_under_its_name(row, seed):
    """The name of a row is a promise: np.<name>, or else the formula written out above, gives the same numbers."""
    matches(row, WRITTEN_OUT.get(row.name) or getattr(np, row.name), np.random.default_rng(seed))


@pytest.mark.parametrize(("function", "x", "expected"), [
    (tg.sigmoid, -1000.0, 0.0), (tg.sigmoid, 1000.0, 1.0), (tg.sigmoid, -40.0, math.exp(-40.0)),
    (tg.softplus, 1000.0, 1000.0), (tg.softplus, -1000.0, 0.0), (tg.softplus, -40.0, math.exp(-40.0)),
    (tg.silu, 1000.0, 1000.0), (tg.silu, -1000.0, 0.0), (tg.gelu, 1e200, 1e200), (tg.gelu, -1e200, 0.0),
    (tg.elu, -1000.0, -1.0), (tg.elu, 1000.0, 1000.0), (tg.elu, -1e-20, -1e-20), (tg.expm1, 1e-20, 1e-20),
    (tg.log1p, 1e-20, 1e-20), (tg.relu, 1e308, 1e308), (tg.leaky_relu, -100.0, -1.0), (tg.tanh, 1000.0, 1.0),
])
def test_far_from_zero_there_is_neither_overflow_nor_cancellation(function, x, expected):
    """Where the textbook formula overflows or loses its digits, the number is still right, in every family."""
    for result in (function(x), function(np.array(x)), function(tg.Value(x)).data, function(tg.Tensor(x)).data):
        assert_allclose(result, expected, rtol=1e-14, atol=0.0)


def test_logsumexp_and_norm_reach_the_end_of_the_range():
    """The largest element is taken out first: no exp, and no square, overflows or vanishes."""
    assert tg.logsumexp(np.array([1000.0, 1000.0])) == 1000.0 + math.log(2.0)
    assert tg.logsumexp(np.array([-1000.0, -1000.0])) == -1000.0 + math.log(2.0)
    assert tg.logaddexp(1000.0, 1000.0) == 1000.0 + math.log(2.0)
    assert_allclose(tg.norm(np.array([3e200, 4e200])), 5e200, rtol=1e-15)
    assert_allclose(tg.norm(np.array([3e-200, 4e-200])), 5e-200, rtol=1e-15)
    assert_allclose(tg.log_softmax(np.array([0.0, 1000.0])), [-1000.0, 0.0], atol=1e-12)


# ---- sizes -----------------------------------------------------------------------------------------------------------

MOVING = Geometry((2,), (1,), ((0, 0),), (1,))

EMPTY = {
    "sum": [(((0, 3),), {"axis": 0}), (((0,),), {})],
    "mean": [(((0, 3),), {"axis": 1})],
    "max": [(((0, 3),), {"axis": 1})],
    "min": [(((3, 0, 2),), {"axis": -1, "keepdims": True})],
    "norm": [(((0, 3),), {"axis": 0}), (((0, 3),), {"axis": 1})],
    "logsumexp": [(((0, 3),), {"axis": 1})],
    "reshape": [(((0, 2),), {"shape": (2, 0, 3)})],
    "transpose": [(((0, 2),), {})],
    "broadcast_to": [(((1, 3),), {"shape": (0, 3)}), (((0,),), {"shape": (2, 0)})],
    "getitem": [(((0, 3),), {"index": (slice(None), 1)}), (((3,),), {"index": np.zeros(3, bool)}),
                (((3,),), {"index": np.zeros(0, int)})],
    "scatter": [(((0,),), {"index": np.zeros(0, int), "shape": (3,)})],
    "stack": [(((0,), (0,)), {"axis": 1})],
    "where": [(((0, 2), (2,)), {"condition": np.array([True, False])})],
    "pad": [(((0, 2), ()), {"width": ((1, 0), (0, 1))})],
    "roll": [(((0,),), {"shift": 1})],
    "cumsum": [(((0, 2),), {"axis": 0}), (((2, 0),), {"axis": 0})],
    "windows": [(((0, 3),), {"size": (2,), "stride": (1,), "dilation": (1,)})],
    "convolution": [(((0, 2, 3), (1, 2, 2)), {"geometry": MOVING}), (((1, 2, 3), (0, 2, 2)), {"geometry": MOVING})],
    "convolution_to_input": [(((0, 1, 2), (1, 2, 2)), {"sizes": (3,), "geometry": MOVING})],
    "convolution_to_weight": [(((0, 2, 3), (0, 1, 2)), {"geometry": MOVING})],
    "max_pool": [(((0, 3),), {"geometry": MOVING})],
    "max_pool_to_input": [(((0, 2),), {"x": np.zeros((0, 3)), "best": np.zeros((0, 2)), "geometry": MOVING})],
    "max_pool_to_output": [(((0, 3),), {"x": np.zeros((0, 3)), "best": np.zeros((0, 2)), "geometry": MOVING})],
    "sum_pool": [(((0, 3),), {"geometry": MOVING})],
    "sum_pool_to_input": [(((0, 2),), {"sizes": (3,), "geometry": MOVING})],
    "matmul": [(((2, 0), (0, 3)), {}), (((0, 2), (2, 3)), {}), (((0,), (0,)), {}), (((0, 2, 3), (3, 4)), {}),
               (((0, 3), (3,)), {}), (((3,), (3, 0)), {})],
    "einsum": [(((2, 0), (0, 3)), {"subscripts": "ij,jk->ik"}), (((0, 2),), {"subscripts": "ij->j"})],
    "log_softmax": [(((0, 3),), {"axis": -1})],
    "cross_entropy": [(((0, 3),), {"target": np.zeros(0, int)})],
    "inv": [(((0, 2, 2),), {})],
    "solve": [(((0, 2, 2), (0, 2, 1)), {}), (((2, 2), (2, 0)), {})],
    "det": [(((0, 2, 2),), {})],
    "lstm_gates": [(((0, 8),), {}), (((2, 0),), {})],
    "lstm_memory": [(((0, 8), (0, 2)), {})],
    "lstm_hidden": [(((0, 8), (0, 2)), {})],
}


@pytest.mark.parametrize("example", [Example(tg.TABLE[name], *case) for name, cases in EMPTY.items() for case in cases],
                         ids=str)
def test_an_empty_axis_is_an_axis_like_others(example):
    """An empty batch has an empty result and gradients of the operands' shapes, in both modes and in second order."""
    of_any_shape(example, np.random.default_rng(0))


@pytest.mark.parametrize("function", [tg.max, tg.min], ids=["max", "min"])
def test_the_extreme_of_nothing_is_an_error_that_names_the_operation(function):
    """There is no largest of no numbers: NumPy's complaint, with the operation and the shape."""
    with pytest.raises(tg.errors.ShapeError, match=rf"{function.name}.*\(0, 3\)"):
        function(tg.Tensor(np.empty((0, 3))), axis=0)
