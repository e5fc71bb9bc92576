"""The transforms: derivatives of functions of numbers, arrays and nodes, and of nests of them."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu.testing.measure import complex_slope, slope

X = np.array([0.3, -1.2, 0.8])
A = np.array([[2.0, -1.0, 0.5], [0.0, 1.5, 1.0], [1.0, 0.3, -0.7]])


def wave(m, x):
    """exp(2x) sin(x), in a library `m`: its n-th derivative is the imaginary part of (2 + i)^n exp((2 + i) x)."""
    return m.exp(2.0 * x) * m.sin(x)


def wave_derivative(x, order):
    """The closed form of the derivatives of `wave`."""
    return ((2.0 + 1.0j) ** order * np.exp((2.0 + 1.0j) * x)).imag


def quadratic(x):
    """x' A x, whose gradient is (A + A') x and whose Hessian A + A'."""
    return tg.dot(x, tg.dot(A, x))


def rosenbrock(m, x):
    """The valley that optimisers are tried on, in a library `m`."""
    return m.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


class Pair(NamedTuple):
    """A named tuple, to see that its kind is kept."""

    first: Any
    second: Any


# ---- grad: what goes in, what comes out ------------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "kind"), [
    (0.7, float), (1, float), (np.float64(0.7), float), (np.array(0.7), np.ndarray), (tg.Value(0.7), tg.Value),
    (tg.Tensor(0.7), tg.Tensor), (tg.Value(0.7) * 1.0, tg.Value)], ids=repr)
def test_grad_gives_the_kind_it_was_given(x, kind):
    """Numbers give floats, arrays arrays, nodes nodes; the number is that of the closed form and of a complex step."""
    derivative = tg.grad(lambda x: wave(tg, x))(x)
    assert isinstance(derivative, kind)
    assert_allclose(float(derivative), wave_derivative(float(x), 1), rtol=1e-14)
    assert_allclose(float(derivative), complex_slope(lambda z: wave(np, z), [float(x)], [1.0]), rtol=1e-14)


@pytest.mark.parametrize("kind", [np.array, tg.Tensor])
def test_the_gradient_of_an_array_has_its_shape(kind):
    """grad of a scalar function of an array: the closed form for a quadratic, a complex step for another."""
    assert_allclose(np.asarray(tg.grad(quadratic)(kind(X))), (A + A.T) @ X, rtol=1e-14)
    gradient = tg.grad(lambda x: rosenbrock(tg, x))(kind(X))
    measured = [complex_slope(lambda z: rosenbrock(np, z), [X], [unit]) for unit in np.eye(3)]
    assert_allclose(np.asarray(gradient), measured, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_the_gradient_of_an_array_has_its_dtype(dtype):
    """float32 stays float32 in every transform; integers are differentiated as float64."""
    x, expected = np.array([1, 2], dtype), np.float32 if dtype is np.float32 else np.float64
    for result in (tg.grad(lambda x: (x * x).sum())(x), tg.jvp(tg.square, (x,), (x,))[1], tg.jacobian(tg.square)(x),
                   tg.hessian(lambda x: (x ** 3.0).sum())(x), tg.vjp(tg.square, x)[1](x)[0]):
        assert result.dtype == expected


def test_nested_arguments_give_nested_gradients():
    """Dicts, lists, tuples and named tuples, with numbers, arrays and nodes in them, come back in the same nesting."""
    tree = {"w": [X, 2.0], "b": (tg.Value(3.0), Pair(np.array(4.0), tg.Tensor([5.0])))}

    def f(tree):
        (w, s), (v, (a, t)) = tree["w"], tree["b"]
        return (w * w).sum() * a + (t * t).sum() + tg.Tensor.stack_values([s * v]).sum()

    gradient = tg.grad(f)(tree)
    assert list(gradient) == ["w", "b"]
    assert isinstance(gradient["w"], list)
    assert isinstance(gradient["b"][1], Pair)
    assert_allclose(np.asarray(gradient["w"][0]), 8.0 * X, rtol=1e-15)
    assert [float(gradient["w"][1]), float(gradient["b"][0])] == [3.0, 2.0]
    assert_allclose(np.asarray(gradient["b"][1].first), X @ X)
    assert_allclose(np.asarray(gradient["b"][1].second), [10.0])


def test_the_same_node_in_two_places_is_two_variables():
    """d/dx and d/dy of x**2 y at one Value in both places: partial derivatives, not their sum."""
    v = tg.Value(3.0)
    assert [float(g) for g in tg.grad(lambda p: p[0] ** 2.0 * p[1])([v, v])] == [18.0, 9.0]
    assert [float(g) for g in tg.grad(lambda x, y: x ** 2.0 * y, (0, 1))(v, v)] == [18.0, 9.0]


@pytest.mark.parametrize(("argnums", "expected"), [
    (0, 3.0), (1, 2.0), (-1, 10.0), (np.int64(1), 2.0),
    ((0, 2), (3.0, 10.0)), ([1], (2.0,)), (range(3), (3.0, 2.0, 10.0)), ((2, 0), (10.0, 3.0))])
def test_argnums_chooses_the_arguments(argnums, expected):
    """One position, also from the end, gives one gradient; several give a tuple, in the order asked for."""
    assert tg.grad(lambda x, y, z: x * y + z * z, argnums)(2.0, 3.0, 5.0) == expected
    value, gradient = tg.value_and_grad(lambda x, y, z: x * y + z * z, argnums)(2.0, 3.0, 5.0)
    assert (value, gradient) == (31.0, expected)


def test_what_the_function_does_not_depend_on_has_derivative_zero():
    """A constant node, an unused argument, a result under no_grad: zeros of the argument's shape, not None."""
    assert tg.grad(lambda x: tg.Value(3.0, requires_grad=False))(2.0) == 0.0
    assert_array_equal(tg.grad(lambda x: tg.Value(3.0, requires_grad=False))(X), np.zeros(3))
    assert_array_equal(tg.grad(lambda x, y: y * y)(X, tg.Value(2.0, requires_grad=False)), np.zeros(3))
    assert_array_equal(tg.grad(tg.no_grad()(lambda x: (x * x).sum()))(X), np.zeros(3))
    assert tg.jvp(lambda x, y: y * y, (2.0, 3.0), (1.0, 0.0)) == (9.0, 0.0)
    assert_array_equal(tg.jacobian(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    assert_array_equal(tg.hessian(lambda x: x.sum())(X), np.zeros((3, 3)))
    assert_array_equal(tg.hvp(lambda x: x.sum(), X, X), np.zeros(3))


@pytest.mark.parametrize("leaves", [math.sin, float, lambda x: x.data, lambda x: 3.0])
def test_a_plain_number_has_no_gradient(leaves):
    """A function whose result left the graph has gradient 0, with a warning that this may not be meant."""
    for transform in (tg.grad, tg.hessian):
        with pytest.warns(tg.errors.GraphWarning, match="no part of a graph"):
            assert transform(leaves)(2.0) == 0.0


def test_the_identity_has_derivative_one():
    """A function that returns its argument, alone or twice, in every transform."""
    assert tg.grad(lambda x: x)(2.0) == 1.0
    tangent = tg.jvp(lambda x: x, (X,), (A[0],))[1]
    assert_array_equal(tangent, A[0])
    assert not np.shares_memory(tangent, A)
    assert_array_equal(tg.jacobian(lambda x: x)(X), np.eye(3))
    assert tg.vjp(lambda x: (x, x), 2.0)[1]((1.0, 10.0)) == (11.0,)


# ---- vjp and jvp -----------------------------------------------------------------------------------------------------


def outputs(x, y):
    """Several results, nested, one of them a constant and one of them there twice."""
    product = x * y
    return {"product": product, "rest": [tg.sum(x), 7.0, product]}


def test_vjp_pulls_a_nest_of_cotangents_back():
    """The pull adds up what comes from every result, those that are one node included, and can be used again."""
    x, y = X, A[0]
    value, pull = tg.vjp(outputs, x, y)
    assert_array_equal(value["product"], x * y)
    assert value["rest"][1] == 7.0
    u, w = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -1.0])
    for _ in range(2):
        by_x, by_y = pull({"product": u, "rest": [10.0, 0.0, w]})
        assert_allclose(by_x, (u + w) * y + 10.0, rtol=1e-15)
        assert_allclose(by_y, (u + w) * x, rtol=1e-15)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_vjp_of_results_that_are_made_from_one_another(order):
    """x**2, its sine, and the sine's exponential, in any order: what flows into each is complete before it flows on."""
    def chain(x):
        square = x * x
        sine = tg.sin(square)
        return [(square, sine, tg.exp(sine))[i] for i in order]

    sine, cosine = np.sin(X * X), np.cos(X * X)
    expected = 2.0 * X * (1.0 + cosine * (10.0 + 100.0 * np.exp(sine)))
    gradient, = tg.vjp(chain, X)[1]([np.full(3, 10.0 ** i) for i in order])
    assert_allclose(gradient, expected, rtol=1e-14)


@pytest.mark.parametrize(("primals", "tangents"), [
    (2.0, 1.0), ((2.0,), 1.0), (2.0, (1.0,)), (np.array(2.0), np.array(1.0)), (tg.Value(2.0), tg.Value(1.0)),
    ((2.0,), tg.Tensor(1.0)),
])
def test_jvp_asks_for_sequences(primals, tangents):
    """A bare number in place of a sequence is a ShapeError that shows the right call, and carries the node."""
    with pytest.raises(tg.errors.ShapeError, match=r"sequences with one item per argument.*\(f, \(2.0,\), \(1.0,\)\)"
                       ) as caught:
        tg.jvp(tg.square, primals, tangents)
    bare = tangents if isinstance(primals, tuple) else primals
    assert caught.value.nodes == ((bare,) if isinstance(bare, tg.Value | tg.Tensor) else ())


def test_jvp_pushes_a_nest_of_tangents_forward():
    """The result has the function's nesting; a constant among the results has tangent 0, an infinite one too."""
    v, w = np.array([1.0, 0.0, 2.0]), np.array([0.0, 3.0, 1.0])
    _, tangent = tg.jvp(outputs, (X, A[0]), (v, w))
    assert_allclose(tangent["product"], v * A[0] + w * X, rtol=1e-15)
    assert_allclose(tangent["rest"][0], 3.0)
    assert tangent["rest"][1] == 0.0
    assert tg.jvp(lambda x: (x, math.inf), (1.0,), (1.0,)) == ((1.0, math.inf), (1.0, 0.0))


def test_nests_are_matched_by_key():
    """Tangents and cotangents in dicts belong to the key, whatever the order they are written in."""
    assert tg.jvp(lambda d: d["a"] + 10.0 * d["b"], ({"a": 1.0, "b": 2.0},), ({"b": 1.0, "a": 0.0},))[1] == 10.0
    assert tg.vjp(lambda x: {"a": x, "b": 10.0 * x}, 3.0)[1]({"b": 1.0, "a": 0.0}) == (10.0,)


# ---- matrices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3), (1, 3), (5, 3)], ids=["wide", "row", "tall"])
def test_the_jacobian_is_that_of_a_linear_map(shape):
    """dy_i/dx_j of B sin(x), with fewer and with more results than arguments: by reverse or forward passes."""
    matrix = np.arange(float(math.prod(shape))).reshape(shape)
    assert_allclose(tg.jacobian(lambda x: tg.dot(matrix, tg.sin(x)))(X), matrix * np.cos(X), rtol=1e-15)


def test_the_jacobian_of_arrays_has_both_shapes():
    """y of shape (3, 2) by x of shape (2, 3): (3, 2, 2, 3), measured column by column."""
    x = np.arange(6.0).reshape(2, 3) / 7.0
    jacobian = tg.jacobian(lambda x: tg.transpose(tg.exp(x)) * x[0, 1])(x)
    assert jacobian.shape == (3, 2, 2, 3)
    for place in np.ndindex(x.shape):
        unit = np.zeros(x.shape)
        unit[place] = 1.0
        measured = slope(lambda x: np.exp(x).T * x[0, 1], [x], [unit])
        assert_allclose(jacobian[(..., *place)], measured, rtol=1e-9, atol=1e-11)


def test_nested_results_hold_nested_arguments():
    """The Jacobian of a dict by a list is a dict of lists of blocks, each of shape y.shape + x.shape."""
    blocks = tg.jacobian(lambda p: {"outer": tg.outer(p[0], p[1]), "sum": tg.sum(p[0]) * tg.prod(p[1])})([X, A[0, :2]])
    assert [block.shape for block in blocks["outer"]] == [(3, 2, 3), (3, 2, 2)]
    assert_allclose(blocks["outer"][0], np.einsum("ik,j->ijk", np.eye(3), A[0, :2]))
    assert_allclose(blocks["sum"][1], X.sum() * A[0, 1::-1])


def test_the_hessian_is_symmetric_and_measured():
    """Second derivatives of arrays, of several arguments and of numbers, against the closed form and a complex step."""
    assert_allclose(tg.hessian(quadratic)(X), A + A.T, rtol=1e-15)
    hessian = tg.hessian(lambda x: rosenbrock(tg, x))(X)
    gradient = tg.grad(lambda x: rosenbrock(tg, x))
    assert_allclose(hessian, hessian.T, rtol=1e-14)
    assert_allclose(hessian, [slope(gradient, [X], [unit]) for unit in np.eye(3)], rtol=1e-7, atol=1e-7)
    assert tg.hessian(lambda x, y: x * x * y, (0, 1))(2.0, 3.0) == ((6.0, 4.0), (4.0, 0.0))
    blocks = tg.hessian(lambda d: d["a"] * d["b"])({"a": 2.0, "b": 3.0})
    assert blocks == {"a": {"a": 0.0, "b": 1.0}, "b": {"a": 1.0, "b": 0.0}}


def test_hvp_is_the_hessian_times_the_direction():
    """Without forming the matrix, on arrays, numbers and nests."""
    v = np.array([1.0, -2.0, 0.5])
    assert_allclose(tg.hvp(quadratic, X, v), (A + A.T) @ v, rtol=1e-14)
    product = tg.hvp(lambda x: rosenbrock(tg, x), X, v)
    assert_allclose(product, tg.hessian(lambda x: rosenbrock(tg, x))(X) @ v, rtol=1e-13)
    assert tg.hvp(lambda x: x ** 3.0, 2.0, 5.0) == 60.0
    assert tg.hvp(lambda d: d["a"] * d["b"] ** 2.0, {"a": 2.0, "b": 3.0}, {"a": 1.0, "b": 0.0}) == {"a": 0.0, "b": 6.0}
