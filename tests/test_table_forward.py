"""Every row of the table forward: NumPy's numbers in every family, dtype and layout, and at IEEE's edges."""

import itertools
import math

import numpy as np
import pytest
from checks import Example, all_examples, backward, check_first_order, check_second_order, elementwise, scalar_examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg

ARRAYS = all_examples()
ELEMENTWISE = elementwise()
SEEDS = st.integers(0, 2**32 - 1)

each_example = pytest.mark.parametrize("example", ARRAYS, ids=str)
each_elementwise = pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)


def drawn(example, seed=0):
    """Operands for an example, the same ones each time."""
    return example.draw(np.random.default_rng(seed))


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
    "inv": lambda x: np.linalg.inv(x),
    "det": lambda x: np.linalg.det(x),
    "solve": lambda a, b: np.linalg.inv(a) @ b,
    "astype": lambda x, dtype: x.astype(dtype),
}
"""The rows that NumPy has no function for, or one that takes its arguments otherwise."""


@each_example
@given(seed=SEEDS)
def test_every_row_gives_what_numpy_gives_under_its_name(example, seed):
    """The name of a row is a promise: np.<name>, or else the formula written out above, gives the same numbers."""
    xs, name = drawn(example, seed), example.row.name
    reference = WRITTEN_OUT.get(name) or getattr(np, name)
    expected = reference(*xs, **example.params)
    for result in (example(*xs), example(*map(tg.Tensor, xs)).data):
        assert np.shape(result) == np.shape(expected)
        assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


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


@pytest.mark.parametrize("example", scalar_examples(), ids=str)
@given(seed=SEEDS)
def test_the_scalar_function_is_the_array_function_number_by_number(example, seed):
    """Floats, 0-d and 1-d arrays, Values and Tensors: one function."""
    xs = drawn(example, seed)
    expected = example.plain(*xs)
    assert_allclose(example(*map(tg.Value, xs)).data, expected, rtol=1e-14, atol=1e-15)
    assert_allclose(example(*xs), expected, rtol=1e-14, atol=1e-15)
    if example.row in ELEMENTWISE:
        for shape in ((), (1,), (2,)):
            arrays = [np.full(shape, x) for x in xs]
            assert_allclose(example(*arrays), np.full(shape, expected), rtol=1e-14, atol=1e-15)
            assert_allclose(example(*map(tg.Tensor, arrays)).data, np.full(shape, expected), rtol=1e-14, atol=1e-15)


# ---- the edges of IEEE arithmetic ------------------------------------------------------------------------------------

EDGES = (0.0, -0.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, -1.0, 0.5, 1000.0)


@each_elementwise
def test_at_the_edge_numbers_a_value_has_numpys_result_and_no_exception(row):
    """1/0 is inf, log(-1) nan, exp(1000) inf: a float, without an exception or a warning, as NumPy has it."""
    for xs in itertools.product(EDGES, repeat=len(row.domain)):
        result = row(*map(tg.Value, xs)).data
        with np.errstate(all="ignore"):
            expected = float(row.array(*map(np.float64, xs)))
        assert type(result) is float
        assert_allclose(result, expected, rtol=1e-14, err_msg=f"{row.name}{xs}")
        assert type(row(*xs)) is float
        assert_array_equal(row(*xs), result)


@each_elementwise
def test_at_the_edge_numbers_a_value_has_the_tensors_gradient_and_no_exception(row):
    """The derivative too is a float, inf or nan included, and the one that an array of these numbers has."""
    for xs in itertools.product(EDGES, repeat=len(row.domain)):
        _, gradients = backward(row, xs, 1.0)
        assert {type(g) for g in gradients} == {float}
        with np.errstate(all="ignore"):
            _, expected = backward(row, [np.array([x]) for x in xs], np.ones(1))
        assert_allclose(gradients, np.concatenate(expected), rtol=1e-13, err_msg=f"{row.name}{xs}")


# ---- dtypes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", [e for e in ARRAYS if e.row.name not in ("astype", "weighted_sum")], ids=str)
def test_float32_stays_float32_forward_and_backward(example):
    """Result, gradients and tangents of float32 operands are float32, and close to those of float64."""
    xs = drawn(example)
    small = [x.astype(np.float32) for x in xs]
    ones = np.ones_like(np.asarray(example(*xs)))
    out, gradients = backward(example, small, ones)
    tangent = tg.jvp(example, small, small)[1]
    assert {out.dtype, tangent.dtype, *(g.dtype for g in gradients)} == {np.dtype(np.float32)}
    expected, expected_gradients = backward(example, xs, ones)
    assert_allclose(out.data, expected.data, rtol=1e-4, atol=1e-5)
    assert_allclose(tangent, tg.jvp(example, xs, xs)[1], rtol=1e-3, atol=1e-4)
    for gradient, other in zip(gradients, expected_gradients, strict=True):
        assert_allclose(gradient, other, rtol=1e-3, atol=1e-4)


# ---- sizes -----------------------------------------------------------------------------------------------------------

SMALL = [((0,),), ((2, 0),), ((1,),), ((1, 1),), ((),)]
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
    "matmul": [(((2, 0), (0, 3)), {}), (((0, 2), (2, 3)), {}), (((0,), (0,)), {}), (((0, 2, 3), (3, 4)), {}),
               (((0, 3), (3,)), {}), (((3,), (3, 0)), {})],
    "einsum": [(((2, 0), (0, 3)), {"subscripts": "ij,jk->ik"}), (((0, 2),), {"subscripts": "ij->j"})],
    "log_softmax": [(((0, 3),), {"axis": -1})],
    "cross_entropy": [(((0, 3),), {"target": np.zeros(0, int)})],
    "inv": [(((0, 2, 2),), {})],
    "solve": [(((0, 2, 2), (0, 2, 1)), {}), (((2, 2), (2, 0)), {})],
    "det": [(((0, 2, 2),), {})],
}
SIZES = [Example(row, shapes * len(row.domain)) for row in ELEMENTWISE for shapes in SMALL]
SIZES += [Example(tg.TABLE[name], *case) for name, cases in EMPTY.items() for case in cases]


@pytest.mark.parametrize("example", SIZES, ids=str)
def test_axes_of_size_zero_and_one_are_axes_like_others(example):
    """An empty batch has an empty result and gradients of the operands' shapes, in both modes and in second order."""
    rng = np.random.default_rng(0)
    xs = example.draw(rng)
    out, gradients = backward(example, xs, np.ones_like(example.plain(*xs)))
    assert out.shape == np.shape(example.plain(*xs))
    assert [g.shape for g in gradients] == list(example.shapes)
    check_first_order(example, xs, rng, example.plain)
    check_second_order(example, xs, rng)


@pytest.mark.parametrize("function", [tg.max, tg.min], ids=["max", "min"])
def test_the_extreme_of_nothing_is_an_error_that_names_the_operation(function):
    """There is no largest of no numbers: NumPy's complaint, with the operation and the shape."""
    with pytest.raises(tg.errors.ShapeError, match=rf"{function.name}.*\(0, 3\)"):
        function(tg.Tensor(np.empty((0, 3))), axis=0)


# ---- layouts ---------------------------------------------------------------------------------------------------------


def backwards(x):
    """A view from the last element to the first along every axis."""
    return x[(Ellipsis, *(slice(None, None, -1),) * x.ndim)]


LAYOUTS = {
    "transposed": (lambda x: x.T.copy(), lambda buffer: buffer.T),
    "strided": (lambda x: np.repeat(x, 2, -1) if x.ndim else x.copy(), lambda b: b[..., ::2] if b.ndim else b),
    "reversed": (lambda x: backwards(x).copy(), backwards),
}
"""How the numbers lie in a buffer, and the view of it, on arrays and on Tensors, that has them in order again."""


@each_example
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_view_gives_the_same_result_and_gradients_and_is_left_as_it_was(example, layout):
    """Transposed, strided and reversed, as a plain read-only array, as a constant and as a node: no difference."""
    store, look = LAYOUTS[layout]
    xs = drawn(example)
    u = np.asarray(np.cos(example(*xs)))
    out, gradients = backward(example, xs, u)
    buffers = [store(x) for x in xs]
    views = [read_only(look(buffer)) for buffer in buffers]
    assert_allclose(example(*views), out.data, rtol=1e-12, atol=1e-14)

    leaves = [tg.Tensor(buffer) for buffer in buffers]
    result = example(*map(look, leaves))
    result.backward(read_only(look(store(u))))
    assert_allclose(result.data, out.data, rtol=1e-12, atol=1e-14)
    for at, (leaf, gradient) in enumerate(zip(leaves, gradients, strict=True)):
        assert_allclose(look(leaf.grad), gradient, rtol=1e-12, atol=1e-14)
        mixed = list(views)
        mixed[at] = tg.Tensor(views[at])
        example(*mixed).backward(u)
        assert_allclose(mixed[at].grad, gradient, rtol=1e-12, atol=1e-14)
    for leaf, buffer, x in zip(leaves, buffers, xs, strict=True):
        assert_array_equal(buffer, store(x))
        assert_array_equal(leaf.data, store(x))


def read_only(array):
    """A view that cannot be written."""
    view = array.view()
    view.flags.writeable = False
    return view
