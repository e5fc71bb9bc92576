"""Semantics: higher order, and IEEE arithmetic of Values at the edges of the numbers."""

import math
import operator
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value

INF, NAN = math.inf, math.nan
both = pytest.mark.parametrize("node", [Value, Tensor])

# ---- higher order --------------------------------------------------------------------------------------------------


@both
def test_gradients_of_gradients_by_create_graph(node):
    """Four times backward(create_graph=True): the derivatives of x**4 * exp(x) at 1."""
    x = node(1.0)
    y = x**4 * tg.exp(x)
    expected = [5.0, 21.0, 73.0, 209.0]
    for slope in expected:
        x.zero_grad()
        y.backward(create_graph=True)
        assert float(x.grad.data) == pytest.approx(slope * math.e)
        y = x.grad


@both
@pytest.mark.parametrize("modes", ["rr", "fr", "rf", "ff", "rrr", "frf", "ffr"])
def test_modes_nest_in_any_combination(node, modes):
    """Reverse over forward over reverse and so on agree with the formulas for sin(x * x)."""

    def function(x):
        return tg.sin(x * x)

    def derivative(f, mode):
        return tg.grad(f) if mode == "r" else lambda x: tg.jvp(f, (x,),
                                                               (1.0 if isinstance(x, (float, Value)) else np.array(1.0),
                                                                ))[1]

    f = function
    for mode in modes:
        f = derivative(f, mode)
    x, sine, cosine = 0.9, math.sin(0.81), math.cos(0.81)
    expected = {2: 2 * cosine - 4 * x**2 * sine, 3: -12 * x * sine - 8 * x**3 * cosine}[len(modes)]
    assert float(f(x if node is Value else np.array(x))) == pytest.approx(expected, rel=1e-13)


@both
def test_create_graph_gives_nodes_whatever_the_function(node):
    """The type of .grad depends on the flag alone: for a linear function too, it is a node (a constant)."""
    x, w = node(2.0), node(3.0)
    for y in (x * 3.0, x + w, x - 1.0, -x, x * w, x * x):
        x.zero_grad()
        y.backward(create_graph=True)
        assert isinstance(x.grad, node)
    x.zero_grad()
    (x * 3.0).backward(create_graph=True)
    assert not x.grad.requires_grad
    assert float(x.grad.data) == 3.0


@both
def test_first_order_gives_plain_gradients_that_add_to_graphs(node):
    """Without the flag .grad is plain; added to a gradient that is a graph, the numbers are right still."""
    x = node(2.0)
    (x**3).backward()
    assert not isinstance(x.grad, node)
    (x**3).backward(create_graph=True)
    assert float(x.grad) == 24.0
    (x**3).backward()
    assert float(x.grad) == 36.0


@both
def test_a_gradient_penalty_reaches_the_parameters(node):
    """d/dw of (d/dx w * x**2)**2: the gradient as part of a loss, by create_graph and by grad()."""
    x, w = node(3.0), node(2.0)
    (w * x * x).backward(create_graph=True)
    penalty = x.grad**2
    w.zero_grad()
    penalty.backward()
    assert float(w.grad) == 2 * 12.0 * 6.0
    w.zero_grad()
    point = 3.0 if node is Value else np.array(3.0)
    slope = tg.grad(lambda t: w * t * t)(point)
    (slope**2).backward()
    assert float(w.grad) == 144.0


@both
def test_transforms_neither_read_nor_write_grad(node):
    """A gradient left on an argument or on a closed-over leaf is no part of the answer, and stays."""
    x, w = node(3.0), node(2.0)
    x.grad, w.grad = 100.0, 200.0
    for transform in (tg.grad, tg.hessian, tg.jacobian):
        transform(lambda t: w * t**3)(x)
    assert float(tg.grad(tg.grad(lambda t: w * t**3))(x).data) == 36.0
    tg.jvp(lambda t: w * t, (x,), (1.0,))
    tg.vjp(lambda t: w * t, x)[1](1.0)
    assert (float(x.grad), float(w.grad)) == (100.0, 200.0)


# ---- edge numbers --------------------------------------------------------------------------------------------------

UNARY = ["exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh",
         "cosh", "tanh",
         "arcsinh", "arccosh", "arctanh", "sqrt", "reciprocal", "square", "abs", "sign", "negative"]
BINARY = {operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply, operator.truediv: np.divide,
          operator.pow: np.power, tg.maximum: np.maximum, tg.minimum: np.minimum, tg.logaddexp: np.logaddexp,
          tg.arctan2: np.arctan2}
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -8.0, 3.0, 1000.0, -1000.0, 1e308, -1e308, 5e-324, INF, -INF, NAN]


@pytest.mark.parametrize("name", UNARY)
def test_unary_functions_follow_ieee(name):
    """Values, and functions of plain floats, give what NumPy gives on float64, as floats and without a warning."""
    function = getattr(tg, name)
    for x in EDGES:
        with np.errstate(all="ignore"):
            expected = float(getattr(np, name)(np.float64(x)))
        v = Value(x)
        y = function(v)
        for result in (y.data, function(x)):
            assert type(result) is float
            np.testing.assert_allclose(result, expected, rtol=1e-13)
        y.backward()
        y.backward(create_graph=True)


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
def test_binary_functions_follow_ieee(op):
    """The same for all pairs, node by node and node by number on both sides; signs of zero included."""
    for x in EDGES:
        for y in EDGES:
            with np.errstate(all="ignore"):
                expected = float(BINARY[op](np.array([x]), np.array([y]))[0])
            for result in (op(Value(x), Value(y)), op(Value(x), y), op(x, Value(y))):
                assert type(result.data) is float
                np.testing.assert_allclose(result.data, expected, rtol=1e-13)
                if expected == 0.0 and op not in (tg.maximum, tg.minimum, tg.logaddexp):
                    assert math.copysign(1.0, result.data) == math.copysign(1.0, expected)
                result.backward()
                result.backward(create_graph=True)


@pytest.mark.parametrize(("function", "at", "value", "slope"), [
    (lambda x: 1.0 / x, 0.0, INF, -INF), (lambda x: 1.0 / x, -0.0, -INF, -INF), (tg.log, 0.0, -INF, INF),
    (lambda x: x**0.5, -1.0, NAN, NAN), (tg.exp, 1000.0, INF, INF), (tg.sin, INF, NAN, NAN), (tg.sqrt, 0.0, 0.0, INF),
    (lambda x: x**-1, 0.0, INF, -INF), (lambda x: x**0, 0.0, 1.0, 0.0), (lambda x: x**2, 0.0, 0.0, 0.0),
    (lambda x: x / 0.0, 1.0, INF, INF), (lambda x: 0.0 / x, 0.0, NAN, NAN), (lambda x: 10.0**x, 400.0, INF, INF),
    (lambda x: x * 1e308 * 10.0, 1.0, INF, INF), (tg.arcsin, 1.0, math.pi / 2, INF), (tg.arctanh, 1.0, INF, INF),
    (tg.sigmoid, 1000.0, 1.0, 0.0), (tg.sigmoid, -1000.0, 0.0, 0.0), (tg.softplus, 1000.0, 1000.0, 1.0),
    (tg.softplus, -1000.0, 0.0, 0.0), (tg.tanh, 1000.0, 1.0, 0.0), (tg.gelu, -1e200, 0.0, 0.0),
    (tg.silu, -1e200, 0.0, 0.0), (tg.relu, NAN, NAN, None), (tg.log, -1.0, NAN, -1.0)])
def test_edges_with_their_derivatives(function, at, value, slope):
    """Function and slope at the edge, on Values by backward, create_graph, hooks, grad and jvp: never an exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = Value(at)
        y = function(x)
        np.testing.assert_array_equal(y.data, value)
        slopes = []
        y.backward()
        slopes.append(x.grad)
        x.zero_grad()
        y.backward(create_graph=True)
        slopes.append(float(x.grad))
        x.zero_grad()
        remove = x.register_hook(lambda gradient: None)
        y.backward()
        remove()
        slopes += [x.grad, tg.grad(function)(at), tg.jvp(function, (at,), (1.0,))[1], tg.jacobian(function)(at)]
        assert all(type(s) is float for s in slopes)
        if slope is not None:
            np.testing.assert_allclose(slopes, slope, rtol=1e-14)


@pytest.mark.parametrize("at", [0.0, -1.0, 1000.0, INF, NAN])
def test_second_order_at_the_edges_raises_nothing(at):
    """No OverflowError, ZeroDivisionError or complex at second order either."""
    for name in UNARY:
        function = getattr(tg, name)
        for second in (tg.grad(tg.grad(function)), tg.hessian(function), lambda x, f=function: tg.hvp(f, x, 1.0)):
            assert type(second(at)) is float
    for op in BINARY:
        for other in (0.0, -1.0, 0.5):
            assert type(tg.grad(tg.grad(lambda x, op=op, c=other: op(x, c)))(at)) is float
            assert type(tg.grad(tg.grad(lambda x, op=op, c=other: op(c, x)))(at)) is float


def test_sequences_of_values_at_the_edges():
    """n-ary rows of infinities and NaN follow NumPy without a warning."""
    for numbers in ([INF, 1.0], [-INF, -INF], [INF, -INF], [NAN, 1.0], [1e308, 1e308], [0.0, -0.0]):
        values = [Value(n) for n in numbers]
        with np.errstate(all="ignore"):
            plain = [np.sum(numbers), np.max(numbers), np.min(numbers), np.mean(numbers), np.logaddexp(*numbers),
                     np.hypot(*numbers)]
        for function, expected in zip((tg.sum, tg.max, tg.min, tg.mean, tg.logsumexp, tg.norm), plain, strict=True):
            y = function(values)
            assert type(y.data) is float
            if function is not tg.mean:  # NumPy's mean of 1e308 twice overflows, others may not
                np.testing.assert_allclose(y.data, expected, rtol=1e-14)
            y.backward()
            y.backward(create_graph=True)
