"""gradcheck: right gradients pass, wrong ones are found to the element, and nothing is left changed behind."""


import numpy as np
import pytest
from gradcheck_examples import W, X, failure, unlisted

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import GraphWarning
from tinygrad_edu.testing import gradcheck

# ---- what passes -----------------------------------------------------------------------------------------------------

RIGHT = {
    "numbers": (lambda x, y: tg.tanh(x * y) + x, 0.5, -1.5),
    "a NumPy number": (tg.exp, np.float64(0.5)),
    "Values": (lambda x, y: x / y, tg.Value(0.5), tg.Value(-1.5)),
    "an array": (lambda x: tg.softmax(x, axis=0), X),
    "a Tensor": (lambda x: (x @ W).sum(axis=0), tg.Tensor(X)),
    "an array of no dimension": (tg.sin, np.array(0.5)),
    "an empty array": (lambda x, y: x.sum() * y, np.zeros((0, 3)), np.array(2.0)),
    "nested inputs": (lambda d: d["w"][0] * d["w"][1] + d["b"], {"w": [1.5, 2.0], "b": -1.0}),
    "nested outputs": (lambda x: {"y": [x * x, x.sum()], "z": 1.0}, X),
    "integers passed on": (lambda x, n: x ** n, X, 2),
    "labels": (lambda x, y: nn.cross_entropy(x, y), X, np.array([0, 3, 1])),
    "a loss": (nn.mse_loss, X, X + 1.0),
    "a sequence of Values": (lambda xs: tg.logsumexp(xs), [0.5, -1.0, 2.0]),
    "a bridge": (lambda xs: tg.Tensor.stack_values(xs) @ np.ones(2), [0.5, -1.0]),
    "a gradient inside": (lambda x: tg.grad(lambda t: (t ** 3).sum())(x), X),
    "large numbers": (lambda x: 1e9 * tg.sin(x), X),
    "small inputs": (tg.log, np.array([1e-4, 2e-3])),
    "a far constant": (lambda x: x + 1e7, X),
    "a constant on paper": (lambda x: tg.log_softmax(tg.stack([tg.log1p(x)] * 3)), np.array(0.875)),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("case", RIGHT)
def test_right_gradients_pass(case, order):
    """Whatever holds numbers is checked, to second order too, without complaint or warning."""
    function, *inputs = RIGHT[case]
    assert gradcheck(function, *inputs, order=order) is True


@pytest.mark.parametrize("order", [1, 2])
def test_modules_are_checked_by_their_parameters(order):
    """As the function, as an argument, or read from elsewhere: the parameters are among what is differentiated by."""
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.Tanh(), nn.Linear(3, 2, rng=1))
    assert gradcheck(model, X, order=order)
    assert gradcheck(lambda module, x: module(x), model, X, order=order)
    assert gradcheck(lambda: nn.cross_entropy(model(X), np.array([0, 1, 1])), order=order)
    assert gradcheck(nn.MLP(2, [3, 1], rng=0), [0.5, -1.0], order=order)


def test_all_is_as_it_was_afterwards():
    """Data, gradients, and graphs that were recorded before: also when the function raises, or the check fails."""
    model = nn.Linear(4, 2, rng=0)
    x, out = tg.Tensor(X), model(X).sum()
    out.backward()
    before = model.state_dict(), [p.grad.copy() for p in model.parameters()]
    calls = []

    def breaks(x):
        calls.append(x)
        if len(calls) > 3:
            raise KeyError("on the way")
        return model(x)

    gradcheck(model, x)
    with pytest.raises(KeyError):
        gradcheck(breaks, x)
    failure(lambda x: model(x.detach()), x)
    assert all(np.array_equal(model.state_dict()[name], data) for name, data in before[0].items())
    assert all(np.array_equal(p.grad, grad) for p, grad in zip(model.parameters(), before[1], strict=True))
    assert x.grad is None
    model(X).sum().backward()
    out.backward()  # not stale


def test_float32_is_checked_in_float64_with_a_warning():
    """Seven digits are too few for a difference; parameters keep their dtype."""
    model = nn.Linear(4, 2, rng=0)
    model.weight.data, model.bias.data = model.weight.data, model.bias.data
    small = X.astype(np.float32)
    with pytest.warns(GraphWarning, match="x is float32") as caught:
        assert gradcheck(lambda x: tg.tanh(x).sum(), small)
    assert [w.filename for w in caught] == [__file__]  # else Python shows the first of all such warnings only
    narrow = tg.Tensor(W.astype(np.float32), label="narrow")
    with pytest.warns(GraphWarning, match="narrow is float32"):
        assert gradcheck(lambda x: x @ narrow, X)
    assert narrow.dtype == np.float32
    assert narrow.data.dtype == np.float32


@pytest.mark.parametrize("function", [
    lambda: gradcheck(tg.abs, np.array([0.0, 1.0])), lambda: gradcheck(tg.maximum, 1.0, 1.0),
    lambda: gradcheck(tg.max, np.ones(2)), lambda: gradcheck(tg.norm, np.zeros(2)),
])
def test_at_a_kink_the_mean_of_the_sides_passes(function):
    """A central difference has it too."""
    assert function()


@pytest.mark.parametrize(("function", "inputs"), [
    (tg.relu, (0.0,)), (lambda x: tg.clip(x, 0.0, 1.0), (1.0,)), (tg.relu, (np.zeros((2, 2)),)),
])
def test_at_a_kink_a_derivative_between_the_sides_passes_with_a_warning(function, inputs):
    """A convention is not an error; that it is one, is said."""
    with pytest.warns(GraphWarning, match="kink") as caught:
        assert gradcheck(function, *inputs)
    assert [w.filename for w in caught] == [__file__]


def test_a_kink_excuses_no_mistake_elsewhere():
    """All are summed into one number of fifty: the slopes of its two sides leave room for a wrong one among them."""
    def wrong(out, x):
        mask = np.ones(x.shape)
        mask[40] = 1.3
        return 2.0 * x * mask

    dented, x = unlisted("dented", wrong), np.concatenate([np.zeros(20), np.linspace(0.5, 2.0, 30)])
    error = failure(lambda x: (tg.relu(x) + dented(x)).sum(), x)
    assert error.element == (40,)
    assert "beside the inputs" in str(error)


@pytest.mark.filterwarnings("ignore:gradcheck. the inputs are at a kink")
@pytest.mark.parametrize(("function", "x"), [
    (lambda x: (tg.relu(x) * np.cos(np.arange(25.0))).sum(), np.zeros(25)),
    (lambda x: tg.abs(x).mean(), np.zeros((6, 6))), (lambda x: tg.max(x, axis=0), np.ones((5, 5))),
    (tg.norm, np.zeros(3)), (lambda x: tg.clip(x, -1.0, 1.0).sum(), np.ones(40)),
])
def test_right_rules_pass_where_many_kinks_meet(function, x):
    """In second order too, where at a kink there is nothing to measure: beside it there is."""
    assert gradcheck(function, x, order=2)


def test_a_function_that_jumps_has_no_derivative():
    """Next to a jump the slope of one side is without bound, and would excuse whatever is claimed."""
    assert failure(lambda x: 2.0 * x * x if x.data > 1.0 else 3.0 * x, 1.0).cause == "discontinuous"
    assert failure(tg.sign, 0.0).cause == "discontinuous"


def test_many_relus_are_no_mistake():
    """Some of sixteen thousand change sides within any long step."""
    model = nn.Sequential(nn.Linear(64, 512, rng=0), nn.ReLU(), nn.Linear(512, 10, rng=1))
    calls = []

    def function(x):
        calls.append(1)
        return model(x)

    assert gradcheck(function, np.random.default_rng(3).normal(size=(32, 64)))
    assert len(calls) <= 30


@pytest.mark.parametrize("x", [1e-5, 1e-8, 1e-12])
def test_next_to_the_end_of_a_domain_the_step_shrinks_until_it_stays_inside(x):
    """A logarithm has a derivative as long as its number is positive."""
    assert gradcheck(lambda x: tg.log(x) + tg.sqrt(x), np.array([x, 0.5]))
    assert failure(lambda x: tg.log(x) + unlisted("w", lambda out, x: 1.01 / x, np.log)(x), x).cause == "scaled"


@pytest.mark.parametrize(("function", "x", "message"), [
    (lambda x: 1e-12 * x * x, X, "give a smaller atol"), (lambda x: x * x, 1e-9, "give a smaller atol"),
    (lambda x: x * x + 1e12, X, "moderate size"), (lambda x: x * x, 1e13, "moderate size"),
])
def test_what_could_not_be_told_from_a_mistake_is_said(function, x, message):
    """Tiny derivatives are within atol, and of a small part of a large number too few digits are left."""
    with pytest.warns(GraphWarning, match=message) as caught:
        assert gradcheck(function, x)
    assert caught[0].filename == __file__


def test_a_step_from_a_large_number_is_rounded_itself():
    """From 1e8 a thousandth has seven digits: this is no mistake of the function."""
    assert gradcheck(tg.sin, 1e8)


@pytest.mark.parametrize(("function", "inputs"), [
    (tg.relu, (np.array([0.0, 1.0]),)), (lambda x, y: [tg.relu(x), x * y, y * y], (0.0, 2.0)),
], ids=["numbers of one result", "several results"])
def test_beside_a_kink_what_is_smooth_is_checked_as_ever(function, inputs):
    """The numbers with a kink are told from those without, which must be right."""
    with pytest.warns(GraphWarning, match="kink"):
        assert gradcheck(function, *inputs)
    wrong = unlisted("wrong", lambda out, x: 2.1 * x)
    failure(lambda *inputs: [function(*inputs), wrong(inputs[0] + 1.0)], *inputs)


@pytest.mark.parametrize("distance", [1e-3, 3e-5, 1e-6])
def test_next_to_a_kink_the_step_shrinks_until_it_does_not_cross_it(distance):
    """relu and abs right beside 0 have the slopes of their side."""
    assert gradcheck(lambda x: tg.relu(x) + tg.abs(x), np.array([distance, -2.0 * distance]))


# ---- cost ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
def test_a_function_of_a_million_numbers_is_called_thirty_times_at_the_most(order):
    """Counted, not timed, and with both modes."""
    calls = []

    def function(x):
        calls.append(1)
        return (tg.tanh(x) * x).sum()

    assert gradcheck(function, np.random.default_rng(0).normal(size=1_000_000), modes=("reverse", "forward"))
    assert len(calls) <= 30
    calls.clear()
    assert gradcheck(function, np.random.default_rng(0).normal(size=2_000), order=order)
    assert len(calls) <= 30 * order


@pytest.mark.filterwarnings("ignore:gradcheck. a derivative was measured")
@pytest.mark.parametrize("function", [lambda x: 1e8 + tg.tanh(x), lambda x: tg.exp(30.0 * x)])
def test_neither_is_one_that_can_hardly_be_measured(function):
    """A second look at what is lost in rounding is within the thirty calls."""
    calls = []
    assert gradcheck(lambda x: (calls.append(1), function(x))[1], np.random.default_rng(0).normal(size=2_000))
    assert len(calls) <= 30
