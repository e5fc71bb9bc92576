"""The transforms inside one another, over functions that read other nodes, and where they refuse."""

import itertools
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_transforms import A, X, quadratic, wave, wave_derivative

import tinygrad_edu as tg
from tinygrad_edu.testing.measure import slope


def reverse(function):
    """The derivative of a function of one number, or of each element, in reverse mode."""
    return lambda x: tg.grad(lambda x: tg.Tensor.sum(y) if isinstance(y := function(x), tg.Tensor) else y)(x)


def forward(function):
    """The same derivative in forward mode."""
    return lambda x: tg.jvp(function, (x,), (np.ones_like(x) if isinstance(x, np.ndarray | tg.Tensor) else 1.0,))[1]


# ---- nesting ---------------------------------------------------------------------------------------------------------

MODES = {"r": reverse, "f": forward}


@pytest.mark.parametrize("modes", ["".join(m) for n in (1, 2, 3) for m in itertools.product("rf", repeat=n)])
@pytest.mark.parametrize("x", [0.6, np.array(0.6), X, tg.Value(0.6), tg.Tensor(X)],
                         ids=["number", "0-d array", "array", "Value", "Tensor"])
def test_any_nesting_of_the_modes_gives_the_derivative_of_that_order(modes, x):
    """Reverse and forward over one another, to third order, on every kind of argument: the closed form."""
    function = partial(wave, tg)
    for mode in modes:
        function = MODES[mode](function)
    plain = x.data if isinstance(x, tg.Value | tg.Tensor) else x
    assert_allclose(np.asarray(getattr(y := function(x), "data", y)), wave_derivative(plain, len(modes)), rtol=1e-12)


@pytest.mark.parametrize("modes", ["".join(m) for n in (1, 2, 3) for m in itertools.product("rf", repeat=n)])
def test_the_bridges_between_the_families_are_differentiable_to_third_order(modes):
    """x**3 as the product of a Tensor stacked from Values, and of the Values taken from a Tensor: plain numbers out."""
    def stacked(x):
        return tg.prod(tg.Tensor.stack_values([x * x, x]))

    def picked(x):
        first, second = (tg.stack([x, x]) * np.array([1.0, 3.0])).to_values()
        return first * first * second / 3.0

    for function, x in ((stacked, 2.0), (picked, np.array(2.0))):
        for mode in modes:
            function = MODES[mode](function)
        assert_allclose(np.asarray(function(x)), [12.0, 12.0, 6.0][len(modes) - 1], rtol=1e-14)
        assert not isinstance(function(x), tg.Value | tg.Tensor)


def test_backward_over_both_bridges_leaves_arrays_and_floats():
    """A Tensor taken apart and put together again: gradients have the kind of the data, on either side."""
    t = tg.Tensor([1.0, 2.0, 3.0])
    a, b, c = t.to_values()
    joined = tg.Tensor.stack_values([a * b, c])
    (joined * joined).sum().backward()
    assert type(t.grad) is type(joined.grad) is np.ndarray
    assert type(a.grad) is float
    assert_array_equal(t.grad, [8.0, 4.0, 6.0])


@pytest.mark.parametrize("outer", [reverse, forward])
@pytest.mark.parametrize("inner", [reverse, forward])
def test_the_derivatives_of_two_levels_are_not_confused(outer, inner):
    """d/dx [x d/dy (x + y)] is 1 and d/dx [x d/dy (x y)] is 2x: what varies inside is not what varies outside."""
    assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(1.0) == 1.0
    assert outer(lambda x: x * inner(lambda y: x * y)(2.0))(3.0) == 6.0
    assert outer(lambda x: inner(lambda y: x * y * y)(x))(3.0) == 12.0
    assert outer(lambda x: x * inner(lambda y: 5.0 * y)(x))(2.0) == 5.0


def test_the_derivative_of_a_jacobian_and_of_a_hessian():
    """Matrices of derivatives are differentiable like anything else, whichever passes they are made of."""
    matrix = np.arange(12.0).reshape(4, 3) / 6.0
    for rows in (2, 4):
        def score(x, rows=rows):
            return (tg.jacobian(lambda x: tg.sin(tg.dot(matrix[:rows], x)))(x) ** 2.0).sum()

        def plain(x, rows=rows):
            return np.sum((np.cos(matrix[:rows] @ x)[:, None] * matrix[:rows]) ** 2.0)

        assert_allclose(score(tg.Tensor(X)).data, plain(X), rtol=1e-13)
        assert_allclose(tg.grad(score)(X), [slope(plain, [X], [unit]) for unit in np.eye(3)], rtol=1e-8, atol=1e-10)
    cubic = tg.grad(lambda x: (tg.hessian(lambda x: (x ** 3.0).sum())(x) * A).sum())
    assert_allclose(cubic(X), 6.0 * np.diag(A), rtol=1e-14)


@pytest.mark.parametrize("size", [2, 3])
def test_the_pull_of_a_vjp_is_differentiable_by_its_cotangent(size):
    """The transpose of the transpose is the Jacobian itself."""
    x = X[:size]
    _, pull = tg.vjp(tg.sin, x)
    u, v = np.arange(1.0, size + 1.0), np.ones(size)
    assert_allclose(tg.jvp(lambda u: pull(u)[0], (u,), (v,))[1], np.cos(x), rtol=1e-15)
    assert_allclose(tg.grad(lambda u: pull(u)[0].sum())(u), np.cos(x), rtol=1e-15)


def test_a_step_of_newtons_method_can_be_differentiated():
    """d/da of one step from x towards the root of x**2 - a, by the chain through a derivative: 1/(2x)."""
    def step(a, x):
        def f(x):
            return x * x - a
        return x - f(x) / tg.grad(f)(x)

    assert_allclose(tg.grad(step)(2.0, 1.5), 1.0 / 3.0, rtol=1e-15)
    assert_allclose(tg.grad(step, 1)(2.0, 1.5), 0.5 - 2.0 / (2.0 * 1.5 ** 2), rtol=1e-14)


# ---- functions of other nodes ----------------------------------------------------------------------------------------


def test_a_gradient_penalty_reaches_the_parameters_of_a_tensor_model():
    """|df/dx|**2 of a model that is closed over: its backward() gives the gradient by the weights."""
    def penalty(weight, x):
        gradient = (1.0 - np.tanh(weight @ x) ** 2) @ weight
        return gradient @ gradient

    weight = tg.Tensor(A)
    gradient = tg.grad(lambda x: tg.tanh(weight @ x).sum())(X)
    assert isinstance(gradient, tg.Tensor)
    (gradient * gradient).sum().backward()
    for place in np.ndindex(A.shape):
        unit = np.zeros(A.shape)
        unit[place] = 1.0
        assert_allclose(weight.grad[place], slope(lambda w: penalty(w, X), [A], [unit]), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("mode", [reverse, forward])
def test_a_gradient_penalty_reaches_the_parameters_of_a_value_model(mode):
    """The same on Values: (w cos(w x))**2 by w."""
    w, x = tg.Value(1.3), 0.7
    derivative = mode(lambda x: tg.sin(w * x))(x)
    assert isinstance(derivative, tg.Value)
    (derivative * derivative).backward()
    s, c = np.sin(1.3 * x), np.cos(1.3 * x)
    assert_allclose(w.grad, 2.0 * (1.3 * c) * (c - 1.3 * x * s), rtol=1e-14)


def test_an_argument_in_a_graph_stays_connected():
    """The derivative at 2w, an interior node, is itself a function of w: d/dw 3 (2w)**2 = 24 w."""
    w = tg.Value(5.0)
    tg.grad(lambda x: x ** 3.0)(2.0 * w).backward()
    assert w.grad == 120.0
    t = tg.Tensor(X)
    tg.jvp(lambda x: x ** 3.0, (2.0 * t,), (np.ones(3),))[1].sum().backward()
    assert_allclose(t.grad, 24.0 * X, rtol=1e-15)


def test_constants_in_a_closure_leave_the_result_plain():
    """Weights without requires_grad, or arrays: nothing is left to differentiate, and plain numbers come out."""
    constant = tg.Tensor(A, requires_grad=False)
    assert type(tg.grad(lambda x: (constant @ x).sum())(X)) is np.ndarray
    assert type(tg.grad(lambda x: (A @ x).sum())(X)) is np.ndarray
    assert type(tg.jvp(lambda x: x * tg.Value(2.0, requires_grad=False), (3.0,), (1.0,))[1]) is float


def test_no_grad_of_any_node_is_read_or_written():
    """Whatever stood in .grad before, of arguments and of closed-over parameters, stands there after."""
    x, w, v = tg.Tensor(X), tg.Tensor(A), tg.Value(2.0)
    x.grad = np.full(3, 100.0)

    def f(x):
        return tg.tanh(w @ x).sum()

    expected = A.T @ (1.0 - np.tanh(A @ X) ** 2)
    assert_allclose(tg.grad(f)(x).data, expected, rtol=1e-14)
    tg.hessian(f)(x), tg.hvp(f, x, X), tg.jvp(f, (x,), (X,)), tg.vjp(f, x)[1](1.0), tg.jacobian(f)(x)
    tg.grad(tg.grad(lambda v: v ** 3.0))(v)
    assert_array_equal(x.grad, np.full(3, 100.0))
    assert w.grad is None
    assert v.grad is None


def test_under_no_grad_the_derivative_is_right_and_is_no_graph():
    """no_grad() switches the graph around the transform off, not the one inside it."""
    w = tg.Tensor(A)
    with tg.no_grad():
        for x in (X, tg.Tensor(X)):
            gradient = tg.grad(lambda x: tg.dot(x, w @ x))(x)
            assert_allclose(np.asarray(gradient), (A + A.T) @ X, rtol=1e-14)
            assert not getattr(gradient, "requires_grad", False)
        assert tg.grad(tg.grad(lambda x: x ** 3.0))(2.0) == 12.0
        assert_allclose(tg.hessian(quadratic)(X), A + A.T, rtol=1e-15)
        assert not (tg.Tensor(X) * 2.0).requires_grad
    assert (tg.Tensor(X) * 2.0).requires_grad


def test_hooks_and_results_of_a_transform_do_not_touch_the_arguments():
    """The arrays that go in are the caller's: not written, and not shared with what comes out."""
    x, v = X.copy(), A[0].copy()
    results = [tg.grad(lambda x: x.sum())(x), *tg.jvp(lambda x: x, (x,), (v,)), *tg.vjp(lambda x: x, x)[1](v)]
    results.append(tg.vjp(lambda x: x, x)[0])
    for result in results:
        assert not np.shares_memory(result, x)
        assert not np.shares_memory(result, v)
        result += 1.0
    assert_array_equal(x, X)
    assert_array_equal(v, A[0])


# ---- refusals --------------------------------------------------------------------------------------------------------


REFUSED = {
    "grad of a vector": (lambda: tg.grad(tg.sin)(X), tg.errors.ShapeError, r"\(3,\).*jacobian or vjp"),
    "hessian of a vector": (lambda: tg.hessian(tg.sin)(X), tg.errors.ShapeError, r"\(3,\).*jacobian or vjp"),
    "grad of a list": (lambda: tg.grad(lambda x: [x, x])(2.0), tg.errors.ShapeError, "list.*jacobian or vjp"),
    "grad of a plain array": (lambda: tg.grad(lambda x: np.ones(3))(2.0), tg.errors.ShapeError, "one number"),
    "grad of nothing": (lambda: tg.grad(lambda x: None)(2.0), tg.errors.TinygradError, "one number.*None"),
    "grad of text": (lambda: tg.grad(lambda x: "2.0")(2.0), tg.errors.TinygradError, "one number.*str"),
    "argnums too large": (lambda: tg.grad(tg.multiply, 2)(2.0, 3.0), tg.errors.GraphError, "argnums 2.*2 positional"),
    "argnums too small": (lambda: tg.grad(tg.multiply, (0, -3))(2.0, 3.0), tg.errors.GraphError, "argnums.*2 pos"),
    "argnums a number": (lambda: tg.grad(tg.sin, 2.0), tg.errors.GraphError, r"2.0: a pos.*grad\(f\)\(x\)"),
    "argnums an array": (lambda: tg.jacobian(tg.sin, X), tg.errors.GraphError, r"array.*grad\(f\)\(x\)"),
    "argnums twice": (lambda: tg.grad(tg.multiply, (1, -1))(2.0, 3.0), tg.errors.GraphError, "argnums"),
    "no arguments": (lambda: tg.grad(lambda: 2.0)(), tg.errors.GraphError, "argnums 0.*0 positional"),
    "text as argument": (lambda: tg.grad(tg.sin)("2.0"), tg.errors.DataError, "2.0"),
    "complex argument": (lambda: tg.grad(tg.sin)(1j), tg.errors.DataError, "1j"),
    "tangent too short": (lambda: tg.jvp(tg.sin, (X,), (np.ones(2),)), tg.errors.ShapeError, r"\(2,\).*\(3,\)"),
    "tangent a number": (lambda: tg.jvp(tg.sin, (X,), (1.0,)), tg.errors.ShapeError, r"\(\).*\(3,\)"),
    "tangent an array": (lambda: tg.jvp(tg.sin, (2.0,), (X,)), tg.errors.TinygradError, "number"),
    "tangent missing": (lambda: tg.jvp(tg.multiply, (2.0, 3.0), (1.0,)), tg.errors.ShapeError, "2 .*wanted"),
    "tangent of other kind": (lambda: tg.jvp(tg.sin, (X,), (tg.Value(1.0),)), tg.errors.TinygradError, "Value"),
    "tangent of other key": (lambda: tg.jvp(lambda d: d["a"], ({"a": 1.0},), ({"b": 1.0},)), tg.errors.ShapeError, "b"),
    "cotangent too short": (lambda: tg.vjp(tg.sin, X)[1](np.ones(2)), tg.errors.ShapeError, r"\(2,\).*\(3,\)"),
    "cotangent missing": (lambda: tg.vjp(lambda x: (x, x), 2.0)[1](1.0), tg.errors.ShapeError, "2 .*wanted"),
    "direction of other kind": (lambda: tg.hvp(tg.sin, 2.0, X), tg.errors.TinygradError, "number"),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_call_is_refused_with_the_reason(call, error, message):
    """Results that are no number, positions not there, tangents that do not fit: what it was, and what is wanted."""
    with pytest.raises(error, match=message):
        call()
