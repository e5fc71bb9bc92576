"""Functions composed from rows, and forms of call that rows do not see: NumPy's numbers, and their derivatives."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu.testing.examples import draw
from tinygrad_edu.testing.orders import along, check_first_order, check_second_order

REAL = (((-2.0, 2.0),),)
INDICES = np.array([[2, 0, 0], [-1, 1, 1]])

# Each case is one expression in a library `m` that is tinygrad_edu or NumPy, and the shapes of its operands.
AS_NUMPY = {
    "ravel": (lambda m, x: m.ravel(x), (2, 3)),
    "swapaxes": (lambda m, x: m.swapaxes(x, 0, -1), (2, 3, 4)),
    "moveaxis": (lambda m, x: m.moveaxis(x, 0, -1), (2, 3, 4)),
    "moveaxis several": (lambda m, x: m.moveaxis(x, (2, 0), (0, 1)), (2, 3, 4)),
    "moveaxis backwards": (lambda m, x: m.moveaxis(x, [0, 1], [-1, -3]), (2, 3, 4)),
    "expand_dims first": (lambda m, x: m.expand_dims(x, 0), (2, 3)),
    "expand_dims several": (lambda m, x: m.expand_dims(x, (0, -1)), (2, 3)),
    "squeeze": (lambda m, x: m.squeeze(x), (1, 3, 1)),
    "squeeze one": (lambda m, x: m.squeeze(x, -1), (1, 3, 1)),
    "squeeze several": (lambda m, x: m.squeeze(x, (0, 2)), (1, 3, 1)),
    "flip": (lambda m, x: m.flip(x), (2, 3)),
    "flip one axis": (lambda m, x: m.flip(x, -1), (2, 3)),
    "flip several": (lambda m, x: m.flip(x, (0, 2)), (2, 3, 2)),
    "split equally": (lambda m, x: m.concatenate(m.split(x, 3)[::-1]), (6, 2)),
    "split at indices": (lambda m, x: m.concatenate(m.split(x, [1, -1], axis=1)[::-1], axis=1), (2, 5)),
    "split past the end": (lambda m, x: m.concatenate(m.split(x, [2, 2, 7])[::-1]), (4,)),
    "repeat flattened": (lambda m, x: m.repeat(x, 2), (2, 3)),
    "repeat along": (lambda m, x: m.repeat(x, 3, axis=1), (2, 3)),
    "repeat each": (lambda m, x: m.repeat(x, [0, 2, 1], axis=-1), (2, 3)),
    "tile": (lambda m, x: m.tile(x, 3), (2, 2)),
    "tile more axes": (lambda m, x: m.tile(x, (2, 1, 2)), (2,)),
    "tile fewer axes": (lambda m, x: m.tile(x, (2,)), (3, 2)),
    "tile none": (lambda m, x: m.tile(x, 0), (3,)),
    "take_along_axis": (lambda m, x: m.take_along_axis(x, INDICES, 1), (2, 3)),
    "take_along_axis first": (lambda m, x: m.take_along_axis(x, INDICES, axis=0), (3, 3)),
    "take_along_axis stretched": (lambda m, x: m.take_along_axis(x, np.array([[0, 2]]), axis=1), (4, 3)),
    "take_along_axis flat": (lambda m, x: m.take_along_axis(x, np.array([5, 0, 0]), axis=None), (2, 3)),
    "diagonal": (lambda m, x: m.diagonal(x), (3, 3)),
    "diagonal above": (lambda m, x: m.diagonal(x, 1), (3, 4)),
    "diagonal below": (lambda m, x: m.diagonal(x, -1), (3, 2)),
    "diagonal beyond": (lambda m, x: m.diagonal(x, 7), (3, 4)),
    "diagonal of axes": (lambda m, x: m.diagonal(x, 1, axis1=2, axis2=0), (3, 2, 4)),
    "trace": (lambda m, x: m.trace(x, 1), (3, 4)),
    "trace of a batch": (lambda m, x: m.trace(x, axis1=1, axis2=2), (2, 3, 3)),
    "tril": (lambda m, x: m.tril(x), (3, 4)),
    "tril above": (lambda m, x: m.tril(x, 1), (3, 3)),
    "triu": (lambda m, x: m.triu(x), (2, 3, 3)),
    "triu below": (lambda m, x: m.triu(x, -1), (4, 3)),
    "pad": (lambda m, x: m.pad(x, 1), (2, 3)),
    "pad by a pair": (lambda m, x: m.pad(x, (1, 2)), (2, 3)),
    "pad by pairs": (lambda m, x: m.pad(x, ((1, 0), (0, 2)), constant_values=3.0), (2, 3)),
    "pad by one pair": (lambda m, x: m.pad(x, ((1, 2),), mode="constant"), (2, 3)),
    "cumsum flattened": (lambda m, x: m.cumsum(x), (2, 3)),
    "roll flattened": (lambda m, x: m.roll(x, 4), (2, 3)),
    "roll axes alike": (lambda m, x: m.roll(x, 1, axis=(0, 1)), (2, 3)),
    "concatenate flattened": (lambda m, x, y: m.concatenate([x, y], axis=None), (2, 3), (2,)),
    "where": (lambda m, x, y: m.where(np.array([True, False]), x, y), (3, 1), (2,)),
    "prod": (lambda m, x: m.prod(x), (5,)),
    "prod along": (lambda m, x: m.prod(x, axis=1), (2, 3, 2)),
    "prod of axes": (lambda m, x: m.prod(x, axis=(0, -1), keepdims=True), (2, 3, 2)),
    "prod of nothing": (lambda m, x: m.prod(x, axis=0) + m.sum(x, axis=0), (0, 2)),
    "var": (lambda m, x: m.var(x), (2, 3)),
    "var along": (lambda m, x: m.var(x, axis=1, ddof=1, keepdims=True), (2, 3)),
    "var of axes": (lambda m, x: m.var(x, axis=(0, 2)), (2, 3, 2)),
    "std": (lambda m, x: m.std(x), (4,)),
    "std along": (lambda m, x: m.std(x, axis=0, ddof=1), (3, 2)),
    "norm": (lambda m, x: m.linalg.norm(x), (2, 3)),
    "norm along": (lambda m, x: m.linalg.norm(x, axis=0, keepdims=True), (2, 3)),
    "norm Frobenius": (lambda m, x: m.linalg.norm(x, "fro", axis=(0, 2)), (2, 3, 2)),
    "norm 1": (lambda m, x: m.linalg.norm(x, 1, axis=-1), (2, 3)),
    "norm 2": (lambda m, x: m.linalg.norm(x, ord=2), (3,)),
    "norm 3": (lambda m, x: m.linalg.norm(x, 3, axis=1), (2, 3)),
    "norm 2.5": (lambda m, x: m.linalg.norm(x, 2.5, axis=0, keepdims=True), (2, 3)),
    "norm inf": (lambda m, x: m.linalg.norm(x, math.inf), (4,)),
    "norm -inf": (lambda m, x: m.linalg.norm(x, -math.inf, axis=0), (2, 3)),
    "clip below": (lambda m, x: m.clip(x, -0.5, None), (2, 3)),
    "clip above": (lambda m, x: m.clip(x, None, 0.5), (2, 3)),
    "solve a vector": (lambda m, a, b: m.linalg.solve(a, b), (3, 3), (3,)),
    "dot of numbers": (lambda m, x, y: m.dot(x, y), (), (3,)),
    "dot of vectors": (lambda m, x, y: m.dot(x, y), (3,), (3,)),
    "dot of matrices": (lambda m, x, y: m.dot(x, y), (2, 3), (3, 2)),
    "dot of a batch": (lambda m, x, y: m.dot(x, y), (2, 2, 3), (3,)),
    "dot of batches": (lambda m, x, y: m.dot(x, y), (2, 3), (2, 3, 2)),
    "tensordot": (lambda m, x, y: m.tensordot(x, y), (2, 3, 2), (3, 2, 2)),
    "tensordot none": (lambda m, x, y: m.tensordot(x, y, 0), (2, 3), (2,)),
    "tensordot of axes": (lambda m, x, y: m.tensordot(x, y, axes=([0, -1], [2, 0])), (2, 3, 4), (4, 2, 2)),
    "tensordot of one axis": (lambda m, x, y: m.tensordot(x, y, axes=(1, 0)), (2, 3), (3, 2)),
    "outer": (lambda m, x, y: m.outer(x, y), (2, 2), (3,)),
    "outer of numbers": (lambda m, x, y: m.outer(x, y), (), (3,)),
}
EINSUM = {
    "ij->ji": [(2, 3)], "ij->": [(2, 3)], "ij": [(2, 3)], "ba": [(2, 3)], "ii": [(3, 3)], "ii->i": [(3, 3)],
    "iij->j": [(2, 2, 3)], "iii->i": [(2, 2, 2)], "ij,jj->i": [(2, 3), (3, 3)], "ij,jk": [(2, 3), (3, 2)],
    "i,j": [(2,), (3,)], "i,i": [(3,), (3,)], "ij, ij -> i": [(2, 3), (2, 3)], ",i->i": [(), (3,)],
    "ij,k->i": [(2, 3), (4,)], "Ab,bC->AC": [(2, 3), (3, 2)], "ij,jk,kl->il": [(2, 3), (3, 2), (2, 2)],
    "ij,ik,il->jkl": [(2, 2), (2, 3), (2, 2)], "bij,bjk->bik": [(2, 2, 3), (2, 3, 2)],
    "...ij,...jk->...ik": [(2, 1, 2, 3), (3, 3, 2)], "...i,i": [(2, 3, 2), (2,)], "...i,...i": [(2, 3), (1, 3)],
    "i...->...": [(2, 3, 2)], "...": [(2, 3)], "i...i->...i": [(2, 3, 2)], "a...,...b->b...a": [(2, 3), (3, 2)],
    "...ii->...": [(2, 3, 3)], "ij,jk->ik": [(2, 1), (3, 2)], "ij,ij->ij": [(1, 3), (2, 1)], "ij,ij": [(1, 3), (2, 3)],
}
"""Implicit results, diagonals, the ellipsis, labels of one operand alone, and labels of size 1 that stretch."""

AS_NUMPY |= {f"einsum {s}": (lambda m, *xs, s=s: m.einsum(s, *xs), *shapes) for s, shapes in EINSUM.items()}

each_case = pytest.mark.parametrize(("function", "shapes"), [(f, shapes) for f, *shapes in AS_NUMPY.values()],
                                    ids=AS_NUMPY.keys())


def drawn(plain, shapes, seed=0):
    """Operands of these shapes, for functions that are smooth between any two numbers."""
    return draw(REAL * len(shapes), shapes, np.random.default_rng(seed), plain)


@each_case
def test_a_composed_function_has_numpys_result(function, shapes):
    """Called as NumPy's is, it returns what NumPy's does: on arrays, on Tensors, and by NumPy's own name on Tensors."""
    xs = drawn(lambda *arrays: function(np, *arrays), shapes)
    expected = function(np, *xs)
    for result in (function(tg, *xs), function(tg, *map(tg.Tensor, xs)).data, function(np, *map(tg.Tensor, xs)).data):
        assert np.shape(result) == np.shape(expected)
        assert_allclose(result, expected, rtol=1e-13, atol=1e-14)


@each_case
def test_a_composed_function_has_the_derivatives_that_numpys_shows(function, shapes):
    """First order against finite differences of NumPy's function, second order against those of the first."""
    def plain(*arrays):
        return function(np, *arrays)

    def ours(*operands):
        return function(tg, *operands)

    for seed in range(3):
        rng = np.random.default_rng(seed)
        xs = drawn(plain, shapes, seed)
        check_first_order(ours, xs, rng, plain)
        check_second_order(ours, xs, rng)


# ---- beside NumPy ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_softmax_and_its_relatives_are_the_textbook_formulas(axis):
    """softmax, log_softmax and logsumexp along one axis or several, in value, slope and curvature."""
    x, = drawn(np.max, [(2, 3)])
    rng = np.random.default_rng(0)
    total = np.exp(x).sum(axis, keepdims=True)
    for function, expected in [(tg.softmax, np.exp(x) / total), (tg.log_softmax, x - np.log(total)),
                               (tg.logsumexp, np.log(np.squeeze(total, axis)))]:
        assert_allclose(function(x, axis=axis), expected, rtol=1e-13)
        assert_allclose(function(tg.Tensor(x), axis=axis).data, expected, rtol=1e-13)
        check_first_order(lambda x, f=function: f(x, axis=axis), [x], rng)
        check_second_order(lambda x, f=function: f(x, axis=axis), [x], rng)


def test_softmax_of_values_is_that_of_a_tensor():
    """A list of Values gives a list of Values, with the Jacobian diag(p) - p p'."""
    numbers = [0.3, -1.0, 2.0]
    p = np.exp(numbers) / np.sum(np.exp(numbers))
    assert_allclose([float(v) for v in tg.softmax([tg.Value(x) for x in numbers])], p, rtol=1e-14)
    rows = tg.jacobian(lambda *values: tg.softmax(list(values)), (0, 1, 2))(*numbers)
    assert_allclose(rows, np.diag(p) - np.outer(p, p), rtol=1e-12)


@pytest.mark.parametrize("condition", [True, False])
def test_where_of_values_has_the_derivatives_of_the_chosen_branch(condition):
    """where() on Values chooses between two products: measured in first and in second order."""
    rng = np.random.default_rng(0)
    xs = [1.3, -0.7]
    check_first_order(lambda x, y: tg.where(condition, x * y, x + 2.0 * y), xs, rng)
    check_second_order(lambda x, y: tg.where(condition, x * y, x + 2.0 * y), xs, rng)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(4,), (5,)])
def test_the_product_has_exact_derivatives_to_third_order_also_at_zeros(zeros, shape):
    """Along x + t v the product is a polynomial in t, whose coefficients are known; division by x would be nan."""
    rng = np.random.default_rng(0)
    x, v = rng.uniform(0.5, 2.0, shape), rng.uniform(-1.0, 1.0, shape)
    x[rng.permutation(x.size)[:zeros]] = 0.0
    polynomial = math.prod(np.polynomial.Polynomial([a, b]) for a, b in zip(x, v, strict=True))
    coefficients = np.append(polynomial.coef, np.zeros(4))
    functions = [(tg.prod, [x], [v]), (lambda *values: tg.prod(list(values)), x.tolist(), v.tolist())]
    for function, xs, vs in functions:
        for order in range(4):
            assert_allclose(function(*xs), math.factorial(order) * coefficients[order], rtol=1e-12, atol=1e-14)
            function = along(function, vs)


def singular(seed):
    """A matrix whose last column depends on the others: its determinant in floating point is about 1e-16, not 0."""
    x = np.random.default_rng(seed).uniform(-2.0, 2.0, (3, 3))
    x[:, 2] = x[:, 0] + 0.3 * x[:, 1]
    return x


@pytest.mark.parametrize("matrix", [
    pytest.param(np.ones((3, 3)), id="rank 1"), pytest.param(np.zeros((3, 3)), id="rank 0"),
    pytest.param(np.diag([1.0, 2.0, 0.0]), id="rank 2"), pytest.param(np.zeros((1, 1)), id="1x1"),
    pytest.param(np.stack([np.eye(2), np.ones((2, 2))]), id="batch"), pytest.param(singular(0), id="rounded"),
    pytest.param(np.stack([singular(3), np.eye(3)]), id="rounded batch")])
def test_the_determinant_of_a_singular_matrix_has_its_derivatives(matrix):
    """The determinant is a polynomial: cofactors do not need the inverse."""
    rng = np.random.default_rng(0)
    check_first_order(tg.linalg.det, [matrix], rng, np.linalg.det)
    check_second_order(tg.linalg.det, [matrix], rng)


def test_positions_are_plain_integers():
    """argmax, argmin and argsort of a Tensor are integer arrays that index, not nodes."""
    x, = drawn(np.max, [(3, 4)])
    t = tg.Tensor(x)
    for found, expected in [(tg.argmax(t), np.argmax(x)), (tg.argmin(t, axis=0), np.argmin(x, 0)),
                            (t.argmax(axis=1, keepdims=True), np.argmax(x, 1, keepdims=True)),
                            (tg.argsort(t), np.argsort(x))]:
        assert_array_equal(found, expected)
        assert np.asarray(found).dtype.kind == "i"
    assert_array_equal(tg.take_along_axis(t, tg.argsort(t)).data, np.sort(x))


@pytest.mark.parametrize("call", [
    lambda x: tg.norm(x, 2), lambda x: tg.norm(x, 1, axis=(0, 1)), lambda x: tg.norm(x, "nuc"),
    lambda x: tg.norm(x, -1, axis=0), lambda x: tg.pad(x, 1, mode="reflect"), lambda x: tg.where(x, x, 0.0),
])
def test_what_has_no_derivative_here_is_refused_by_name(call):
    """Matrix norms, other paddings, a node as condition: an error, never NumPy's number without a derivative."""
    with pytest.raises(tg.errors.UnsupportedError, match=r"norm|pad|where"):
        call(tg.Tensor(np.ones((2, 3))))


@pytest.mark.parametrize(("name", "call"), [
    ("pad", lambda m, x: m.pad(x, 1, constant_values=np.arange(5.0))), ("pad", lambda m, x: m.pad(x, 1.5)),
    ("einsum", lambda m, x: m.einsum("ii->i", x[:1])), ("einsum", lambda m, x: m.einsum("ij->ii", x)),
    ("einsum", lambda m, x: m.einsum("...i...->i", x)), ("einsum", lambda m, x: m.einsum("ij->i......", x)),
    ("einsum", lambda m, x: m.einsum("ij,jk", x, x)), ("einsum", lambda m, x: m.einsum("i", x)),
    ("take_along_axis", lambda m, x: m.take_along_axis(x, np.zeros((3, 1), int), 1)),
    ("take_along_axis", lambda m, x: m.take_along_axis(x, np.array([0.0]), 1)),
    ("expand_dims", lambda m, x: m.expand_dims(x, (0, 0))), ("moveaxis", lambda m, x: m.moveaxis(x, (0, 0), (0, 1))),
    ("squeeze", lambda m, x: m.squeeze(x, 0)), ("flip", lambda m, x: m.flip(x, (1, 1))),
    ("split", lambda m, x: m.split(x, 2, axis=1)), ("repeat", lambda m, x: m.repeat(x, [1, 2], axis=1)),
    ("diagonal", lambda m, x: m.diagonal(x[0])), ("tensordot", lambda m, x: m.tensordot(x, x, 1)),
    ("reshape", lambda m, x: m.reshape(x, (4,))), ("transpose", lambda m, x: m.transpose(x, (0, 0))),
    ("concatenate", lambda m, x: m.concatenate([x, x[0]])), ("stack", lambda m, x: m.stack([x, x[0]])),
])
def test_what_numpy_refuses_is_refused_by_name(name, call):
    """Axes named twice, sizes that differ, indices that do not fit: an error of ours, on arrays and on Tensors."""
    x = np.arange(6.0).reshape(2, 3)
    with pytest.raises((ValueError, IndexError, TypeError)):
        call(np, x)
    for operand in (x, tg.Tensor(x)):
        with pytest.raises(tg.errors.TinygradError, match=name):
            call(tg, operand)


# ---- windows and convolution -----------------------------------------------------------------------------------------


def looped_windows(x, size, stride, dilation):
    """All windows over the last axis, one by one."""
    starts = range(0, x.shape[-1] - (size - 1) * dilation, stride)
    return np.stack([np.stack([x[..., s + i * dilation] for i in range(size)], -1) for s in starts], -2)


@pytest.mark.parametrize(("size", "stride", "dilation"),
                         [(1, 1, 1), (3, 1, 1), (2, 3, 1), (3, 2, 2), (7, 1, 1), (2, 9, 6)])
def test_windows_are_slices_picked_in_a_loop(size, stride, dilation):
    """Sizes, strides and dilations, up to one window of the whole axis: numbers, slopes and curvatures."""
    x, = drawn(np.sin, [(2, 7)])
    rng = np.random.default_rng(0)
    check_first_order(lambda x: tg.windows(x, size, stride, dilation), [x], rng,
                      lambda x: looped_windows(x, size, stride, dilation))
    check_second_order(lambda x: tg.windows(x, (size,), (stride,), [dilation]), [x], rng)


def convolution(x, weight):
    """A convolution with stride 2 and dilation 2 on the last axis, of (batch, channels, height, width)."""
    return tg.einsum("nchwij,ocij->nohw", tg.windows(x, weight.shape[2:], (1, 2), (1, 2)), weight)


def looped_convolution(x, weight):
    """The same sum, written as the loop that defines it."""
    rows, columns = x.shape[2] - weight.shape[2] + 1, (x.shape[3] - 2 * (weight.shape[3] - 1) - 1) // 2 + 1
    out = np.zeros((len(x), len(weight), rows, columns))
    for n, o, h, w in np.ndindex(out.shape):
        for c, i, j in np.ndindex(weight.shape[1:]):
            out[n, o, h, w] += x[n, c, h + i, 2 * w + 2 * j] * weight[o, c, i, j]
    return out


def test_a_convolution_is_windows_and_a_product():
    """windows + einsum equal the loops, with first and second derivatives by input and weights."""
    xs = drawn(np.multiply.outer, [(2, 2, 3, 6), (2, 2, 2, 2)])
    rng = np.random.default_rng(0)
    assert_allclose(convolution(*map(tg.Tensor, xs)).data, looped_convolution(*xs), rtol=1e-12)
    check_first_order(convolution, xs, rng, looped_convolution)
    check_second_order(convolution, xs, rng)
