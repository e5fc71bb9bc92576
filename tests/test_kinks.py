"""The conventions where a function has no derivative: one table, for Values and Tensors, both modes, graphs too."""

import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu.testing.orders import along, backward, nodes_of

INF = math.inf

# What it is: the function of numbers, the point, the derivatives by each number.
NUMBERS = {
    "relu at 0 is flat": (tg.relu, [0.0], [0.0]),
    "relu at -0 is flat": (tg.relu, [-0.0], [0.0]),
    "abs at 0 is flat": (tg.abs, [0.0], [0.0]),
    "sign at 0 is flat": (tg.sign, [0.0], [0.0]),
    "maximum shares a tie": (tg.maximum, [1.5, 1.5], [0.5, 0.5]),
    "maximum shares a tie of zeros": (tg.maximum, [0.0, -0.0], [0.5, 0.5]),
    "maximum with a constant shares": (lambda x: tg.maximum(x, 0.0), [0.0], [0.5]),
    "minimum shares a tie": (tg.minimum, [-2.0, -2.0], [0.5, 0.5]),
    "clip passes at the lower bound": (lambda x: tg.clip(x, -1.0, 1.0), [-1.0], [1.0]),
    "clip passes at the upper bound": (lambda x: tg.clip(x, -1.0, 1.0), [1.0], [1.0]),
    "clip at a bound leaves nothing to the bound": (tg.clip, [1.0, -1.0, 1.0], [1.0, 0.0, 0.0]),
    "clip stops beyond a bound": (tg.clip, [1.5, -1.0, 1.0], [0.0, 0.0, 1.0]),
    "sqrt at 0 is steep": (tg.sqrt, [0.0], [INF]),
    "x**0 is constant, at 0": (lambda x: x ** 0.0, [0.0], [0.0]),
    "x**0 is constant, elsewhere": (lambda x: x ** 0, [-3.0], [0.0]),
    "0**y is constant for y > 0": (lambda x, y: x ** y, [0.0, 2.0], [0.0, 0.0]),
    "0**1 is the line x": (lambda x: x ** 1.0, [0.0], [1.0]),
    "a negative base needs no logarithm": (lambda x: x ** 3.0, [-2.0], [12.0]),
    "logaddexp of two -inf is flat": (tg.logaddexp, [-INF, -INF], [0.0, 0.0]),
    "logaddexp of one -inf is the other": (tg.logaddexp, [-INF, 1.0], [0.0, 1.0]),
}
# The function of a vector: a 1-d Tensor, or (but for std) a list of Values.
VECTORS = {
    "max shares a tie of two": (tg.max, [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
    "max shares a tie of three": (tg.max, [2.0, 2.0, 2.0], [1 / 3, 1 / 3, 1 / 3]),
    "min shares a tie of two": (tg.min, [1.0, 1.0, 3.0], [0.5, 0.5, 0.0]),
    "min shares a tie of three": (tg.min, [0.0, -0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]),
    "norm at 0 is flat": (tg.norm, [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    "norm of one 0 is flat": (tg.norm, [0.0], [0.0]),
    "std of equal numbers is flat": (tg.std, [2.5, 2.5, 2.5], [0.0, 0.0, 0.0]),
    "prod of one 0": (tg.prod, [2.0, 0.0, 3.0], [0.0, 6.0, 0.0]),
    "prod of two zeros": (tg.prod, [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    "logsumexp of all -inf is flat": (tg.logsumexp, [-INF, -INF], [0.0, 0.0]),
    "logsumexp passes over -inf": (tg.logsumexp, [-INF, 0.0, 0.0], [0.0, 0.5, 0.5]),
}
CASES = [(name, "Values", f, xs, expected) for name, (f, xs, expected) in NUMBERS.items()]
CASES += [(name, "Tensors", f, [np.array(x) for x in xs], expected) for name, (f, xs, expected) in NUMBERS.items()]
CASES += [(name, "Values", lambda *values, f=f: f(list(values)), xs, expected)
          for name, (f, xs, expected) in VECTORS.items() if f is not tg.std]
CASES += [(name, "Tensors", lambda *tensors, f=f: f(tg.stack(tensors)), [np.array(x) for x in xs], expected)
          for name, (f, xs, expected) in VECTORS.items()]

each_kink = pytest.mark.parametrize(("function", "xs", "expected"), [case[2:] for case in CASES],
                                    ids=[f"{name}, {family}" for name, family, *_ in CASES])


def numbers(nodes):
    """The data of nodes."""
    return [float(node) for node in nodes]


@each_kink
def test_reverse_mode_follows_the_convention(function, xs, expected):
    """backward(), and the gradient computed as a graph on nodes, have the table's derivative."""
    with np.errstate(all="ignore"):
        assert_array_equal(np.array(backward(function, xs, np.ones(()))[1], float), expected)
        in_graph = tg.grad(function, range(len(xs)))(*nodes_of(xs))
    assert all(isinstance(g, tg.Value | tg.Tensor) for g in in_graph)
    assert_array_equal(numbers(in_graph), expected)


@each_kink
def test_forward_mode_follows_the_convention(function, xs, expected):
    """jvp along each operand alone, on numbers and on nodes, has the table's derivative."""
    for at, derivative in enumerate(expected):
        unit = [np.float64(i == at) if isinstance(x, np.ndarray) else float(i == at) for i, x in enumerate(xs)]
        with np.errstate(all="ignore"):
            assert_array_equal(tg.jvp(function, xs, unit)[1], derivative)
            assert_array_equal(float(tg.jvp(function, nodes_of(xs), unit)[1]), derivative)


@each_kink
def test_the_function_is_continuous_there_or_says_so(function, xs, expected):
    """The result at the kink is that of plain floats: finite, or -inf where all operands are."""
    with np.errstate(all="ignore"):
        result = float(function(*nodes_of(xs)))
    assert math.isfinite(result) or all(float(x) == -INF for x in xs)


# ---- along axes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "sign"), [(tg.max, 1.0), (tg.min, -1.0)], ids=["max", "min"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_ties_along_an_axis_are_shared_within_it(function, sign, keepdims):
    """Each row of a matrix is its own maximum: ties in one do not weigh on the others, in either mode."""
    x = sign * np.array([[1.0, 5.0, 5.0], [2.0, 2.0, 2.0], [0.0, 1.0, 0.0]])
    shares = np.array([[0.0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3], [0.0, 1.0, 0.0]])
    u, v = np.array([1.0, 10.0, 100.0]).reshape((3, 1) if keepdims else (3,)), np.arange(9.0).reshape(3, 3)

    def along_rows(t):
        return function(t, axis=1, keepdims=keepdims)

    assert_allclose(backward(along_rows, [x], u)[1][0], shares * u.reshape(3, 1), rtol=1e-15)
    assert_allclose(tg.jvp(along_rows, (x,), (v,))[1], (shares * v).sum(1, keepdims=keepdims), rtol=1e-15)


@pytest.mark.parametrize(("function", "x"), [
    (tg.norm, np.array([[0.0, 0.0], [3.0, 4.0]])), (tg.std, np.array([[7.0, 7.0], [1.0, -1.0]])),
    (tg.logsumexp, np.array([[-INF, -INF], [0.0, 0.0]])),
])
def test_one_flat_row_leaves_the_others_their_derivatives(function, x):
    """Where one row of a matrix is at its kink, the other row's gradient is what it is alone, and nothing is nan."""
    gradient, = backward(lambda t: function(t, axis=1), [x], np.ones(2))[1]
    assert_array_equal(gradient[0], [0.0, 0.0])
    assert_allclose(gradient[1], backward(function, [x[1]], np.ones(()))[1][0], rtol=1e-15)
    assert np.all(gradient[1] != 0.0)


@pytest.mark.parametrize("function", [tg.clip, tg.max, tg.min, tg.logsumexp, tg.mean], ids=lambda f: f.__name__)
def test_the_derivatives_of_a_choice_among_three_sum_to_one(function):
    """Whatever ties there are, all three raised by h raise the result by h: equal and exchanged bounds of clip too."""
    def of_vector(*numbers):
        return function(list(numbers))

    for xs in itertools.product([0.0, 1.0, 2.0], repeat=3):
        gradient = backward(function if function is tg.clip else of_vector, xs, 1.0)[1]
        assert_allclose(sum(gradient), 1.0, rtol=1e-14, err_msg=str(xs))


def test_where_hands_the_cotangent_to_the_chosen_branch_alone():
    """Elements not chosen have zero gradient, also where the branch not taken is infinite."""
    x, y, chosen = np.array([1.0, INF, 3.0]), np.array([INF, 5.0, 6.0]), np.array([True, False, True])
    gradients = backward(lambda a, b: tg.where(chosen, a, b), [x, y], np.array([1.0, 2.0, 3.0]))[1]
    assert_array_equal(gradients, [[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]])


@pytest.mark.parametrize("condition", [True, False])
def test_where_of_values_takes_one_of_them(condition):
    """A true or false condition chooses between two Values: the derivative by the other is 0, in both modes."""
    def choose(x, y):
        return tg.where(condition, x, y) * 3.0

    assert tg.grad(choose, (0, 1))(1.0, 2.0) == ((3.0, 0.0) if condition else (0.0, 3.0))
    assert tg.jvp(choose, (1.0, 2.0), (1.0, 0.0))[1] == (3.0 if condition else 0.0)


def test_the_safe_form_of_where_keeps_nan_out():
    """log of a branch made safe beforehand has gradient 0 where not chosen; the unsafe form nan, as documented."""
    x = np.array([0.0, 2.0])
    with np.errstate(all="ignore"):
        unsafe, = backward(lambda t: tg.where(t > 0, tg.log(t), 0.0), [x], np.ones(2))[1]
    safe, = backward(lambda t: tg.where(t > 0, tg.log(tg.where(t > 0, t, 1.0)), 0.0), [x], np.ones(2))[1]
    assert_array_equal(unsafe, [math.nan, 0.5])
    assert_array_equal(safe, [0.0, 0.5])


# ---- higher orders ---------------------------------------------------------------------------------------------------

both_families = pytest.mark.parametrize("number", [float, np.array], ids=["Value", "Tensor"])


@both_families
@pytest.mark.parametrize(("exponent", "derivatives"), [
    (0.0, [1.0, 0.0, 0.0, 0.0]), (1.0, [0.0, 1.0, 0.0, 0.0]), (2.0, [0.0, 0.0, 2.0, 0.0]), (3.0, [0.0, 0.0, 0.0, 6.0])])
def test_a_power_at_zero_has_its_derivatives_to_third_order(number, exponent, derivatives):
    """x**n at 0 is a polynomial like any other: its third derivative is no 0 * inf, with n a constant or an operand."""
    zero = number(0.0)
    for function, xs in [(lambda x: x ** exponent, [zero]), (lambda x, y: x ** y, [zero, number(exponent)])]:
        vs = [1.0, 0.0][:len(xs)]
        for derivative in derivatives:
            assert float(function(*xs)) == derivative
            function = along(function, vs)


@both_families
@pytest.mark.parametrize("x", [2.0, 0.5])
def test_the_mixed_derivative_of_a_power_at_exponent_zero(number, x):
    """d/dy d/dx x**y = x**(y-1) (1 + y log x), which is 1/x at y = 0, in either order and either mode."""
    point = [number(x), number(0.0)]
    by_x, by_y = (tg.grad(lambda x, y: x ** y, i) for i in (0, 1))
    assert_allclose(tg.grad(by_x, 1)(*point), 1.0 / x, rtol=1e-15)
    assert_allclose(tg.grad(by_y, 0)(*point), 1.0 / x, rtol=1e-15)
    assert_allclose(tg.jvp(by_x, point, [0.0, 1.0])[1], 1.0 / x, rtol=1e-15)
    assert_allclose(tg.jvp(by_y, point, [1.0, 0.0])[1], 1.0 / x, rtol=1e-15)


@both_families
@pytest.mark.parametrize(("function", "slope"), [
    (tg.relu, 0.0), (tg.abs, 0.0), (tg.sign, 0.0),
    (lambda x: tg.maximum(x, 0.0), 0.5), (lambda x: tg.clip(x, 0.0, 1.0), 1.0),
], ids=["relu", "abs", "sign", "maximum", "clip"])
def test_the_second_derivative_at_a_kink_is_zero(number, function, slope):
    """Lines that meet have curvature 0 on each side, and by convention between; so x f(x) has 2 f' there."""
    assert float(tg.grad(tg.grad(function))(number(0.0))) == 0.0
    assert float(tg.grad(tg.grad(lambda x: function(x) * x))(number(0.0))) == 2.0 * slope
