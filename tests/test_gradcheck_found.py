"""gradcheck on wrong gradients: found to the element, told with the cause; and what it cannot check."""

import math

import numpy as np
import pytest
from gradcheck_examples import X, failure, unlisted

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.ops.array_row import Linear, row
from tinygrad_edu.ops.row import Elementwise
from tinygrad_edu.testing import GradientError, gradcheck

# ---- what is found ---------------------------------------------------------------------------------------------------


def test_an_error_in_one_element_of_twelve_is_found_and_named():
    """The element, both numbers, their ratio and the mode are in the message, and are attributes."""
    def wrong(out, x):
        mask = np.ones(x.shape)
        mask[1, 2] = 1.01
        return 2.0 * x * mask

    error = failure(unlisted("dented", wrong), X)
    assert (error.input, error.element, error.mode, error.order) == ("x", (1, 2), "reverse", 1)
    assert math.isclose(error.analytic, 2.02 * X[1, 2])
    assert math.isclose(error.numeric, 2.0 * X[1, 2], rel_tol=1e-6)
    assert math.isclose(error.ratio, 1.01, rel_tol=1e-6)
    assert "x[1, 2]" in str(error)
    assert "ratio 1.01" in str(error)


def test_an_error_that_a_projection_loses_is_found_by_looking_at_single_elements():
    """Eleven derivatives of a million leave room for a wrong one of two; along its own axis there is none."""
    def wrong(out, x):
        mask = np.ones(x.shape)
        mask[7] = 1.01
        return 2.0 * x * mask

    weight = np.full(12, 1e6)
    weight[7] = 1.0
    dented = unlisted("dented", wrong)
    error = failure(lambda x: (weight * dented(x)).sum(), np.ones(12))
    assert error.element == (7,)
    assert math.isclose(error.ratio, 1.01, rel_tol=1e-4)


def test_one_wrong_element_of_a_hundred_thousand_is_hunted_down():
    """By halving what moves: some dozens of calls, not a hundred thousand."""
    @row(Linear, lambda g, x: np.where(np.arange(x.size) == 54_321, -g, g), listed=False)
    def turned(x, /):
        """x, but for the sign of one gradient."""
        return x * 1.0

    calls = []

    def function(x):
        calls.append(1)
        return turned(x)

    error = failure(function, np.random.default_rng(0).normal(size=100_000), modes=("reverse",))
    assert error.element == (54_321,)
    assert len(calls) < 600


def test_the_wrong_one_of_several_inputs_is_named():
    """By the function's own names, by position in nested inputs, by the module's, by the label."""
    wrong = unlisted("wrong", lambda out, x: 2.1 * x)
    assert failure(lambda left, right: left * wrong(right), 1.5, -0.5).input == "right"
    assert failure(lambda d: d["a"][0] * wrong(d["a"][1]), {"a": [1.5, -0.5]}).input == "d['a'][1]"
    model = nn.Sequential(nn.Linear(4, 2, rng=0), wrong)
    assert failure(model, X).input in ("0.weight", "0.bias", "x")
    assert failure(lambda layer, x: layer(x) + wrong(layer.bias), nn.Linear(4, 2, rng=0), X).input == "layer.bias"
    offset = tg.Tensor(np.ones(4), label="offset")
    assert failure(lambda x: x + wrong(offset), X).input == "offset"


def test_forward_mode_is_checked_too():
    """A row whose tangent is wrong fails in forward mode, and passes where that is not asked for."""
    class Slanted(Elementwise):
        def jvp(self, out, arguments, tangents, params):
            return 1.01 * super().jvp(out, arguments, tangents, params)

    slanted = Slanted("slanted", math.sin, np.sin, lambda out, x: tg.cos(x), domain=[[(-2.0, 2.0)]], listed=False,
                      doc="")
    assert failure(slanted, X).mode == "forward"
    assert gradcheck(slanted, X, modes=("reverse",))


def test_a_rule_cut_off_from_the_graph_is_found_in_second_order():
    """The first derivative is right, and has none itself."""
    cut = unlisted("cut", lambda out, x: 2.0 * (x.data if isinstance(x, (tg.Value, tg.Tensor)) else x))
    assert gradcheck(cut, X)
    error = failure(cut, X, order=2)
    assert error.order == 2
    assert "second derivative" in str(error)


@pytest.mark.parametrize("function", [
    lambda x: x.detach() * x,
    lambda x: tg.Value(math.sin(x.data)) * x,
    lambda x: x * float(x),
    lambda x: math.sin(x),
], ids=["detach", "data", "float", "all of it"])
def test_a_number_that_leaves_the_graph_is_found_and_the_reader_named(function):
    """A complex step through the graph would take it for a constant; the function itself tells."""
    error = failure(function, 1.5)
    assert error.cause == "detached"
    assert "moves with the inputs" in str(error)


def test_a_constant_nan_is_no_number_that_moves():
    """A nan that the graph reads, and nobody chooses, is the same at every point."""
    wrong = unlisted("wrong", lambda out, x: 2.1 * x)
    assert failure(lambda x: tg.where(True, wrong(x), math.nan), 1.5).cause == "scaled"


def test_under_no_grad_there_is_no_gradient():
    """A result that is a constant, though it moves."""
    def function(x):
        with tg.no_grad():
            return x * x

    assert failure(function, 1.5).cause == "detached"


def test_a_ratio_is_shown_where_it_says_something():
    """Not of a derivative that is 0."""
    assert "ratio" not in str(failure(lambda x: math.sin(x), 1.5))
    assert "tg.sin" in str(failure(lambda x: math.sin(x), 1.5))


def test_a_broken_operation_of_a_user_does_not_hinder_the_diagnosis_of_another():
    """In a notebook, or in homework, the table holds rules that raise; only built-in functions are guessed at."""
    try:
        @tg.operation(lambda out, x: None)
        def broken(x):
            return np.sin(x)

        assert failure(unlisted("tanh", lambda out, x: 1.0 - out, np.tanh), X).cause == "unknown"
    finally:
        del tg.TABLE["broken"]


def test_one_mode_is_given_by_its_name():
    """As a word, without a tuple around it."""
    assert gradcheck(tg.tanh, 0.5, modes="forward")


def test_gradcheck_records_whatever_the_surroundings_say():
    """Called under no_grad() it checks the function as it is elsewhere."""
    with tg.no_grad():
        assert gradcheck(tg.tanh, X)


# ---- what cannot be checked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: gradcheck(lambda x: x, 3), DataError, "nothing to differentiate by.*2.0 for 2"),
    (lambda: gradcheck(lambda x: None, 3.0), DataError, "returned NoneType.*return missing"),
    (lambda: gradcheck(lambda x: "text", 3.0), DataError, "returned str, not numbers$"),
    (lambda: gradcheck(lambda x: [], 3.0), DataError, r"returned \[\].*no number"),
    (lambda: gradcheck(lambda x: np.array([x * 2.0], object), 3.0), DataError, "array of object.*stack_values"),
    (lambda: gradcheck(lambda x: [x, np.complex128(1j)], 3.0), DataError, "complex128, not of real numbers"),
    (lambda: gradcheck(tg.tanh(tg.Value(3.0)), 3.0), DataError, r"not its result \(Value\): gradcheck\(f, x\)"),
    (lambda: gradcheck(lambda x: x * np.random.default_rng().normal(), 3.0), GradientError, "two calls.*rng"),
    (lambda: gradcheck(tg.sqrt, 0.0), GradientError, "undefined nearby"),
    (lambda: gradcheck(lambda x: x, 3.0, order=3), ValueError, "order is 1 or 2"),
    (lambda: gradcheck(lambda x: x, 3.0, modes=("sideways",)), ValueError, "modes are among"),
    (lambda: gradcheck(lambda x: x, 3.0, modes=()), ValueError, "modes are among"),
])
def test_what_cannot_be_checked_is_said(call, error, message):
    """Nothing passes for want of something to check."""
    with pytest.raises(error, match=message):
        call()
